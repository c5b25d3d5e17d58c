package broker_test

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// threeBatches writes batches of three records of 300 bytes: offsets 0–2, 3–5, 6–8. It returns the size of one.
func threeBatches(p *peer, topic string, partition int32) (size int) {
	p.t.Helper()
	for _, c := range []string{"a", "b", "c"} {
		v := strings.Repeat(c, 300)
		b := plain(p.t, v+"0", v+"1", v+"2")
		size = len(b)
		p.wrote(topic, partition, b)
	}
	return size
}

// bases are the base offsets of the whole batches in fetched bytes.
func bases(t testing.TB, records []byte) []int64 {
	t.Helper()
	list := []int64{}
	for _, v := range batches(t, records) {
		list = append(list, int64(v.BaseOffset()))
	}
	return list
}

// TestFetchGivesWholeBatches: from the batch that holds the offset, never cut, within the limits but for the first one.
func TestFetchGivesWholeBatches(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1)
	size := int32(threeBatches(p, topic, 0))
	for _, c := range []struct {
		name string
		at   at
		want []int64
	}{
		{"from the start", at{offset: 0}, []int64{0, 3, 6}},
		{"from inside a batch", at{offset: 4}, []int64{3, 6}},
		{"from the last record", at{offset: 8}, []int64{6}},
		{"at the end", at{offset: 9}, []int64{}},
		{"room for two and a half", at{offset: 0, max: size*2 + size/2}, []int64{0, 3}},
		{"room for exactly two", at{offset: 1, max: size * 2}, []int64{0, 3}},
		{"room for a byte less", at{offset: 0, max: size*2 - 1}, []int64{0}},
		{"room for one byte", at{offset: 5, max: 1}, []int64{3}},
	} {
		r := p.fetch(topic, c.at)
		if got := bases(t, r.RecordBatches); r.ErrorCode != 0 || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: batches %v with code %d, want %v", c.name, got, r.ErrorCode, c.want)
		}
		if r.HighWatermark != 9 || r.LastStableOffset != 9 || r.LogStartOffset != 0 {
			t.Errorf("%s: high watermark %d, last stable %d, log start %d, want 9, 9, 0",
				c.name, r.HighWatermark, r.LastStableOffset, r.LogStartOffset)
		}
	}
}

// TestFetchLimits: the whole answer has a limit too. The order is that of the request; only the first partition that
// has records may go over a limit (KIP-74).
func TestFetchLimits(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 4)
	size := int32(threeBatches(p, topic, 1))
	threeBatches(p, topic, 2)
	threeBatches(p, topic, 3)
	for _, c := range []struct {
		name string
		max  int32
		each int32
		want map[int32]int
	}{
		{"one byte altogether", 1, 0, map[int32]int{0: 0, 3: 1, 1: 0, 2: 0}},
		{"one byte each", 0, 1, map[int32]int{0: 0, 3: 1, 1: 0, 2: 0}},
		{"four and a half batches", size*4 + size/2, 0, map[int32]int{0: 0, 3: 3, 1: 1, 2: 0}},
		{"two each", 0, size * 2, map[int32]int{0: 0, 3: 2, 1: 2, 2: 2}},
		{"no limit", 0, 0, map[int32]int{0: 0, 3: 3, 1: 3, 2: 3}},
	} {
		req := fetchRequest(11, topic, [16]byte{}, at{0, 0, c.each}, at{3, 0, c.each}, at{1, 0, c.each}, at{2, 0, c.each})
		if c.max > 0 {
			req.MaxBytes = c.max
		}
		r := ask[*kmsg.FetchResponse](p, req)
		var order []int32
		for _, part := range r.Topics[0].Partitions {
			order = append(order, part.Partition)
			if n := len(batches(t, part.RecordBatches)); n != c.want[part.Partition] {
				t.Errorf("%s: partition %d gives %d batches, want %d", c.name, part.Partition, n, c.want[part.Partition])
			}
		}
		if !reflect.DeepEqual(order, []int32{0, 3, 1, 2}) {
			t.Errorf("%s: answered in the order %v", c.name, order)
		}
	}
}

// TestFetchRefuses: what cannot be read, with its code.
func TestFetchRefuses(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	id := p.create(topic, 1)
	threeBatches(p, topic, 0)
	type part = kmsg.FetchRequestTopicPartition
	for _, c := range []struct {
		name   string
		change func(q *part)
		want   errcode.Code
	}{
		{"beyond the end", func(q *part) { q.FetchOffset = 10 }, errcode.OffsetOutOfRange},
		{"below the start", func(q *part) { q.FetchOffset = -1 }, errcode.OffsetOutOfRange},
		{"no such partition", func(q *part) { q.Partition = 1 }, errcode.UnknownTopicOrPartition},
		{"a leader epoch to come", func(q *part) { q.CurrentLeaderEpoch = 9 }, errcode.UnknownLeaderEpoch},
		{"an unknown last epoch", func(q *part) { q.LastFetchedEpoch = 9 }, errcode.OffsetOutOfRange},
		{"the right epochs", func(q *part) { q.CurrentLeaderEpoch, q.LastFetchedEpoch = 0, 0 }, errcode.None},
	} {
		req := fetchRequest(12, topic, id, at{})
		c.change(&req.Topics[0].Partitions[0])
		r := p.fetched(req)
		code(t, c.name, r.ErrorCode, c.want)
		if c.want != errcode.None && len(r.RecordBatches) > 0 {
			t.Errorf("%s: records came with the error", c.name)
		}
	}
	code(t, "no such topic", p.fetched(fetchRequest(12, fresh(t), id, at{})).ErrorCode, errcode.UnknownTopicOrPartition)
	code(t, "no such topic id", p.fetched(fetchRequest(13, "", [16]byte{1, 2}, at{})).ErrorCode, errcode.UnknownTopicID)
}

