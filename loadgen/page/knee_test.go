package page

import (
	"bytes"
	"strings"
	"testing"
)

func hockeyStick(text string) *Knee {
	k := &Knee{Name: text, About: text, Verdict: text + " meet p99<10ms.", Notes: []string{text}, Goal: "p99<10ms" + text,
		GoalMs: 10, Watched: "99", Rate: 24_000}
	for _, p := range [][4]float64{{16_000, 16_000, 1.1, 3}, {1000, 1000, 0.8, 2}, {24_000, 24_000, 1.5, 8.2},
		{32_000, 27_100, 900, 2600}, {4000, 4000, 0.9, 2.1}} {
		k.Points = append(k.Points, KneePoint{Rate: p[0], Achieved: p[1], Good: p[3] < 10, Why: text,
			Latency: map[string]float64{"50": p[2], "99": p[3]}})
	}
	return k
}

func TestKneePage(t *testing.T) {
	draw := func(k *Knee) string {
		var b bytes.Buffer
		if err := KneePage(&b, k); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	k := hockeyStick("x")
	text := draw(k)
	for _, want := range []string{"<h1>x meet p99&lt;10ms.</h1>", ">24,000 records/s</text>", ">goal p99&lt;10msx</text>",
		`<tr class="strong"><th scope="row">24,000</th>`, `<td class="bad">too high</td>`, ">2.60 s</td>"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	if first, last := strings.Index(text, ">1,000</th>"), strings.Index(text, ">32,000</th>"); first < 0 || last < first {
		t.Errorf("the rates are not in order")
	}
	if k.Points[0].Rate != 16_000 {
		t.Error("the points of the caller were sorted")
	}
	golden(t, "knee.svg", string(bend(hockeyStick(""), sorted(k.Points)).SVG()))
	for _, text := range hostile {
		if skeleton(draw(hockeyStick("x"+text))) != skeleton(draw(k)) {
			t.Errorf("%q has changed the tags of the page", text)
		}
	}
	if text := draw(&Knee{Verdict: "No rate meets it."}); !strings.Contains(text, "Nothing was measured") {
		t.Error("a search without a measurement has no page")
	}
}
