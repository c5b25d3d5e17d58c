package search

import (
	"fmt"
	"math"
	"slices"
)

// Point is what was measured at a rate.
type Point struct {
	Rate      float64            `json:"rate"` // offered, records a second
	Achieved  float64            `json:"achieved"`
	Latency   map[string]float64 `json:"latency_ms"`          // of the goal's clock, by percentile: "50", "99", "max"
	Kept      bool               `json:"kept"`                // the schedule was kept
	Generator bool               `json:"generator,omitempty"` // the lab was the bottleneck
	Good      bool               `json:"good"`                // the goal was met and the schedule kept
	Dir       string             `json:"dir,omitempty"`       // where its report lies
}

// KneeSearch is how a knee is looked for.
type KneeSearch struct {
	Goal      Goal
	Start     float64 // the first rate; 1,000 if 0
	MaxRate   float64 // never more than this; 0 = no bound
	Precision float64 // the best good rate and the least bad one are so close: 1.05 if 0
	Growth    float64 // from good rate to good rate while none is bad: 2 if 0
	Confirm   int     // how often the best rate must be good again: 1 if 0
	Points    []Point // measured before: a search is resumed with them
	Measure   func(rate float64) (Point, error)
	Tell      func(Point, string) // told each point and what comes next; may be nil
}

// Knee is the result.
type Knee struct {
	Rate      float64 `json:"rate"` // the highest good rate; 0 if there is none
	Above     float64 `json:"above,omitempty"`
	Why       string  `json:"why"` // what ended the search upwards
	Generator bool    `json:"generator,omitempty"`
	Points    []Point `json:"points"` // by rate
}

// Find looks for the highest rate that meets the goal.
func (s *KneeSearch) Find() (*Knee, error) {
	s.defaults()
	k := &Knee{}
	lo, hi, err := s.bracket(k)
	for err == nil && lo > 0 && hi > 0 && hi/lo > s.Precision {
		var p Point
		if p, err = s.at(math.Sqrt(lo*hi), "narrowing"); err != nil {
			break
		}
		if p.Good {
			lo = p.Rate
		} else {
			hi = s.bad(k, p)
		}
	}
	if err == nil {
		lo, err = s.confirm(lo, k)
	}
	slices.SortFunc(s.Points, func(a, b Point) int { return int(math.Copysign(1, a.Rate-b.Rate)) })
	k.Rate, k.Above, k.Points = lo, hi, s.Points
	return k, err
}

func (s *KneeSearch) defaults() {
	set := func(v *float64, to float64) {
		if *v == 0 {
			*v = to
		}
	}
	set(&s.Start, 1000)
	set(&s.Precision, 1.05)
	set(&s.Growth, 2)
	if s.Confirm == 0 {
		s.Confirm = 1
	}
	if s.MaxRate > 0 {
		s.Start = min(s.Start, s.MaxRate)
	}
	if s.Tell == nil {
		s.Tell = func(Point, string) {}
	}
}

// leastRate ends the search downwards: a broker that is too slow for it is too slow for any goal.
const leastRate = 1

// bracket finds a good rate below a bad one. hi is 0 when the bound, or the lab, was reached before anything was bad.
func (s *KneeSearch) bracket(k *Knee) (lo, hi float64, err error) {
	for rate := s.Start; ; {
		p, err := s.at(rate, "looking for a rate that is too high")
		switch {
		case err != nil:
			return lo, hi, err
		case p.Good:
			lo = rate
			if hi > 0 {
				return lo, hi, nil
			}
			if s.MaxRate > 0 && rate >= s.MaxRate {
				k.Why = fmt.Sprintf("the bound of %.0f records/s was reached", s.MaxRate)
				return lo, 0, nil
			}
			if rate *= s.Growth; s.MaxRate > 0 {
				rate = min(rate, s.MaxRate)
			}
		default:
			hi = s.bad(k, p)
			if lo > 0 {
				return lo, hi, nil
			}
			if rate /= s.Growth; rate < leastRate {
				k.Why = "no rate met the goal: " + k.Why
				return 0, hi, nil
			}
		}
	}
}

// bad notes why a rate is too high.
func (s *KneeSearch) bad(k *Knee, p Point) float64 {
	k.Generator = p.Generator
	switch {
	case p.Generator:
		k.Why = fmt.Sprintf("at %.0f records/s the lab was the bottleneck: the broker's knee is not below it", p.Rate)
	case !p.Kept:
		k.Why = fmt.Sprintf("at %.0f records/s the broker did not keep up: %.0f were achieved", p.Rate, p.Achieved)
	default:
		k.Why = fmt.Sprintf("at %.0f records/s the goal %s was missed: %.3g ms", p.Rate, s.Goal, p.Latency[s.Goal.Percentile])
	}
	return p.Rate
}

// confirm repeats the best rate; one that does not hold gives way to the next lower one that was good, or to a tenth
// less.
func (s *KneeSearch) confirm(rate float64, k *Knee) (float64, error) {
	for tries := 0; rate > leastRate; tries++ {
		held := true
		for range s.Confirm {
			p, err := s.measure(rate, "repeating the best rate")
			if err != nil {
				return rate, err
			}
			if held = p.Good; !held {
				s.bad(k, p)
				break
			}
		}
		if held {
			return rate, nil
		}
		rate = s.nextLower(rate)
	}
	return 0, nil
}

func (s *KneeSearch) nextLower(rate float64) float64 {
	lower := rate * 0.9
	bad := map[float64]bool{}
	for _, p := range s.Points {
		bad[p.Rate] = bad[p.Rate] || !p.Good
	}
	for _, p := range s.Points {
		if !bad[p.Rate] && p.Rate < rate && p.Rate > lower {
			lower = p.Rate
		}
	}
	return lower
}

// at gives what is known of a rate, or measures it.
func (s *KneeSearch) at(rate float64, why string) (Point, error) {
	for _, p := range s.Points {
		if math.Abs(p.Rate-rate) < rate*1e-6 {
			return p, nil
		}
	}
	return s.measure(rate, why)
}

func (s *KneeSearch) measure(rate float64, why string) (Point, error) {
	p, err := s.Measure(rate)
	if err != nil {
		return p, err
	}
	p.Rate = rate
	p.Good = p.Kept && !p.Generator && p.Latency[s.Goal.Percentile] < float64(s.Goal.Below)/1e6
	s.Points = append(s.Points, p)
	s.Tell(p, why)
	return p, nil
}
