package page

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
	"tailrace/vfs"
)

// Write puts report.html into the directory of a run, in place of one that may be there.
func Write(dir string, r *result.Run) error {
	var b bytes.Buffer
	if err := Report(&b, r); err != nil {
		return err
	}
	return vfs.WriteFileAtomic(vfs.OS, filepath.Join(dir, result.FileHTML), b.Bytes())
}

// Report writes the page of a run. It fails only where the histograms of the run cannot be read, or w fails.
func Report(w io.Writer, r *result.Run) error {
	clock := mainClock(r)
	columns, err := columnsOf(r, clock)
	if err != nil {
		return err
	}
	percentiles, err := percentileSection(r)
	if err != nil {
		return err
	}
	d := &Document{
		Title: r.Name() + ": load run", Kind: "Load run", About: about(r), Verdict: verdict(r), Limit: limit(r),
		Tiles: tiles(r), Notes: notes(r),
		Sections: []Section{percentiles, timeSection(r, columns, clock), totalsSection(r), settingsSection(r),
			environmentSection(r), readingSection()},
		Foot: foot(r),
	}
	return d.Write(w)
}

// mainClock is the one that is drawn over time: response, or end to end where consumers ran alone.
func mainClock(r *result.Run) meter.Clock {
	if r.Clocks[meter.Response.Tag()] == nil && r.Clocks[meter.EndToEnd.Tag()] != nil {
		return meter.EndToEnd
	}
	return meter.Response
}

func verdict(r *result.Run) string {
	if r.Verdict.Sentence == "" {
		return "This run has no verdict."
	}
	return r.Verdict.Sentence
}

// about says what was measured, for somebody who sees only this page.
func about(r *result.Run) string {
	var parts []string
	if r.Label != "" {
		parts = append(parts, r.Label)
	}
	parts = append(parts, brokerName(r))
	if r.Broker.Address != "" && !r.Broker.Own {
		parts = append(parts, "at "+r.Broker.Address)
	}
	load := fmt.Sprintf("values of %s, rate %s, acks=%s", r.Settings["record-size"], r.Settings["rate"],
		r.Settings["acks"])
	if n := r.Settings["producers"]; n != "1" {
		load += ", " + n + " producers"
	}
	if r.Broker.Durability != "" {
		load += " (" + r.Broker.Durability + ")"
	}
	return strings.Join(append(parts, load, fmt.Sprintf("measured for %.0f s", r.Totals.Seconds),
		r.Started.UTC().Format("2 January 2006, 15:04 UTC")), " · ")
}

func brokerName(r *result.Run) string {
	name := strings.TrimSpace(r.Broker.Software + " " + r.Broker.Version)
	if name == "" {
		name = "a broker that did not say what it is"
	}
	if r.Broker.Own {
		name += " (started for this run)"
	}
	return name
}

