package stat

import (
	"testing"
)

var shown = []float64{50, 75, 90, 95, 99, 99.9, 99.99}

// different reports whether any row is called worse or better.
func different(c *Comparison) bool { return len(c.called(Worse))+len(c.called(Better)) > 0 }

// errors counts in how many of n comparisons of like with like any row is called different.
func errors(n int, compare func(seed uint64) *Comparison) (wrong int) {
	for i := range n {
		if different(compare(uint64(i))) {
			wrong++
		}
	}
	return wrong
}

// TestLikeIsNotCalledDifferent: with ten runs a side, in at most 5 of 100 comparisons of like with like any row of the
// table is called different.
func TestLikeIsNotCalledDifferent(t *testing.T) {
	s := noisy(10)
	const comparisons = 1000
	wrong := errors(comparisons, func(seed uint64) *Comparison {
		c := Compare(s.side("a", 10, 1), s.side("b", 10, 1), Options{Percentiles: shown, Seed: seed})
		for _, r := range c.Rows {
			if r.Percentile != 100 && !r.Judged() {
				t.Fatalf("%s is not judged: %s", r.Name, r.Note)
			}
		}
		return c
	})
	t.Logf("%d of %d", wrong, comparisons)
	if wrong > comparisons*Error {
		t.Errorf("like was called different in %d of %d comparisons, at most 5 %% are allowed", wrong, comparisons)
	}
	if wrong == 0 {
		t.Error("not once in a thousand: the intervals are much wider than they say")
	}
}

// TestSlowdownIsFound: a fifth more latency is found at the median in 95 of 100 comparisons of ten runs each.
func TestSlowdownIsFound(t *testing.T) {
	s := noisy(11)
	const comparisons = 200
	found, faster := 0, 0
	for i := range comparisons {
		s.slowdown = 1
		a := s.side("a", 10, 1)
		s.slowdown = 1.2
		b := s.side("b", 10, 1)
		if Compare(a, b, Options{Percentiles: shown, Seed: uint64(i)}).Rows[0].Verdict == Worse {
			found++
		}
		if Compare(b, a, Options{Percentiles: shown, Seed: uint64(i)}).Rows[0].Verdict == Better {
			faster++
		}
	}
	t.Logf("%d and, the other way round, %d of %d", found, faster, comparisons)
	if found < comparisons*95/100 || faster < comparisons*95/100 {
		t.Errorf("found in %d and %d of %d comparisons, 95 %% are wanted", found, faster, comparisons)
	}
}

// TestFewRepeats: with three and with five runs a side the error stays in its bound.
func TestFewRepeats(t *testing.T) {
	for _, n := range []int{3, 5} {
		s := noisy(uint64(n))
		const comparisons = 200
		wrong := errors(comparisons, func(seed uint64) *Comparison {
			return Compare(s.side("a", n, 1), s.side("b", n, 1), Options{Percentiles: shown, Seed: seed})
		})
		if wrong > comparisons*Error {
			t.Errorf("%d runs a side: like was called different in %d of %d comparisons", n, wrong, comparisons)
		}
	}
}

// TestOneRunASide: blocks of two runs, which drift and remember the second before. Their levels are the same: that two
// runs differ as runs do is what one run a side cannot show, and what the note says.
func TestOneRunASide(t *testing.T) {
	s := noisy(60)
	s.seconds, s.perRun = 60, 0
	const comparisons, intervals = 200, 60
	wrong := errors(comparisons, func(seed uint64) *Comparison {
		return Compare(s.side("a", 1, intervals), s.side("b", 1, intervals), Options{Percentiles: shown, Seed: seed})
	})
	found := 0
	for i := range comparisons / 3 {
		s.slowdown = 1
		a := s.side("a", 1, intervals)
		s.slowdown = 2
		c := Compare(a, s.side("b", 1, intervals), Options{Percentiles: shown, Seed: uint64(i)})
		if c.Method != Blocks || len(c.Notes) != 1 {
			t.Fatalf("%s, %q", c.Method, c.Notes)
		}
		if c.Rows[0].Verdict == Worse {
			found++
		}
	}
	t.Logf("%d of %d; twice as slow was found in %d of %d", wrong, comparisons, found, comparisons/3)
	if wrong > comparisons*Error {
		t.Errorf("like was called different in %d of %d comparisons", wrong, comparisons)
	}
	if found < comparisons/3*9/10 {
		t.Errorf("twice as slow was found in %d of %d comparisons", found, comparisons/3)
	}
}

// TestPairs: while a machine gets nearly twice as slow over the session, pairs still find 15 % more latency, and call
// like the same; sides that are not paired find nothing.
func TestPairs(t *testing.T) {
	s := noisy(20)
	s.perRun, s.drift = 0.02, 0.02
	const comparisons, pairs = 120, 8
	session := func(slowdown float64) (a, b Side) {
		for i := range pairs {
			order := []struct {
				to   *Side
				slow float64
			}{{&a, 1}, {&b, slowdown}}
			if i%2 == 1 {
				order[0], order[1] = order[1], order[0]
			}
			for k, one := range order {
				s.session, s.slowdown = 0.6*float64(2*i+k)/(2*pairs), one.slow
				one.to.Runs = append(one.to.Runs, s.run(1))
			}
		}
		return a, b
	}
	wrong, found, unpaired := 0, 0, 0
	for i := range comparisons {
		o := Options{Percentiles: shown, Seed: uint64(i), Paired: true}
		a, b := session(1)
		if different(Compare(a, b, o)) {
			wrong++
		}
		a, b = session(1.15)
		if Compare(a, b, o).Rows[0].Verdict == Worse {
			found++
		}
		o.Paired = false
		if Compare(a, b, o).Rows[0].Verdict == Worse {
			unpaired++
		}
	}
	t.Logf("wrong %d, found %d, unpaired %d of %d", wrong, found, unpaired, comparisons)
	if wrong > comparisons*Error || found < comparisons*8/10 || unpaired > found/2 {
		t.Errorf("wrong %d, found %d and without pairs %d of %d", wrong, found, unpaired, comparisons)
	}
}
