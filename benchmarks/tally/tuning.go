package tally

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tailrace/benchmarks/scenario"
)

// TUNING.md is prose that is true whatever is measured. What quotes a figure stands in parts between lines of their own
// and is written anew, so that no sentence outlives its run.
const (
	tuningFile  = "docs/TUNING.md"
	tuningNames = "tuning-*.svg"
	fromTuning  = "images/" // the way from there to imageDir
	notYet      = "not measured yet"
)

// parts are what is written between the lines of a document, by name.
type parts map[string]func(t *Tally, w *writer)

// tuningParts are the generated parts by their names.
var tuningParts = parts{
	"measured": (*Tally).measuredPart, "advice": (*Tally).advicePart, "settings": (*Tally).settingsPart,
	"acks": (*Tally).acksPart, "synced": (*Tally).syncedPart, "small": (*Tally).smallPart,
	"codecs": (*Tally).codecsPart, "latency": (*Tally).latencyPart,
}

var partLines = regexp.MustCompile(`(?ms)^<!-- figures: ([a-z]+) -->\n(.*?)^<!-- figures: end -->$`)

// fill writes every part of a text between its lines. A part that has no lines, or has them twice, is an error: nobody
// would miss it.
func (t *Tally) fill(file, text string, all parts) (string, error) {
	count := map[string]int{}
	text = partLines.ReplaceAllStringFunc(text, func(old string) string {
		name := partLines.FindStringSubmatch(old)[1]
		count[name]++
		part := all[name]
		if part == nil {
			return old
		}
		w := &writer{}
		part(t, w)
		return "<!-- figures: " + name + " -->\n\n" + w.String() + "<!-- figures: end -->"
	})
	for name := range all {
		if count[name] != 1 {
			return "", fmt.Errorf("%s has the part %s %d times, and should have it once", file, name, count[name])
		}
	}
	if len(count) != len(all) {
		return "", fmt.Errorf("%s has a part that nothing is written into: %v", file, count)
	}
	return text, nil
}

// writeTuning brings TUNING.md and its charts in line.
func (t *Tally) writeTuning(repoRoot string) error {
	if err := t.writeParts(repoRoot, tuningFile, tuningParts); err != nil {
		return err
	}
	return writeCharts(repoRoot, tuningNames, t.TuningCharts())
}

// writeParts brings the parts of a document in line.
func (t *Tally) writeParts(repoRoot, name string, all parts) error {
	file := filepath.Join(repoRoot, name)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	filled, err := t.fill(name, string(text), all)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(filled), 0o644)
}

// named lists the rows whose names begin so, measured or not.
func (t *Tally) named(prefix string) (list []*Figures) {
	t.each(func(_ *scenario.Scenario, f *Figures) {
		if strings.HasPrefix(f.Row.Name, prefix) {
			list = append(list, f)
		}
	})
	return list
}

// of is a row by its name; one that no scenario has was never measured.
func (t *Tally) of(name string) *Figures {
	if r := t.Book.Row(name); r != nil {
		return t.Row(r)
	}
	return &Figures{Row: &scenario.Row{Name: name}}
}

// none says so and reports it where nothing of a list was measured.
func none(w *writer, list []*Figures) bool {
	if slices.ContainsFunc(list, (*Figures).Measured) {
		return false
	}
	w.paragraph("*Not measured yet.*")
	return true
}

// duo is a figure on both systems for a cell.
func duo(f *Figures, metric string) string {
	switch {
	case !f.Measured():
		return notYet
	case f.Of(scenario.Tailrace, metric).N+f.Of(scenario.Kafka, metric).N == 0:
		return "—"
	}
	return both(f, metric)
}

// ourFigure is a figure of Tailrace in a sentence.
func ourFigure(f *Figures, metric string) string {
	v := f.Of(scenario.Tailrace, metric)
	if v.N == 0 {
		return notYet
	}
	return MetricOf(metric).with(number(v.Median))
}

// against is a figure of one row ÷ that of another on the same system, alternation by alternation, as ratios are made
// everywhere. Rows of two commits, or of two groups, which other starts of the system served, have none.
func against(a, b *Figures, s scenario.System, metric string) Spread {
	if a.Commit != b.Commit || a.Row.Group != b.Row.Group {
		return Spread{}
	}
	var list []float64
	for _, n := range a.alternations(s) {
		over, ok := a.value(s, n, metric)
		under, too := b.value(s, n, metric)
		if ok && too && over > 0 && under > 0 {
			list = append(list, over/under)
		}
	}
	return spreadOf(list)
}

// fold is such a ratio for a sentence.
func fold(s Spread) string {
	if s.N == 0 {
		return notYet
	}
	return times(s)
}

