package plan

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Shape is how the offered rate goes over time.
type Shape uint8

// The shapes.
const (
	Full     Shape = iota // as fast as the broker takes it; there is no schedule, and response equals service
	Constant              // From records a second
	Ramp                  // from From to To over the run, linearly
	Steps                 // the rates of Levels, each for an equal part of the run
)

// Rate is the offered load in records a second. The zero value is full speed.
type Rate struct {
	Shape    Shape
	From, To float64
	Levels   []float64
}

// ParseRate reads "max", "50k", "1k..50k" (a ramp) and "10k,20k,30k" (steps).
func ParseRate(text string) (Rate, error) {
	text = strings.TrimSpace(text)
	if text == "max" {
		return Rate{}, nil
	}
	if from, to, ok := strings.Cut(text, ".."); ok {
		a, err := rateOf(from)
		if err != nil {
			return Rate{}, err
		}
		b, err := rateOf(to)
		return Rate{Shape: Ramp, From: a, To: b}, err
	}
	if !strings.Contains(text, ",") {
		v, err := rateOf(text)
		return Rate{Shape: Constant, From: v, To: v}, err
	}
	r := Rate{Shape: Steps}
	for part := range strings.SplitSeq(text, ",") {
		v, err := rateOf(part)
		if err != nil {
			return Rate{}, err
		}
		r.Levels = append(r.Levels, v)
	}
	return r, nil
}

func rateOf(text string) (float64, error) {
	text = strings.TrimSuffix(strings.TrimSpace(text), "/s")
	v, err := ParseCount(text)
	if err != nil || v <= 0 {
		return 0, fmt.Errorf("%q is no rate: write 50k, max, a ramp 1k..50k or steps 10k,20k,30k (records a second)", text)
	}
	return v, nil
}

// String is the text that ParseRate reads.
func (r Rate) String() string {
	switch r.Shape {
	case Full:
		return "max"
	case Ramp:
		return FormatCount(r.From) + ".." + FormatCount(r.To)
	case Steps:
		parts := make([]string, len(r.Levels))
		for i, v := range r.Levels {
			parts[i] = FormatCount(v)
		}
		return strings.Join(parts, ",")
	}
	return FormatCount(r.From)
}

// Scaled is the same shape at so many times the rate.
func (r Rate) Scaled(factor float64) Rate {
	r.From, r.To = r.From*factor, r.To*factor
	levels := make([]float64, len(r.Levels))
	for i, v := range r.Levels {
		levels[i] = v * factor
	}
	r.Levels = levels
	return r
}

// Offered is the number of records that the schedule holds in a run of this length, and -1 at full speed.
func (r Rate) Offered(run time.Duration) int64 {
	s := run.Seconds()
	switch r.Shape {
	case Constant:
		return int64(math.Floor(r.From * s))
	case Ramp:
		return int64(math.Floor((r.From + r.To) / 2 * s))
	case Steps:
		sum := 0.0
		for _, v := range r.Levels {
			sum += v * s / float64(len(r.Levels))
		}
		return int64(math.Floor(sum))
	}
	return -1
}

// At is when record i of the schedule is meant to be sent, counted from the start of a run of this length. The schedule
// is a function of i alone: nothing that happens on the way moves it, which is what makes the loop open.
func (r Rate) At(i int64, run time.Duration) time.Duration {
	n := float64(i)
	switch r.Shape {
	case Constant:
		return seconds(n / r.From)
	case Ramp:
		return seconds(rampTime(n, r.From, r.To, run.Seconds()))
	case Steps:
		each := run.Seconds() / float64(len(r.Levels))
		begin := 0.0
		for _, v := range r.Levels[:len(r.Levels)-1] {
			if n < v*each {
				return seconds(begin + n/v)
			}
			n -= v * each
			begin += each
		}
		return seconds(begin + n/r.Levels[len(r.Levels)-1])
	}
	return 0
}

// rampTime solves from·t + (to−from)/(2·run)·t² = n for t. This form of the quadratic formula stays exact when the ramp
// is nearly flat.
func rampTime(n, from, to, run float64) float64 {
	a := (to - from) / (2 * run)
	root := math.Sqrt(max(0, from*from+4*a*n))
	return 2 * n / (from + root)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