// TestFetchDiverging: whoever read further in an epoch than we have it is told where it ended here (KIP-595).
func TestFetchDiverging(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1)
	threeBatches(p, topic, 0)
	req := fetchRequest(12, topic, [16]byte{}, at{offset: 12})
	req.Topics[0].Partitions[0].LastFetchedEpoch = 0
	r := p.fetched(req)
	if r.ErrorCode != 0 || r.DivergingEpoch.Epoch != 0 || r.DivergingEpoch.EndOffset != 9 || len(r.RecordBatches) > 0 {
		t.Errorf("%v, diverging %+v: want epoch 0 to end at 9", errcode.Code(r.ErrorCode), r.DivergingEpoch)
	}
}

// TestReadCommitted: the list of aborted transactions is there, and empty, only for whoever asks for it.
func TestReadCommitted(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	id := p.create(topic, 1)
	threeBatches(p, topic, 0)
	for v := int16(4); v <= 18; v++ {
		for isolation := range int8(2) {
			req := fetchRequest(v, topic, id, at{offset: 4})
			req.IsolationLevel = isolation
			r := p.fetched(req)
			if r.ErrorCode != 0 || len(batches(t, r.RecordBatches)) != 2 {
				t.Errorf("v%d: code %d", v, r.ErrorCode)
			}
			if (r.AbortedTransactions != nil) != (isolation == 1) || len(r.AbortedTransactions) > 0 {
				t.Errorf("v%d, isolation level %d: aborted transactions %#v", v, isolation, r.AbortedTransactions)
			}
		}
	}
}

// waiting is a fetch that waits for records for up to a time.
func waiting(topic string, minBytes int32, wait time.Duration, parts ...at) *kmsg.FetchRequest {
	req := fetchRequest(12, topic, [16]byte{}, parts...)
	req.MinBytes, req.MaxWaitMillis = minBytes, int32(wait.Milliseconds())
	return req
}

const tooLongToWait = 10 * answerWithin // a fetch that is answered at its deadline fails the test

// TestLongPollIsWoken: records that arrive in any of the partitions answer a fetch that waits.
func TestLongPollIsWoken(t *testing.T) {
	n := serve(t)
	p, writer := dial(t, n.addr), dial(t, n.addr)
	topic := fresh(t)
	p.create(topic, 3)
	for i := range int64(20) {
		req := waiting(topic, 1, tooLongToWait, at{0, 0, 0}, at{1, i, 0}, at{2, 0, 0})
		p.send(req)
		writer.wrote(topic, 1, plain(t, "news"))
		r := p.receive(req).(*kmsg.FetchResponse)
		if got := values(t, r.Topics[0].Partitions[1].RecordBatches); !reflect.DeepEqual(got, []string{"news"}) {
			t.Fatalf("round %d: woken with %q", i, got)
		}
	}
}

// TestLongPollWaitsForMinBytes: a first append that is too small does not end the wait, the one that fills it does.
func TestLongPollWaitsForMinBytes(t *testing.T) {
	n := serve(t)
	p, writer := dial(t, n.addr), dial(t, n.addr)
	topic := fresh(t)
	p.create(topic, 2)
	b := plain(t, strings.Repeat("x", 1000))
	for i := range int64(100) {
		req := waiting(topic, int32(3*len(b)), tooLongToWait, at{0, 2 * i, 0}, at{1, i, 0})
		p.send(req)
		for j := range int32(3) {
			writer.wrote(topic, j%2, b)
		}
		r := p.receive(req).(*kmsg.FetchResponse).Topics[0]
		total := len(r.Partitions[0].RecordBatches) + len(r.Partitions[1].RecordBatches)
		if total < 3*len(b) {
			t.Fatalf("round %d: answered with %d bytes, min.bytes is %d", i, total, 3*len(b))
		}
	}
}

// TestLongPollTimesOut: with too little to send, the answer comes at the deadline and not before, with what there is.
func TestLongPollTimesOut(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1)
	for _, have := range []int{0, 1} {
		const wait = 120 * time.Millisecond
		from := time.Now()
		r := ask[*kmsg.FetchResponse](p, waiting(topic, 1_000_000, wait, at{}))
		if took := time.Since(from); took < wait {
			t.Errorf("answered after %s, max.wait is %s", took, wait)
		}
		if got := len(batches(t, r.Topics[0].Partitions[0].RecordBatches)); got != have {
			t.Errorf("%d batches came, want %d", got, have)
		}
		p.wrote(topic, 0, plain(t, "x"))
	}
}

