package page

import (
	"fmt"
	"math"
	"strings"
)

// change is a ratio as people say it.
func change(ratio float64) string {
	switch {
	case math.IsNaN(ratio):
		return ""
	case math.Abs(ratio-1) < 0.0005:
		return "0 %"
	case ratio >= 4:
		return "×" + digits(ratio)
	}
	v := (ratio - 1) * 100
	places := 0
	if math.Abs(v) < 9.95 {
		places = 1
	}
	return strings.Replace(fmt.Sprintf("%+.*f %%", places, v), "-", "−", 1)
}

// differenceSection is the table of a comparison, and its picture: where an interval lies beside "no change".
func differenceSection(f *Difference) Section {
	s := Section{
		Title: f.B + " against " + f.A,
		Lead: "Each bar is an interval that holds the true change; all of them together hold it in 95 of 100 comparisons. " +
			"A bar across the line of no change is no difference that was found.",
	}
	t := Table{Head: []string{"", f.A, f.B, "change", "interval", ""}}
	for _, r := range f.Rows {
		row, tone, interval, verdict := Texts(r.Name, r.A, r.B), "", "", r.Verdict
		switch r.Verdict {
		case "worse":
			tone = "bad"
		case "better":
			tone = "good"
		case "":
			tone, verdict = "dim", r.Note
		}
		if !math.IsNaN(r.Low) {
			interval = "[" + change(r.Low) + ", " + change(r.High) + "]"
		}
		row.Cells = append(row.Cells, TableCell{change(r.Ratio), tone}, TableCell{Text: interval}, TableCell{verdict, tone})
		t.Rows = append(t.Rows, row)
	}
	if f, ok := intervals(f); ok {
		s.Figures = []Figure{f}
	}
	s.Tables = []Table{t}
	return s
}

// intervals draws the interval of each judged row on a log axis of ratios, so that half and double lie as far from no
// change.
func intervals(f *Difference) (Figure, bool) {
	var rows []Change
	widest := math.Log(1.1)
	for _, r := range f.Rows {
		if r.Verdict != "" && r.Low > 0 && r.High >= r.Low && !math.IsInf(r.High, 0) {
			rows = append(rows, r)
			widest = max(widest, math.Abs(math.Log(r.Low)), math.Abs(math.Log(r.High)))
		}
	}
	if len(rows) == 0 {
		return Figure{}, false
	}
	p := Plot{Label: "change of each figure with its interval", Height: plotTop + plotBottom + 26*float64(len(rows))}
	p.X = Axis{Title: f.B + " against " + f.A, Log: true, Low: math.Exp(-widest * 1.08), High: math.Exp(widest * 1.08),
		Format: change}
	p.X.Ticks = changeTicks(p.X.High)
	p.Y = Axis{High: float64(len(rows)), Ticks: []float64{}, Format: func(v float64) string {
		return shortened(rows[len(rows)-1-int(v)].Name, 10)
	}}
	p.Marks = []Mark{{X: 1}}
	for i, r := range rows {
		y := float64(len(rows)-i) - 0.5
		p.Y.Ticks = append(p.Y.Ticks, y)
		style := map[string]Style{"worse": Bad, "better": EndToEnd}[r.Verdict]
		name := r.Verdict
		if style == "" {
			style, name = Faint, "no difference found"
		}
		p.Lines = append(p.Lines, Line{Style: style, Points: []Point{{r.Low, y}, {r.High, y}}})
		p.Dots = append(p.Dots, Dot{Name: name, Style: style, At: Point{r.Ratio, y}})
	}
	return Figure{SVG: p.SVG()}, true
}

// changeTicks are the ratios that the axis of changes is labelled with, up to so large a one.
func changeTicks(high float64) []float64 {
	steps := []float64{1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 5, 10, 100, 1000}
	list := []float64{1}
	for i := len(steps) - 1; i >= 0 && len(list) < 6; i-- {
		if steps[i] <= high {
			list = append(list, steps[i], 1/steps[i])
		}
	}
	return list
}

func shortened(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
