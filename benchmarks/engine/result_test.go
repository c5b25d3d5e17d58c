package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tailrace/benchmarks/rawclient"
)

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		values []float64
		bar    float64
		higher bool
		pass   bool
	}{
		{[]float64{0.5, 0.7, 0.6}, 0.6, true, true},
		{[]float64{0.5, 0.59, 0.9}, 0.6, true, false},
		{[]float64{120, 90, 80}, 100, false, true},
		{[]float64{101}, 100, false, false},
		{[]float64{1}, 0, true, true},
	} {
		r := Result{Values: c.values, Bar: c.bar, Higher: c.higher}
		if r.judge(); r.Pass != c.pass {
			t.Errorf("%v against %v: %+v", c.values, c.bar, r)
		}
	}
	if m := median([]float64{4, 1, 3, 2}); m != 2.5 {
		t.Errorf("the median of 1 to 4 is %v", m)
	}
}

func TestRatiosPairAlternations(t *testing.T) {
	of := func(cpu time.Duration) rawclient.Sample { return rawclient.Sample{Requests: 10, ServerCPU: cpu} }
	above, below := []rawclient.Sample{of(10), of(30)}, []rawclient.Sample{of(20), of(30), of(7)}
	got := ratios(above, below, rawclient.Sample.PerRequest)
	if len(got) != 2 || got[0] != 0.5 || got[1] != 1 {
		t.Errorf("ratios %v", got)
	}
}

// TestReportsAreKeptAndPublished saves a report, loads it, and writes it between the lines of a page, twice.
func TestReportsAreKeptAndPublished(t *testing.T) {
	r := Report{Machine: "m", Commit: "c0ffee", Command: "./scripts/bench engine", As: "tailrace", Alternations: 2}
	r.Results = []Result{
		{
			Row: "fetch-1m", Title: "fetch, 1 MiB", Unit: "of the loop", Bar: .85, Higher: true, Percent: true,
			Values: []float64{.9, 1.1}, Median: 1, Pass: true, Notes: []string{"made of this"},
		},
		{Row: "start", Title: "start", Unit: "ms", Bar: 100, Values: []float64{120}, Median: 120},
	}
	dir := t.TempDir()
	raw, page := filepath.Join(dir, "raw.json"), filepath.Join(dir, "PAGE.md")
	if err := r.save(raw); err != nil {
		t.Fatal(err)
	}
	back, err := load(raw)
	if err != nil || back.allPass() || len(back.Results) != 2 {
		t.Fatalf("loaded %+v, %v", back, err)
	}
	if err := os.WriteFile(page, []byte("before\n"+begin+"\n"+end+"\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := back.writeInto(page); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := os.ReadFile(page)
	for _, want := range []string{
		"before\n" + begin, end + "\nafter\n", "Commit c0ffee",
		"| fetch-1m | fetch, 1 MiB | 100 % of the loop (90 %–110 %) | ≥ 85 % | ok | made of this |",
		"| start | start | 120 ms | ≤ 100 | UNDER THE BAR |  |",
	} {
		if strings.Count(string(text), want) != 1 {
			t.Errorf("%q is not there once in\n%s", want, text)
		}
	}
	if err := back.writeInto(raw); err == nil {
		t.Error("a page without the lines was written to")
	}
}
