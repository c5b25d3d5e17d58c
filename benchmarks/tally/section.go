package tally

import (
	"fmt"
	"slices"
	"strings"

	"tailrace/benchmarks/scenario"
)

// section is a scenario: what it is about, its table, and all that is not in the table.
func (t *Tally) section(w *writer, s *scenario.Scenario, charts []Chart) {
	w.line("### %s: %s\n", s.Name, s.Title)
	w.paragraph("%s", strings.TrimSpace(s.About))
	var measured []*Figures
	var missing []string
	for i := range s.Rows {
		if f := t.Row(&s.Rows[i]); f.Measured() {
			measured = append(measured, f)
		} else {
			missing = append(missing, "`"+s.Rows[i].Name+"`")
		}
	}
	if len(measured) > 0 {
		if m := matrixOf(s); m != nil {
			t.matrix(w, m, measured)
		} else {
			t.table(w, measured)
		}
		t.pictures(w, charts, s.Name)
	}
	if len(missing) > 0 {
		w.paragraph("**Not measured:** %s.", strings.Join(missing, ", "))
	}
	t.remarks(w, measured)
}

// common is the one value that all rows have, or empty and false.
func common(list []*Figures, of func(f *Figures) string) (string, bool) {
	first := of(list[0])
	for _, f := range list[1:] {
		if of(f) != first {
			return "", false
		}
	}
	return first, true
}

func heading(f *Figures) string { return MetricOf(f.Row.Metric).Heading }

func durability(f *Figures) string { return string(f.Row.Durability) }

// mostColumns is how many a page has room for: with more, further figures share the last column.
const mostColumns = 7

// table is a line a row. What all rows have in common is said once above it and takes no column.
func (t *Tally) table(w *writer, list []*Figures) {
	head, rows, lead := t.own(list)
	width := len(head)
	for i := range head {
		if !slices.ContainsFunc(rows, func(r []string) bool { return r[i] != "" }) {
			width--
		}
	}
	columns, others := further(list)
	if width+len(columns) > mostColumns {
		columns, others = nil, append(columns, others...)
	}
	if len(columns)+len(others) > 0 {
		lead = append(lead, "Columns behind the ratios: Tailrace / Kafka.")
	}
	for _, m := range columns {
		head = append(head, MetricOf(m).head())
	}
	head = append(head, "also")
	for i, f := range list {
		for _, m := range columns {
			text := ""
			if m != f.Row.Metric && slices.Contains(f.Row.Show, m) {
				text = both(f, m)
			}
			rows[i] = append(rows[i], text)
		}
		rows[i] = append(rows[i], also(f, others))
	}
	if len(lead) > 0 {
		w.paragraph("%s", strings.Join(lead, " "))
	}
	w.table(head, rows)
}

// own are the columns of the rows' own figures, and what is said above them.
func (t *Tally) own(list []*Figures) (head []string, rows [][]string, lead []string) {
	figure, oneFigure := common(list, heading)
	if oneFigure {
		lead = append(lead, "The figure is "+figure+", "+sense(list)+".")
	}
	acks, oneDurability := common(list, durability)
	if oneDurability && acks != "" {
		lead = append(lead, "Acks: "+acks+", on all systems.")
	}
	for _, f := range list {
		cells := []string{t.label(f), durability(f), heading(f), t.cell(f, scenario.Tailrace), t.cell(f, scenario.Kafka),
			t.ratio(f), t.share(f)}
		if oneDurability {
			cells[1] = ""
		}
		if oneFigure {
			cells[2] = ""
		}
		rows = append(rows, cells)
	}
	return []string{"row", "acks", "figure", "Tailrace", "Kafka", "Tailrace is better", "of the loop"}, rows, lead
}

// sense says which way is better, if all rows agree.
func sense(list []*Figures) string {
	text, _ := common(list, func(f *Figures) string {
		if f.Row.More {
			return "more is better"
		}
		return "less is better"
	})
	if text == "" {
		return "as the row says"
	}
	return text
}

// further are the figures shown beside the row's own. Those that more than half of the rows have get a column each; the
// rest share the last one, or a table of unlike rows would be columns of nothing.
func further(list []*Figures) (columns, others []string) {
	count := map[string]int{}
	var all []string
	for _, f := range list {
		for _, m := range f.Row.Show {
			if m == f.Row.Metric {
				continue
			}
			if count[m]++; count[m] == 1 {
				all = append(all, m)
			}
		}
	}
	for _, m := range all {
		if 2*count[m] > len(list) {
			columns = append(columns, m)
		} else {
			others = append(others, m)
		}
	}
	return columns, others
}

