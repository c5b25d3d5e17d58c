package config

import (
	"slices"
	"strings"
	"testing"
)

func TestParseProperties(t *testing.T) {
	const text = "\ufeff# a comment \\\n! another\n\n  a=1\r\nb : two words \nc\tthree\rd=\ne=x\\\n   y\\\n\n" +
		"f\\=g\\:h\\ i==j:k\n# g=no\nh=\\u0041\\t\\\\\\q\\n\nk=\\ud83d\\ude00\nl=c:\\\\x\\\\\nlast=end\\"
	want := []Setting{
		{"a", "1", "p:4"}, {"b", "two words ", "p:5"}, {"c", "three", "p:6"}, {"d", "", "p:7"}, {"e", "xy", "p:8"},
		{"f=g:h i", "=j:k", "p:11"}, {"h", "A\t\\q\n", "p:13"}, {"k", "😀", "p:14"}, {"l", `c:\x\`, "p:15"},
		{"last", "end", "p:16"},
	}
	got, err := ParseProperties("p", []byte(text))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
}

func TestParsePropertiesRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a=1\nnonsense":     `p:2: "nonsense" has no value`,
		"a=\\u12":           `p:1: \u wants four hexadecimal digits`,
		"a=\\u00zz":         `p:1: \u wants four hexadecimal digits`,
		"a=\\ud83d":         `p:1: \uD83D is half of a surrogate pair`,
		"a=\\ud83d\\u0041":  `p:1: \uD83D is half of a surrogate pair`,
		"#\n#\na=\xff\xfe":  `p:3: "\xff\xfe" is not UTF-8`,
		"a=\x00":            `p:1: "\x00" holds a NUL byte`,
		"a=\\u0000":         `p:1: \u0000 is not allowed`,
		"=1":                `p:1: "=1" has no key`,
		"a=1\\\n2\n\n=\\\n": `p:4: "=" has no key`,
	} {
		if _, err := ParseProperties("p", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzParseProperties: any input is parsed or refused with its line, and what was parsed survives being written.
func FuzzParseProperties(f *testing.F) {
	for _, seed := range []string{"a=b", "a\\ b: c\\\n d", "# x\n!y\nz=\\u00e9\\ud83d\\ude00",
		"a=\\", "\\\n\\\n=", "k\f v"} {
		f.Add([]byte(seed))
	}
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\f", `\f`, " ", `\ `, "=", `\=`,
		":", `\:`, "#", `\#`, "!", `\!`)
	f.Fuzz(func(t *testing.T, content []byte) {
		settings, err := ParseProperties("p", content)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "p:") {
				t.Fatalf("an error without its line: %v", err)
			}
			return
		}
		var written strings.Builder
		for _, s := range settings {
			written.WriteString(escape.Replace(s.Key) + "=" + escape.Replace(s.Value) + "\n")
		}
		again, err := ParseProperties("p", []byte(written.String()))
		same := func(a, b Setting) bool { return a.Key == b.Key && a.Value == b.Value }
		if err != nil || !slices.EqualFunc(settings, again, same) {
			t.Fatalf("%q became %q: %v", settings, again, err)
		}
	})
}
