package tally

import (
	"math"
	"slices"
	"strings"

	"tailrace/benchmarks/scenario"
	"tailrace/loadgen/page"
)

// TuningCharts draws the charts of TUNING.md that there are figures for.
func (t *Tally) TuningCharts() (list []Chart) {
	for _, draw := range []func() *Chart{t.throughputChart, t.cpuChart, t.acksChart, t.trafficChart} {
		if c := draw(); c != nil {
			list = append(list, *c)
		}
	}
	return list
}

// having keeps the rows that have a figure on either system.
func having(list []*Figures, metric string) []*Figures {
	return slices.DeleteFunc(slices.Clone(list), func(f *Figures) bool {
		return f.Of(scenario.Tailrace, metric).N+f.Of(scenario.Kafka, metric).N == 0
	})
}

// barChart is a figure of rows on both systems, as bars.
func (t *Tally) barChart(file, label, axis, title string, used []*Figures, metric string,
	name func(f *Figures) string) *Chart {
	if used = having(used, metric); len(used) == 0 {
		return nil
	}
	var names []string
	for _, f := range used {
		names = append(names, name(f))
	}
	p := &page.Plot{Label: label, Y: page.Rows(title, names), Margin: page.RowsMargin(names),
		Height: page.RowsHeight(len(names), 40)}
	reach := bars(p, used, metric)
	p.X = page.Linear(axis, reach, nil)
	p.X.Reach(reach, 0.92)
	return t.chart(file, "", p, used)
}

// batchName is a row of S4 for the side of a chart: 16 KiB, linger 5 ms.
func batchName(f *Figures) string {
	return sized(f.Row.With["batch-size"]) + ", linger " + lingerText(f)
}

// lingerText is a linger as people write it: 5 ms.
func lingerText(f *Figures) string { return strings.Replace(f.Row.With["linger"], "ms", " ms", 1) }

func (t *Tally) throughputChart() *Chart {
	return t.barChart("tuning-throughput.svg", "Throughput of one client by batch size and linger, Tailrace and Kafka",
		"MB/s", "franz-go, acks 1, page cache, 1 KiB records", t.settingsRows(), "megabytesPerSecond", batchName)
}

func (t *Tally) cpuChart() *Chart {
	return t.barChart("tuning-cpu.svg", "Broker's CPU for a record by batch size and linger, Tailrace and Kafka",
		"broker's CPU, µs a record", "franz-go, acks 1, page cache, 1 KiB records", t.settingsRows(), "cpuUsPerRecord",
		batchName)
}

func (t *Tally) acksChart() *Chart {
	return t.barChart("tuning-acks.svg", "Throughput by level of acks, cached and synced, Tailrace and Kafka", "MB/s",
		"prebuilt requests, 16 KiB batches of 1 KiB records", t.named("acks-"), "megabytesPerSecond",
		func(f *Figures) string { return f.Row.Title })
}

// trafficChart is what a codec saves against what it costs the broker: up and left is better.
func (t *Tally) trafficChart() *Chart {
	used := slices.DeleteFunc(having(t.named("codec-"), "cpuSecondsPerGB"), func(f *Figures) bool {
		return !(ratioOf(f) > 0)
	})
	if len(used) == 0 {
		return nil
	}
	p := &page.Plot{Label: "What a codec saves against what it costs the broker, Tailrace and Kafka", Height: 380}
	low, high, best := math.Inf(1), 0.0, 0.0
	for _, f := range used {
		line := page.Line{Style: page.Faint}
		y := ratioOf(f)
		best = max(best, y)
		for _, one := range []struct {
			name   string
			system scenario.System
			style  page.Style
		}{{"Tailrace", scenario.Tailrace, ours}, {"Kafka", scenario.Kafka, theirs}} {
			v := f.Of(one.system, "cpuSecondsPerGB")
			if !(v.Low > 0) {
				continue
			}
			low, high = min(low, v.Low), max(high, v.High)
			at := page.Point{X: v.Median, Y: y}
			line.Points = append(line.Points, at)
			p.Bars = append(p.Bars, rangeBar(v, y, one.style))
			p.Dots = append(p.Dots, page.Dot{Name: one.name, Style: one.style, At: at, Text: f.Row.With["codec"]})
		}
		p.Lines = append(p.Lines, line)
	}
	p.X = page.Logarithmic("broker's CPU seconds for a GB of uncompressed data", low, high, nil)
	p.X.Ticks = oneTwoFive(p.X.Low, p.X.High)
	p.Y = page.Linear("compression ratio", best*1.1, nil)
	below(p.Dots, p.Y.High)
	return t.chart("tuning-codecs.svg", "", p, used)
}

// below puts the name of a dot under it where another one stands just above: within a line of text, and a word.
func below(dots []page.Dot, high float64) {
	for i := range dots {
		for j := range dots {
			a, b := &dots[i], &dots[j]
			over := b.At.Y > a.At.Y || b.At.Y == a.At.Y && j < i
			if i != j && over && b.At.Y-a.At.Y < high*0.07 && math.Abs(math.Log(a.At.X/b.At.X)) < 0.25 {
				a.Below = true
			}
		}
	}
}
