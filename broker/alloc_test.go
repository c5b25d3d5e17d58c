package broker_test

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"tailrace/netio"
)

// loop is a raw client with a prebuilt request, whose own side of the exchange allocates nothing.
type loop struct {
	t      *testing.T
	client *netio.Client
	frame  []byte
}

func (l *loop) round() int {
	if err := l.client.Send(l.frame); err != nil {
		l.t.Fatal(err)
	}
	b, err := l.client.Receive()
	if err != nil {
		l.t.Fatal(err)
	}
	return len(b)
}

// perRequest counts the allocations of the whole process, broker and client, for each request.
func (l *loop) perRequest(rounds int) float64 {
	for range 2000 {
		l.round() // buffers grow, pools fill
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		l.round()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(rounds)
}

// hotRounds is how many requests are measured. Beside them runs what is paid per second and not per request: that may
// add mostAllocs to each. Every MiB that is written makes the segment reserve the next step, which is a job with a few
// allocations of its own.
const (
	hotRounds    = 10_000
	mostAllocs   = 0.01
	allocsPerMiB = 4.0
)

// TestHotRequestsAllocateNothing, from the socket through the log to the socket: one produced batch of either size, with
// each kind of acknowledgement, and one fetched partition, small (writev), large (sendfile) and empty.
func TestHotRequestsAllocateNothing(t *testing.T) {
	n := start(t, "tailrace.flush.before.ack=never")
	p := dial(t, n.addr)
	topic := fresh(t)
	id := p.create(topic, 3)
	small, large := plain(t, "small"), plain(t, strings.Repeat("large", 13_000))
	p.wrote(topic, 1, small)
	for range 20 {
		p.wrote(topic, 2, large)
	}
	client, err := netio.Dial(context.Background(), n.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	produce := func(acks int16, b []byte) []byte {
		req := produceRequest(13, "", 0, acks, b)
		req.Topics[0].TopicID = id
		return frameOf(req, 1)
	}
	fetch := func(version int16, max int32, parts ...at) []byte {
		req := fetchRequest(version, topic, id, parts...)
		req.MaxBytes = max
		return frameOf(req, 1)
	}
	for _, c := range []struct {
		name   string
		frame  []byte
		answer int // at least so many bytes
	}{
		{"produce 1 record, acks=1", produce(1, small), 50},
		{"produce 64 KiB, acks=1", produce(1, large), 50},
		{"produce 1 record, acks=all", produce(-1, small), 50},
		{"produce by name", frameOf(produceRequest(9, topic, 0, 1, small), 1), 50},
		{"fetch 1 record", fetch(18, 1<<20, at{partition: 1}), len(small)},
		{"fetch 64 KiB", fetch(18, 1<<16, at{partition: 2}), len(large)},
		{"fetch 1 MiB by name", fetch(11, 1<<20, at{2, 1, 1 << 20}), 15 * len(large)},
		{"fetch nothing", fetch(18, 1<<20, at{partition: 1, offset: 1}), 50},
	} {
		l := &loop{t, client, c.frame}
		if got := l.round(); got < c.answer {
			t.Fatalf("%s: an answer of %d bytes, want at least %d", c.name, got, c.answer)
		}
		most := mostAllocs
		if strings.HasPrefix(c.name, "produce") {
			most += allocsPerMiB * float64(len(c.frame)) / (1 << 20)
		}
		if per := l.perRequest(hotRounds); per >= most {
			t.Errorf("%s: %.4f allocations a request, want less than %.4f", c.name, per, most)
		}
	}
}

// TestPathsOfRecords: the counters prove that record bytes went out of the mapping by writev, or by sendfile, and never
// through a buffer of ours.
func TestPathsOfRecords(t *testing.T) {
	n := start(t)
	p := dial(t, n.addr)
	topic := fresh(t)
	p.create(topic, 2)
	small, large := plain(t, "small"), plain(t, strings.Repeat("large", 40_000))
	p.wrote(topic, 0, small)
	p.wrote(topic, 1, large)

	was := n.Stats()
	for range 10 {
		p.fetch(topic, at{})
	}
	now := n.Stats()
	if calls := now.WritevCalls - was.WritevCalls; calls != 10 || now.SendfileCalls != was.SendfileCalls {
		t.Errorf("10 small fetches: %d writev and %d sendfile calls", calls, now.SendfileCalls-was.SendfileCalls)
	}
	if sent := now.WritevBytes - was.WritevBytes; sent < int64(10*len(small)) {
		t.Errorf("10 small fetches: %d bytes by writev, the records alone are %d", sent, 10*len(small))
	}
	was = now
	for range 10 {
		p.fetch(topic, at{partition: 1})
	}
	now = n.Stats()
	if sent := now.SendfileBytes - was.SendfileBytes; sent != int64(10*len(large)) {
		t.Errorf("10 large fetches: %d bytes by sendfile, want %d", sent, 10*len(large))
	}
	if now.CopyBytes != 0 {
		t.Errorf("%d record bytes were copied", now.CopyBytes)
	}
	was = now
	for range 10 {
		p.produce(topic, 0, 1, small)
	}
	if now = n.Stats(); now.WritevCalls-was.WritevCalls != 10 || now.Requests-was.Requests != 10 {
		t.Errorf("10 produce requests: %d counted, %d writev calls", now.Requests-was.Requests, now.WritevCalls-was.WritevCalls)
	}
}