// TestLongPollDoesNotWait for an error, or with nothing asked of it.
func TestLongPollDoesNotWait(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 2)
	for _, c := range []struct {
		name string
		req  *kmsg.FetchRequest
	}{
		{"min.bytes 0", waiting(topic, 0, tooLongToWait, at{})},
		{"no wait", waiting(topic, 1, 0, at{})},
		{"all partitions are unknown", waiting(topic, 1, tooLongToWait, at{partition: 6}, at{partition: 7})},
		{"one offset is out of range", waiting(topic, 1, tooLongToWait, at{}, at{partition: 1, offset: 5})},
		{"no partition", waiting(topic, 1, tooLongToWait)},
	} {
		p.send(c.req)
		if _, err := p.frame(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		p.seen++
	}
}

// TestLongPollBesideAnError: a partition that does not exist is no reason to answer at once, or else a consumer that
// has not heard of a deletion would ask without pause.
func TestLongPollBesideAnError(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1)
	const wait = 50 * time.Millisecond
	from := time.Now()
	r := ask[*kmsg.FetchResponse](p, waiting(topic, 1, wait, at{}, at{partition: 7}))
	if took := time.Since(from); took < wait {
		t.Errorf("answered after %s, max.wait is %s", took, wait)
	}
	for _, part := range r.Topics[0].Partitions {
		code(t, "partition", part.ErrorCode, map[int32]errcode.Code{7: errcode.UnknownTopicOrPartition}[part.Partition])
	}
}

// TestManyWaiters: every fetch that waits at a partition is woken by one append, also when its client has gone.
func TestManyWaiters(t *testing.T) {
	n := serve(t)
	writer := dial(t, n.addr)
	topic := fresh(t)
	writer.create(topic, 1)
	peers := make([]*peer, 60)
	for i := range peers {
		peers[i] = dial(t, n.addr)
		peers[i].send(waiting(topic, 1, tooLongToWait, at{}))
	}
	for _, p := range peers[:20] {
		p.conn.Close()
	}
	b := plain(t, "for all")
	writer.wrote(topic, 0, b)
	for _, p := range peers[20:] {
		r := p.receive(waiting(topic, 1, 0, at{})).(*kmsg.FetchResponse)
		if got := values(t, r.Topics[0].Partitions[0].RecordBatches); !reflect.DeepEqual(got, []string{"for all"}) {
			t.Fatalf("woken with %q", got)
		}
	}
	writer.alive()
}

// TestStopAnswersWhoWaits: a stop does not wait for the patience of consumers.
func TestStopAnswersWhoWaits(t *testing.T) {
	n := start(t)
	p := dial(t, n.addr)
	topic := fresh(t)
	p.create(topic, 1)
	req := waiting(topic, 1, tooLongToWait, at{})
	p.send(req)
	for n.Stats().Requests < 2 {
		time.Sleep(time.Millisecond) // until the fetch has been read
	}
	ctx, cancel := context.WithTimeout(context.Background(), tooLongToWait)
	defer cancel()
	if err := n.Stop(ctx); err != nil || ctx.Err() != nil {
		t.Fatalf("stop: %v", err)
	}
	if r := p.receive(req).(*kmsg.FetchResponse); len(r.Topics) != 1 {
		t.Errorf("the fetch that waited was answered with %+v", r)
	}
}

// TestFetchAcrossSegments reads a log of many segments, from every offset and with many sizes.
func TestFetchAcrossSegments(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1, "segment.bytes=1048576")
	var log []byte
	for i := range 40 {
		b := plain(t, strings.Repeat(string(rune('a'+i%26)), 100_000))
		at := p.wrote(topic, 0, b)
		batch.View(b).SetBaseOffset(wire.Offset(at))
		batch.View(b).SetLeaderEpoch(0)
		log = append(log, b...)
	}
	size := len(log) / 40
	var all []byte
	for offset := int64(0); offset < 40; {
		r := p.fetch(topic, at{offset: offset, max: int32(350_000)})
		whole := 0
		for _, v := range batches(t, r.RecordBatches) {
			whole += len(v)
			offset = int64(v.LastOffset()) + 1
		}
		if whole == 0 {
			t.Fatalf("nothing at offset %d", offset)
		}
		all = append(all, r.RecordBatches[:whole]...)
	}
	if !bytes.Equal(all, log) {
		t.Fatal("what was read is not what was written")
	}
	for offset := range 40 {
		r := p.fetch(topic, at{offset: int64(offset), max: 1})
		if !bytes.HasPrefix(r.RecordBatches, log[offset*size:(offset+1)*size]) {
			t.Fatalf("offset %d gives another batch", offset)
		}
	}
}
