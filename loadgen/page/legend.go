package page

import (
	"slices"
	"unicode/utf8"
)

// entry is a name in a legend, and what it stands for.
type entry struct {
	kind  string // line, dot, band, bar, aim
	style Style
	name  string
}

// entries lists what has a name, each name once.
func (p *Plot) entries() []entry {
	var list []entry
	add := func(kind string, style Style, name string) {
		if name != "" && !slices.ContainsFunc(list, func(e entry) bool { return e.name == name }) {
			list = append(list, entry{kind, style, name})
		}
	}
	for _, l := range p.Lines {
		add("line", l.Style, l.Name)
	}
	for _, b := range p.Bands {
		add("band", b.Style, b.Name)
	}
	for _, b := range p.Bars {
		add("bar", b.Style, b.Name)
	}
	for _, b := range p.Bars {
		if b.Goal > 0 {
			add("aim", b.Style, "goal")
		}
	}
	for _, o := range p.Dots {
		add("dot", o.Style, o.Name)
	}
	return list
}

// legendName is the longest a name may be in a legend; the tables hold it whole.
const legendName = 36

// legend writes the names over the plot, from the right. It takes what room there is: names that do not fit follow in a
// second row.
func (p *Plot) legend(d *drawing) {
	list := p.entries()
	width := func(e entry) float64 { return 30 + charWidth*float64(utf8.RuneCountInString(e.name)) + 16 }
	all := 0.0
	for i := range list {
		if r := []rune(list[i].name); len(r) > legendName {
			list[i].name = string(r[:legendName-1]) + "…"
		}
		all += width(list[i])
	}
	from := p.left() + charWidth*float64(utf8.RuneCountInString(p.Y.title()))
	x, y := max(from, plotRight-all+16), 14.0
	for _, e := range list {
		w := width(e)
		if x+w-16 > plotRight+1 && y < 20 {
			x, y = from, 28
		}
		switch e.kind {
		case "line":
			d.line("line "+string(e.style), x, y-4, x+24, y-4)
		case "dot":
			d.tag("circle", "class", "dot "+string(e.style), "cx", px(x+12), "cy", px(y-4), "r", "3.5")
		case "bar":
			d.tag("rect", "class", "bar "+string(e.style), "x", px(x), "y", px(y-9), "width", "24", "height", "10")
		case "aim":
			d.line("aim", x+20, y-10, x+20, y+2)
		case "band":
			d.tag("rect", "class", "band "+string(e.style), "x", px(x), "y", px(y-9), "width", "24", "height", "10")
		}
		d.text("legend", "start", x+30, y, e.name)
		x += w
	}
}
