package page

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// drawing collects SVG. Numbers are rounded to a tenth of a pixel and all text is escaped, so that nothing that is
// drawn can be markup.
type drawing struct{ strings.Builder }

func (d *drawing) html() template.HTML {
	return template.HTML(d.String()) //nolint:gosec // built from numbers and escaped text
}

// px is a coordinate.
func px(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}

// tag writes an element; attributes are name, value, name, value.
func (d *drawing) tag(name string, attributes ...string) {
	d.open(name, attributes...)
	d.WriteString("</" + name + ">\n")
}

func (d *drawing) open(name string, attributes ...string) {
	d.WriteString("<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		fmt.Fprintf(d, ` %s="%s"`, attributes[i], html.EscapeString(attributes[i+1]))
	}
	d.WriteString(">")
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.tag("line", "class", class, "x1", px(x1), "y1", px(y1), "x2", px(x2), "y2", px(y2))
}

// text writes words; anchor is start, middle or end.
func (d *drawing) text(class, anchor string, x, y float64, words string, more ...string) {
	d.open("text", append([]string{"class", class, "text-anchor", anchor, "x", px(x), "y", px(y)}, more...)...)
	d.WriteString(html.EscapeString(words) + "</text>\n")
}

// pen writes the data of a path.
type pen struct {
	strings.Builder
	down bool
}

func (p *pen) to(x, y float64) {
	command := " L"
	if !p.down {
		command = "M"
		if p.Len() > 0 {
			command = " M"
		}
	}
	p.down = true
	p.WriteString(command + px(x) + " " + px(y))
}

func (p *pen) up() { p.down = false }

func (p *pen) box(x1, y1, x2, y2 float64) {
	fmt.Fprintf(p, "M%s %sH%sV%sH%sz", px(x1), px(y1), px(x2), px(y2), px(x1))
}
