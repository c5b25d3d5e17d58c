package page

import (
	"html/template"
	"math"
	"unicode/utf8"
)

// Style is how a line, a dot or a band looks. Each has a colour that the colour-blind can tell from the others, in
// light and in dark, and a dash pattern of its own for paper.
type Style string

// The styles of the clocks, of processes, and of what is compared: Series gives the one for the n-th run.
const (
	Response  Style = "s1"
	Service   Style = "s2"
	EndToEnd  Style = "s3"
	Broker    Style = "s4"
	Generator Style = "s5"
	Reference Style = "ref"   // dashed grey: offered, allowed, a goal
	Bad       Style = "bad"   // errors, worse
	Good      Style = "good"  // better
	Median    Style = "q50"   // over a heat map
	Tail      Style = "q99"   //
	FarTail   Style = "q999"  //
	Largest   Style = "qmax"  // dots
	Faint     Style = "faint" // dominated points
)

// Series is the style of the n-th of several runs; after six they repeat.
func Series(n int) Style { return Style("s" + string(rune('1'+n%6))) }

// Pale is the style for a second part of the same thing: of a bar that is stacked.
func (s Style) Pale() Style { return s + " pale" }

// Point is a place in a chart, in the units of the axes. A NaN is a gap.
type Point struct{ X, Y float64 }

// Line joins points. It is drawn as it is: steps are points too.
type Line struct {
	Name   string // in the legend; empty: not there
	Style  Style
	Points []Point
}

// Band is the area between two lines over the same X.
type Band struct {
	Name      string
	Style     Style
	Low, High []Point
}

// Dot is a single point with a label.
type Dot struct {
	Name  string // in the legend; the first of a name counts
	Style Style
	At    Point
	Text  string
	Below bool // the text stands under the dot: there is another one above
}

// Mark is a vertical line with a label: a knee, a stall.
type Mark struct {
	X    float64
	Text string
}

// Cell is an area of a heat map.
type Cell struct{ X1, Y1, X2, Y2 float64 }

// Plot is a chart. The zero value of everything but the axes is nothing.
type Plot struct {
	Label  string // what it shows, for those who cannot see it
	Height float64
	Margin float64 // room for the labels of Y beyond what all charts have
	X, Y   Axis
	Cells  [heatClasses][]Cell
	Bands  []Band
	Bars   []Bar
	Lines  []Line
	Dots   []Dot
	Marks  []Mark
	Empty  string // written over a chart in which there is nothing to see
}

// The layout, in the units of the view box. Charts of a page share left and right, so that times stand over each other.
const (
	plotWidth  = 960.0
	plotLeft   = 84.0
	plotRight  = 936.0
	plotTop    = 34.0
	plotBottom = 42.0 // below the plot
	charWidth  = 6.6  // of the legend's font, about
)

// SVG draws the chart for a page, whose style sheet gives it its colours.
func (p *Plot) SVG() template.HTML { return p.svg("") }

// File draws the chart as a file of its own.
func (p *Plot) File() string { return string(p.svg(chartCSS)) + "\n" }

func (p *Plot) svg(css string) template.HTML {
	d := &drawing{}
	attributes := []string{"class", "chart", "xmlns", "http://www.w3.org/2000/svg", "role", "img", "aria-label", p.Label,
		"viewBox", "0 0 " + px(plotWidth) + " " + px(p.Height)}
	if css != "" { // a page gives it its size; an <img> takes it from here
		attributes = append(attributes, "width", px(plotWidth), "height", px(p.Height))
	}
	d.open("svg", attributes...)
	d.WriteString("\n")
	if css != "" {
		d.WriteString("<style>" + css + "</style>\n")
		d.tag("rect", "class", "ground", "width", px(plotWidth), "height", px(p.Height))
	}
	p.axes(d)
	p.heat(d)
	for i := range p.Bands {
		p.band(d, &p.Bands[i])
	}
	for i := range p.Bars {
		p.bar(d, &p.Bars[i])
	}
	for i := range p.Lines {
		d.tag("path", "class", "line "+string(p.Lines[i].Style), "d", p.path(p.Lines[i].Points))
	}
	for i := range p.Marks {
		p.mark(d, &p.Marks[i])
	}
	for i := range p.Dots {
		p.dot(d, &p.Dots[i])
	}
	if p.Empty != "" {
		d.text("empty", "middle", (p.left()+plotRight)/2, (plotTop+p.floor())/2+4, p.Empty)
	}
	p.legend(d)
	d.tag("line", "class", "cursor", "visibility", "hidden", "y1", px(plotTop), "y2", px(p.floor()))
	d.WriteString("</svg>")
	return d.html()
}

