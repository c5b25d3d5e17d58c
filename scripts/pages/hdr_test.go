//go:build realclients

package pages

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/result"
)

// percentiles fall on whole numbers of the records of an interval and of the run.
var percentiles = []float64{0, 10, 50, 75, 90, 95, 99, 99.9, 99.98, 100}

// readByJava reads the log of a report directory with Java's library; it writes its own .hgrm files into dir.
func readByJava(t *testing.T, report, dir string) []string {
	t.Helper()
	jars, err := exec.Command("../kafka", "jars").Output()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-cp", strings.TrimSpace(string(jars)), "ReadLog.java", filepath.Join(report, result.FileHlog), dir}
	for _, p := range percentiles {
		args = append(args, result.PercentileName(p))
	}
	out, err := exec.Command("java", args...).Output()
	if err != nil {
		t.Fatalf("java: %v: %s", err, err.(*exec.ExitError).Stderr)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// figures is a histogram as ReadLog prints it, but for its times.
func figures(h *hdr.Histogram) string {
	line := fmt.Sprintf("%d %d %d", h.TotalCount(), h.Min(), h.Max())
	for _, p := range percentiles {
		line += fmt.Sprintf(" %d", h.ValueAtPercentile(p))
	}
	return line
}

// TestJavaReadsTheLog: the same times, counts and quantiles, of each second and of the whole, to the nanosecond.
func TestJavaReadsTheLog(t *testing.T) {
	r, dir := written(t)
	lines := readByJava(t, dir, t.TempDir())
	var want []string
	start := r.Started.UnixMilli()
	add := func(what string, h *hdr.Histogram, err error) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, what+" "+figures(h))
	}
	for i := range r.Series.Intervals {
		k := &r.Series.Intervals[i]
		for c := range meter.Clock(meter.Clocks) {
			h, err := k.Hist(c)
			add(fmt.Sprintf("interval %s %d %d", c.Tag(), start+k.From.Milliseconds(), start+k.To.Milliseconds()), h, err)
		}
	}
	want = append(want, fmt.Sprintf("started %d", start))
	for c := range meter.Clock(meter.Clocks) {
		h, err := r.Series.Total(c)
		add(fmt.Sprintf("whole %s 0 0", c.Tag()), h, err)
	}
	if len(lines) != len(want) {
		t.Fatalf("Java reads %d lines, want %d: %q", len(lines), len(want), lines)
	}
	for i := range want {
		if lines[i] != want[i] {
			t.Errorf("Java reads %q\nwant %q", lines[i], want[i])
		}
	}
}

// TestJavaDrawsTheCurves: what we write as .hgrm is what Java's library prints of our log, line by line.
func TestJavaDrawsTheCurves(t *testing.T) {
	_, dir := written(t)
	theirs := t.TempDir()
	readByJava(t, dir, theirs)
	for c := range meter.Clock(meter.Clocks) {
		name := c.Tag() + ".hgrm"
		ours, want := curve(t, filepath.Join(dir, name)), curve(t, filepath.Join(theirs, name))
		if len(ours) != len(want) || len(ours) < 50 {
			t.Errorf("%s has %d lines, Java prints %d", name, len(ours), len(want))
			continue
		}
		for i := range ours {
			if !alike(ours[i], want[i]) {
				t.Errorf("%s, line %d: %v, Java prints %v", name, i+1, ours[i], want[i])
			}
		}
	}
}

// alike compares lines: value, percentile, count, 1/(1−percentile), each to its last printed digit; the foot has two
// numbers a line.
func alike(a, b []float64) bool {
	close := []float64{0.0011, 5.1e-7, 0, 0.011}
	if len(a) < 3 {
		close = []float64{0.0011, 0.0011}
	}
	for i := range a {
		if len(a) != len(b) || i >= len(close) || !(math.Abs(a[i]-b[i]) <= close[i]) {
			return false
		}
	}
	return true
}

var number = regexp.MustCompile(`-?\d+(\.\d+)?`)

// curve reads the numbers of a .hgrm file: of its lines, then of its foot.
func curve(t *testing.T, path string) (rows [][]float64) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "run ") || strings.TrimSpace(line) == "" { // the line that names the run is ours
			continue
		}
		var row []float64
		for _, n := range number.FindAllString(line, -1) {
			v, err := strconv.ParseFloat(n, 64)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, v)
		}
		if len(row) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}
