package drive

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/payload"
)

// newRaw is a raw load against kfake, and the errors it is told of.
func newRaw(t *testing.T, topic string, set map[string]string) (r *Raw, errs func() []error) {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(3, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	set["raw"] = "true"
	p := planOf(t, set)
	source, err := payload.NewSource(p)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var list []error
	var leaders []string
	for i := range int32(3) {
		leaders = append(leaders, fake.ListenAddrs()[fake.LeaderFor("t", i)])
	}
	r = &Raw{
		Plan: p, Schedule: NewSchedule(p), Meter: meter.New(time.Now().Add(20*time.Millisecond), 2), Source: source,
		Topic: topic, Leaders: leaders, Dial: new(net.Dialer).DialContext,
		Trouble: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			list = append(list, err)
		},
	}
	return r, func() []error {
		mu.Lock()
		defer mu.Unlock()
		return list
	}
}

// TestRawSendsTheSchedule in whole requests, over several connections.
func TestRawSendsTheSchedule(t *testing.T) {
	r, errs := newRaw(t, "t", map[string]string{"rate": "10k", "duration": "1s", "warmup": "500ms", "record-size": "100",
		"batch-size": "2KiB", "connections": "3", "acks": "1"})
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := r.Meter.Counts()
	if r.Records() < 10 || n[meter.Acked] < 10_000-int64(3*r.Records()) || n[meter.Acked] > 10_000+int64(3*r.Records()) {
		t.Errorf("%d records acknowledged in requests of %d, want about 10,000", n[meter.Acked], r.Records())
	}
	if n[meter.Acked] != n[meter.Sent] || n[meter.Acked] != n[meter.Requests]*int64(r.Records()) || len(errs()) > 0 {
		t.Errorf("%d sent, %d acknowledged in %d requests, errors %v", n[meter.Sent], n[meter.Acked],
			n[meter.Requests], errs())
	}
	iv := r.Meter.Cut(time.Now())
	for _, c := range []meter.Clock{meter.Response, meter.Service} {
		if iv.Hist[c].TotalCount() != n[meter.Acked] {
			t.Errorf("%v: %d latencies, want %d", c, iv.Hist[c].TotalCount(), n[meter.Acked])
		}
	}
}

// TestRawFullSpeedByCount: so many records, rounded up to whole requests.
func TestRawFullSpeedByCount(t *testing.T) {
	for _, acks := range []string{"0", "1", "all"} {
		r, _ := newRaw(t, "t", map[string]string{"rate": "max", "records": "1000", "duration": "0", "warmup": "0",
			"record-size": "100", "batch-size": "1KiB", "connections": "2", "in-flight": "4", "acks": acks})
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.Acked(); got < 1000 || got >= 1000+int64(r.Records()) {
			t.Errorf("acks=%s: %d records in requests of %d, want 1000 or a little more", acks, got, r.Records())
		}
	}
}

// TestRawErrors: a refused request is no success; a connection that breaks ends the run with an error.
func TestRawErrors(t *testing.T) {
	r, errs := newRaw(t, "no-such-topic", map[string]string{"rate": "max", "records": "100", "duration": "0",
		"warmup":      "0",
		"record-size": "100", "batch-size": "1KiB", "acks": "1"})
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.Meter.Counts(); n[meter.Acked] != 0 || n[meter.Errors] < 100 || len(errs()) == 0 ||
		!strings.Contains(errs()[0].Error(), "UNKNOWN_TOPIC") {
		t.Errorf("%d acknowledged, %d refused, %v", n[meter.Acked], n[meter.Errors], errs())
	}
	l := hangsUp(t)
	for _, acks := range []string{"0", "1"} {
		r, errs = newRaw(t, "t", map[string]string{"rate": "1k", "duration": "2s", "warmup": "0", "acks": acks,
			"connections": "2"})
		r.Leaders = []string{l.Addr().String()}
		if err := r.Run(t.Context()); err == nil || len(errs()) == 0 {
			t.Errorf("acks=%s: a broker that closes every connection is no error: %v, %v", acks, err, errs())
		}
		// What it leaves of the schedule was due, and has failed: without that the rest would look as if never offered.
		n, each := r.Meter.Counts(), int64(r.Records())
		if n[meter.Scheduled] < 2000 || n[meter.Scheduled] >= 2000+2*each ||
			n[meter.Errors]+n[meter.Acked] != n[meter.Scheduled] || n[meter.Errors] < 1000 {
			t.Errorf("acks=%s: %d scheduled, %d acknowledged and %d failed of 2000", acks, n[meter.Scheduled],
				n[meter.Acked], n[meter.Errors])
		}
	}
}

// TestRawBacklogIsTheBrokers: with one request on its way, most of the lag of a load that is too high is its wait.
func TestRawBacklogIsTheBrokers(t *testing.T) {
	r, _ := newRaw(t, "t", map[string]string{"rate": "200k", "duration": "0", "records": "20k", "warmup": "0",
		"record-size": "10", "batch-size": "1", "in-flight": "1", "acks": "1"})
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.Meter.Counts(); n[meter.BlockedNs]*2 < n[meter.LagNs] || n[meter.LagNs] == 0 {
		t.Errorf("blocked for %d of %d ns of lag", n[meter.BlockedNs], n[meter.LagNs])
	}
}

// hangsUp is a server that closes every connection at once, until the test ends.
func hangsUp(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	return l
}
