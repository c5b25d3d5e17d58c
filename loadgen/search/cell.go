package search

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Axis is a setting and the values of it that are tried.
type Axis struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// Cell is one combination of settings: "acks=all batch-size=16KiB linger=5ms". Values hold no spaces.
type Cell string

// Settings are the names and values of a cell, in order.
func (c Cell) Settings() [][2]string {
	var list [][2]string
	for _, word := range strings.Fields(string(c)) {
		name, value, _ := strings.Cut(word, "=")
		list = append(list, [2]string{name, value})
	}
	return list
}

// Cells are all combinations of the axes.
func Cells(axes []Axis) []Cell {
	cells := []Cell{""}
	for _, a := range axes {
		var next []Cell
		for _, c := range cells {
			for _, v := range a.Values {
				next = append(next, Cell(strings.TrimSpace(string(c)+" "+a.Name+"="+v)))
			}
		}
		cells = next
	}
	return cells
}

// Sample is one measurement of a cell: at the target rate, and as fast as it goes.
type Sample struct {
	Cell      Cell     `json:"cell"`
	Length    float64  `json:"seconds"`                 // measured, of each of its runs
	Latency   float64  `json:"latency_ms"`              // at the target rate
	MBps      float64  `json:"mb_per_second"`           // at the highest rate
	CPU       float64  `json:"cpu_ns_per_record"`       // at the target rate; 0 = not known
	ClientCPU float64  `json:"client_ns_per_record"`    // of the lab, at the target rate
	Kept      bool     `json:"kept"`                    // the target rate was
	Capped    bool     `json:"capped,omitempty"`        // MBps is what the bound of the rate allows
	Generator bool     `json:"generator,omitempty"`     // the lab was the bottleneck at the target rate
	Client    bool     `json:"client_bound,omitempty"`  // the lab was the bottleneck at the highest rate: MBps at least
	Took      float64  `json:"took_seconds"`            // warm-up and all
	Runs      []string `json:"runs,omitempty"`          // directories of the reports
	Bytes     int64    `json:"bytes_written,omitempty"` // about
}

// Range is a figure over repeats: its median, and how far they lie apart.
type Range struct {
	Mid  float64 `json:"median"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

func rangeOf(v []float64) Range {
	slices.Sort(v)
	mid := v[len(v)/2]
	if len(v)%2 == 0 {
		mid = (mid + v[len(v)/2-1]) / 2
	}
	return Range{mid, v[0], v[len(v)-1]}
}

// Standing is what is known of a cell.
type Standing struct {
	Cell       Cell     `json:"cell"`
	Durability int      `json:"durability"` // more is safer: 0 nothing is promised, 1 the leader has it, 2 all have it
	Repeats    int      `json:"repeats"`    // of the length that counts, the longest
	Length     float64  `json:"seconds"`
	Latency    Range    `json:"latency_ms"`
	MBps       Range    `json:"mb_per_second"`
	CPU        Range    `json:"cpu_ns_per_record"`
	ClientCPU  float64  `json:"client_ns_per_record"`
	Kept       bool     `json:"kept"`
	Capped     bool     `json:"capped,omitempty"`
	Generator  bool     `json:"generator,omitempty"`
	Client     bool     `json:"client_bound,omitempty"`
	Front      bool     `json:"front"`
	BeatenBy   Cell     `json:"beaten_by,omitempty"` // the cell that is better in everything
	Runs       []string `json:"runs,omitempty"`
}

// standing sums the longest samples of a cell up.
func standing(c Cell, durability int, samples []Sample) Standing {
	s := Standing{Cell: c, Durability: durability, Kept: true, Capped: true}
	for _, m := range samples {
		s.Length = max(s.Length, m.Length)
	}
	var latency, mbps, cpu, client []float64
	for _, m := range samples {
		if m.Length < s.Length {
			continue
		}
		s.Repeats++
		latency, mbps = append(latency, m.Latency), append(mbps, m.MBps)
		cpu, client = append(cpu, m.CPU), append(client, m.ClientCPU)
		s.Kept, s.Capped = s.Kept && m.Kept, s.Capped && m.Capped
		s.Generator, s.Client = s.Generator || m.Generator, s.Client || m.Client
		s.Runs = append(s.Runs, m.Runs...)
	}
	s.Latency, s.MBps, s.CPU, s.ClientCPU = rangeOf(latency), rangeOf(mbps), rangeOf(cpu), rangeOf(client).Mid
	return s
}

// alike is how far apart two figures may lie and still count as the same, as a logarithm: about 2 %.
const alike = 0.02

// over tells by how much b is better than a in everything: the least and the mean advantage, as logarithms. ok is false
// if b promises less.
func over(b, a *Standing) (least, mean float64, ok bool) {
	if b.Durability < a.Durability || b.Cell == a.Cell {
		return 0, 0, false
	}
	gains := []float64{math.Log(a.Latency.Mid / b.Latency.Mid)}
	if !a.Capped || !b.Capped {
		gains = append(gains, math.Log(b.MBps.Mid/a.MBps.Mid))
	}
	if a.CPU.Mid > 0 && b.CPU.Mid > 0 {
		gains = append(gains, math.Log(a.CPU.Mid/b.CPU.Mid))
	}
	sum := 0.0
	for _, g := range gains {
		sum += g
	}
	return slices.Min(gains), sum / float64(len(gains)), true
}

// dominator finds the cell that is better than a in everything by the margin, and by the most. A margin below zero
// forgives being worse by so much in some figure, if the whole is better.
func dominator(a *Standing, all []Standing, margin float64) (by Cell, depth float64) {
	depth = math.Inf(-1)
	for i := range all {
		least, mean, ok := over(&all[i], a)
		if ok && least >= margin && mean > max(margin, alike) && least > depth {
			by, depth = all[i].Cell, least
		}
	}
	return by, depth
}

// String is the cell as it is written.
func (c Cell) String() string { return string(c) }

// Text is a standing in a line.
func (s *Standing) Text() string {
	return fmt.Sprintf("%s: %.3g ms (%.3g to %.3g), %.4g MB/s, %.0f ns of CPU a record", s.Cell, s.Latency.Mid,
		s.Latency.Low, s.Latency.High, s.MBps.Mid, s.CPU.Mid)
}
