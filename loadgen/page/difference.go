package page

import (
	"fmt"
	"math"
	"strings"
)

// farRatio is where a change is only told to be larger than this.
const farRatio = 1000

// change is a ratio as people say it: +18 %, −81 %, from fourfold on ×5.20, and below a twentieth ÷25.0.
func change(ratio float64) string {
	sign, times := "×", ratio
	if ratio < 1 {
		sign, times = "÷", 1/ratio
	}
	switch {
	case math.IsNaN(ratio):
		return ""
	case math.Abs(ratio-1) < 0.0005:
		return "0 %"
	case times >= farRatio:
		return sign + trim(farRatio) + " or more"
	case ratio >= 4 || times > 20:
		return sign + digits(times)
	}
	v := (ratio - 1) * 100
	places := 0
	if math.Abs(v) < 9.95 {
		places = 1
	}
	return strings.Replace(fmt.Sprintf("%+.*f %%", places, v), "-", "−", 1)
}

// changeTick is a change in the room of an axis.
func changeTick(ratio float64) string {
	switch {
	case ratio >= 4:
		return "×" + trim(ratio)
	case ratio <= 0.25:
		return "÷" + trim(1/ratio)
	}
	return change(ratio)
}

// differenceSection is the table of a comparison, and its picture: where an interval lies beside "no change".
func differenceSection(f *Difference) Section {
	s := Section{
		Title: f.B + " against " + f.A,
		Lead: "Each bar is an interval that holds the true change; all of them together hold it in 95 of 100 comparisons. " +
			"A bar across the line of no change is no difference that was found; a bar that ends at the edge goes on.",
	}
	t := Table{Head: []string{"", f.A, f.B, "change", "interval", ""}}
	for _, r := range f.Rows {
		row, tone, interval, verdict := Texts(r.Name, r.A, r.B), "", "", r.Verdict
		switch r.Verdict {
		case "worse":
			tone = "bad"
		case "better":
			tone = "good"
		case "~":
			tone = "same"
		case "":
			tone, verdict = "say", r.Note
		}
		if !math.IsNaN(r.Low) {
			interval = "[" + change(r.Low) + ", " + change(r.High) + "]"
		}
		row.Cells = append(row.Cells, TableCell{change(r.Ratio), tone}, TableCell{Text: interval},
			TableCell{verdict, tone})
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
	p := Plot{Label: "change of each figure with its interval", Margin: 60,
		Height: plotTop + plotBottom + 26*float64(len(rows))}
	edge := math.Exp(min(widest*1.08, math.Log(widestChange)))
	p.X = Axis{Title: f.B + " against " + f.A, Log: true, Low: 1 / edge, High: edge, Format: changeTick}
	p.X.Ticks = changeTicks(edge)
	p.Y = Axis{High: float64(len(rows)), Ticks: []float64{}, Format: func(v float64) string {
		return shortened(rows[len(rows)-1-int(v)].Name, 20)
	}}
	p.Marks = []Mark{{X: 1}}
	for i, r := range rows {
		y := float64(len(rows)-i) - 0.5
		p.Y.Ticks = append(p.Y.Ticks, y)
		style := map[string]Style{"worse": Bad, "better": Good}[r.Verdict]
		name := r.Verdict
		if style == "" {
			style, name = Faint, "no difference found"
		}
		p.Lines = append(p.Lines, Line{Style: style, Points: []Point{{r.Low, y}, {r.High, y}}})
		p.Dots = append(p.Dots, Dot{Name: name, Style: style, At: Point{r.Ratio, y}})
	}
	return Figure{SVG: p.SVG()}, true
}

// widestChange is the end of an axis of changes; a bar that reaches it goes on.
const widestChange = 30

// changeTicks are the ratios that the axis of changes is labelled with, up to so large a one.
func changeTicks(high float64) []float64 {
	steps := []float64{1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 4, 10}
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
