package contrast

import (
	_ "embed"
	"html/template"
	"io"
	"math"
	"strings"

	"tailrace/loadgen/stat"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// pageRow is a row of the page's tables.
type pageRow struct {
	Title, A, B, Change, Interval, Verdict, Class, Note string

	// The interval as a bar: positions in percent of a scale from a quarter to four times, logarithmic.
	Bar              bool
	Left, Width, Dot float64
}

type pagePair struct {
	A, B     string
	Sentence string
	Rows     []pageRow
}

type pageSide struct {
	Name, Dir, Broker, Machine string
	Runs                       int
	Load                       string
}

// HTML writes one page that needs nothing else: no script, no font, no request.
func (c *Contrast) HTML(w io.Writer) error {
	data := struct {
		Sentence    string
		Clock       string
		Class       string
		Sides       []pageSide
		Differences []Difference
		Pairs       []pagePair
		Notes       []string
		Found       []string
		Broken      []string
	}{Sentence: c.Sentence(), Clock: c.Clock.String(), Notes: c.Notes, Found: c.Found, Broken: c.Broken}
	for _, d := range c.Differences {
		data.Differences = append(data.Differences, Difference{d.Setting, shown(d.A), shown(d.B)})
	}
	for _, s := range c.Sides {
		r := s.Runs[0]
		data.Sides = append(data.Sides, pageSide{Name: s.Name, Dir: s.Dir, Broker: brokerOf(r), Machine: machineOf(r),
			Runs: len(s.Runs), Load: loadOf(r.Settings)})
	}
	for _, cmp := range c.Comparisons {
		p := pagePair{A: count(cmp.A, cmp.RunsA), B: count(cmp.B, cmp.RunsB), Sentence: cmp.Sentence()}
		for i := range cmp.Rows {
			if r := &cmp.Rows[i]; r.A == r.A || r.B == r.B {
				p.Rows = append(p.Rows, rowOf(r))
			}
		}
		data.Pairs = append(data.Pairs, p)
	}
	return pageTemplate.Execute(w, data)
}

func rowOf(r *stat.Row) pageRow {
	out := pageRow{Title: Title(r), A: r.Show(r.A), B: r.Show(r.B), Change: stat.Percent(r.Ratio), Interval: r.Interval(),
		Note: r.Note, Class: "same"}
	switch r.Verdict {
	case stat.Worse:
		out.Verdict, out.Class = "worse", "worse"
	case stat.Better:
		out.Verdict, out.Class = "better", "better"
	case stat.Same:
		out.Verdict = "~"
	}
	if r.Judged() {
		low, high := place(r.Low), place(r.High)
		out.Bar, out.Left, out.Width, out.Dot = true, low, max(0.4, high-low), place(r.Ratio)
	}
	return out
}

// place is where a ratio lies on the scale, in percent from the left.
func place(ratio float64) float64 {
	return min(100, max(0, 50+50*math.Log(ratio)/math.Log(4)))
}

// loadOf is the load in a line.
func loadOf(settings map[string]string) string {
	var parts []string
	for _, name := range []string{"rate", "record-size", "acks", "batch-size", "linger", "compression", "partitions",
		"duration"} {
		if v := settings[name]; v != "" {
			parts = append(parts, name+" "+v)
		}
	}
	return strings.Join(parts, ", ")
}
