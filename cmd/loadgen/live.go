package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"tailrace/loadgen"
	"tailrace/loadgen/meter"
)

// live shows a run while it goes: one line that is written over on a terminal, plain lines elsewhere.
type live struct {
	w        io.Writer
	terminal bool
	color    bool

	mu   sync.Mutex
	open bool // the last line has no end yet
}

func newLive(w io.Writer) *live {
	f, ok := w.(*os.File)
	tty := ok && isTerminal(f) && os.Getenv("TERM") != "dumb"
	return &live{w: w, terminal: tty, color: tty && os.Getenv("NO_COLOR") == ""}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}

func (l *live) progress(p loadgen.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case p.Interval != nil:
		l.line(l.second(p), true)
	case p.Warming:
		if l.terminal {
			l.line(fmt.Sprintf("%s  warming up", clock(p.Elapsed, p.Of)), true)
		}
	default:
		l.line(p.Step+" …", false)
	}
}

// line writes over the line before if both are of the kind that passes.
func (l *live) line(text string, passing bool) {
	switch {
	case !l.terminal:
		fmt.Fprintln(l.w, text)
	case passing:
		fmt.Fprintf(l.w, "\r\x1b[K%s", text)
		l.open = true
	default:
		l.close()
		fmt.Fprintln(l.w, text)
	}
}

func (l *live) close() {
	if l.open {
		fmt.Fprintln(l.w)
		l.open = false
	}
}

// end leaves the terminal as it was found.
func (l *live) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.close()
}

// second is a line about the second that is over.
func (l *live) second(p loadgen.Progress) string {
	iv := p.Interval
	s := max((iv.To - iv.From).Seconds(), 1e-3)
	text := fmt.Sprintf("%s  %8.0f/s %7.1f MB/s", clock(p.Elapsed, p.Of), float64(iv.Counts[meter.Acked])/s,
		float64(iv.Counts[meter.AckedBytes])/s/1e6)
	if h := iv.Hist[meter.Response]; h != nil {
		text += fmt.Sprintf("  response p50 %s p99 %s max %s", millis(h.ValueAtPercentile(50)),
			l.strong(millis(h.ValueAtPercentile(99))), millis(h.Max()))
	}
	if h := iv.Hist[meter.EndToEnd]; h != nil {
		text += fmt.Sprintf("  e2e p99 %s", millis(h.ValueAtPercentile(99)))
	}
	if p.Broker.Cores > 0 {
		text += fmt.Sprintf("  broker %.2f cores", p.Broker.Cores)
	}
	text += fmt.Sprintf("  loadgen %.2f", p.Self.Cores)
	if n := iv.Counts[meter.Errors]; n > 0 {
		text += fmt.Sprintf("  %d errors", n)
	}
	return text
}

func (l *live) strong(s string) string {
	if !l.color {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}

func clock(elapsed, of time.Duration) string {
	if of <= 0 {
		return fmt.Sprintf("%5.0fs", elapsed.Seconds())
	}
	return fmt.Sprintf("%5.0fs/%.0fs", elapsed.Seconds(), of.Seconds())
}

func millis(ns int64) string { return fmt.Sprintf("%.3g ms", float64(ns)/1e6) }
