package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/result"
)

// TestMerge: what two hosts put on a broker is one report, second by second, although the second one began a little
// later and ran longer.
func TestMerge(t *testing.T) {
	dir, start := t.TempDir(), time.UnixMilli(1_790_000_000_000).UTC()
	seeds := []map[string]string{{"seed": "1"}, {"seed": "2"}}
	a := made{median: time.Millisecond, seconds: 5, seed: 1, host: "one", settings: seeds[0], started: start}
	b := made{median: 4 * time.Millisecond, seconds: 6, seed: 2, host: "two", settings: seeds[1],
		started: start.Add(1300 * time.Millisecond)}
	one, two := a.in(t, filepath.Join(dir, "one")), b.in(t, filepath.Join(dir, "two"))
	code, out, errs := loadgenIn(t, t.Context(), dir, "merge", "two", "one", "--out", "both")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	r, err := result.Read(filepath.Join(dir, "both"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Totals.Acked != one.Totals.Acked+two.Totals.Acked || r.Totals.AckedBytes != 11*400*1000 {
		t.Errorf("%+v", r.Totals)
	}
	want, err := one.Series.Total(meter.Response)
	if err != nil {
		t.Fatal(err)
	}
	more, err := two.Series.Total(meter.Response)
	if err != nil {
		t.Fatal(err)
	}
	want.Merge(more)
	if got, err := r.Series.Total(meter.Response); err != nil || !got.Equals(want) {
		t.Errorf("the latencies are not those of both hosts: %v", err)
	}
	// The second host's seconds begin at 1.3 s: they lie one later.
	var acked []int64
	for i, k := range r.Series.Intervals {
		acked = append(acked, k.Counts[meter.Acked])
		if i > 0 && k.From != r.Series.Intervals[i-1].To {
			t.Errorf("interval %d begins at %v, the one before ends at %v", i, k.From, r.Series.Intervals[i-1].To)
		}
	}
	wanted := []int64{400, 800, 800, 800, 800, 400, 400, 0}
	if len(acked) != len(wanted) {
		t.Fatalf("%v", acked)
	}
	for i := range wanted {
		if acked[i] != wanted[i] {
			t.Fatalf("acknowledged by second: %v, want %v", acked, wanted)
		}
	}
	if r.Extra[result.HostsKey] != 2 || r.Generator.CPUSeconds != 2 || r.Broker.Cost.CPUSeconds != 2 ||
		r.Machine.Host != "two, one" || !r.Started.Equal(start) {
		t.Errorf("%+v", r)
	}
	// A load of two hosts is not the load of one.
	if code, _, errs := loadgenIn(t, t.Context(), dir, "compare", "both", "one", "--vary", "seed"); code != exitUsage ||
		!strings.Contains(errs, "hosts (2 and 1)") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

func TestMergeRefuses(t *testing.T) {
	dir, start := t.TempDir(), time.UnixMilli(1_790_000_000_000).UTC()
	a := made{median: time.Millisecond, seconds: 3, seed: 1, started: start}
	a.in(t, filepath.Join(dir, "a"))
	a.seed, a.settings = 2, map[string]string{"linger": "0"}
	a.in(t, filepath.Join(dir, "unlike"))
	a.seed, a.settings, a.started = 3, nil, start.Add(time.Minute)
	a.in(t, filepath.Join(dir, "later"))
	for other, want := range map[string]string{"unlike": "linger (5ms and 0)", "later": "do not overlap in time"} {
		if code, _, errs := loadgenIn(t, t.Context(), dir, "merge", "a", other, "--out", "m"); code != exitUsage ||
			!strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s", other, code, errs)
		}
	}
}
