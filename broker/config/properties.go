package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Setting is one key with its text, and where it stands: "server.properties:12", "KAFKA_LOG_DIRS", "--data".
type Setting struct{ Key, Value, Where string }

// ParseProperties reads Java's .properties form: comments with # or !, a key ended by =, : or white space, lines
// continued by a trailing backslash, and the escapes \t \n \r \f \uXXXX (any other escaped character is itself).
//
// It is stricter than java.util.Properties where that would hide a mistake: a key without a separator, a broken \u
// escape, an unpaired surrogate, bytes that are not UTF-8 and NUL are errors. name is used in errors, which read
// "server.properties:12: …". Settings come in file order, repeated keys included.
func ParseProperties(name string, content []byte) ([]Setting, error) {
	text := strings.TrimPrefix(string(content), "\ufeff")
	p := propertiesReader{rest: text}
	var settings []Setting
	for p.nextLine() {
		key, value, err := splitProperty(p.line)
		if err == nil {
			s := Setting{Where: name + ":" + strconv.Itoa(p.start)}
			if s.Key, err = unescape(key); err == nil {
				s.Value, err = unescape(value)
			}
			settings = append(settings, s)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, p.start, err)
		}
	}
	return settings, nil
}

// propertiesReader yields logical lines: comments and blank lines dropped, continuations joined.
type propertiesReader struct {
	rest      string
	line      string // the logical line, still escaped
	start, at int    // line numbers: where it began, the last one read
}

func (p *propertiesReader) nextLine() bool {
	for p.rest != "" {
		text := strings.TrimLeft(p.physical(), " \t\f")
		if text == "" || text == `\` || text[0] == '#' || text[0] == '!' {
			continue // a backslash alone continues nothing
		}
		p.start = p.at
		var joined strings.Builder
		for continued(text) {
			joined.WriteString(text[:len(text)-1])
			if text = ""; p.rest == "" {
				break
			}
			text = strings.TrimLeft(p.physical(), " \t\f")
		}
		joined.WriteString(text)
		if p.line = joined.String(); p.line != "" {
			return true
		}
	}
	return false
}

// physical cuts one line off; \n, \r and \r\n end it.
func (p *propertiesReader) physical() string {
	p.at++
	end := strings.IndexAny(p.rest, "\r\n")
	if end < 0 {
		line := p.rest
		p.rest = ""
		return line
	}
	line := p.rest[:end]
	if strings.HasPrefix(p.rest[end:], "\r\n") {
		end++
	}
	p.rest = p.rest[end+1:]
	return line
}

// continued reports an odd number of backslashes at the end.
func continued(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// splitProperty finds the first separator that no backslash protects.
func splitProperty(line string) (key, value string, err error) {
	end := 0
	for end < len(line) && !strings.ContainsRune("=: \t\f", rune(line[end])) {
		if line[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(line) {
		return "", "", fmt.Errorf("%q has no value: write key=value", line)
	}
	value = strings.TrimLeft(line[end:], " \t\f")
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], " \t\f")
	}
	if end == 0 {
		return "", "", fmt.Errorf("%q has no key: write key=value", line)
	}
	return line[:end], value, nil
}

func unescape(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", fmt.Errorf("%q is not UTF-8", text)
	}
	if strings.IndexByte(text, 0) >= 0 {
		return "", fmt.Errorf("%q holds a NUL byte", text)
	}
	if !strings.Contains(text, `\`) {
		return text, nil
	}
	var out strings.Builder
	for text != "" {
		if text[0] != '\\' || len(text) == 1 {
			out.WriteByte(text[0])
			text = text[1:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text[1:])
		text = text[1+size:]
		switch r {
		case 't':
			r = '\t'
		case 'n':
			r = '\n'
		case 'r':
			r = '\r'
		case 'f':
			r = '\f'
		case 'u':
			var err error
			if r, text, err = unicodeEscape(text); err != nil {
				return "", err
			}
		}
		out.WriteRune(r)
	}
	return out.String(), nil
}

// unicodeEscape reads what follows \u; a high surrogate takes the \uXXXX after it.
func unicodeEscape(text string) (rune, string, error) {
	first, rest, err := hex4(text)
	if err != nil {
		return 0, "", err
	}
	if first == 0 {
		return 0, "", fmt.Errorf(`\u0000 is not allowed`)
	}
	if !utf16.IsSurrogate(first) {
		return first, rest, nil
	}
	if low, ok := strings.CutPrefix(rest, `\u`); ok {
		second, after, err := hex4(low)
		if err != nil {
			return 0, "", err
		}
		if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
			return r, after, nil
		}
	}
	return 0, "", fmt.Errorf(`\u%04X is half of a surrogate pair`, first)
}

func hex4(text string) (rune, string, error) {
	if len(text) >= 4 && strings.Trim(text[:4], "0123456789abcdefABCDEF") == "" {
		n, err := strconv.ParseUint(text[:4], 16, 16)
		return rune(n), text[4:], err
	}
	return 0, "", fmt.Errorf(`\u wants four hexadecimal digits, found %.6q`, text)
}
