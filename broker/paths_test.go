package broker_test

import (
	"strings"
	"testing"
	"time"

	"tailrace/netio"
)

// counted are the broker's counters when they have come to rest: a call is counted after it, when its bytes may have
// arrived already.
func (n *node) counted() netio.Stats {
	for was := n.Stats(); ; {
		time.Sleep(5 * time.Millisecond)
		now := n.Stats()
		if now == was {
			return now
		}
		was = now
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

	was := n.counted()
	for range 10 {
		p.fetch(topic, at{})
	}
	now := n.counted()
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
	now = n.counted()
	sent, copied := now.SendfileBytes-was.SendfileBytes, now.CopyBytes-was.CopyBytes
	if tail := int64(10*len(large)) - sent; tail <= 0 || tail > 10*1024 || copied < tail {
		t.Errorf("10 large fetches of %d bytes: %d by sendfile, %d copied", len(large), sent, copied)
	}
	was = now
	for range 10 {
		p.produce(topic, 0, 1, small)
	}
	now = n.counted()
	if requests, calls := now.Requests-was.Requests, now.WritevCalls-was.WritevCalls; requests != 10 || calls != 10 {
		t.Errorf("10 produce requests: %d counted, %d writev calls", requests, calls)
	}
}
