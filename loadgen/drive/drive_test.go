package drive

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/payload"
	"tailrace/loadgen/plan"
)

func planOf(t testing.TB, set map[string]string) *plan.Plan {
	t.Helper()
	p := plan.Default()
	for k, v := range set {
		if err := p.Set(k, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestScheduleWithWarmup: the warm-up is at the first rate, then the plan's schedule begins at its end.
func TestScheduleWithWarmup(t *testing.T) {
	for text, want := range map[string]int64{"100": 100 + 200, "100..300": 100 + 400, "100,300": 100 + 400} {
		s := NewSchedule(planOf(t, map[string]string{"rate": text, "warmup": "1s", "duration": "2s"}))
		if s.Records() != want || s.End() != 3*time.Second {
			t.Errorf("%s: %d records until %v, want %d", text, s.Records(), s.End(), want)
		}
		if at := s.At(99); at >= time.Second || at < 980*time.Millisecond {
			t.Errorf("%s: the last record of the warm-up is due at %v", text, at)
		}
		if at := s.At(100); at != time.Second {
			t.Errorf("%s: the first measured record is due at %v", text, at)
		}
		for i := int64(1); i < s.Records(); i++ {
			if s.At(i) < s.At(i-1) {
				t.Fatalf("%s: record %d is due before record %d", text, i, i-1)
			}
		}
	}
	if s := NewSchedule(planOf(t, map[string]string{"rate": "100", "records": "500",
		"warmup": "0"})); s.Records() != 500 ||
		s.At(499) != 4990*time.Millisecond {
		t.Errorf("500 records at 100/s: %d, the last at %v", s.Records(), s.At(499))
	}
}

func TestPacersServeLanesEvenly(t *testing.T) {
	for lanes := 1; lanes <= 100; lanes++ {
		n := pacersFor(lanes)
		if n < 1 || n > maxPacers || lanes%n != 0 {
			t.Errorf("%d lanes have %d pacers", lanes, n)
		}
	}
}

// rig is a load against kfake.
type rig struct {
	p       *plan.Plan
	m       *meter.Meter
	load    *Producing
	reading *Consuming
	mu      sync.Mutex
	errs    []error
}

func newRig(t *testing.T, set map[string]string, opts ...kgo.Opt) *rig {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	r := &rig{p: planOf(t, set)}
	trouble := func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.errs = append(r.errs, err)
	}
	source, err := payload.NewSource(r.p)
	if err != nil {
		t.Fatal(err)
	}
	client := func(more ...kgo.Opt) *kgo.Client {
		c, err := kgo.NewClient(append(append(more, opts...), kgo.SeedBrokers(fake.ListenAddrs()...))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	schedule := NewSchedule(r.p)
	r.m = meter.New(time.Now().Add(50*time.Millisecond), 2)
	from := r.m.Start().Add(r.p.Warmup)
	stamper := payload.NewStamper(77, time.Now().Add(-time.Second))
	r.load = &Producing{Plan: r.p, Schedule: schedule, Meter: r.m, Stamper: stamper, Source: source, Topic: "t",
		Trouble: trouble}
	for range r.p.Producers {
		tap := &Tap{Meter: r.m, From: from}
		r.load.Taps = append(r.load.Taps, tap)
		r.load.Clients = append(r.load.Clients, client(append(Options(r.p), kgo.WithHooks(Hooks{r.m, from}),
			kgo.Dialer(tap.Dial(new(net.Dialer).DialContext)))...))
	}
	r.reading = &Consuming{Meter: r.m, Stamper: stamper, From: from, Trouble: trouble}
	for range r.p.Consumers {
		r.reading.Clients = append(r.reading.Clients, client(kgo.ConsumeTopics("t")))
	}
	r.reading.Start(t.Context())
	return r
}

// readAll waits until the consumers have everything.
func (r *rig) readAll(t *testing.T) {
	t.Helper()
	for begin := time.Now(); r.reading.Received() < r.load.Acked()*int64(r.p.Consumers); time.Sleep(time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("%d records received, %d acknowledged", r.reading.Received(), r.load.Acked())
		}
	}
	r.reading.Stop()
}

// TestEveryScheduledRecordIsSent, measured or not, through several producers, and read by each consumer.
func TestEveryScheduledRecordIsSent(t *testing.T) {
	r := newRig(t, map[string]string{"rate": "2k", "duration": "1s", "warmup": "500ms", "producers": "3", "consumers": "2",
		"keys": "uniform:10", "record-size": "uniform:8..200"})
	if err := r.load.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.readAll(t)
	iv := r.m.Cut(time.Now())
	for c, want := range map[meter.Counter]int64{
		meter.Scheduled: 2000, meter.Sent: 2000, meter.Acked: 2000, meter.Consumed: 4000, meter.Errors: 0, meter.Unstamped: 0,
	} {
		if got := iv.Counts[c]; got != want {
			t.Errorf("%v: %d, want %d", c, got, want)
		}
	}
	if r.load.Acked() != 3000 {
		t.Errorf("%d records acknowledged with the warm-up's, want 3000", r.load.Acked())
	}
	for c, want := range map[meter.Clock]int64{meter.Response: 2000, meter.Service: 2000, meter.EndToEnd: 4000} {
		if iv.Hist[c] == nil || iv.Hist[c].TotalCount() != want {
			t.Errorf("%v: %v, want %d latencies", c, iv.Hist[c], want)
		}
	}
	if iv.Counts[meter.BatchRecs] < 2000 || iv.Counts[meter.Requests] == 0 || len(r.errs) > 0 {
		t.Errorf("%d records in batches, %d requests, errors %v", iv.Counts[meter.BatchRecs],
			iv.Counts[meter.Requests], r.errs)
	}
}

// TestFullSpeedByCount: so many records and no more.
func TestFullSpeedByCount(t *testing.T) {
	r := newRig(t, map[string]string{"rate": "max", "records": "5k", "duration": "0", "warmup": "0", "producers": "2",
		"buffer": "100", "acks": "1"})
	if err := r.load.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.readAll(t)
	if n := r.m.Counts(); n[meter.Acked] != 5000 || r.load.Acked() != 5000 {
		t.Errorf("%d records acknowledged, %d measured, want 5000", r.load.Acked(), n[meter.Acked])
	}
}

// TestBlockedIsNotTheGenerator: when the broker has all it may have, the schedule's lag is counted as blocked, and
// response times show it where service times do not.
func TestBlockedIsNotTheGenerator(t *testing.T) {
	r := newRig(t, map[string]string{"rate": "2k", "duration": "1s", "warmup": "0", "buffer": "1", "consumers": "0",
		"linger": "1ms"})
	if err := r.load.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	iv := r.m.Cut(time.Now())
	if iv.Counts[meter.Acked] != 2000 {
		t.Errorf("%d records acknowledged, want 2000: none may be skipped", iv.Counts[meter.Acked])
	}
	if blocked := float64(iv.Counts[meter.BlockedNs]); blocked == 0 || r.load.Overrun() <= 0 {
		t.Errorf("blocked for %v ns, overrun %v", blocked, r.load.Overrun())
	}
	// A wait for the broker delays every record behind it: the backlog is the broker's too, not the waits alone.
	if lag := iv.Counts[meter.LagNs]; iv.Counts[meter.BlockedNs]*10 < lag*9 || iv.Counts[meter.BlockedNs] > lag {
		t.Errorf("blocked for %d of %d ns of lag, want nearly all", iv.Counts[meter.BlockedNs], lag)
	}
	response, service := iv.Hist[meter.Response], iv.Hist[meter.Service]
	if response.ValueAtPercentile(50) <= service.ValueAtPercentile(50) {
		t.Errorf("response p50 %v, service p50 %v", response.ValueAtPercentile(50), service.ValueAtPercentile(50))
	}
}

// TestInterrupted: sending stops, what was sent is waited for.
func TestInterrupted(t *testing.T) {
	r := newRig(t, map[string]string{"rate": "1k", "duration": "1h", "warmup": "0"})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := r.load.Run(ctx); err != nil {
		t.Fatal(err)
	}
	r.readAll(t)
	n := r.m.Counts()
	if n[meter.Sent] == 0 || n[meter.Sent] != n[meter.Acked] {
		t.Errorf("%d sent, %d acknowledged", n[meter.Sent], n[meter.Acked])
	}
}

// TestErrorsAreCounted: a refused record is no latency and no success.
func TestErrorsAreCounted(t *testing.T) {
	r := newRig(t, map[string]string{"rate": "20", "duration": "1s", "warmup": "0", "record-size": "1.5MiB",
		"consumers":   "0",
		"idempotence": "false"})
	if err := r.load.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := r.m.Counts()
	if n[meter.Errors] != 20 || n[meter.Acked] != 0 || len(r.errs) != 20 || slices.Contains(r.errs, nil) {
		t.Errorf("%d errors, %d acknowledged, told of %d", n[meter.Errors], n[meter.Acked], len(r.errs))
	}
}
