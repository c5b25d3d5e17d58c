package page

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"tailrace/loadgen/result"
)

// differs is a comparison with a row of every kind.
func differs(name string) Difference {
	return Difference{A: "before", B: name, Sentence: name + " is slower: p99 +18 % [+9 %, +31 %].", Rows: []Change{
		{Name: "p50", A: "2.10 ms", B: "2.08 ms", Ratio: 0.99, Low: 0.96, High: 1.02, Verdict: "~"},
		{Name: "p99", A: "9.00 ms", B: "10.6 ms", Ratio: 1.18, Low: 1.09, High: 1.31, Verdict: "worse"},
		{Name: "p99.99", A: "60.0 ms", B: "90.0 ms", Ratio: 1.5, Low: math.NaN(), High: math.NaN(), Note: "n too small"},
		{Name: "throughput", A: "9,000/s", B: "9,400/s", Ratio: 1.044, Low: 1.03, High: 1.06, Verdict: "better"},
	}, Notes: []string{"five repeats or more find smaller differences"}}
}

func TestIntervals(t *testing.T) {
	f := differs("after")
	figure, ok := intervals(&f)
	if !ok {
		t.Fatal("there is no figure")
	}
	golden(t, "intervals.svg", string(figure.SVG))
	f.Rows = f.Rows[2:3]
	if _, ok := intervals(&f); ok {
		t.Error("a figure was drawn of a row that has no interval")
	}
}

func compared(t *testing.T, name string) string {
	t.Helper()
	other := small
	other.settings = map[string]string{"rate": "4", "duration": "6s", "warmup": "2s", "label": name}
	a, b := small.run(t), other.run(t)
	b.Settings["topic"] = name
	var page bytes.Buffer
	err := Compare(&page, &Compared{
		Sides:       []Side{{"before", []*result.Run{a, small.run(t)}}, {name, []*result.Run{b}}, {"nothing", nil}},
		Differences: []Difference{differs(name)}, Failed: []string{"p99>+10%: " + name},
	})
	if err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// TestCompare: the verdict is there, and the table, and what was set differently, and no more than that.
func TestCompare(t *testing.T) {
	text := compared(t, "after")
	for _, want := range []string{"<h1>after is slower: p99 &#43;18 % [&#43;9 %, &#43;31 %].</h1>", "A threshold failed.",
		`<td class="bad">worse</td>`, `<td class="good">better</td>`, `<td class="dim">n too small</td>`,
		`[&#43;9.0 %, &#43;31 %]`, `<th scope="row">rate</th><td>3</td><td>4</td>`, `class="band s1"`, "five repeats"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	if strings.Contains(text, `<th scope="row">duration</th>`) {
		t.Error("a setting that is alike is listed as different")
	}
	want := skeleton(compared(t, "x"))
	for _, name := range hostile {
		if skeleton(compared(t, "x"+name)) != want {
			t.Errorf("%q has changed the tags of the page", name)
		}
	}
}

func TestChangeText(t *testing.T) {
	for ratio, want := range map[float64]string{1: "0 %", 1.18: "+18 %", 0.97: "−3.0 %", 5.2: "×5.20", math.NaN(): ""} {
		if got := change(ratio); got != want {
			t.Errorf("a ratio of %v is told as %q, want %q", ratio, got, want)
		}
	}
}

// TestSecretsAreVeiled: a page is passed on; what is in a password property is not.
func TestSecretsAreVeiled(t *testing.T) {
	r := small.run(t)
	r.Settings["property"] = "sasl.jaas.config=Login required username=\"u\" password=\"hush1\";\n" +
		"ssl.key.password=hush2\nx=1"
	r.Command = []string{"loadgen", "run", "-X", "sasl.jaas.config=Login required password=\"hush3\";", "-X",
		"ssl.key.password=hush4", "--rate", "3"}
	var b bytes.Buffer
	if err := Report(&b, r); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "hush") || strings.Count(b.String(), "[not shown]") < 4 {
		t.Error("a password is on the page")
	}
	if !strings.Contains(b.String(), "--rate 3") || !strings.Contains(b.String(), "x=1") {
		t.Error("more than the passwords was taken away")
	}
}
