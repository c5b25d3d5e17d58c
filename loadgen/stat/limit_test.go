package stat

import (
	"math"
	"strings"
	"testing"
)

// known is a comparison with figures that are easy to think about.
func known() *Comparison {
	row := func(name string, kind Kind, percentile, a, b, low, high float64, v Verdict) Row {
		return Row{Name: name, Kind: kind, Percentile: percentile, A: a, B: b, Ratio: b / a, Low: low, High: high,
			Verdict: v}
	}
	return &Comparison{A: "before", B: "after", Method: Repeats, RunsA: 5, RunsB: 5, Rows: []Row{
		row("p50", Latency, 50, 2e6, 2.04e6, 0.97, 1.08, Same),
		row("p99", Latency, 99, 4e6, 4.72e6, 1.09, 1.31, Worse),
		row("p99.9", Latency, 99.9, 9e6, 45e6, 3.1, 7.2, Worse),
		row("max", Latency, 100, 20e6, 60e6, math.NaN(), math.NaN(), Unjudged),
		row("throughput", Throughput, 0, 10_000, 9_000, 0.88, 0.92, Worse),
		row("cpu", CPU, 0, 2000, 1600, 0.75, 0.85, Better),
	}}
}

func TestSentence(t *testing.T) {
	c := known()
	want := "after is slower than before: p99 +18 % [+9.0 %, +31 %]; " +
		"p99.9 ×5.00 [+210 %, ×7.20]; records/s −10 % [−12 %, −8.0 %]; broker CPU/record −20 % [−25 %, −15 %]."
	if got := c.Sentence(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	c.Rows[0].Verdict, c.Rows[1].Verdict, c.Rows[2].Verdict = Better, Same, Same
	if got := c.Sentence(); !strings.HasPrefix(got, "after is faster than before: p50 +2.0 % [−3.0 %, +8.0 %]; rec") {
		t.Error(got)
	}
	c.Rows[1].Verdict = Worse
	if got := c.Sentence(); !strings.HasPrefix(got, "after is slower than before at some percentiles and faster at ") {
		t.Error(got)
	}
	c.Method = Blocks
	if got := c.Sentence(); !strings.HasPrefix(got, "In these two runs after was slower") {
		t.Error(got)
	}
	for i := range c.Rows {
		if c.Rows[i].Judged() {
			c.Rows[i].Verdict = Same
		}
	}
	want = "No difference that these runs could show: after against before lies within p50 [−3.0 %, +8.0 %], " +
		"p99 [+9.0 %, +31 %], p99.9 [+210 %, ×7.20]."
	if got := c.Sentence(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestPercent(t *testing.T) {
	for ratio, want := range map[float64]string{1: "0 %", 1.0004: "0 %", 1.012: "+1.2 %", 0.5: "−50 %", 3.5: "+250 %",
		4: "×4.00", 0.2: "÷5.00", 25: "×25.0", 321: "×321", 1e20: "×1000 or more", 1e-9: "÷1000 or more"} {
		if got := Percent(ratio); got != want {
			t.Errorf("%v is %s, want %s", ratio, got, want)
		}
	}
}

func TestLimits(t *testing.T) {
	c := known()
	for text, holds := range map[string]bool{
		"p99>+10%":           true, // the interval begins at +9 %
		"p99>+5%":            false,
		"p99 > 5%":           false,
		"p50>+1%":            true,
		"p99>4.5ms":          false,
		"p99>5ms":            true,
		"max>50ms":           false,
		"max>1s":             true,
		"throughput<-5%":     false,
		"throughput<-10%":    true,
		"throughput<9.5k/s":  false,
		"throughput<9000":    true,
		"cpu>1us":            false,
		"cpu<-10%":           false,
		"p99.9>+300%":        true,
		"p99.90>+200%":       false,
		"p50>1s or p99>4ms":  false,
		"p50>1s || p99>40ms": true,
	} {
		limits, err := ParseLimits(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		all := true
		for _, l := range limits {
			ok, told, err := l.Holds(c)
			if err != nil || told == "" {
				t.Errorf("%s: %v", text, err)
			}
			all = all && ok
		}
		if all != holds {
			t.Errorf("%s holds: %v, want %v", text, all, holds)
		}
	}
}

func TestWrongLimits(t *testing.T) {
	for text, want := range map[string]string{
		"":               "is no threshold",
		"p99":            "is no threshold",
		"p99>":           "is no threshold",
		"q99>5ms":        "is no threshold",
		"p99>5":          "no unit",
		"p99>+x%":        "no change",
		"p0>5ms":         "no percentile",
		"p100>5ms":       "no percentile",
		"max>+10%":       "has no interval",
		"throughput<5ms": "no unit",
		"p99>5ms or":     "no unit",
	} {
		if _, err := ParseLimits(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
	c := known()
	c.Rows[1].Verdict, c.Rows[1].Note, c.Rows[0].B = Unjudged, "n too small: 10 records a run, 1000 are needed", math.NaN()
	for text, want := range map[string]string{"p99>+10%": "n too small", "p50>5ms": "was not measured",
		"p75>5ms": "has no p75"} {
		limits, err := ParseLimits(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := limits[0].Holds(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}

// FuzzParseLimits: whatever is written, a limit that is read names a row and can be judged or refused.
func FuzzParseLimits(f *testing.F) {
	for _, text := range []string{"p99>+10%", "p99.9<5ms or max>1s", "throughput<-5%", "cpu>3us", "p1e1>1s", "p99>NaN%"} {
		f.Add(text)
	}
	c := known()
	f.Fuzz(func(t *testing.T, text string) {
		limits, err := ParseLimits(text)
		if err != nil {
			return
		}
		for _, l := range limits {
			if l.Row == "" || math.IsNaN(l.Value) || math.IsNaN(l.Percentile) {
				t.Errorf("%q: %+v", text, l)
			}
			if _, told, err := l.Holds(c); (err == nil) == (told == "") {
				t.Errorf("%q: told %q, error %v", text, told, err)
			}
		}
	})
}
