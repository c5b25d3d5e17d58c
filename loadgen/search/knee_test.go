package search

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// queue is a broker that is a formula: a queue that serves so many records a second. Latency rises as 1/(1−load).
type queue struct {
	capacity, base float64 // records a second; ms
	noise          *rand.Rand
	most           float64 // of the generator
	asked          []float64
}

func (q *queue) measure(rate float64) (Point, error) {
	q.asked = append(q.asked, rate)
	load := rate / q.capacity
	p := Point{Achieved: min(rate, q.capacity), Kept: load < 1, Latency: map[string]float64{}}
	at := math.Inf(1)
	if load < 1 {
		at = q.base / (1 - load)
		if q.noise != nil {
			at *= math.Exp(0.02 * q.noise.NormFloat64())
		}
	}
	p.Latency["99"] = at
	if q.most > 0 && rate > q.most {
		p.Generator = true
	}
	return p, nil
}

// knee of the formula: base/(1−load) = goal.
func (q *queue) knee(goalMs float64) float64 { return q.capacity * (1 - q.base/goalMs) }

func goal(t testing.TB, text string) Goal {
	g, err := ParseGoal(text)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestKneeOfAFormula is found within the precision, wherever it lies and wherever the search starts.
func TestKneeOfAFormula(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		q := &queue{
			capacity: math.Exp(rapid.Float64Range(math.Log(100), math.Log(5e6)).Draw(rt, "capacity")),
			base:     rapid.Float64Range(0.1, 5).Draw(rt, "base"),
		}
		s := &KneeSearch{Goal: goal(t, "p99<10ms"), Measure: q.measure,
			Start: math.Exp(rapid.Float64Range(math.Log(10), math.Log(1e6)).Draw(rt, "start"))}
		k, err := s.Find()
		if err != nil {
			rt.Fatal(err)
		}
		want := q.knee(10)
		if k.Rate > want || k.Rate < want/1.06 {
			rt.Fatalf("knee at %.0f, want %.0f; %d measurements", k.Rate, want, len(q.asked))
		}
		if len(q.asked) > 60 {
			rt.Fatalf("%d measurements", len(q.asked))
		}
	})
}

func TestKneeWithNoise(t *testing.T) {
	for seed := range uint64(50) {
		q := &queue{capacity: 80_000, base: 1, noise: rand.New(rand.NewPCG(seed, 1))}
		k, err := (&KneeSearch{Goal: goal(t, "p99<10ms"), Measure: q.measure}).Find()
		if err != nil {
			t.Fatal(err)
		}
		if want := q.knee(10); k.Rate < want*0.88 || k.Rate > want*1.02 {
			t.Errorf("seed %d: knee at %.0f, want about %.0f", seed, k.Rate, want)
		}
	}
}

func TestBoundsOfTheSearch(t *testing.T) {
	q := &queue{capacity: 1e6, base: 1}
	k, err := (&KneeSearch{Goal: goal(t, "p99<10ms"), Measure: q.measure, MaxRate: 50_000}).Find()
	if err != nil || k.Rate != 50_000 || !strings.Contains(k.Why, "bound") {
		t.Errorf("%v: %+v", err, k)
	}
	for _, rate := range q.asked {
		if rate > 50_000 {
			t.Errorf("%.0f records/s were asked for above the bound", rate)
		}
	}
	q = &queue{capacity: 1e6, base: 1, most: 30_000}
	k, err = (&KneeSearch{Goal: goal(t, "p99<10ms"), Measure: q.measure}).Find()
	if err != nil || k.Rate > 30_000 || k.Rate < 28_000 || !k.Generator || !strings.Contains(k.Why,
		"the lab was the bottleneck") {
		t.Errorf("%v: rate %v, %q", err, k.Rate, k.Why)
	}
	q = &queue{capacity: 1e6, base: 50}
	k, err = (&KneeSearch{Goal: goal(t, "p99<10ms"), Measure: q.measure}).Find()
	if err != nil || k.Rate != 0 || !strings.Contains(k.Why, "no rate met the goal") {
		t.Errorf("%v: %+v", err, k)
	}
}

// TestResumed: what was measured is not measured again.
func TestResumed(t *testing.T) {
	q := &queue{capacity: 80_000, base: 1}
	first, err := (&KneeSearch{Goal: goal(t, "p99<10ms"), Measure: q.measure}).Find()
	if err != nil {
		t.Fatal(err)
	}
	was := len(q.asked)
	again, err := (&KneeSearch{Goal: goal(t, "p99<10ms"), Measure: q.measure, Points: first.Points}).Find()
	if err != nil || again.Rate != first.Rate || len(q.asked) != was+1 { // the best rate is repeated once more
		t.Errorf("%v: %v, want %v; %d more measurements", err, again.Rate, first.Rate, len(q.asked)-was)
	}
}

func TestGoals(t *testing.T) {
	for _, text := range []string{"p99<10ms", "max<1s", "e2e.p99.9<50ms", "service.p50<200µs"} {
		if got := goal(t, text).String(); got != text {
			t.Errorf("%s is printed as %s", text, got)
		}
	}
	for _, text := range []string{"p99>10ms", "p100<1s", "99<1ms", "p99<0s", "p99<fast", "x.p99<1s", ""} {
		if g, err := ParseGoal(text); err == nil {
			t.Errorf("%q is taken for %v", text, g)
		}
	}
}
