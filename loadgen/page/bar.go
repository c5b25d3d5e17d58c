package page

import "unicode/utf8"

// Bar lies along X in the row around Y, from From to To. Low and High are a whisker over it, the range that its end
// stands for; there is none where they are equal. A bar without thickness is its range alone, in its own colour: what
// stands around a dot on a log axis, where a bar would begin nowhere.
type Bar struct {
	Name      string // in the legend; the first of a name counts
	Style     Style
	From, To  float64
	Y, Thick  float64 // in the units of Y
	Low, High float64
	Goal      float64 // a tick across the row; 0: none
	Text      string  // behind its end
}

// barText is the least room for a text between the end of a bar and the edge; with less it stands over the bar, or
// before the range.
const barText = 10

func (p *Plot) bar(d *drawing, b *Bar) {
	top, bottom := p.y(b.Y+b.Thick/2), p.y(b.Y-b.Thick/2)
	from, to := p.x(b.From), p.x(b.To)
	if b.Thick > 0 {
		d.tag("rect", "class", "bar "+string(b.Style), "x", px(min(from, to)), "y", px(top),
			"width", px(max(from, to)-min(from, to)), "height", px(bottom-top))
	}
	end, y := max(from, to), p.y(b.Y)
	if b.High > b.Low {
		low, high := p.x(b.Low), p.x(b.High)
		end = max(end, high)
		class, tip := "whisker", (bottom-top)/4
		if b.Thick == 0 {
			class, tip = "span "+string(b.Style), 0
		}
		d.line(class, low, y, high, y)
		if tip > 0 {
			d.line(class, low, y-tip, low, y+tip)
			d.line(class, high, y-tip, high, y+tip)
		}
	}
	if b.Goal > 0 {
		at := p.x(b.Goal)
		d.line("aim", at, top-4, at, bottom+4)
		if at > end && at < end+8+charWidth*float64(utf8.RuneCountInString(b.Text)) {
			end = at // the text goes behind the tick and not under it
		}
	}
	if b.Text == "" {
		return
	}
	if end+barText+charWidth*float64(utf8.RuneCountInString(b.Text)) > plotRight {
		if b.Thick == 0 {
			end = p.x(min(b.Low, b.From))
		}
		d.text("note", "end", end-8, y+4, b.Text)
		return
	}
	d.text("note", "start", end+8, y+4, b.Text)
}

// Rows is the axis of a chart of bars: names from the top down, row i around RowAt(i, len(names)).
func Rows(title string, names []string) Axis {
	a := Axis{Title: title, High: float64(len(names)), Ticks: make([]float64, len(names))}
	for i := range names {
		a.Ticks[i] = RowAt(i, len(names))
	}
	a.Format = func(v float64) string { return names[len(names)-1-int(v)] }
	return a
}

// RowAt is the middle of row i of n on an axis of Rows.
func RowAt(i, n int) float64 { return float64(n-i) - 0.5 }

// RowsHeight is the height of a chart with so many rows of so many pixels.
func RowsHeight(rows int, each float64) float64 { return plotTop + plotBottom + each*float64(rows) }

// RowsMargin is the Margin that the longest of names needs.
func RowsMargin(names []string) float64 {
	longest := 0
	for _, n := range names {
		longest = max(longest, utf8.RuneCountInString(n))
	}
	return max(0, charWidth*float64(longest)+16-plotLeft)
}
