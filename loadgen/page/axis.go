package page

import (
	"math"
)

// Axis is one side of a chart.
type Axis struct {
	Title  string // with the unit; a log axis is marked as one
	Log    bool
	Low    float64
	High   float64
	Format func(float64) string // of a tick; nil: Short
	Ticks  []float64            // nil: made
}

// Linear spans from 0 to something round above the largest value.
func Linear(title string, largest float64, format func(float64) string) Axis {
	if !(largest > 0) || math.IsInf(largest, 0) {
		largest = 1
	}
	step := roundStep(largest / 4)
	return Axis{Title: title, High: step * math.Ceil(largest/step*1.0001), Format: format}
}

// Logarithmic spans from something round below low to something round above high. Both must be above 0.
func Logarithmic(title string, low, high float64, format func(float64) string) Axis {
	if !(low > 0) || !(high >= low) || math.IsInf(high, 0) {
		low, high = 1, 10
	}
	a := Axis{Title: title, Log: true, Low: roundDown(low), High: roundUp(high), Format: format}
	if a.High <= a.Low {
		a.High = a.Low * 10
	}
	return a
}

// Latencies is the log axis that latencies in milliseconds are drawn on.
func Latencies(low, high float64) Axis {
	return Logarithmic("latency", low, high, shortLatency)
}

func roundStep(v float64) float64 {
	scale := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*scale*1.0001 {
			return m * scale
		}
	}
	return 10 * scale
}

func roundDown(v float64) float64 {
	scale := math.Pow(10, math.Floor(math.Log10(v)+1e-9))
	for _, m := range []float64{5, 2} {
		if v >= m*scale*0.9999 {
			return m * scale
		}
	}
	return scale
}

func roundUp(v float64) float64 {
	scale := math.Pow(10, math.Floor(math.Log10(v)+1e-9))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*scale*1.0001 {
			return m * scale
		}
	}
	return 10 * scale
}

// at places a value between the pixels from and to. What lies outside the axis is put at its end.
func (a *Axis) at(v, from, to float64) float64 {
	low, high := a.Low, a.High
	if a.Log {
		low, high, v = math.Log10(low), math.Log10(high), math.Log10(math.Max(v, math.SmallestNonzeroFloat64))
	}
	share := (v - low) / (high - low)
	return from + math.Max(0, math.Min(1, share))*(to-from)
}

// mostTicks is how many labels a decade-wise axis takes before only decades are labelled.
const mostTicks = 9

// ticks are the values with a label, about so many, and the values with a faint line only.
func (a *Axis) ticks(want int) (major, minor []float64) {
	switch {
	case a.Ticks != nil:
		return a.Ticks, nil
	case !a.Log:
		step := roundStep((a.High - a.Low) / float64(want))
		for i := math.Ceil(a.Low/step - 1e-9); i*step <= a.High*1.0001; i++ {
			major = append(major, i*step+0) // + 0: there is no −0
		}
		return major, nil
	}
	for e := math.Floor(math.Log10(a.Low) + 1e-9); e <= math.Ceil(math.Log10(a.High)); e++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, e)
			if v < a.Low*0.999 || v > a.High*1.001 {
				continue
			}
			if m == 1 {
				major = append(major, v)
			} else {
				minor = append(minor, v)
			}
		}
	}
	if len(major)+len(minor) <= mostTicks {
		return append(major, minor...), nil
	}
	return major, minor
}

func (a *Axis) text(v float64) string {
	if a.Format != nil {
		return a.Format(v)
	}
	return Short(v)
}

func (a *Axis) title() string {
	if a.Log && a.Title != "" {
		return a.Title + " (log axis)"
	}
	return a.Title
}

// Percentiles is the axis 1/(1−p), on which each further nine takes the same room, up to a little more than so many
// records: the slowest of n records stands at n.
func Percentiles(records int64) Axis {
	high := max(100, 1.3*float64(records))
	a := Axis{Title: "percentile of the records, by 1/(1−p)", Log: true, Low: 1, High: high, Format: percentileText,
		Ticks: []float64{1, 2, 4}}
	for x := 10.0; x <= high; x *= 10 {
		a.Ticks = append(a.Ticks, x)
	}
	return a
}

// Reach moves the end of the axis out so far that v stands no further than at that share of it: room for a text.
func (a *Axis) Reach(v, share float64) {
	if a.Log {
		a.High = max(a.High, a.Low*math.Pow(v/a.Low, 1/share))
		return
	}
	a.High = max(a.High, a.Low+(v-a.Low)/share)
}
