package tally

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tailrace/benchmarks/scenario"
)

// Markdown is the part of BENCHMARKS.md that follows from the raw results, and nothing else does.
func (t *Tally) Markdown(charts []Chart) string {
	w := &writer{}
	if t.Newest == "" {
		w.line("Nothing was measured yet.")
		return w.String()
	}
	t.where(w)
	t.goals(w, charts)
	t.losing(w)
	for i := range t.Book.Scenarios {
		t.section(w, &t.Book.Scenarios[i], charts)
	}
	return w.String()
}

// writer writes Markdown, blocks with an empty line between them.
type writer struct{ strings.Builder }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *writer) paragraph(format string, args ...any) { w.line(format+"\n", args...) }

// table writes a table; columns that are empty in every row are left out.
func (w *writer) table(head []string, rows [][]string) {
	var kept []int
	for i := range head {
		if slices.ContainsFunc(rows, func(r []string) bool { return r[i] != "" }) {
			kept = append(kept, i)
		}
	}
	write := func(cells []string) {
		for _, i := range kept {
			w.WriteString("| " + cell(cells[i]) + " ")
		}
		w.WriteString("|\n")
	}
	write(head)
	w.line("%s|", strings.Repeat("|---", len(kept)))
	for _, r := range rows {
		write(r)
	}
	w.line("")
}

// united is a number before its unit.
var united = regexp.MustCompile(`(\d) (%|µs|ns|ms|s/GB|MB|GB|KiB|MiB|GiB)`)

// cell keeps a text within its cell, numbers beside their units, and ranges in one piece: a browser that is short of
// room would break them first.
func cell(text string) string {
	text = strings.ReplaceAll(strings.Join(strings.FieldsFunc(text, blank), " "), "|", "\\|")
	return united.ReplaceAllString(strings.ReplaceAll(text, "–", "–\u2060"), "$1\u00a0$2")
}

// blank is white space at which a line may break.
func blank(r rune) bool { return r == ' ' || r == '\n' || r == '\r' || r == '\t' }

// foreign is a text that somebody else wrote, an error of a process: none of it is markup.
func foreign(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.NewReplacer("<", "&lt;", "*", "\\*", "_", "\\_", "`", "'").Replace(text)
}

// sitting is a place as the head of the document shows it: sittings of one commit on one machine are one.
type sitting struct {
	Place
	commands, times []string
}

func (t *Tally) sittings() (list []sitting) {
	for _, p := range t.places() {
		command, at := "`"+p.Command+"`", p.At.UTC().Format("2006-01-02 15:04")
		i := slices.IndexFunc(list, func(s sitting) bool {
			return s.Machine == p.Machine && s.BootID == p.BootID && s.Commit == p.Commit && s.Kafka == p.Kafka &&
				s.Java == p.Java && s.Disk == p.Disk && s.Pinned == p.Pinned
		})
		if i < 0 {
			list, i = append(list, sitting{Place: *p}), len(list)
		}
		if !slices.Contains(list[i].commands, command) {
			list[i].commands = append(list[i].commands, command)
		}
		list[i].times = append(list[i].times, at)
	}
	slices.Reverse(list) // the newest first
	return list
}

// fromTo is the first and the last of the starts of sittings.
func fromTo(times []string) string {
	if len(times) == 1 {
		return times[0]
	}
	return fmt.Sprintf("%d sittings, begun %s to %s", len(times), times[0], times[len(times)-1])
}

// where says where and of what the figures are.
func (t *Tally) where(w *writer) {
	list := t.sittings()
	head := []string{"measured"}
	rows := [][]string{{"commit"}, {"machine"}, {"boot"}, {"Apache Kafka"}, {"Java"}, {"disk"}, {"pinned"}, {"command"},
		{"date (UTC)"}}
	for i, s := range list {
		name := "here"
		if i > 0 {
			name = "rows that name this commit"
			if s.Commit == t.Newest {
				name = "in another sitting"
			}
		}
		head = append(head, name)
		for j, text := range []string{"`" + s.Commit + "`", s.Machine, s.BootID, s.Kafka, s.Java, s.Disk, s.Pinned,
			strings.Join(s.commands, ", "), fromTo(s.times)} {
			rows[j] = append(rows[j], text)
		}
	}
	w.table(head, slices.DeleteFunc(rows, func(r []string) bool { return strings.Join(r[1:], "") == "" }))
	w.paragraph("A figure is the median of its alternations, with the lowest and the highest in brackets. **×2 means " +
		"that Tailrace is better by a factor of two**: Kafka's cost ÷ Tailrace's, or Tailrace's rate ÷ Kafka's, in each " +
		"alternation by itself; below ×1 Kafka is better. *Of the loop* is the bare loop's cost ÷ Tailrace's (of rates: " +
		"Tailrace's ÷ the loop's), so over 100 %% is cheaper than the loop.")
	if len(t.Others) > 0 {
		w.paragraph("The raw results also hold rows that no scenario names any more: %s.", strings.Join(t.Others, ", "))
	}
}

