package loadgen

import (
	"context"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
)

// planFor is a short load on kfake.
func planFor(t *testing.T, set map[string]string) *plan.Plan {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	p := plan.Default()
	set["bootstrap-server"] = fake.ListenAddrs()[0]
	for k, v := range set {
		if err := p.Set(k, v); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// TestRunKeepsAPForEachPacer while it lasts, and gives it back; the cores it may use stay what they are.
func TestRunKeepsAPForEachPacer(t *testing.T) {
	for name, c := range map[string]struct {
		set     map[string]string
		reserve int
	}{
		"a pacer a producer":  {map[string]string{"producers": "3"}, 3},
		"a raw connection":    {map[string]string{"raw": "true", "connections": "2", "acks": "1"}, 2},
		"full speed: nothing": {map[string]string{"rate": "max", "raw": "true", "connections": "2"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			was, during := runtime.GOMAXPROCS(0), 0
			set := map[string]string{"rate": "100", "records": "20", "duration": "0", "warmup": "0", "consumers": "0"}
			for k, v := range c.set {
				set[k] = v
			}
			r, err := Run(t.Context(), planFor(t, set), Options{Dir: t.TempDir(), Progress: func(Progress) {
				during = runtime.GOMAXPROCS(0)
			}})
			if err != nil {
				t.Fatal(err)
			}
			if now := runtime.GOMAXPROCS(0); now != was || during != was+c.reserve {
				t.Errorf("GOMAXPROCS was %d, %d during the run, want %d, and %d after", was, during, was+c.reserve, now)
			}
			if r.Generator.CoresAllowed > was {
				t.Errorf("%d cores allowed of %d", r.Generator.CoresAllowed, was)
			}
		})
	}
}

// TestInterruptedRunStillReads what was sent, for both kinds of consumers: without that it would wait in vain for
// records that nobody reads any more. What it offered counts over the time that it had, and not over a minute.
func TestInterruptedRunStillReads(t *testing.T) {
	for name, set := range map[string]map[string]string{
		"client": {"linger": "0"}, "raw": {"raw": "true", "batch-size": "1KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			set["rate"], set["duration"], set["warmup"], set["acks"] = "500", "1m", "0", "1"
			ctx, cancel := context.WithCancel(t.Context())
			r, err := Run(ctx, planFor(t, set), Options{Dir: t.TempDir(), Progress: func(p Progress) {
				if p.Interval != nil {
					cancel()
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			if n := r.Series.Counts(); !r.Partial || n[meter.Acked] == 0 || n[meter.Consumed] != n[meter.Acked] {
				t.Errorf("partial %v, %d acknowledged, %d consumed, %v", r.Partial, n[meter.Acked], n[meter.Consumed],
					r.Verdict.Warnings)
			}
			if r.Totals.Offered < 250 || r.Totals.Offered > 510 {
				t.Errorf("offered %v records/s of 500", r.Totals.Offered)
			}
		})
	}
}
