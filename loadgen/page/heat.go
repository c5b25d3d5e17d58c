package page

import (
	"fmt"
	"math"

	"tailrace/loadgen/meter"
)

// heatClasses is the number of shades of a heat map: that of a cell tells what share of the records of its column fell
// into it. The bounds are fixed, so that two maps can be compared by eye.
const heatClasses = 5

var heatBounds = [heatClasses]float64{0, 0.001, 0.01, 0.05, 0.20}

var heatNames = [heatClasses]string{"0", "0.1 %", "1 %", "5 %", "20 %"}

// heatRows is how many rows of cells a decade of latency has.
const heatRows = 10

// rangeOf is the smallest and the largest latency of columns.
func rangeOf(columns []column) (low, high float64) {
	low = math.Inf(1)
	for i := range columns {
		if h := columns[i].hist; h != nil {
			low, high = min(low, float64(h.Min())/1e6), max(high, float64(h.Max())/1e6)
		}
	}
	return low, high
}

// heatMap draws latency over time: what share of a column's records took how long, with percentiles over it. The axis
// holds low and high.
func heatMap(columns []column, clock meter.Clock, low, high float64) Figure {
	p := Plot{Label: fmt.Sprintf("heat map of %s time over the run", clock), Height: 380, X: timeAxis(columns)}
	p.Y = Latencies(low, high)
	p.Y.Title = clock.String() + " time"
	for i := range columns {
		cells(&p, &columns[i])
	}
	at := func(percentile float64) func(c *column) float64 {
		return func(c *column) float64 {
			if c.hist == nil {
				return math.NaN()
			}
			return float64(c.hist.ValueAtPercentile(percentile)) / 1e6
		}
	}
	p.Lines = []Line{
		{"p50", Median, steps(columns, at(50))},
		{"p99", Tail, steps(columns, at(99))},
		{"p99.9", FarTail, steps(columns, at(99.9))},
	}
	for i := range columns {
		if c := &columns[i]; c.hist != nil {
			p.Dots = append(p.Dots, Dot{Name: "max", Style: Largest, At: Point{(c.from + c.to) / 2, at(100)(c)}})
		}
	}
	labelWorst(&p)
	if len(p.Dots) == 0 {
		p.Empty = "no latency was recorded"
	}
	f := p.timeFigure(columns, func(c *column) string {
		if c.hist == nil {
			return "nothing recorded"
		}
		return fmt.Sprintf("%s records · p50 %s · p99 %s · p99.9 %s · max %s", Count(float64(c.hist.TotalCount())),
			Latency(at(50)(c)), Latency(at(99)(c)), Latency(at(99.9)(c)), Latency(at(100)(c)))
	})
	return f
}

// labelWorst writes the largest latency of the run beside its dot.
func labelWorst(p *Plot) {
	worst := 0
	for i := range p.Dots {
		if p.Dots[i].At.Y > p.Dots[worst].At.Y {
			worst = i
		}
	}
	if len(p.Dots) > 0 {
		p.Dots[worst].Text = "max " + Latency(p.Dots[worst].At.Y)
	}
}

// cells sorts a column's records into rows of equal height on the log axis.
func cells(p *Plot, c *column) {
	if c.hist == nil {
		return
	}
	rows := map[int]int64{}
	for _, bar := range c.hist.Distribution() {
		if bar.Count > 0 {
			rows[rowOf(float64(bar.To)/1e6)] += bar.Count
		}
	}
	lowest, highest := rowOf(p.Y.Low), rowOf(p.Y.High)
	for row := lowest; row <= highest; row++ {
		n := rows[row]
		if n == 0 {
			continue
		}
		class, share := 0, float64(n)/float64(c.hist.TotalCount())
		for class+1 < heatClasses && share >= heatBounds[class+1] {
			class++
		}
		p.Cells[class] = append(p.Cells[class], Cell{c.from, rowBegin(row), c.to, rowBegin(row + 1)})
	}
}

func rowOf(ms float64) int         { return int(math.Floor(math.Log10(ms)*heatRows + 1e-9)) }
func rowBegin(row int) float64     { return math.Pow(10, float64(row)/heatRows) }
func heatClass(class int) string   { return fmt.Sprintf("heat h%d", class+1) }
func span(from, to float64) string { return fmt.Sprintf("%.0f–%.0f s", from, to) }

// heat draws the cells, a path a shade, and their key.
func (p *Plot) heat(d *drawing) {
	drawn := false
	for class, list := range p.Cells {
		var path pen
		for _, c := range list {
			path.box(p.x(c.X1), p.y(c.Y1), p.x(c.X2), p.y(c.Y2))
		}
		if len(list) > 0 {
			drawn = true
			d.tag("path", "class", heatClass(class), "d", path.String())
		}
	}
	if !drawn {
		return
	}
	const box, gap = 14.0, 19.0
	x, y, words := plotLeft, p.Height-7, "share of the records of a column, from"
	d.text("title", "start", x, y, words)
	x += charWidth*float64(len(words)) + box
	for class, name := range heatNames {
		d.tag("rect", "class", heatClass(class), "x", px(x), "y", px(y-10), "width", px(box), "height", "12")
		d.text("title", "start", x+gap, y, name)
		x += gap + charWidth*float64(len(name)) + box
	}
}

// timeFigure is a chart over time with its read-outs. All of a page are of one group: the same columns.
func (p *Plot) timeFigure(columns []column, text func(c *column) string) Figure {
	f := Figure{SVG: p.SVG(), Group: "time"}
	for i := range columns {
		c := &columns[i]
		f.At = append(f.At, round(p.x((c.from+c.to)/2)))
		f.Text = append(f.Text, span(c.from, c.to)+" · "+text(c))
	}
	return f
}
