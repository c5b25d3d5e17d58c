package tally

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"tailrace/benchmarks/scenario"
	"tailrace/loadgen/page"
)

// Chart is a picture of BENCHMARKS.md, a file of its own.
type Chart struct {
	File     string // bench-ratios.svg
	Alt      string
	Scenario string // the section it stands in; empty: beside the goals
	Note     string // what the picture cannot say of itself
	SVG      string
}

// The same system has the same colour in every chart.
const (
	ours   = page.Response
	theirs = page.Service
)

// Charts draws all that there are figures for. A chart without data is left out: an empty one would look like a result.
func (t *Tally) Charts() (list []Chart) {
	for _, draw := range []func() *Chart{t.ratiosChart, t.produceChart, t.codecChart, t.latencyChart, t.syncedChart,
		t.memoryChart} {
		if c := draw(); c != nil {
			list = append(list, *c)
		}
	}
	return list
}

// chart makes one of a plot, and says what in it is of another commit.
func (t *Tally) chart(file, where string, p *page.Plot, used []*Figures) *Chart {
	return &Chart{File: file, Alt: p.Label, Scenario: where, SVG: p.File(), Note: olderIn("chart", used)}
}

// olderIn tells of a chart or a table what in it is of another commit than the newest; "" is nothing.
func olderIn(what string, used []*Figures) string {
	rows := map[string][]string{} // of a commit
	var commits []string
	all := true
	for _, f := range used {
		if !f.Older {
			all = false
			continue
		}
		if rows[f.Commit] == nil {
			commits = append(commits, f.Commit)
		}
		if name := "`" + f.Row.Name + "`"; !slices.Contains(rows[f.Commit], name) {
			rows[f.Commit] = append(rows[f.Commit], name)
		}
	}
	switch {
	case len(commits) == 0:
		return ""
	case all && len(commits) == 1:
		return "This " + what + " is of commit `" + commits[0] + "`, not of the newest."
	}
	for i, commit := range commits {
		commits[i] = strings.Join(rows[commit], ", ") + " (`" + commit + "`)"
	}
	return "In this " + what + ", not of the newest commit: " + strings.Join(commits, "; ") + "."
}

// pick lists the measured rows that somebody wants to draw, in the order of the scenarios.
func (t *Tally) pick(want func(r *scenario.Row) bool) (list []*Figures) {
	t.each(func(_ *scenario.Scenario, f *Figures) {
		if f.Measured() && want(f.Row) {
			list = append(list, f)
		}
	})
	return list
}

// pair is a line of a chart of two dots: the same figure on both systems.
type pair struct {
	name   string
	a, b   Spread // Tailrace, Kafka
	better Spread
}

// pairsPlot draws a line a pair, on a log axis: bars would begin nowhere on it.
func pairsPlot(label, title string, x page.Axis, metric Metric, list []pair) *page.Plot {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].name
	}
	p := &page.Plot{Label: label, X: x, Y: page.Rows(title, names), Margin: page.RowsMargin(names),
		Height: page.RowsHeight(len(list), 25)}
	for i, one := range list {
		y := page.RowAt(i, len(list))
		p.Lines = append(p.Lines, page.Line{Style: page.Faint, Points: []page.Point{{X: one.a.Median, Y: y},
			{X: one.b.Median, Y: y}}})
		text := fmt.Sprintf("%s / %s  ×%s", number(one.a.Median), metric.with(number(one.b.Median)),
			number(one.better.Median))
		far, near := rangeBar(one.b, y, theirs), rangeBar(one.a, y, ours)
		if far.High < near.High {
			far, near = near, far
		}
		far.Text = text
		p.Bars = append(p.Bars, near, far)
		p.Dots = append(p.Dots, page.Dot{Name: "Tailrace", Style: ours, At: page.Point{X: one.a.Median, Y: y}},
			page.Dot{Name: "Kafka", Style: theirs, At: page.Point{X: one.b.Median, Y: y}})
	}
	return p
}

// rangeBar is the range around a dot.
func rangeBar(s Spread, y float64, style page.Style) page.Bar {
	return page.Bar{Style: style, From: s.High, To: s.High, Y: y, Low: s.Low, High: s.High}
}

// extent is the lowest and the highest of all ranges.
func extent(list []pair) (low, high float64) {
	low = math.Inf(1)
	for _, p := range list {
		low, high = min(low, p.a.Low, p.b.Low), max(high, p.a.High, p.b.High)
	}
	return low, high
}

// textShare is how far into a chart its marks may reach, where a text of about twenty letters stands behind them.
const textShare = 0.74

// twoBars are the bars of one thing on both systems, Tailrace above.
func twoBars(i, n int) (upper, lower float64) { return page.RowAt(i, n) + 0.2, page.RowAt(i, n) - 0.2 }

const thick = 0.36

// bars draws a figure of each row on both systems, and returns how far they reach.
func bars(p *page.Plot, used []*Figures, metric string) (most float64) {
	for i, f := range used {
		upper, lower := twoBars(i, len(used))
		for _, one := range []struct {
			name   string
			system scenario.System
			style  page.Style
			y      float64
		}{{"Tailrace", scenario.Tailrace, ours, upper}, {"Kafka", scenario.Kafka, theirs, lower}} {
			v := f.Of(one.system, metric)
			if v.N == 0 {
				continue
			}
			most = max(most, v.High)
			p.Bars = append(p.Bars, page.Bar{Name: one.name, Style: one.style, To: v.Median, Low: v.Low, High: v.High,
				Y: one.y, Thick: thick, Text: number(v.Median)})
		}
	}
	return most
}
