package stat

import (
	"math"
	"slices"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Cell is a value (nanoseconds; the highest that the cell stands for) and how often it was seen.
type Cell struct{ Value, Count int64 }

// Hist is a histogram as a list: cells in the order of their values, none empty. The zero Hist is empty.
type Hist struct {
	Cells []Cell
	N     int64 // sum of the counts
}

// FromHDR takes the filled cells of a histogram; nil gives the empty one.
func FromHDR(h *hdr.Histogram) Hist {
	var out Hist
	if h == nil {
		return out
	}
	for _, b := range h.Distribution() {
		if b.Count > 0 {
			out.Cells = append(out.Cells, Cell{b.To, b.Count})
			out.N += b.Count
		}
	}
	return out
}

// Plus merges two histograms into a new one.
func (h Hist) Plus(o Hist) Hist {
	out := Hist{N: h.N + o.N, Cells: make([]Cell, 0, len(h.Cells)+len(o.Cells))}
	i, j := 0, 0
	for i < len(h.Cells) && j < len(o.Cells) {
		switch a, b := h.Cells[i], o.Cells[j]; {
		case a.Value < b.Value:
			out.Cells = append(out.Cells, a)
			i++
		case b.Value < a.Value:
			out.Cells = append(out.Cells, b)
			j++
		default:
			out.Cells = append(out.Cells, Cell{a.Value, a.Count + b.Count})
			i, j = i+1, j+1
		}
	}
	out.Cells = append(out.Cells, h.Cells[i:]...)
	out.Cells = append(out.Cells, o.Cells[j:]...)
	return out
}

// rank is which of n records, by value, a percentile names.
func rank(percentile float64, n int64) int64 {
	return max(1, min(n, int64(percentile/100*float64(n)+0.5)))
}

// Merge merges any number, two and two, so that no long list is walked often.
func Merge(list []Hist) Hist {
	switch len(list) {
	case 0:
		return Hist{}
	case 1:
		return list[0]
	}
	half := len(list) / 2
	return Merge(list[:half]).Plus(Merge(list[half:]))
}

// Percentiles reads several, ascending, in one walk. The rank is that of HdrHistogram: the nearest one. Of an empty
// histogram all are NaN.
func (h Hist) Percentiles(list []float64) []float64 {
	out := make([]float64, len(list))
	if h.N == 0 {
		for i := range out {
			out[i] = math.NaN()
		}
		return out
	}
	if !slices.IsSorted(list) {
		panic("BUG: percentiles must ascend")
	}
	seen, at := int64(0), 0
	for _, c := range h.Cells {
		seen += c.Count
		for at < len(list) && seen >= rank(list[at], h.N) {
			out[at] = float64(c.Value)
			at++
		}
	}
	return out
}

// Max is the largest value, NaN of an empty histogram.
func (h Hist) Max() float64 {
	if len(h.Cells) == 0 {
		return math.NaN()
	}
	return float64(h.Cells[len(h.Cells)-1].Value)
}
