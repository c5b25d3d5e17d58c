package search

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Aim is what settings are recommended for: a latency at the target rate, the highest throughput, or the least CPU.
type Aim struct {
	Latency *Goal  // nil: another aim
	Word    string // max-throughput, min-cpu
}

// The aims without a number.
const (
	MaxThroughput = "max-throughput"
	MinCPU        = "min-cpu"
)

// ParseAim reads an aim: a goal that ParseGoal reads, or a word.
func ParseAim(text string) (Aim, error) {
	if t := strings.TrimSpace(text); t == MaxThroughput || t == MinCPU {
		return Aim{Word: t}, nil
	}
	g, err := ParseGoal(text)
	if err != nil {
		return Aim{}, fmt.Errorf("%w, %s or %s", err, MaxThroughput, MinCPU)
	}
	return Aim{Latency: &g}, nil
}

// String is the text that ParseAim reads.
func (a Aim) String() string {
	if a.Latency != nil {
		return a.Latency.String()
	}
	return a.Word
}

// Advice is a recommendation.
type Advice struct {
	Aim      string    `json:"aim"`
	Met      bool      `json:"met"`
	Best     *Standing `json:"best"`
	RunnerUp *Standing `json:"runner_up,omitempty"`
	Why      string    `json:"why"`
}

// Advise picks from a front. For a latency: of the cells that met it in every repeat the most durable, and of those the
// one with the most MB/s. For throughput and CPU: the best figure; of the cells whose repeats reach the best one's, the
// most durable. The runner-up is the next of the front, or, when there is none, the best of those that are beaten.
func Advise(a Aim, front, all []Standing) *Advice {
	d := &Advice{Aim: a.String()}
	if len(front) == 0 {
		d.Why = "nothing was measured"
		return d
	}
	var rest []Standing
	if d.Best, rest = a.pick(front); d.Best == nil {
		d.Best, _ = Aim{Word: "latency"}.pick(front)
		d.Why = fmt.Sprintf("no settings met %s in every measurement at the target rate: the closest had %.3g to %.3g ms",
			d.Aim, d.Best.Latency.Low, d.Best.Latency.High)
		return d
	}
	d.Met = true
	if d.RunnerUp, _ = a.pick(rest); d.RunnerUp == nil {
		d.RunnerUp, _ = a.pick(slices.DeleteFunc(slices.Clone(all), func(s Standing) bool { return s.Cell == d.Best.Cell }))
	}
	d.Why = a.why(d)
	return d
}

// pick gives the best, and the front without it.
func (a Aim) pick(front []Standing) (best *Standing, rest []Standing) {
	value, reach := a.figures()
	top := -1
	for i := range front {
		if a.meets(&front[i]) && (top < 0 || value(&front[i]) > value(&front[top])) {
			top = i
		}
	}
	if top < 0 {
		return nil, front
	}
	bar, _ := reach(&front[top])
	for i := range front {
		_, high := reach(&front[i])
		if s := &front[i]; a.meets(s) && high >= bar && s.Durability > front[top].Durability {
			top = i
		}
	}
	for i := range front {
		if i != top {
			rest = append(rest, front[i])
		}
	}
	return &front[top], rest
}

func (a Aim) meets(s *Standing) bool {
	return a.Latency == nil || s.Kept && !s.Generator && s.Latency.High < float64(a.Latency.Below)/1e6
}

// figures are what is made as large as can be, and the range of it over the repeats.
func (a Aim) figures() (value func(*Standing) float64, reach func(*Standing) (low, high float64)) {
	switch {
	case a.Latency != nil:
		// Durability counts before any number of MB/s.
		value = func(s *Standing) float64 { return float64(s.Durability)*1e12 + s.MBps.Mid }
		return value, func(s *Standing) (float64, float64) { return value(s), value(s) }
	case a.Word == MinCPU:
		value = func(s *Standing) float64 { return -s.CPU.Mid }
		return value, func(s *Standing) (float64, float64) { return -s.CPU.High, -s.CPU.Low }
	case a.Word == MaxThroughput:
		value = func(s *Standing) float64 { return s.MBps.Mid }
		return value, func(s *Standing) (float64, float64) { return s.MBps.Low, s.MBps.High }
	}
	value = func(s *Standing) float64 { return -s.Latency.Mid }
	return value, func(s *Standing) (float64, float64) { return math.Inf(1), math.Inf(-1) }
}

func (a Aim) why(d *Advice) string {
	b := d.Best
	text := fmt.Sprintf("%.3g ms (%.3g to %.3g), %.4g MB/s (%.4g to %.4g) and %.0f ns of CPU a record (%.0f to %.0f) "+
		"in %s of %.0f s", b.Latency.Mid, b.Latency.Low, b.Latency.High, b.MBps.Mid, b.MBps.Low, b.MBps.High,
		b.CPU.Mid, b.CPU.Low, b.CPU.High, times(b.Repeats), b.Length)
	switch {
	case a.Latency != nil:
		return "met the goal in " + every(b.Repeats) + "; of those that did, the most durable, then the most MB/s: " + text
	case a.Word == MinCPU:
		return "has the least CPU, or lies within that range and is more durable: " + text
	}
	if b.Client {
		text += "; the lab was the bottleneck at the highest rate, so the broker may do more"
	}
	return "has the most MB/s, or lies within that range and is more durable: " + text
}

func times(n int) string {
	if n == 1 {
		return "one measurement"
	}
	return fmt.Sprintf("%d measurements", n)
}

func every(n int) string {
	if n == 1 {
		return "the one measurement there is"
	}
	return "every measurement"
}
