package page

import (
	"bytes"
	"maps"
	"regexp"
	"strings"
	"testing"

	"tailrace/loadgen/result"
)

var tags = regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)

// skeleton is the sequence of a page's tags, without their attributes.
func skeleton(text string) string {
	var b strings.Builder
	for _, tag := range tags.FindAllString(text, -1) {
		b.WriteString(strings.Trim(strings.Fields(tag)[0], "<>") + "\n")
	}
	return b.String()
}

// spread puts a text wherever a run holds text that comes from outside.
func spread(t testing.TB, base *result.Run, text string) string {
	t.Helper()
	run := *base
	r := &run
	r.Settings = maps.Clone(base.Settings)
	r.Settings["label"], r.Settings["topic"], r.Settings["of another version"] = text, text, text
	r.ID, r.Label, r.Topic, r.Interrupted, r.Partial = text, text, text, text, true
	r.Command = []string{"loadgen", text}
	r.Errors = map[string]int64{text: 3}
	r.Extra = map[string]float64{text: 1}
	r.Versions = map[string]string{text: text}
	r.Broker.Address, r.Broker.Software, r.Broker.ClusterID, r.Broker.Durability = text, text, text, text
	r.Broker.Own = false
	r.Machine.Host, r.Machine.CPU, r.Machine.Kernel, r.Machine.Device = text, text, text, text
	r.Verdict = result.Verdict{Sentence: text, Bound: result.BoundBroker, Why: text, Warnings: []string{text}}
	var b bytes.Buffer
	if err := Report(&b, r); err != nil {
		t.Fatal(err)
	}
	chart := Curves(text, []Curve{{Name: text, Style: Response, Records: 2, Points: []Point{{1, 1}, {2, 3}}}})
	other := Plot{Label: text, Height: 200, X: Linear(text, 1, nil), Y: Linear(text, 1, nil), Empty: text,
		Marks: []Mark{{0.5, text}}, Bands: []Band{{Name: text, Style: Broker}}}
	d := &Document{Sections: []Section{{Title: text, Figures: []Figure{chart, {SVG: other.SVG(), Caption: text,
		Group: text,
		At:    []float64{1}, Text: []string{text}}}, Tables: []Table{{Caption: text, Head: []string{text},
		Rows: []Row{Texts(text, text)}, Note: text}}}}}
	if err := d.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hostile are texts that would be markup, script or style if they could.
var hostile = []string{
	`</title><script>alert(1)</script>`, `"><img src=http://127.0.0.1:1/x onerror=alert(1)>`, `' onload='alert(1)`,
	`</script><script>fetch("//x")</script>`, `<!--`, `-->`, `]]></svg><script>`, "</style><style>*{background:url(//x)}",
	"javascript:alert(1)", "{{.}}", "\u2028\x00\xff</p>", `</text><foreignObject>`,
}

// TestHostileText changes nothing of a page but its text.
func TestHostileText(t *testing.T) {
	base := small.run(t)
	want := skeleton(spread(t, base, "x"))
	for _, text := range hostile {
		if got := skeleton(spread(t, base, "x"+text)); got != want {
			t.Errorf("%q has changed the tags of the page", text)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	base := shape{}.run(f) // without latencies, whose charts hold no text but ours
	want := skeleton(spread(f, base, "x"))
	f.Fuzz(func(t *testing.T, text string) {
		if got := skeleton(spread(t, base, "x"+text)); got != want {
			t.Errorf("%q has changed the tags of the page", text)
		}
	})
}
