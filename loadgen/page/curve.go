package page

import (
	"fmt"
	"math"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Curve is a latency distribution on the 1/(1−p) axis: X is 1/(1−p), Y milliseconds, as steps. The last point is the
// largest latency, at as many records as there are.
type Curve struct {
	Name    string
	Style   Style
	Records int64
	Points  []Point
	Low     []Point // with High a band around it; both may be nil
	High    []Point
}

// curveSteps is how many points a decade of 1/(1−p) takes at most; a pixel is less than a point in every chart here.
const curveSteps = 120

// CurveOf reads a histogram of nanoseconds. It gives every step where records are few, and one in each curveSteps-th
// of a decade where they are many.
func CurveOf(name string, style Style, h *hdr.Histogram) Curve {
	c := Curve{Name: name, Style: style, Records: h.TotalCount()}
	n := float64(c.Records)
	var seen int64
	last := math.Inf(-1)
	for _, bar := range h.Distribution() {
		if bar.Count == 0 {
			continue
		}
		from := n / (n - float64(seen)) // of the first record in the bucket
		seen += bar.Count
		to := n
		if seen < c.Records {
			to = n / float64(c.Records-seen)
		}
		ms := float64(bar.To) / 1e6
		if at := math.Log10(to); len(c.Points) == 0 || at-last >= 1.0/curveSteps || seen == c.Records {
			c.Points = append(c.Points, Point{from, ms}, Point{to, ms})
			last = at
		}
	}
	return c
}

// At is the latency at a place of the axis; NaN where there are no records.
func (c *Curve) At(x float64) float64 { return valueAt(c.Points, x) }

func valueAt(points []Point, x float64) float64 {
	if len(points) == 0 || x > points[len(points)-1].X*1.000001 {
		return math.NaN()
	}
	for _, p := range points {
		if p.X >= x {
			return p.Y
		}
	}
	return points[len(points)-1].Y
}

// Curves draws distributions over each other, each up to its largest latency.
func Curves(label string, list []Curve) Figure {
	low, high, records := math.Inf(1), 0.0, int64(0)
	p := Plot{Label: label, Height: 400}
	for _, c := range list {
		records = max(records, c.Records)
		for _, points := range [][]Point{c.Points, c.Low, c.High} {
			for _, at := range points {
				if at.Y > 0 {
					low, high = min(low, at.Y), max(high, at.Y)
				}
			}
		}
		if c.Low != nil {
			p.Bands = append(p.Bands, Band{Style: c.Style, Low: c.Low, High: c.High})
		}
		p.Lines = append(p.Lines, Line{c.Name, c.Style, c.Points})
		if len(c.Points) > 0 {
			p.Dots = append(p.Dots, Dot{Style: c.Style, At: c.Points[len(c.Points)-1]})
		}
	}
	labelLargest(&p, list)
	p.X, p.Y = Percentiles(records), Latencies(low, high)
	f := Figure{SVG: p.SVG(), Group: "percentiles"}
	for x := 1.0; x <= p.X.High*1.001; x *= math.Pow(10, 1.0/24) {
		text := "p" + percentileText(math.Round(x*100)/100)
		for i := range list {
			if v := list[i].At(x); !math.IsNaN(v) {
				text += fmt.Sprintf(" · %s %s", list[i].Name, Latency(v))
			}
		}
		f.At, f.Text = append(f.At, round(p.x(x))), append(f.Text, text)
	}
	return f
}

// labelLargest writes the largest latency of each curve beside its end, but not two labels over each other: of curves
// that end close together the first is labelled.
func labelLargest(p *Plot, list []Curve) {
	const apart = 1.25 // as a ratio of latencies: about a line of text
	var at []float64
	for i := range p.Dots {
		v := p.Dots[i].At.Y
		free := true
		for _, w := range at {
			free = free && (v > w*apart || w > v*apart)
		}
		if free {
			p.Dots[i].Text = "max " + Latency(v)
			if len(list) > 1 {
				p.Dots[i].Text = list[i].Name + " " + p.Dots[i].Text
			}
			at = append(at, v)
		}
	}
}

func round(v float64) float64 { return math.Round(v*10) / 10 }
