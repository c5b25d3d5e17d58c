package stat

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// TestStudent against the printed tables.
func TestStudent(t *testing.T) {
	for _, c := range []struct{ p, degrees, want float64 }{
		{0.975, 1, 12.7062}, {0.975, 4, 2.7764}, {0.975, 18, 2.1009}, {0.995, 9, 3.2498}, {0.9995, 5, 6.8688},
		{0.95, 2.5, 2.5582}, {0.975, 1e6, 1.95997},
	} {
		if got := studentQuantile(c.p, c.degrees); math.Abs(got-c.want) > 2e-4*c.want {
			t.Errorf("t(%v; %v) = %.5f, want %v", c.p, c.degrees, got, c.want)
		}
	}
}

// TestPercentilesAreThoseOfHDR: of histograms merged here as of those merged by the library.
func TestPercentilesAreThoseOfHDR(t *testing.T) {
	rng, all := rand.New(rand.NewPCG(1, 2)), hdr.New(1000, 3_600_000_000_000, 3)
	var parts []Hist
	for range 5 {
		h := hdr.New(1000, 3_600_000_000_000, 3)
		for range 1 + rng.IntN(3000) {
			v := 1000 + int64(rng.ExpFloat64()*1e7)
			if err := h.RecordValue(v); err != nil {
				t.Fatal(err)
			}
		}
		all.Merge(h)
		parts = append(parts, FromHDR(h))
	}
	list := []float64{0.001, 50, 75, 90, 95, 99, 99.9, 99.99, 100}
	got := Merge(parts).Percentiles(list)
	for i, p := range list {
		if want := float64(all.ValueAtPercentile(p)); got[i] != want {
			t.Errorf("p%v is %v, want %v", p, got[i], want)
		}
	}
	blocks := make([]sums, len(parts))
	for i, p := range parts {
		blocks[i].hist = p
	}
	drawn := gridOf(blocks).percentiles([]int64{1, 1, 1, 1, 1}, all.TotalCount(), list)
	if !reflect.DeepEqual(drawn, got) {
		t.Errorf("a draw of each block once gives %v, want %v", drawn, got)
	}
	if empty := Merge(nil).Percentiles(list); !math.IsNaN(empty[0]) || FromHDR(nil).N != 0 {
		t.Errorf("an empty histogram has percentiles %v", empty)
	}
}

func rowOf(t *testing.T, c *Comparison, name string) *Row {
	t.Helper()
	for i := range c.Rows {
		if c.Rows[i].Name == name {
			return &c.Rows[i]
		}
	}
	t.Fatalf("there is no row %s", name)
	return nil
}

// TestWhatIsNotJudged: a percentile that too few records reach, the largest value, and what was not measured.
func TestWhatIsNotJudged(t *testing.T) {
	s := noisy(1)
	a, b := s.side("a", 5, 1), s.side("b", 5, 1)
	small := noisy(2)
	small.seconds = 1 // 5,000 records
	b.Runs[3] = small.run(1)
	for _, run := range a.Runs {
		run[0].CPU = math.NaN()
	}
	c := Compare(a, b, Options{Percentiles: shown})
	for name, want := range map[string]string{"p99.9": "n too small", "p99.99": "n too small", "max": "never judged",
		"cpu": "not measured"} {
		r := rowOf(t, c, name)
		if r.Judged() || !strings.Contains(r.Note, want) || !math.IsNaN(r.Low) || r.Interval() != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := rowOf(t, c, "p99"); !r.Judged() || !(r.Low <= r.Ratio && r.Ratio <= r.High) {
		t.Errorf("p99: %+v", r)
	}
	if r := rowOf(t, c, "max"); !(r.A > 0 && r.B > 0) {
		t.Errorf("the largest value is not shown: %+v", r)
	}
	for p, want := range map[float64]int64{50: 20, 99: 1000, 99.99: 100_000} {
		if got := NeededRecords(p); got != want {
			t.Errorf("p%v needs %d records, want %d", p, got, want)
		}
	}
}

// TestOneSpikeDecidesNothing: in two runs a percentile that rests on a few seconds is not judged.
func TestOneSpikeDecidesNothing(t *testing.T) {
	s := noisy(3)
	s.seconds, s.spikes = 40, 0
	a, b := s.run(40), s.run(40)
	b[7].Latency = b[7].Latency.Plus(Hist{Cells: []Cell{{5e9, 500}}, N: 500})
	c := Compare(Side{"a", []Run{a}}, Side{"b", []Run{b}}, Options{Percentiles: shown})
	if r := rowOf(t, c, "p99.9"); r.Judged() || !strings.Contains(r.Note, "a few seconds decide it") || r.Ratio < 10 {
		t.Errorf("p99.9: %+v", r)
	}
	if r := rowOf(t, c, "p50"); !r.Judged() {
		t.Errorf("p50: %+v", r)
	}
}

// TestTooLittle: without repeats and without ten seconds there are no intervals, and the sentence says so.
func TestTooLittle(t *testing.T) {
	s := noisy(4)
	c := Compare(s.side("a", 1, 5), s.side("b", 1, 5), Options{Percentiles: shown})
	if c.Method != NoMethod || different(c) || !strings.Contains(c.Sentence(), "cannot be told") {
		t.Errorf("%s: %s", c.Method, c.Sentence())
	}
	one := Compare(s.side("a", 1, 5), s.side("b", 6, 1), Options{Percentiles: shown})
	if one.Method != OneToMany || !rowOf(t, one, "p50").Judged() {
		t.Errorf("%s: %+v", one.Method, one.Rows[0])
	}
	few := Compare(s.side("a", 3, 1), s.side("b", 3, 1), Options{Percentiles: shown})
	if few.Method != Repeats || len(few.Notes) != 1 || !strings.Contains(few.Notes[0], "too few to resample") {
		t.Errorf("%s: %q", few.Method, few.Notes)
	}
}

// TestResolution: what differs by less than the histograms can hold is no difference, however alike the runs are.
func TestResolution(t *testing.T) {
	side := func(name string, value int64) Side {
		run := Run{{Seconds: 10, Records: 1000, CPU: 1, Latency: Hist{[]Cell{{value, 1000}}, 1000}}}
		return Side{name, []Run{run, run, run, run, run}}
	}
	c := Compare(side("a", 1_000_000), side("b", 1_000_500), Options{Percentiles: []float64{50}})
	if r := rowOf(t, c, "p50"); r.Verdict != Same {
		t.Errorf("%+v", r)
	}
	c = Compare(side("a", 1_000_000), side("b", 1_100_000), Options{Percentiles: []float64{50}})
	if r := rowOf(t, c, "p50"); r.Verdict != Worse {
		t.Errorf("%+v", r)
	}
	if r := rowOf(t, c, "throughput"); r.Verdict != Same || r.Ratio != 1 {
		t.Errorf("%+v", r)
	}
}

// TestMoreComparisonsAreWider: comparisons that share the error have wider intervals.
func TestMoreComparisonsAreWider(t *testing.T) {
	s := noisy(5)
	a, b := s.side("a", 8, 1), s.side("b", 8, 1)
	one, four := Compare(a, b, Options{Percentiles: shown}), Compare(a, b, Options{Percentiles: shown, Family: 4})
	if again := Compare(a, b, Options{Percentiles: shown}); !reflect.DeepEqual(one.Rows[:7], again.Rows[:7]) {
		t.Error("the same input gave another answer")
	}
	if one.Rows[0].High >= four.Rows[0].High {
		t.Errorf("%v is not wider than %v", four.Rows[0].Interval(), one.Rows[0].Interval())
	}
}
