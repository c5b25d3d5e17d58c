package contrast

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"tailrace/loadgen/stat"
)

// Text writes the comparison for a terminal: the verdict, a table for each pair, the notes.
func (c *Contrast) Text(w io.Writer) error {
	var b strings.Builder
	b.WriteString(c.Sentence() + "\n\n")
	for _, cmp := range c.Comparisons {
		c.table(&b, cmp)
	}
	fmt.Fprintf(&b, "%s times; intervals hold together with 95 %%; ~ no difference that these runs could show\n", c.Clock)
	for _, n := range c.notes() {
		b.WriteString("  note: " + n + "\n")
	}
	for _, f := range c.Found {
		word := "holds"
		for _, broken := range c.Broken {
			if broken == f {
				word = "FAILED"
			}
		}
		b.WriteString("  " + word + "  " + f + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (c *Contrast) table(b *strings.Builder, cmp *stat.Comparison) {
	rows := [][]string{{"", count(cmp.A, cmp.RunsA), count(cmp.B, cmp.RunsB), "change", "interval", ""}}
	for i := range cmp.Rows {
		r := &cmp.Rows[i]
		if r.A != r.A && r.B != r.B {
			continue // measured on neither side
		}
		rows = append(rows, []string{r.Title(), r.Show(r.A), r.Show(r.B), stat.Percent(r.Ratio), r.Interval(), verdict(r)})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 || i == len(row)-1 {
				line += cell + pad + "  "
			} else {
				line += pad + cell + "  "
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	b.WriteString("\n")
}

func count(name string, runs int) string {
	if runs == 1 {
		return name
	}
	return fmt.Sprintf("%s (%d runs)", name, runs)
}

// notes are what a reader of the table should know.
func (c *Contrast) notes() []string {
	for _, s := range c.Sides {
		if len(s.Runs) > 1 {
			return append([]string{"of repeats the typical run is shown: the geometric mean of the runs' own figures"},
				c.Notes...)
		}
	}
	return c.Notes
}

func verdict(r *stat.Row) string {
	if !r.Judged() {
		return r.Note
	}
	return string(r.Verdict)
}