func (p *Plot) left() float64       { return plotLeft + p.Margin }
func (p *Plot) floor() float64      { return p.Height - plotBottom }
func (p *Plot) x(v float64) float64 { return p.X.at(v, p.left(), plotRight) }
func (p *Plot) y(v float64) float64 { return p.Y.at(v, p.floor(), plotTop) }

func (p *Plot) axes(d *drawing) {
	major, minor := p.Y.ticks(5)
	for _, v := range minor {
		d.line("grid minor", p.left(), p.y(v), plotRight, p.y(v))
	}
	for _, v := range major {
		d.line("grid", p.left(), p.y(v), plotRight, p.y(v))
		d.text("tick", "end", p.left()-8, p.y(v)+4, p.Y.text(v))
	}
	major, minor = p.X.ticks(12)
	for _, v := range minor {
		d.line("grid minor", p.x(v), plotTop, p.x(v), p.floor())
	}
	for _, v := range major {
		d.line("grid", p.x(v), plotTop, p.x(v), p.floor())
		d.text("tick", "middle", p.x(v), p.floor()+17, p.X.text(v))
	}
	d.line("axis", p.left(), p.floor(), plotRight, p.floor())
	d.text("title", "start", 8, 14, p.Y.title())
	d.text("title", "end", plotRight, p.floor()+35, p.X.title())
}

// path joins points that have a place; a gap lifts the pen.
func (p *Plot) path(points []Point) string {
	var pen pen
	for _, at := range points {
		if math.IsNaN(at.X) || math.IsNaN(at.Y) || p.Y.Log && at.Y <= 0 {
			pen.up()
			continue
		}
		pen.to(p.x(at.X), p.y(at.Y))
	}
	return pen.String()
}

func (p *Plot) band(d *drawing, b *Band) {
	var pen pen
	for _, at := range b.High {
		pen.to(p.x(at.X), p.y(at.Y))
	}
	for i := len(b.Low) - 1; i >= 0; i-- {
		pen.to(p.x(b.Low[i].X), p.y(b.Low[i].Y))
	}
	if pen.Len() > 0 {
		d.tag("path", "class", "band "+string(b.Style), "d", pen.String()+"z")
	}
}

func (p *Plot) mark(d *drawing, m *Mark) {
	x := p.x(m.X)
	d.line("mark", x, plotTop, x, p.floor())
	anchor, dx := "start", 6.0
	if x > (p.left()+plotRight)/2 {
		anchor, dx = "end", -6
	}
	d.text("note", anchor, x+dx, plotTop+14, m.Text)
}

func (p *Plot) dot(d *drawing, o *Dot) {
	x, y := p.x(o.At.X), p.y(o.At.Y)
	d.tag("circle", "class", "dot "+string(o.Style), "cx", px(x), "cy", px(y), "r", "3.5")
	if o.Text == "" {
		return
	}
	anchor, dx := "start", 8.0
	if x+16+charWidth*float64(utf8.RuneCountInString(o.Text)) > plotRight {
		anchor, dx = "end", -8
	}
	dy := -7.0
	if y < plotTop+14 || o.Below {
		dy = 16
	}
	d.text("note "+string(o.Style)+"-ink", anchor, x+dx, y+dy, o.Text)
}
