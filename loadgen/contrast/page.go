package contrast

import (
	"io"
	"slices"

	"tailrace/loadgen/page"
)

// HTML writes one page that needs nothing else: the verdict, each pair's table and intervals, the curves of all sides.
func (c *Contrast) HTML(w io.Writer) error {
	p := page.Compared{Clock: c.Clock, Failed: c.Broken}
	for _, s := range c.Sides {
		p.Sides = append(p.Sides, page.Side{Name: s.Name, Runs: s.Runs})
	}
	for _, cmp := range c.Comparisons {
		d := page.Difference{A: count(cmp.A, cmp.RunsA), B: count(cmp.B, cmp.RunsB), Sentence: cmp.Sentence(),
			Notes: slices.Concat([]string{"the table is of " + c.Clock.String() + " times"}, c.notes())}
		for i := range cmp.Rows {
			r := &cmp.Rows[i]
			if r.A != r.A && r.B != r.B {
				continue // measured on neither side
			}
			d.Rows = append(d.Rows, page.Change{Name: r.Title(), A: r.Show(r.A), B: r.Show(r.B), Ratio: r.Ratio, Low: r.Low,
				High: r.High, Verdict: string(r.Verdict), Note: r.Note})
		}
		p.Differences = append(p.Differences, d)
	}
	return page.Compare(w, &p)
}