// limit says what held the run back.
func limit(r *result.Run) Limit {
	l := Limit{Tone: "ok", Head: "The rate was kept.", Text: "Neither broker nor load generator was at its limit: this " +
		"is how the broker answered at this rate, not how fast it can go."}
	full := r.Settings["rate"] == plan.Rate{}.String()
	switch {
	case r.Verdict.Bound == result.BoundGenerator:
		l = Limit{"bad", "The load generator was the limit.", "These figures say nothing of the broker: " +
			r.Verdict.Why + ". Give loadgen more cores or another machine, or ask for less."}
	case r.Verdict.Bound == result.BoundBroker:
		l = Limit{"warn", "The broker was the limit.", "Its latencies grow with the length of the run: " +
			r.Verdict.Why + "."}
	case r.Totals.Failed > 0:
		l = Limit{"warn", "Records failed.", fmt.Sprintf("%d of %d: the latencies are those of the others.",
			r.Totals.Failed, r.Totals.Scheduled)}
	case full:
		l = Limit{"ok", "There was no schedule.", "Each record went as soon as there was room for it, so response time " +
			"hides nothing that service time shows; the rate is what broker and client reached together."}
	}
	if r.Partial {
		l.Text += " The run was cut short: " + orElse(r.Interrupted, "it did not end") + "."
		if l.Tone == "ok" {
			l.Tone = "warn"
		}
	}
	return l
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// notes are the warnings, as sentences.
func notes(r *result.Run) []string {
	var list []string
	for _, w := range r.Verdict.Warnings {
		list = append(list, sentence(w))
	}
	return list
}

// sentence begins with a capital and ends with a stop.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}

// tiles are the figures that most people come for.
func tiles(r *result.Run) []Tile {
	t := r.Totals
	var list []Tile
	if t.Acked > 0 {
		text := "at full speed"
		if t.Offered > 0 {
			text = "of " + Count(t.Offered) + " offered"
		}
		list = append(list, Tile{"Records a second", Count(t.Achieved), text},
			Tile{"Throughput", Bytes(t.Bytes) + "/s", "values and keys"})
	} else {
		list = append(list, Tile{"Consumed a second", Count(t.Consumed), "records"})
	}
	if c := r.Clocks[meter.Response.Tag()]; c != nil {
		list = append(list, Tile{"Response p50", Latency(c.At["50"]), "half the records took less"},
			Tile{"Response p99", Latency(c.At["99"]), "one in a hundred took longer"},
			Tile{"Response p99.9", Latency(c.At["99.9"]), "one in a thousand took longer"},
			Tile{"Response max", Latency(c.Max), "of " + plural(c.Count, "record", "records")})
	}
	if c := r.Clocks[meter.EndToEnd.Tag()]; c != nil {
		list = append(list, Tile{"End to end p99", Latency(c.At["99"]), "at the consumer"})
	}
	if c := r.Broker.Cost; c != nil {
		list = append(list, Tile{"Broker CPU", fmt.Sprintf("%.2f cores", c.Cores), perRecord(c)})
	}
	return list
}

func perRecord(c *result.Cost) string {
	if c.NsPerRecord <= 0 {
		return ""
	}
	return Latency(c.NsPerRecord/1e6) + " a record"
}

func percentileSection(r *result.Run) (Section, error) {
	s := Section{
		Title: "How long records took",
		Lead: "Each step to the right leaves out nine of ten of the records that remain; the curve ends at the slowest " +
			"one. Where response lies above service, records waited before they could be sent.",
	}
	var list []Curve
	for c := range meter.Clock(meter.Clocks) {
		if r.Clocks[c.Tag()] == nil {
			continue
		}
		h, err := r.Series.Total(c)
		if err != nil {
			return s, err
		}
		list = append(list, CurveOf(c.String(), Series(int(c)), h))
	}
	if len(list) == 0 {
		s.Lead = "No latency was recorded."
		return s, nil
	}
	s.Figures = []Figure{Curves("latency by percentile, one curve a clock", list)}
	s.Tables = []Table{percentileTable(r)}
	return s, nil
}

func timeSection(r *result.Run, columns []column, clock meter.Clock) Section {
	s := Section{Title: "How it went over time", Lead: "The charts share their time axis. " + columnText(columns)}
	if len(columns) == 0 {
		s.Lead = "Nothing was measured."
		return s
	}
	s.Lead += worstText(columns)
	low, high := rangeOf(columns)
	heat := heatMap(columns, clock, low, high)
	heat.Caption = strings.ToUpper(clock.String()[:1]) + clock.String()[1:] + " time"
	s.Figures = append(s.Figures, heat, throughput(r, columns), failures(r, columns), processors(r, columns))
	if m := memory(r, columns); m != nil {
		s.Figures = append(s.Figures, *m)
	}
	return s
}

func columnText(columns []column) string {
	longest := 0.0
	for i := range columns {
		longest = max(longest, columns[i].seconds())
	}
	if longest < 1.6 {
		return "A column is a second, that in which the answer came; the warm-up is not shown."
	}
	return fmt.Sprintf("A column is up to %.0f s, with the merged histogram of its seconds, those in which the answers "+
		"came; the warm-up is not shown.", longest)
}

// worstText names the column with the largest p99 if it stands out.
func worstText(columns []column) string {
	const outstanding = 3
	var all []float64
	worst, at := 0.0, ""
	for i := range columns {
		if c := &columns[i]; c.hist != nil {
			v := float64(c.hist.ValueAtPercentile(99)) / 1e6
			if all = append(all, v); v > worst {
				worst, at = v, span(c.from, c.to)
			}
		}
	}
	if len(all) < outstanding {
		return ""
	}
	slices.Sort(all)
	usual := all[len(all)/2]
	if worst < outstanding*usual {
		return ""
	}
	return fmt.Sprintf(" The worst is %s with a p99 of %s; in half of the columns p99 was %s or less.", at, Latency(worst),
		Latency(usual))
}

func foot(r *result.Run) string {
	return fmt.Sprintf("Run %s, begun %s. Beside this page lie run.json (everything but latencies), run.hlog (every "+
		"latency, second by second), .hgrm files (these curves, for HdrHistogram's plotters), run.csv and omb.json.",
		r.ID, r.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
}