// goals is the summary: each goal, the figure, met or missed. What is missed comes first.
func (t *Tally) goals(w *writer, charts []Chart) {
	w.line("### The goals\n")
	list := t.Verdicts()
	count := map[string]int{}
	for i := range list {
		count[strings.Trim(list[i].result(), "*")]++
	}
	text := fmt.Sprintf("%d of %d goals are met", count["met"], len(list))
	for _, r := range []string{"missed", "failed", "not measured"} {
		if count[r] > 0 {
			text += fmt.Sprintf(", %d %s", count[r], r)
		}
	}
	w.paragraph("%s. They are held against Kafka with a heap of 1 GiB; what it is with 4 GiB stands beside it.", text)
	rank := []string{"**missed**", "**failed**", "met", "not measured"}
	slices.SortStableFunc(list, func(a, b Verdict) int {
		return slices.Index(rank, a.result()) - slices.Index(rank, b.result())
	})
	var rows [][]string
	for i := range list {
		v := &list[i]
		rows = append(rows, []string{
			v.Scenario.Name, t.label(v.Figures), v.aim(), v.figure(), v.result(),
		})
	}
	w.table([]string{"", "row", "goal", "figure", "result"}, rows)
	t.pictures(w, charts, "")
}

// label is a row's name and title, and its commit if that is not the newest.
func (t *Tally) label(f *Figures) string {
	text := "`" + f.Row.Name + "`<br>" + f.Row.Title
	if f.Older {
		text += "<br>*at commit* `" + f.Commit + "`"
	}
	return text
}

// losing says where Kafka is better, or a goal is missed.
func (t *Tally) losing(w *writer) {
	w.line("### Where Tailrace loses\n")
	list, further := t.Losses()
	if len(list) == 0 {
		w.paragraph("In no row that was measured is the median of the ratios below 1, and no goal that was measured is " +
			"missed.")
	} else {
		w.paragraph("Every row in which the median of the ratios is below 1, or a goal is missed; the worst first. Ratios " +
			"are of neighbours in time: their median is not the ratio of the medians beside it, and may lie on the other " +
			"side of 1.")
		t.losses(w, list)
	}
	if names := t.failing(); len(names) > 0 {
		w.paragraph("Rows in which a measurement of Tailrace failed: %s. The reasons stand under their tables.",
			strings.Join(names, ", "))
	}
	if len(further) > 0 {
		w.paragraph("Further figures in which the median of the ratios is below 0.99:")
		t.losses(w, further)
	}
}

// failing are the rows that could not be measured on Tailrace, once or more often.
func (t *Tally) failing() (names []string) {
	t.each(func(_ *scenario.Scenario, f *Figures) {
		if slices.ContainsFunc(f.Failures(), func(e Failure) bool { return e.System == scenario.Tailrace }) {
			names = append(names, "`"+f.Row.Name+"`")
		}
	})
	return names
}

func (t *Tally) losses(w *writer, list []Loss) {
	var rows [][]string
	for i := range list {
		l := &list[i]
		m := MetricOf(l.Metric)
		against := m.text(l.Figures.Of(l.Against, l.Metric))
		if l.Against == scenario.Kafka4g {
			against += ", heap 4 GiB"
		}
		rows = append(rows, []string{l.Scenario.Name, t.label(l.Figures), m.Heading,
			m.text(l.Figures.Of(scenario.Tailrace, l.Metric)), against, times(l.Ratio), l.words()})
	}
	w.table([]string{"", "row", "figure", "Tailrace", "Kafka", "Tailrace is better", "how"}, rows)
}

// pictures shows the charts that belong somewhere.
func (t *Tally) pictures(w *writer, charts []Chart, where string) {
	for i := range charts {
		if c := &charts[i]; c.Scenario == where {
			w.paragraph("![%s](%s/%s)", c.Alt, imageDir, c.File)
			if c.Note != "" {
				w.paragraph("%s", c.Note)
			}
		}
	}
}
