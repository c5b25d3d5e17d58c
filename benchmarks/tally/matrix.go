package tally

import (
	"fmt"
	"slices"

	"tailrace/benchmarks/scenario"
)

// The settings that span a matrix: one table of each first, lines of the second, columns of the third.
var spanning = []string{"acks", "batch-size", "linger"}

// fewestForMatrix is from how many rows on a scenario over all three settings is a matrix: 27 wide lines hide what nine
// cells show.
const fewestForMatrix = 8

// matrix is a scenario whose rows are every combination of three settings.
type matrix struct{ values [3][]string }

// matrixOf is nil for a scenario that is a plain table.
func matrixOf(s *scenario.Scenario) *matrix {
	m := &matrix{}
	for i := range s.Rows {
		for j, name := range spanning {
			v := s.Rows[i].With[name]
			if v == "" {
				return nil
			}
			if !slices.Contains(m.values[j], v) {
				m.values[j] = append(m.values[j], v)
			}
		}
	}
	if len(s.Rows) < fewestForMatrix || len(s.Rows) != len(m.values[0])*len(m.values[1])*len(m.values[2]) {
		return nil
	}
	return m
}

// matrix writes a small table for each value of the first setting.
func (t *Tally) matrix(w *writer, m *matrix, list []*Figures) {
	first := list[0].Row
	text := "A cell holds " + MetricOf(first.Metric).head()
	for _, name := range first.Show {
		text += "; " + MetricOf(name).head()
	}
	w.paragraph("%s: each Tailrace / Kafka, and how much better Tailrace is.", text)
	for _, a := range m.values[0] {
		head := []string{spanning[1]}
		for _, c := range m.values[2] {
			head = append(head, spanning[2]+" "+c)
		}
		var rows [][]string
		for _, b := range m.values[1] {
			cells := []string{"**" + b + "**"}
			for _, c := range m.values[2] {
				cells = append(cells, t.square(list, a, b, c))
			}
			rows = append(rows, cells)
		}
		w.paragraph("**%s %s**%s", spanning[0], a, meaning(list, a))
		w.table(head, rows)
	}
}

// meaning is what an ack is worth in the rows of one acks, where they say so.
func meaning(list []*Figures, acks string) string {
	of := slices.DeleteFunc(slices.Clone(list), func(f *Figures) bool { return f.Row.With[spanning[0]] != acks })
	if len(of) == 0 {
		return ""
	}
	if text, one := common(of, durability); one && text != "" {
		return ", " + text
	}
	return ""
}

// square is one combination: the row's figure, then each further one on a line of its own.
func (t *Tally) square(list []*Figures, values ...string) string {
	i := slices.IndexFunc(list, func(f *Figures) bool {
		for j, name := range spanning {
			if f.Row.With[name] != values[j] {
				return false
			}
		}
		return true
	})
	if i < 0 {
		return "not measured"
	}
	f := list[i]
	if f.Of(scenario.Tailrace, f.Row.Metric).N == 0 && f.Of(scenario.Kafka, f.Row.Metric).N == 0 {
		return "**failed**"
	}
	text := fmt.Sprintf("%s **%s**", MetricOf(f.Row.Metric).with(both(f, f.Row.Metric)),
		times(f.Better(scenario.Kafka, f.Row.Metric)))
	for _, name := range f.Row.Show {
		m := MetricOf(name)
		text += "<br>" + brief(m) + " " + m.with(both(f, name))
		if v := f.Better(scenario.Kafka, name); m.Sense != Neutral && v.N > 0 {
			text += " ×" + number(v.Median)
		}
	}
	if f.Older {
		text += "<br>*at commit* `" + f.Commit + "`"
	}
	return text
}

// brief is a heading for the room of a cell.
func brief(m Metric) string {
	if len(m.Heading) > 9 && m.Heading[:9] == "response " {
		return m.Heading[9:]
	}
	return m.Heading
}
