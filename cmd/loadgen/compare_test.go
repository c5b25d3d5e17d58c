package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tailrace/loadgen/contrast"
	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// made is a run that nobody ran.
type made struct {
	median   time.Duration
	seconds  int
	seed     uint64
	label    string
	settings map[string]string
	host     string
	boot     string
	started  time.Time
}

// in writes the run into a directory.
func (m made) in(t *testing.T, dir string) *result.Run {
	t.Helper()
	p := plan.Default()
	for k, v := range m.settings {
		if err := p.Set(k, v); err != nil {
			t.Fatal(err)
		}
	}
	p.Label = m.label
	if m.started.IsZero() {
		m.started = time.UnixMilli(1_790_000_000_000).UTC()
	}
	r := &result.Run{ID: fmt.Sprintf("%08x", m.seed), Started: m.started, Topic: "loadgen"}
	r.SetPlan(p)
	r.Machine.Host, r.Machine.BootID = m.host, m.boot
	r.Broker = result.Broker{Address: "localhost:9092", Software: "Tailrace", Cost: &result.Cost{CPUSeconds: 2}}
	r.Generator = result.Cost{CPUSeconds: 1, Cores: 0.5, CoresAllowed: 2}
	rng, start := rand.New(rand.NewPCG(m.seed, 5)), time.Now()
	gather, level := meter.New(start, 1), 0.02*rng.NormFloat64()
	shard := gather.Shard()
	for second := range m.seconds {
		for range 400 {
			d := time.Duration(float64(m.median) * math.Exp(level+0.4*rng.NormFloat64()))
			shard.Record(meter.Response, d)
			shard.Record(meter.Service, d*9/10)
			gather.Add(meter.Acked, 1)
			gather.Add(meter.AckedBytes, 1000)
			gather.Add(meter.Scheduled, 1)
		}
		if err := r.Series.Keep(gather.Cut(start.Add(time.Duration(second+1) * time.Second))); err != nil {
			t.Fatal(err)
		}
		r.Seconds = append(r.Seconds, result.Second{Broker: &result.SecondCost{Cores: 0.2}})
	}
	if err := r.Summarize(); err != nil {
		t.Fatal(err)
	}
	if err := result.Prepare(dir); err != nil {
		t.Fatal(err)
	}
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	return r
}

// repeats writes n runs into sub-directories.
func (m made) repeats(t *testing.T, dir string, n int) {
	t.Helper()
	for i := range n {
		m.seed++
		m.in(t, filepath.Join(dir, fmt.Sprintf("%03d", i+1)))
	}
}

// beforeAndAfter is two directories of five runs each, the second half again as slow.
func beforeAndAfter(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	made{median: 2 * time.Millisecond, seconds: 4, seed: 100}.repeats(t, filepath.Join(dir, "before"), 5)
	made{median: 3 * time.Millisecond, seconds: 4, seed: 200}.repeats(t, filepath.Join(dir, "after"), 5)
	return dir
}

func TestCompare(t *testing.T) {
	dir := beforeAndAfter(t)
	code, out, errs := loadgenIn(t, t.Context(), dir, "compare", "before", "after", "--html", "c.html")
	if code != exitDone || errs != "" {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	first, _, _ := strings.Cut(out, "\n")
	if !strings.HasPrefix(first, "after is slower than before: p50 +5") {
		t.Errorf("the first line is %q", first)
	}
	for _, want := range []string{"before (5 runs)", "p99.9", "n too small: 1600 records a run, 10000 are needed",
		"never judged", "broker CPU/record", "response times"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "c.html"))
	if err != nil || !strings.Contains(string(page), first[:28]) || !strings.Contains(string(page), "<svg") {
		t.Errorf("the page of %d bytes has no verdict or no chart (%v)", len(page), err)
	}
	// Like with like: nothing is called different, and the intervals say what could be.
	code, out, _ = loadgenIn(t, t.Context(), dir, "compare", "before", "before")
	if want := "No difference that these runs could show: before (2) against before (1)"; code != exitDone ||
		!strings.HasPrefix(out, want) {
		t.Errorf("exit code %d, %s", code, out)
	}
}

func TestCompareAsJSON(t *testing.T) {
	dir := beforeAndAfter(t)
	code, out, errs := loadgenIn(t, t.Context(), dir, "compare", "before", "after", "after", "-o", "json", "--clock",
		"service", "--fail-if", "p50>+1000%")
	var doc contrast.Document
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != exitDone {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
	}
	if doc.Version != contrast.Version || doc.Clock != "service" || len(doc.Sides) != 3 || len(doc.Comparisons) != 2 ||
		len(doc.Sides[0].Runs) != 5 || doc.Comparisons[0].Method != "repeats" {
		t.Errorf("%+v", doc)
	}
	p50 := doc.Comparisons[0].Rows[0]
	if p50.Name != "p50" || *p50.A < 1.7e6 || *p50.A > 1.9e6 || *p50.Ratio < 1.4 || *p50.Low > *p50.Ratio ||
		p50.Verdict != "worse" {
		t.Errorf("%+v", p50)
	}
	if last := doc.Comparisons[0].Rows[6]; last.Name != "p99.99" || last.Low != nil || last.Note == "" {
		t.Errorf("%+v", last)
	}
}

