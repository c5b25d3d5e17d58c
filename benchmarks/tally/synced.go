package tally

import (
	"cmp"
	"math"
	"slices"

	"tailrace/benchmarks/scenario"
	"tailrace/loadgen/page"
)

// syncedChart holds acks a second that wait for the disk by number of producers.
func (t *Tally) syncedChart() *Chart {
	used := t.pick(func(r *scenario.Row) bool {
		return r.Driver == "produce" && r.Durability == scenario.Synced && r.With["batch"] == "one" &&
			r.Metric == "requestsPerSecond" && r.With["partitions"] != "" && bytesOf(r.With["connections"]) > 0
	})
	p := &page.Plot{Label: "Acks a second that wait for the disk, by number of producers, Tailrace and Kafka",
		Height: 420}
	styles := map[scenario.System][]page.Style{scenario.Tailrace: {ours, page.EndToEnd},
		scenario.Kafka: {theirs, page.Broker}}
	partitions := numbersOf(used, "partitions")
	low, high := math.Inf(1), 0.0
	for _, s := range []scenario.System{scenario.Tailrace, scenario.Kafka} {
		for i, n := range partitions {
			name := map[scenario.System]string{scenario.Tailrace: "Tailrace", scenario.Kafka: "Kafka"}[s] +
				", " + countOf(n, "partition")
			a, b := syncedLine(p, used, s, n, name, styles[s][i%2])
			low, high = min(low, a), max(high, b)
		}
	}
	if len(p.Lines) == 0 {
		return nil
	}
	apart(p.Dots)
	producers := numbersOf(used, "connections")
	p.X = page.Axis{Title: "producers, one request in flight each", Log: true, Low: producers[0] * 0.8,
		High: producers[len(producers)-1] * 1.25, Ticks: producers}
	p.X.Reach(producers[len(producers)-1], 0.78)
	p.Y = page.Logarithmic("synced acks/s", low, high, nil)
	return t.chart("bench-synced.svg", used[0].Row.Scenario, p, used)
}

// apart puts one of each two labels that would stand nearly in the same place under its dot.
func apart(dots []page.Dot) {
	for i := range dots {
		for j := range dots {
			a, b := &dots[i], &dots[j]
			if a.Text != "" && b.Text != "" && a.At.X == b.At.X && a.At.Y < b.At.Y && a.At.Y > b.At.Y/2 {
				a.Below = true
			}
		}
	}
}

func countOf(n float64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return page.Count(n) + " " + what + "s"
}

// numbersOf are the values of a setting, sorted.
func numbersOf(list []*Figures, setting string) (numbers []float64) {
	for _, f := range list {
		if v := bytesOf(f.Row.With[setting]); !slices.Contains(numbers, v) {
			numbers = append(numbers, v)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// syncedLine draws a system over a number of partitions, and returns its extent.
func syncedLine(p *page.Plot, used []*Figures, s scenario.System, partitions float64, name string,
	style page.Style) (low, high float64) {
	low = math.Inf(1)
	line, band := page.Line{Style: style}, page.Band{Style: style}
	for _, f := range used {
		v := f.Of(s, f.Row.Metric)
		if bytesOf(f.Row.With["partitions"]) != partitions || !(v.Low > 0) {
			continue
		}
		x := bytesOf(f.Row.With["connections"])
		line.Points = append(line.Points, page.Point{X: x, Y: v.Median})
		band.Low, band.High = append(band.Low, page.Point{X: x, Y: v.Low}), append(band.High, page.Point{X: x, Y: v.High})
		low, high = min(low, v.Low), max(high, v.High)
	}
	byX := func(a, b page.Point) int { return cmp.Compare(a.X, b.X) }
	for _, points := range [][]page.Point{line.Points, band.Low, band.High} {
		slices.SortFunc(points, byX)
	}
	if len(line.Points) == 0 {
		return low, high
	}
	p.Lines, p.Bands = append(p.Lines, line), append(p.Bands, band)
	for i, at := range line.Points {
		d := page.Dot{Style: style, At: at}
		if i == len(line.Points)-1 {
			d.Text = name
		}
		p.Dots = append(p.Dots, d)
	}
	return low, high
}