// picture shows charts of TUNING.md, or of BENCHMARKS.md by their names, if they are drawn.
func picture(w *writer, charts ...*Chart) {
	for _, c := range charts {
		if c == nil {
			continue
		}
		w.paragraph("![%s](%s%s)", c.Alt, fromTuning, c.File)
		if c.Note != "" {
			w.paragraph("%s", c.Note)
		}
	}
}

// olderRows names the rows of a table that are not of the newest commit.
func olderRows(w *writer, used []*Figures) {
	if note := olderIn("table", used); note != "" {
		w.paragraph("%s", note)
	}
}

// measuredPart says where all the figures come from.
func (t *Tally) measuredPart(w *writer) {
	list := t.sittings()
	if len(list) == 0 {
		w.paragraph("*Not measured yet.*")
		return
	}
	p := list[0]
	of := "commit `" + p.Commit + "`"
	var older []string
	for _, other := range list[1:] {
		if name := "`" + other.Commit + "`"; other.Commit != p.Commit && !slices.Contains(older, name) {
			older = append(older, name)
		}
	}
	if len(older) > 0 {
		of += " and, where that has not measured a row, " + strings.Join(older, ", ")
	}
	w.paragraph("%s. Disk: %s. Pinned: %s. Tailrace of %s; Apache Kafka %s.", p.Machine, p.Disk, p.Pinned, of, p.Kafka)
}

// settingsPart is batch size and linger, with acks 1.
func (t *Tally) settingsPart(w *writer) {
	list := t.settingsRows()
	if none(w, list) {
		return
	}
	picture(w, t.throughputChart(), t.cpuChart())
	var rows [][]string
	for _, f := range list {
		first := t.lingerless(list, f)
		change := []string{"", ""}
		if first != f {
			for i, m := range []string{"megabytesPerSecond", "cpuUsPerRecord"} {
				change[i] = fold(against(f, first, scenario.Tailrace, m))
			}
		}
		rows = append(rows, []string{sized(f.Row.With["batch-size"]), lingerText(f),
			duo(f, "megabytesPerSecond"), duo(f, "cpuUsPerRecord"), duo(f, "recordsPerRequest"),
			duo(f, "responseP50Ms"), change[0], change[1]})
	}
	w.paragraph("Figures are Tailrace / Kafka; the last two columns are Tailrace with this linger ÷ Tailrace with " +
		"linger 0.")
	w.table([]string{"batch", "linger", "MB/s", "CPU, µs/record", "records/request", "response p50, ms",
		"MB/s, against linger 0", "CPU, against linger 0"}, rows)
	olderRows(w, list)
	w.paragraph("The shortest linger, and then the smallest batch, with which Tailrace comes within %s of its best: for "+
		"throughput %s; for the broker's CPU %s.", nearlyText, t.choice(list, "megabytesPerSecond"),
		t.choice(list, "cpuUsPerRecord"))
}

// choice is the row that is enough, in words.
func (t *Tally) choice(list []*Figures, metric string) string {
	f := t.enough(list, metric)
	if f == nil {
		return notYet
	}
	return fmt.Sprintf("linger %s, batch %s (%s)", lingerText(f), sized(f.Row.With["batch-size"]),
		ourFigure(f, metric))
}

// lingerless is the row with the same batch and no linger.
func (t *Tally) lingerless(list []*Figures, f *Figures) *Figures {
	for _, g := range list {
		if g.Row.With["linger"] == "0" && g.Row.With["batch-size"] == f.Row.With["batch-size"] {
			return g
		}
	}
	return f
}

// acksPart is what each level of acks gets, cached and synced.
func (t *Tally) acksPart(w *writer) {
	list := t.named("acks-")
	if none(w, list) {
		return
	}
	picture(w, t.acksChart())
	var rows [][]string
	for _, f := range list {
		rows = append(rows, []string{f.Row.Title, duo(f, "megabytesPerSecond"), duo(f, "cpuSecondsPerGB")})
	}
	w.paragraph("Figures are Tailrace / Kafka.")
	w.table([]string{"", "MB/s", "CPU, s/GB"}, rows)
	olderRows(w, list)
	synced, cached := t.of("acks-all-synced"), t.of("acks-all-page")
	w.paragraph("An acks all that waits for the disk had, of the throughput of one that does not: %s on Tailrace, %s on "+
		"Kafka.", fold(against(synced, cached, scenario.Tailrace, "megabytesPerSecond")),
		fold(against(synced, cached, scenario.Kafka, "megabytesPerSecond")))
	on, off := t.of("idempotence-true"), t.of("idempotence-false")
	w.paragraph("Idempotence, of the broker's CPU for a record without it: %s on Tailrace, %s on Kafka.",
		fold(against(on, off, scenario.Tailrace, "cpuUsPerRecord")),
		fold(against(on, off, scenario.Kafka, "cpuUsPerRecord")))
}
