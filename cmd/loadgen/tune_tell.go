package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"tailrace/loadgen/plan"
	"tailrace/loadgen/search"
	"tailrace/loadgen/snippet"
)

// promises says what an acknowledgement means, by durability.
var promises = []string{"nothing", "the leader has it", "all in sync have it"}

// tell prints a sweep for a person.
func (t *tuning) tell(out io.Writer) error {
	swept, rate := t.doc.Swept, plan.FormatCount(t.doc.Rate)
	what := latencyOf(t.aim)
	fmt.Fprintf(out, "%d of %d combinations are beaten by none; at %s records/s and as fast as each goes; "+
		"%d measurements in %s\n", len(swept.Front), len(swept.Cells)+len(swept.Missing), rate, len(t.doc.Samples),
		time.Duration(swept.Seconds*1e9).Round(time.Second))
	if !swept.Complete {
		fmt.Fprintf(out, "  note: not finished: %s; %d combinations were not measured\n", swept.Why, len(swept.Missing))
	}
	if t.doc.CPUOf != "" && t.doc.CPUOf != cpuBroker {
		fmt.Fprintf(out, "  note: the broker's process was not found: CPU is that of %s\n", t.doc.CPUOf)
	}
	if t.doc.Broker.Durability != "" {
		fmt.Fprintf(out, "  note: acknowledged by this broker means: %s\n", t.doc.Broker.Durability)
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, a := range t.doc.Axes {
		fmt.Fprintf(w, "%s\t", a.Name)
	}
	clock := ""
	if what.Clock != "response" {
		clock = what.Clock + " "
	}
	fmt.Fprintf(w, "%sp%s ms (range)\tMB/s (range)\tCPU ns/record\tgenerator's\tan ack promises\n", clock, what.Percentile)
	for i := range swept.Front {
		row(w, &swept.Front[i])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	t.tellAdvice(out)
	_, err := fmt.Fprintf(out, "%s, %s, reports of each run and the files for clients in %s\n", tunePage, tuneFile,
		t.base.Out)
	return err
}

func row(w io.Writer, s *search.Standing) {
	for _, kv := range s.Cell.Settings() {
		fmt.Fprintf(w, "%s\t", kv[1])
	}
	fmt.Fprintln(w, strings.Join(figures(s), "\t"))
}

// figures are latency, MB/s, CPU of the broker and of the lab, and the promise, as text.
func figures(s *search.Standing) []string {
	mark, least := "", ""
	switch {
	case s.Generator:
		mark = " (generator-bound)"
	case !s.Kept:
		mark = " (rate missed)"
	}
	if s.Client {
		least = "≥ " // the lab was the bottleneck: the broker may be able to do more
	}
	return []string{
		fmt.Sprintf("%.3g (%.3g–%.3g) ×%d%s", s.Latency.Mid, s.Latency.Low, s.Latency.High, s.Repeats, mark),
		fmt.Sprintf("%s%.4g (%.4g–%.4g)", least, s.MBps.Mid, s.MBps.Low, s.MBps.High),
		fmt.Sprintf("%.0f", s.CPU.Mid), fmt.Sprintf("%.0f", s.ClientCPU), promises[s.Durability],
	}
}

func (t *tuning) tellAdvice(out io.Writer) {
	a := t.doc.Advice
	switch {
	case a.Best == nil:
		fmt.Fprintf(out, "no recommendation for %s: %s\n", a.Aim, a.Why)
	case !a.Met:
		fmt.Fprintf(out, "%s\n  %s\n", a.Why, a.Best.Text())
	default:
		fmt.Fprintf(out, "for %s: %s\n  %s\n", a.Aim, a.Best.Cell, a.Why)
		if a.RunnerUp != nil {
			fmt.Fprintf(out, "  runner-up %s\n", a.RunnerUp.Text())
		}
	}
}

// writeClients writes the recommended settings the way clients read them.
func (t *tuning) writeClients() error {
	if t.doc.Advice.Best == nil {
		return nil
	}
	p, err := t.planOf(t.doc.Advice.Best.Cell)
	if err != nil {
		return err
	}
	if t.own {
		p.BootstrapServer = ""
	}
	about := fmt.Sprintf("Measured by loadgen tune for %s at %s records/s of %s:\n%s\n%s", t.doc.Advice.Aim,
		plan.FormatCount(t.doc.Rate), p.RecordSize, t.doc.Advice.Best.Cell, t.doc.Advice.Why)
	for name, data := range map[string][]byte{
		snippet.FileJava: snippet.Java(p, about), snippet.FileLibrdkafka: snippet.Librdkafka(p, about),
		snippet.FileFranz: snippet.Franz(p, about),
	} {
		if err := os.WriteFile(filepath.Join(t.base.Out, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
