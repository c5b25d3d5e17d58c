package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tailrace/loadgen/page"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/search"
	"tailrace/vfs"
)

// tunePage shows a sweep.
const tunePage = "tune.html"

// writePage draws the front.
func (t *tuning) writePage() error {
	swept, advice := t.doc.Swept, t.doc.Advice
	what := latencyOf(t.aim)
	d := &page.Document{
		Title: "loadgen tune", Kind: "Tuning",
		About: fmt.Sprintf("%s at %s, records of %s, %s records a second", t.doc.Broker.Software, t.doc.Broker.Address,
			t.base.RecordSize, plan.FormatCount(t.doc.Rate)),
		Verdict: verdictOf(advice), Notes: notesOf(advice),
		Limit: page.Limit{Tone: "ok", Head: "The sweep is complete.", Text: swept.Why + "."},
		Foot:  "loadgen " + version(),
	}
	if !swept.Complete {
		d.Limit = page.Limit{Tone: "warn", Head: "The sweep is not complete.", Text: fmt.Sprintf(
			"%s; %d combinations were not measured. loadgen tune --resume goes on.", swept.Why, len(swept.Missing))}
	}
	if t.doc.CPUOf != cpuBroker {
		d.Notes = append(d.Notes, "The broker's process was not found: CPU is that of "+t.doc.CPUOf+".")
	}
	if t.doc.Broker.Durability != "" {
		d.Notes = append(d.Notes, "Acknowledged by this broker means: "+t.doc.Broker.Durability+".")
	}
	latency := fmt.Sprintf("p%s of %s time at the target rate", what.Percentile, what.Clock)
	mbps := func(s *search.Standing) float64 { return s.MBps.Mid }
	cpu := func(s *search.Standing) float64 { return s.CPU.Mid / 1000 }
	d.Sections = []page.Section{
		{
			Title: "What is beaten by none",
			Lead: fmt.Sprintf("%d of %d combinations, %d measurements in %s. Each dot is a combination, numbered as in "+
				"the table; a grey one is beaten in everything by another that promises no less.",
				len(swept.Front), len(swept.Cells)+len(swept.Missing), len(t.doc.Samples),
				time.Duration(swept.Seconds*1e9).Round(time.Second)),
			Figures: []page.Figure{
				{Caption: "Throughput against latency: up and left is better", SVG: scatter(swept, latency, "MB/s", mbps).SVG()},
				{Caption: "CPU against latency: down and left is better",
					SVG: scatter(swept, latency, "µs of CPU a record", cpu).SVG()},
			},
			Tables: []page.Table{t.frontTable()},
		},
		{Title: "The others", Tables: []page.Table{othersTable(swept)}},
	}
	var b bytes.Buffer
	if err := d.Write(&b); err != nil {
		return err
	}
	return vfs.WriteFileAtomic(vfs.OS, filepath.Join(t.base.Out, tunePage), b.Bytes())
}

func verdictOf(a *search.Advice) string {
	switch {
	case a.Best == nil:
		return "No recommendation: " + a.Why + "."
	case !a.Met:
		return strings.ToUpper(a.Why[:1]) + a.Why[1:] + ", with " + string(a.Best.Cell) + "."
	}
	return fmt.Sprintf("For %s take %s: %.3g ms and %.4g MB/s.", a.Aim, a.Best.Cell, a.Best.Latency.Mid, a.Best.MBps.Mid)
}

func notesOf(a *search.Advice) (notes []string) {
	if a.Met {
		notes = append(notes, "It "+a.Why+".")
	}
	if a.RunnerUp != nil {
		notes = append(notes, "The runner-up is "+a.RunnerUp.Text()+".")
	}
	return notes
}

// scatter puts every cell over its latency.
func scatter(swept *search.Swept, latency, title string, of func(*search.Standing) float64) *page.Plot {
	plot := &page.Plot{Label: title + " against the " + latency, Height: 420}
	var low, high, top float64
	for i := range swept.Cells {
		s := &swept.Cells[i]
		if at := s.Latency.Mid; i == 0 {
			low, high = at, at
		} else {
			low, high = min(low, at), max(high, at)
		}
		top = max(top, of(s))
		// The front is drawn over the rest.
		dot := page.Dot{Name: "beaten", Style: page.Faint, At: page.Point{X: s.Latency.Mid, Y: of(s)}}
		if s.Front {
			dot.Name, dot.Style, dot.Text = promises[s.Durability], page.Series(s.Durability), numberOf(swept, s.Cell)
			plot.Dots = append(plot.Dots, dot)
		} else {
			plot.Dots = slices.Insert(plot.Dots, 0, dot)
		}
	}
	plot.X, plot.Y = page.Latencies(low, high), page.Linear(title, top, nil)
	plot.X.Title = latency
	return plot
}

// numberOf is the row of a cell in the table of the front.
func numberOf(swept *search.Swept, c search.Cell) string {
	return strconv.Itoa(1 + slices.IndexFunc(swept.Front, func(f search.Standing) bool { return f.Cell == c }))
}

func (t *tuning) frontTable() page.Table {
	table := page.Table{Caption: "The front, by latency; in brackets the range over the repeats"}
	table.Head = []string{"#"}
	for _, a := range t.doc.Axes {
		table.Head = append(table.Head, a.Name)
	}
	table.Head = append(table.Head, "p"+latencyOf(t.aim).Percentile+" ms", "MB/s", "CPU ns a record", "generator's",
		"an ack promises")
	for i := range t.doc.Swept.Front {
		s := &t.doc.Swept.Front[i]
		cells := []string{strconv.Itoa(i + 1)}
		for _, kv := range s.Cell.Settings() {
			cells = append(cells, kv[1])
		}
		row := page.Texts(append(cells, figures(s)...)...)
		row.Strong = t.doc.Advice.Best != nil && t.doc.Advice.Best.Cell == s.Cell
		table.Rows = append(table.Rows, row)
	}
	return table
}

func othersTable(swept *search.Swept) page.Table {
	table := page.Table{Caption: "Beaten, as far as they were measured", Words: true,
		Head: []string{"combination", "ms", "MB/s", "CPU ns a record", "beaten by"}}
	for _, s := range swept.Cells {
		if !s.Front {
			table.Rows = append(table.Rows, page.Texts(string(s.Cell), fmt.Sprintf("%.3g", s.Latency.Mid),
				fmt.Sprintf("%.4g", s.MBps.Mid), fmt.Sprintf("%.0f", s.CPU.Mid), string(s.BeatenBy)))
		}
	}
	return table
}
