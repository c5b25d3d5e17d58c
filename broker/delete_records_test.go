package broker_test

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// deletedTo deletes records of partition 0 and returns the low watermark and the code.
func (p *peer) deletedTo(topic string, partition int32, offset int64) (int64, errcode.Code) {
	p.t.Helper()
	r := ask[*kmsg.DeleteRecordsResponse](p, deleteRecordsRequest(2, topic, partition, offset)).Topics[0].Partitions[0]
	return r.LowWatermark, errcode.Code(r.ErrorCode)
}

// TestDeleteRecords: the log start moves at once, inside a batch too, never back, never beyond the high watermark.
func TestDeleteRecords(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic, compacted, kept := fresh(t), fresh(t), fresh(t)
	p.create(topic, 1)
	p.create(compacted, 1, "cleanup.policy=compact")
	p.create(kept, 1, "cleanup.policy=")
	threeBatches(p, topic, 0)
	p.wrote(kept, 0, plain(t, "a", "b"))
	for _, c := range []struct {
		topic     string
		partition int32
		to, low   int64
		want      errcode.Code
	}{
		{topic, 0, 4, 4, errcode.None}, {topic, 0, 2, 4, errcode.None}, {topic, 0, 10, -1, errcode.OffsetOutOfRange},
		{topic, 0, -2, -1, errcode.OffsetOutOfRange}, {topic, 7, 0, -1, errcode.UnknownTopicOrPartition},
		{"no-such-topic", 0, 0, -1, errcode.UnknownTopicOrPartition}, {compacted, 0, 0, -1, errcode.PolicyViolation},
		{kept, 0, 1, 1, errcode.None},
	} {
		low, got := p.deletedTo(c.topic, c.partition, c.to)
		if low != c.low || got != c.want {
			t.Errorf("delete up to %d of %s-%d: %d %v, want %d %v", c.to, c.topic, c.partition, low, got, c.low, c.want)
		}
	}
	code(t, "fetch of a deleted record", p.fetch(topic, at{offset: 3}).ErrorCode, errcode.OffsetOutOfRange)
	r := p.fetch(topic, at{offset: 4})
	if got := fmt.Sprint(bases(t, r.RecordBatches)); r.ErrorCode != 0 || r.LogStartOffset != 4 || got != "[3 6]" {
		t.Errorf("fetch from the log start: code %d, start %d, batches %s", r.ErrorCode, r.LogStartOffset, got)
	}
	earliest := ask[*kmsg.ListOffsetsResponse](p, listOffsetsRequest(7, topic, 0, -2)).Topics[0].Partitions[0]
	if earliest.Offset != 4 {
		t.Errorf("earliest is %d, want 4", earliest.Offset)
	}
	if low, got := p.deletedTo(topic, 0, -1); low != 9 || got != errcode.None {
		t.Errorf("delete all: %d %v, want 9", low, got)
	}
	if base := p.wrote(topic, 0, plain(t, "x")); base != 9 {
		t.Errorf("the next record is at %d, want 9", base)
	}
}

// TestDeleteRecordsWakesFetches: a fetch that waits below the new log start is answered.
func TestDeleteRecordsWakesFetches(t *testing.T) {
	n := start(t)
	p, waiting := dial(t, n.addr), dial(t, n.addr)
	p.create("t", 1)
	threeBatches(p, "t", 0)
	req := fetchRequest(12, "t", [16]byte{}, at{offset: 4})
	req.MinBytes, req.MaxWaitMillis = 10<<20, 10*60*1000
	waiting.send(req)
	// Whether the fetch is parked by now or not, it must not wait for the ten minutes.
	if low, got := p.deletedTo("t", 0, 6); low != 6 || got != errcode.None {
		t.Fatalf("delete up to 6: %d %v", low, got)
	}
	r := waiting.receive(req).(*kmsg.FetchResponse).Topics[0].Partitions[0]
	code(t, "the fetch that waited", r.ErrorCode, errcode.OffsetOutOfRange)
}

// TestDeleteRecordsIsDurable: a kill right after the answer does not bring records back.
func TestDeleteRecordsIsDurable(t *testing.T) {
	n := start(t)
	p := dial(t, n.addr)
	p.create("t", 1)
	threeBatches(p, "t", 0)
	if low, got := p.deletedTo("t", 0, 5); low != 5 || got != errcode.None {
		t.Fatalf("delete up to 5: %d %v", low, got)
	}
	n.restart(t, true)
	p = dial(t, n.addr)
	if r := p.fetch("t", at{offset: 5}); r.LogStartOffset != 5 || r.HighWatermark != 9 {
		t.Errorf("after a kill the log is %d to %d, want 5 to 9", r.LogStartOffset, r.HighWatermark)
	}
}

// TestDeleteRecordsKeepsProducers: after a kill a producer whose records were all deleted is still known, so that its
// retry is no second record and its next batch no gap.
func TestDeleteRecordsKeepsProducers(t *testing.T) {
	n := start(t)
	p := dial(t, n.addr)
	p.create("t", 1)
	p.wrote("t", 0, sequenced(t, 77, 0, 0, 3))
	last := p.wrote("t", 0, sequenced(t, 77, 0, 3, 2))
	if low, got := p.deletedTo("t", 0, -1); low != 5 || got != errcode.None {
		t.Fatalf("delete all: %d %v", low, got)
	}
	n.restart(t, true)
	p = dial(t, n.addr)
	if again := p.wrote("t", 0, sequenced(t, 77, 0, 3, 2)); again != last {
		t.Errorf("a retry is written at %d, the batch was at %d", again, last)
	}
	if next := p.wrote("t", 0, sequenced(t, 77, 0, 5, 1)); next != 5 {
		t.Errorf("the next batch is at %d, want 5", next)
	}
}
