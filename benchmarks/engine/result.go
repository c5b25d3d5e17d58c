package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tailrace/benchmarks/rawclient"
)

// Report is a run: what BENCHMARKS.md is written from.
type Report struct {
	Machine      string        `json:"machine"`
	Commit       string        `json:"commit"`
	Command      string        `json:"command"`
	Date         string        `json:"date"`
	As           string        `json:"as"`
	Window       time.Duration `json:"window_ns"`
	Alternations int           `json:"alternations"`
	Results      []Result      `json:"results"`
}

// Result is one figure with its bar.
type Result struct {
	Row     string    `json:"row"`
	Title   string    `json:"title"`
	Unit    string    `json:"unit"`
	Bar     float64   `json:"bar"` // 0 = none
	Higher  bool      `json:"higher_is_better"`
	Percent bool      `json:"percent"` // values are shares, shown in percent
	Values  []float64 `json:"values"`
	Median  float64   `json:"median"`
	Pass    bool      `json:"pass"`
	Notes   []string  `json:"notes,omitempty"`

	Samples map[string][]rawclient.Sample `json:"samples,omitempty"`
}

func (r *Result) sample(name string, s rawclient.Sample) {
	if r.Samples == nil {
		r.Samples = map[string][]rawclient.Sample{}
	}
	r.Samples[name] = append(r.Samples[name], s)
}

// judge holds the median against the bar.
func (r *Result) judge() {
	r.Median = median(r.Values)
	r.Pass = r.Bar == 0 || r.Higher && r.Median >= r.Bar || !r.Higher && r.Median <= r.Bar
}

func (r Result) number(v float64) string {
	switch {
	case r.Percent:
		return fmt.Sprintf("%.0f %%", 100*v)
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// figure is the median with the lowest and the highest value.
func (r Result) figure() string {
	if len(r.Values) == 1 {
		return r.number(r.Median) + " " + r.Unit
	}
	return fmt.Sprintf("%s %s (%s–%s)", r.number(r.Median), r.Unit, r.number(slices.Min(r.Values)),
		r.number(slices.Max(r.Values)))
}

func (r Result) bar() string {
	sign := "≤ "
	if r.Higher {
		sign = "≥ "
	}
	if r.Bar == 0 {
		return "none"
	}
	return sign + r.number(r.Bar)
}

func (r Result) verdict() string {
	switch {
	case r.Bar == 0:
		return "reported"
	case r.Pass:
		return "ok"
	}
	return "UNDER THE BAR"
}

// String is the line that is printed, with its notes below it.
func (r Result) String() string {
	line := fmt.Sprintf("%-16s %-46s %-40s bar %-9s %s", r.Row, r.Title, r.figure(), r.bar(), r.verdict())
	return strings.Join(append([]string{line}, r.Notes...), "\n                   ")
}

func (r *Report) allPass() bool {
	return !slices.ContainsFunc(r.Results, func(one Result) bool { return !one.Pass })
}

func (r *Report) save(file string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

func each(samples []rawclient.Sample, of func(rawclient.Sample) float64) []float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, of(s))
	}
	return values
}

// ratios pairs the samples of one alternation.
func ratios(above, below []rawclient.Sample, of func(rawclient.Sample) float64) []float64 {
	var values []float64
	for i := range min(len(above), len(below)) {
		values = append(values, of(above[i])/of(below[i]))
	}
	return values
}