// also are a row's figures that have no column, a line each.
func also(f *Figures, others []string) string {
	var parts []string
	for _, m := range others {
		if m != f.Row.Metric && slices.Contains(f.Row.Show, m) {
			parts = append(parts, MetricOf(m).Heading+" "+MetricOf(m).with(both(f, m)))
		}
	}
	return strings.ReplaceAll(strings.Join(parts, "<br>"), " ", "\u00a0")
}

// both is a further figure on both systems; its unit stands in the head.
func both(f *Figures, metric string) string {
	one := func(s scenario.System) string {
		if v := f.Of(s, metric); v.N > 0 {
			return number(v.Median)
		}
		return "—"
	}
	return one(scenario.Tailrace) + " / " + one(scenario.Kafka)
}

// cell is a row's own figure on a system: or why there is none.
func (t *Tally) cell(f *Figures, s scenario.System) string {
	v := f.Of(s, f.Row.Metric)
	switch {
	case v.N > 0:
		return MetricOf(f.Row.Metric).text(v)
	case slices.ContainsFunc(f.Failures(), func(e Failure) bool { return e.System == s }):
		return "**failed**"
	case t.wanted(f.Row, s):
		return "not measured"
	}
	return "—"
}

// ratio is how much better Tailrace is than Kafka, with either heap.
func (t *Tally) ratio(f *Figures) string {
	text := strong(f.Better(scenario.Kafka, f.Row.Metric))
	if v := f.Better(scenario.Kafka4g, f.Row.Metric); v.N > 0 {
		text += withLargerHeap + strong(v)
	}
	return text
}

// strong is a ratio that stands out where Kafka is better.
func strong(v Spread) string {
	if v.N > 0 && v.Median < 1 {
		return "**" + times(v) + "**"
	}
	return times(v)
}

// share is the row beside the bare loop, and beside the best one.
func (t *Tally) share(f *Figures) string {
	var parts []string
	if v := f.Better(scenario.Loop, f.Row.Metric); v.N > 0 {
		parts = append(parts, percent(v))
	}
	if v := f.Better(scenario.BestLoop, f.Row.Metric); v.N > 0 {
		parts = append(parts, "best loop "+percent(v))
	}
	if len(parts) == 0 && (t.wanted(f.Row, scenario.Loop) || t.wanted(f.Row, scenario.BestLoop)) {
		return "—"
	}
	return strings.Join(parts, "<br>")
}

// remarks are what a table cannot hold: failures with their reasons, alternations that are missing, notes. What is true
// of several rows is said once.
func (t *Tally) remarks(w *writer, list []*Figures) {
	var texts []string
	rows := map[string][]string{}
	add := func(f *Figures, text string) {
		if text == "" {
			return
		}
		if rows[text] == nil {
			texts = append(texts, text)
		}
		rows[text] = append(rows[text], "`"+f.Row.Name+"`")
	}
	for _, f := range list {
		for _, e := range f.Failures() {
			add(f, fmt.Sprintf("**failed** on %s, alternation %d: %s", e.System, e.Alternation, foreign(e.Why)))
		}
		add(f, t.short(f))
		add(f, foreign(strings.Join(f.notes(), "; ")))
	}
	lines := make([]string, len(texts))
	for i, text := range texts {
		names := strings.Join(rows[text], ", ")
		if len(rows[text]) == len(list) && len(list) > 1 {
			names = "all rows"
		}
		lines[i] = "- " + names + ": " + text
	}
	if len(lines) > 0 {
		w.paragraph("%s", strings.Join(lines, "\n"))
	}
}

// short names the systems that have fewer figures than there are turns.
func (t *Tally) short(f *Figures) string {
	turns := t.Book.Groups[f.Row.Group].Alternations
	var parts []string
	for _, s := range scenario.Systems {
		if n := f.Of(s, f.Row.Metric).N; t.wanted(f.Row, s) && n < turns {
			parts = append(parts, fmt.Sprintf("%d on %s", n, s))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("of %d alternations there are %s", turns, strings.Join(parts, ", "))
}
