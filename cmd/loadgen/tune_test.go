package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tailrace/loadgen/result"
	"tailrace/loadgen/search"
	"tailrace/loadgen/snippet"
)

func readTuneDocument(t *testing.T, dir string) (doc tuneDocument) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, tuneFile))
	if err == nil {
		err = json.Unmarshal(b, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestTune sweeps a broker of its own, writes what clients read, and goes on where it was.
func TestTune(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	dir := t.TempDir()
	args := []string{"tune", "--rate", "300", "--max-rate", "2k", "--acks", "1", "--linger", "0", "--batch-size", "16KiB",
		"--repeats", "1", "--compression", "lz4", "--goal", "p99<1h", "--budget", "1s", "--warmup", "0", "--out", "t"}
	code, out, errs := loadgenIn(t, t.Context(), dir, args...)
	if code != exitThreshold || !strings.Contains(out, "the budget is spent") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if doc := readTuneDocument(t, filepath.Join(dir, "t")); len(doc.Samples) != 0 || len(doc.Swept.Missing) != 1 {
		t.Errorf("with no time there are %d samples, and %v are missing", len(doc.Samples), doc.Swept.Missing)
	}
	code, out, errs = loadgenIn(t, t.Context(), dir, "tune", "--resume", "t", "--budget", "10m")
	if code != exitDone && code != exitThreshold && code != exitGenerator { // a loaded machine may miss the rate
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	doc := readTuneDocument(t, filepath.Join(dir, "t"))
	if !doc.Swept.Complete || len(doc.Swept.Front) == 0 || doc.Rate != 300 || doc.CPUOf != cpuBroker {
		t.Errorf("%+v", doc)
	}
	for _, m := range doc.Samples {
		if m.Latency <= 0 || m.MBps <= 0 || m.CPU <= 0 || len(m.Runs) != 2 {
			t.Errorf("%+v", m)
		}
		for _, r := range m.Runs {
			run, err := result.Read(filepath.Join(dir, "t", r))
			if err != nil {
				t.Error(err)
			} else if run.Settings["compression"] != "lz4" || run.Totals.Offered > 2100 {
				t.Errorf("%s: %v at %v records/s", r, run.Settings["compression"], run.Totals.Offered)
			}
		}
	}
	for _, want := range []string{string(doc.Advice.Best.Cell), "acks", "MB/s", "for p99<1h"} {
		if doc.Advice.Met && !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	for _, name := range []string{snippet.FileJava, snippet.FileLibrdkafka, snippet.FileFranz, tunePage} {
		if b, err := os.ReadFile(filepath.Join(dir, "t", name)); err != nil || !strings.Contains(string(b), "lz4") &&
			!strings.Contains(string(b), "Lz4") {
			t.Errorf("%s: %v: %s", name, err, b)
		}
	}
	// What is measured is measured: resumed once more, with another goal, it only concludes.
	code, out, errs = loadgenIn(t, t.Context(), dir, "tune", "--resume", "t", "--goal", "min-cpu")
	if again := readTuneDocument(t, filepath.Join(dir, "t")); len(again.Samples) != len(doc.Samples) ||
		again.Advice.Aim != "min-cpu" || !strings.Contains(out, "for min-cpu") {
		t.Errorf("exit code %d, %d samples\n%s%s", code, len(again.Samples), out, errs)
	}
	if code, _, errs = loadgenIn(t, t.Context(), dir, args...); code != exitUsage ||
		!strings.Contains(errs, "--resume t") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("%v is left of the broker", left)
	}
}

// TestTuneInterrupted: Ctrl-C still writes what there is, and the sweep can be gone on with.
func TestTuneInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for {
			// The first measurement is in the file before the second begins.
			b, err := os.ReadFile(filepath.Join(dir, "t", tuneFile))
			if err == nil && bytes.Contains(b, []byte(`"took_seconds"`)) {
				cancel()
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	code, out, errs := loadgenIn(t, ctx, dir, "tune", "--rate", "200", "--max-rate", "400", "--acks", "1,all",
		"--warmup", "0", "--out", "t")
	doc := readTuneDocument(t, filepath.Join(dir, "t"))
	if code != exitInterrupted || doc.Swept.Complete || len(doc.Samples) == 0 || len(doc.Swept.Missing) == 0 ||
		!strings.Contains(out, "not finished: interrupted") {
		t.Errorf("exit code %d, %d samples\n%s%s", code, len(doc.Samples), out, errs)
	}
	again, err := readTune(filepath.Join(dir, "t"))
	if err != nil || len(again.doc.Samples) != len(doc.Samples) || again.base.BootstrapServer != "" ||
		again.base.Warmup != 0 || again.base.MaxRate != 400 {
		t.Errorf("%v, %+v", err, again)
	}
}

// TestBytesOfASweep: a sweep never writes more than it may.
func TestBytesOfASweep(t *testing.T) {
	dir := t.TempDir()
	code, out, errs := loadgenIn(t, t.Context(), dir, "tune", "--rate", "200", "--acks", "1,all", "--linger", "0,1ms",
		"--batch-size", "16KiB", "--compression", "none", "--max-bytes", "3MiB", "--warmup", "0", "--out", "t")
	doc := readTuneDocument(t, filepath.Join(dir, "t"))
	if !strings.Contains(out, "--max-bytes 3MiB") || doc.Swept.Complete || len(doc.Swept.Cells) == 0 {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	sum := 0.0
	for _, m := range doc.Samples {
		for _, r := range m.Runs {
			run, err := result.Read(filepath.Join(dir, "t", r))
			if err != nil {
				t.Fatal(err)
			}
			sum += float64(run.Totals.Acked) * 1024
		}
	}
	if sum == 0 || sum > 3<<20 {
		t.Errorf("%.0f bytes were written", sum)
	}
}

// TestBoundsOfATuning: with a bound of the rate alone the target rate follows from it, whatever the other bounds say.
func TestBoundsOfATuning(t *testing.T) {
	f := tuneFlags{axes: make([]string, len(tuneAxes)), aim: "min-cpu", budget: "1m", times: 1}
	for i, a := range tuneAxes {
		f.axes[i] = a.values
	}
	f.plan.given = [][2]string{{"max-rate", "10k"}, {"max-bytes", "1MiB"}}
	u, err := f.fresh(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := u.firstRate(nil); err != nil || u.doc.Rate != 5000 {
		t.Errorf("%v: target rate %v", err, u.doc.Rate)
	}
	for _, c := range search.Cells(u.doc.Axes) {
		p, err := u.planOf(c)
		if err != nil || p.Rate.From != 5000 || p.Idempotence != (durability(c) == 2) {
			t.Fatalf("%s: %v, %+v", c, err, p)
		}
	}
	u.doc.Axes = []search.Axis{{Name: "in-flight", Values: []string{"1"}}}
	if p, err := u.planOf("in-flight=1"); err != nil || p.Idempotence || p.InFlight != 1 {
		t.Errorf("%v, %+v", err, p)
	}
}

func TestWrongTuneLines(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ args, want string }{
		{"tune --goal fast", "is no goal"},
		{"tune --acks 2", "is no acks"},
		{"tune --linger 1ms,1000us", "is there twice"},
		{"tune --rate max", "needs one rate"},
		{"tune --rate 5k --max-rate 1k", "is above --max-rate"},
		{"tune --budget soon", "is no duration"},
		{"tune --duration 5s", "unknown flag"},
		{"tune --resume x --acks 1", "leave --acks out"},
		{"tune --resume x --rate 1k", "as it was"},
		{"tune --resume x", "holds no sweep"},
	} {
		code, _, errs := loadgenIn(t, t.Context(), dir, strings.Fields(c.args)...)
		if code != exitUsage && !strings.Contains(c.want, "holds no") || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d, %s", c.args, code, errs)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v was left", left)
	}
}