func TestCompareFails(t *testing.T) {
	dir := beforeAndAfter(t)
	for limit, want := range map[string]int{
		"p50>+10%":              exitThreshold,
		"p50>+100%":             exitDone,
		"p50>2.5ms":             exitThreshold,
		"p50>20ms or p90>+5%":   exitThreshold,
		"p50>20ms":              exitDone,
		"throughput<-50%":       exitDone,
		"p97>+10%":              exitThreshold, // not in the table by itself
		"p99.99>+10%":           exitUsage,     // cannot be judged
		"p99>fast":              exitUsage,
		"max>+10%":              exitUsage,
		"p50>20ms or p99.9>1ms": exitThreshold,
	} {
		code, out, errs := loadgenIn(t, t.Context(), dir, "compare", "before", "after", "--fail-if", limit)
		if code != want {
			t.Errorf("%s: exit code %d, want %d\n%s%s", limit, code, want, out, errs)
		}
		if want == exitThreshold && !strings.Contains(out, "FAILED") {
			t.Errorf("%s: the output does not say what failed\n%s", limit, out)
		}
		if want == exitUsage && errs == "" {
			t.Errorf("%s: nothing is said", limit)
		}
	}
}

func TestCompareRefusesUnlikeRuns(t *testing.T) {
	dir := beforeAndAfter(t)
	other := made{median: 2 * time.Millisecond, seconds: 4, seed: 300, settings: map[string]string{"acks": "1",
		"idempotence": "false", "linger": "0"}}
	other.in(t, filepath.Join(dir, "other"))
	code, out, errs := loadgenIn(t, t.Context(), dir, "compare", "before", "other")
	if code != exitUsage || out != "" || !strings.Contains(errs, "acks (all and 1)") || !strings.Contains(errs,
		"linger (5ms and 0)") || !strings.Contains(errs, "--allow-different") {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
	if code, _, errs := loadgenIn(t, t.Context(), dir, "compare", "before", "other", "--vary",
		"acks,idempotence"); code != exitUsage || strings.Contains(errs, "acks") || !strings.Contains(errs, "linger") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	code, out, errs = loadgenIn(t, t.Context(), dir, "compare", "before", "other", "--allow-different")
	if code != exitDone || !strings.Contains(out, "the settings differ: acks (all and 1)") || !strings.Contains(out,
		"one side has one run") {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
	other.in(t, filepath.Join(dir, "before", "006")) // a run among repeats that is none
	code, _, errs = loadgenIn(t, t.Context(), dir, "compare", "before", "after", "--allow-different")
	if code != exitUsage || !strings.Contains(errs, "no repeats of each other") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestCompareSaysWhatIsDoubtful: one run a side, and another machine or another boot.
func TestCompareSaysWhatIsDoubtful(t *testing.T) {
	dir := t.TempDir()
	made{median: 2 * time.Millisecond, seconds: 12, seed: 1, label: "old", host: "one", boot: "x"}.in(t, filepath.Join(dir,
		"a"))
	made{median: 2 * time.Millisecond, seconds: 12, seed: 2, label: "new", host: "one", boot: "y"}.in(t, filepath.Join(dir,
		"b"))
	made{median: 2 * time.Millisecond, seconds: 12, seed: 3, label: "far", host: "two", boot: "z"}.in(t, filepath.Join(dir,
		"c"))
	code, out, errs := loadgenIn(t, t.Context(), dir, "compare", "a", "b", "c")
	if code != exitDone {
		t.Fatalf("exit code %d, %s%s", code, out, errs)
	}
	for _, want := range []string{"one run a side", "the machine was started anew between old and new",
		"far ran on another machine than old"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestWrongComparisons(t *testing.T) {
	dir := beforeAndAfter(t)
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"compare before":                             {exitUsage, "at least 2"},
		"compare before nowhere":                     {exitFailed, "nowhere holds no run"},
		"compare before after -o xml":                {exitUsage, "text and json"},
		"compare before after --clock wall":          {exitUsage, "response, service and e2e"},
		"compare before after --clock e2e":           {exitUsage, "has no end to end times"},
		"compare before after --fail-if 5":           {exitUsage, "is no threshold"},
		"compare before after --html no/c":           {exitFailed, "no/c"},
		"merge before/001 before/002":                {exitUsage, "--out"},
		"merge before/001 before/001 --out m":        {exitUsage, "count twice"},
		"ab --pairs 1":                               {exitUsage, "two pairs"},
		"ab --repeat 3":                              {exitUsage, "--repeat"},
		"ab missing.yaml":                            {exitUsage, "missing.yaml"},
		"ab before/001 --fail-if p99":                {exitUsage, "is no threshold"},
		"merge before/001 nowhere --out m":           {exitFailed, "nowhere holds no run"},
		"merge before/001 --out m":                   {exitUsage, "at least 2"},
		"merge before/001 after/001 --out after/002": {exitUsage, "holds a run already"},
	} {
		code, out, errs := loadgenIn(t, t.Context(), dir, strings.Fields(args)...)
		if code != want.code || !strings.Contains(errs, want.text) {
			t.Errorf("%s: exit code %d, want %d with %q\n%s%s", args, code, want.code, want.text, out, errs)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("%v was left", left)
	}
}
