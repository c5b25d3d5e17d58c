package page

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// Compared is a comparison to draw: what was run, and what the statistics say of it.
type Compared struct {
	Sides       []Side
	Differences []Difference // each of a later side against the first
	Failed      []string     // thresholds that failed; they come first
}

// Side is what is compared: the runs of one kind.
type Side struct {
	Name string
	Runs []*result.Run // one at least
}

// Difference is one side against another, row by row.
type Difference struct {
	A, B     string
	Sentence string // for somebody who reads nothing else
	Notes    []string
	Rows     []Change
}

// Change is a row: a percentile, the throughput, CPU a record.
type Change struct {
	Name      string
	A, B      string  // as text with units
	Ratio     float64 // B/A; NaN: not known
	Low, High float64 // its interval; NaN: none
	Verdict   string  // worse, better, ~ for no difference that was found, or empty: not judged
	Note      string  // why it is not judged
}

// Compare writes the page of a comparison.
func Compare(w io.Writer, c *Compared) error {
	d := &Document{Kind: "Comparison", Verdict: "Nothing was compared."}
	var names, verdicts []string
	for _, s := range c.Sides {
		names = append(names, s.Name)
	}
	for _, f := range c.Differences {
		verdicts = append(verdicts, f.Sentence)
		for _, n := range f.Notes {
			if !slices.Contains(d.Notes, n) {
				d.Notes = append(d.Notes, n)
			}
		}
	}
	if len(verdicts) > 0 {
		d.Verdict = strings.Join(verdicts, " ")
	}
	d.Title = strings.Join(names, " against ")
	d.About = aboutSides(c.Sides)
	if len(c.Failed) > 0 {
		d.Limit = Limit{"bad", "A threshold failed.", strings.Join(c.Failed, "; ") + "."}
	}
	for i := range c.Differences {
		d.Sections = append(d.Sections, differenceSection(&c.Differences[i]))
	}
	curves, err := curveSection(c.Sides)
	if err != nil {
		return err
	}
	times, err := sidesOverTime(c.Sides)
	if err != nil {
		return err
	}
	d.Sections = append(d.Sections, curves, times, differingSettings(c.Sides))
	return d.Write(w)
}

func aboutSides(sides []Side) string {
	var parts []string
	for _, s := range sides {
		text := s.Name + ": " + plural(int64(len(s.Runs)), "run", "runs")
		if len(s.Runs) > 0 {
			text += " of " + brokerName(s.Runs[0])
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " · ")
}

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
		Lead: "Each bar is an interval that holds the true change; all of them together hold it in 95 of 100 comparisons. A " +
			"bar across the line of no change is no difference that was found.",
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

// curveSection lays the response curves of the sides over each other. A side of several runs has a band from its
// lowest to its highest run, around the curve of all of them merged.
func curveSection(sides []Side) (Section, error) {
	s := Section{Title: "Latency by percentile", Lead: "The response time of each side, all its runs merged; a band reaches " +
		"from its fastest to its slowest run."}
	var list []Curve
	for i, side := range sides {
		merged, one := meter.NewHistogram(), []Curve(nil)
		for _, r := range side.Runs {
			h, err := r.Series.Total(mainClock(r))
			if err != nil {
				return s, err
			}
			merged.Merge(h)
			one = append(one, CurveOf("", "", h))
		}
		if merged.TotalCount() == 0 {
			continue
		}
		c := CurveOf(side.Name, Series(i), merged)
		c.Low, c.High = envelope(one)
		list = append(list, c)
	}
	if len(list) > 0 {
		s.Figures = []Figure{Curves("response time by percentile, one curve a side", list)}
	}
	return s, nil
}

// envelope is the lowest and the highest of curves, as far as all of them reach; nil for less than two.
func envelope(curves []Curve) (low, high []Point) {
	if len(curves) < 2 {
		return nil, nil
	}
	for x := 1.0; ; x *= math.Pow(10, 1.0/24) {
		least, most := math.Inf(1), 0.0
		for i := range curves {
			v := curves[i].At(x)
			if math.IsNaN(v) {
				return low, high
			}
			least, most = min(least, v), max(most, v)
		}
		low, high = append(low, Point{x, least}), append(high, Point{x, most})
	}
}

// sidesOverTime draws the first run of each side over time, all on the same axis of latencies.
func sidesOverTime(sides []Side) (Section, error) {
	s := Section{Title: "Over time", Lead: "The first run of each side; all on the same axis of latencies."}
	low, high := math.Inf(1), 0.0
	var all [][]column
	for _, side := range sides {
		if len(side.Runs) == 0 {
			all = append(all, nil)
			continue
		}
		columns, err := columnsOf(side.Runs[0], mainClock(side.Runs[0]))
		if err != nil {
			return s, err
		}
		a, b := rangeOf(columns)
		low, high = min(low, a), max(high, b)
		all = append(all, columns)
	}
	for i, columns := range all {
		if len(columns) == 0 {
			continue
		}
		f := heatMap(columns, mainClock(sides[i].Runs[0]), low, high)
		f.Caption, f.Group = sides[i].Name, "side "+strconv.Itoa(i+1)
		s.Figures = append(s.Figures, f)
	}
	return s, nil
}

// differingSettings lists the settings in which the sides are not alike.
func differingSettings(sides []Side) Section {
	s := Section{Title: "What was set differently", Lead: "Nothing but where the reports lie."}
	t := Table{Head: []string{"setting"}, Words: true}
	for _, side := range sides {
		t.Head = append(t.Head, side.Name)
	}
	for i := range plan.Settings {
		row := &plan.Settings[i]
		if row.Name == "out" || row.Name == "label" || row.Name == "repeat" {
			continue
		}
		cells, differ := Texts(row.Name), false
		for j, side := range sides {
			value := setting(side, row.Name)
			cells.Cells = append(cells.Cells, TableCell{Text: veiled(value)})
			differ = differ || j > 0 && len(side.Runs) > 0 && value != setting(sides[0], row.Name)
		}
		if differ {
			t.Rows = append(t.Rows, cells)
		}
	}
	if len(t.Rows) > 0 {
		s.Lead, s.Tables = "", []Table{t}
	}
	return s
}

func setting(s Side, name string) string {
	if len(s.Runs) == 0 {
		return ""
	}
	return s.Runs[0].Settings[name]
}
