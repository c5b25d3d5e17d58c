package broker_test

import (
	"math"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch"
	"tailrace/wire/errcode"
)

// sequenced is a batch of n records of an idempotent producer.
func sequenced(t testing.TB, id int64, epoch int16, first int32, n int) []byte {
	t.Helper()
	recs := make([]rec, n)
	for i := range recs {
		recs[i].value = []byte("v")
	}
	return build(t, batch.Options{Producer: &batch.Producer{ID: id, Epoch: epoch, Sequence: first}}, recs...)
}

func (p *peer) newProducerID() int64 {
	p.t.Helper()
	req := kmsg.NewPtrInitProducerIDRequest()
	for {
		r := ask[*kmsg.InitProducerIDResponse](p, req)
		if c := errcode.Code(r.ErrorCode); c == errcode.CoordinatorLoadInProgress && otherBroker != "" {
			continue // Apache Kafka fetches its first block
		} else if c != errcode.None || r.ProducerID < 0 || r.ProducerEpoch != 0 {
			p.t.Fatalf("InitProducerId: %+v", r)
		}
		return r.ProducerID
	}
}

// TestProducerIDsAreUnique: over several blocks of a thousand, several clients and a restart of either kind.
func TestProducerIDsAreUnique(t *testing.T) {
	n := start(t)
	seen := map[int64]bool{}
	take := func(count int) {
		peers := []*peer{dial(t, n.addr), dial(t, n.addr), dial(t, n.addr)}
		req := kmsg.NewPtrInitProducerIDRequest()
		for range count {
			for _, p := range peers {
				p.send(req)
			}
		}
		for range count {
			for _, p := range peers {
				r := p.receive(req).(*kmsg.InitProducerIDResponse)
				if r.ErrorCode != 0 || r.ProducerEpoch != 0 || seen[r.ProducerID] {
					t.Fatalf("%+v after %d ids; given before: %v", r, len(seen), seen[r.ProducerID])
				}
				seen[r.ProducerID] = true
			}
		}
	}
	take(900)
	n.restart(t, false)
	take(5)
	n.restart(t, true)
	take(900)
}

// TestIdempotence: what a producer may write, and what the broker makes of it.
func TestIdempotence(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1)
	id := p.newProducerID()
	for _, c := range []struct {
		name   string
		epoch  int16
		first  int32
		n      int
		want   errcode.Code
		offset int64
	}{
		{"begin", 0, 0, 2, errcode.None, 0},
		{"go on", 0, 2, 3, errcode.None, 2},
		{"the same again", 0, 2, 3, errcode.None, 2},
		{"the first again", 0, 0, 2, errcode.None, 0},
		{"a gap", 0, 6, 1, errcode.OutOfOrderSequenceNumber, -1},
		{"known sequences in another cut", 0, 2, 1, errcode.OutOfOrderSequenceNumber, -1},
		{"go on after errors", 0, 5, 1, errcode.None, 5},
		{"a new epoch begins at 0", 1, 4, 1, errcode.OutOfOrderSequenceNumber, -1},
		{"a new epoch", 1, 0, 1, errcode.None, 6},
		{"the old epoch", 0, 6, 1, errcode.InvalidProducerEpoch, -1},
		{"a known batch of the old epoch", 0, 5, 1, errcode.InvalidProducerEpoch, -1},
		{"go on in the new epoch", 1, 1, 4, errcode.None, 7},
		{"a gap in the new epoch", 1, 6, 1, errcode.OutOfOrderSequenceNumber, -1},
	} {
		for _, acks := range []int16{1, -1} {
			r := p.produce(topic, 0, acks, sequenced(t, id, c.epoch, c.first, c.n))
			code(t, c.name, r.ErrorCode, c.want)
			if r.BaseOffset != c.offset { // the second time it is a repetition
				t.Errorf("%s, acks %d: offset %d, want %d", c.name, acks, r.BaseOffset, c.offset)
			}
		}
	}
	if r := p.fetch(topic, at{}); r.HighWatermark != 11 {
		t.Errorf("the log holds %d records, want 11", r.HighWatermark)
	}
}

// TestIdempotenceOfStrangers: a producer that the log does not know may begin anywhere; sequences go round.
func TestIdempotenceOfStrangers(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1)
	id := p.newProducerID()
	at := int64(0)
	for _, c := range []struct {
		first int32
		n     int
	}{{math.MaxInt32 - 3, 2}, {math.MaxInt32 - 1, 4}, {2, 1}, {3, 1}} {
		for range 2 {
			r := p.produce(topic, 0, 1, sequenced(t, id, 3, c.first, c.n))
			code(t, "around the end of the sequence", r.ErrorCode, errcode.None)
			if r.BaseOffset != at {
				t.Errorf("sequence %d: offset %d, want %d", c.first, r.BaseOffset, at)
			}
		}
		at += int64(c.n)
	}
}

// fiveKnown are a producer's batches as the test of the five remembers them.
type fiveKnown struct {
	topic string
	id    int64
	first []int32
	n     []int
	base  []int64
}

func (f *fiveKnown) write(p *peer, count int) {
	p.t.Helper()
	for range count {
		next := int32(0)
		if k := len(f.n); k > 0 {
			next = f.first[k-1] + int32(f.n[k-1])
		}
		n := 1 + len(f.n)%3
		base := p.wrote(f.topic, 0, sequenced(p.t, f.id, 0, next, n))
		f.first, f.n, f.base = append(f.first, next), append(f.n, n), append(f.base, base)
	}
}

// check sends each of the last five batches again, oldest and newest first, and the sixth, which is forgotten.
func (f *fiveKnown) check(p *peer, when string) {
	p.t.Helper()
	k := len(f.n)
	for _, i := range []int{k - 5, k - 4, k - 3, k - 2, k - 1, k - 1, k - 2, k - 5} {
		r := p.produce(f.topic, 0, -1, sequenced(p.t, f.id, 0, f.first[i], f.n[i]))
		code(p.t, when, r.ErrorCode, errcode.None)
		if r.BaseOffset != f.base[i] {
			p.t.Errorf("%s: batch %d of the last five got offset %d, at first it was %d", when, i-k+6, r.BaseOffset, f.base[i])
		}
	}
	r := p.produce(f.topic, 0, -1, sequenced(p.t, f.id, 0, f.first[k-6], f.n[k-6]))
	code(p.t, when+", the sixth", r.ErrorCode, errcode.OutOfOrderSequenceNumber)
}

// TestFiveBatchesAreRemembered, also after a restart in order, after a crash, and after one of each.
func TestFiveBatchesAreRemembered(t *testing.T) {
	n := start(t)
	p := dial(t, n.addr)
	f := &fiveKnown{topic: fresh(t), id: p.newProducerID()}
	p.create(f.topic, 1)
	f.write(p, 7)
	f.check(p, "at once")
	for i, crash := range []bool{false, true, true, false, false} {
		n.restart(t, crash)
		p = dial(t, n.addr)
		f.check(p, map[bool]string{true: "after a crash", false: "after a restart"}[crash])
		f.write(p, i%3) // none, one or two of them written in this life
		f.check(p, "and after more was written")
	}
	total := f.base[len(f.base)-1] + int64(f.n[len(f.n)-1])
	if r := p.fetch(f.topic, at{}); r.HighWatermark != total {
		t.Errorf("the log holds %d records, want %d", r.HighWatermark, total)
	}
}

// TestManyProducersSurvive restarts with their sequence: each goes on where it was, and no other is let in.
func TestManyProducersSurvive(t *testing.T) {
	n := start(t)
	p := dial(t, n.addr)
	topic := fresh(t)
	p.create(topic, 1, "segment.bytes=1048576")
	const producers = 50
	for round := range int32(6) {
		for id := range int64(producers) {
			r := p.produce(topic, 0, 1, sequenced(t, 9000+id, 0, round*3, 3))
			code(t, "go on", r.ErrorCode, errcode.None)
			r = p.produce(topic, 0, 1, sequenced(t, 9000+id, 0, round*3+4, 1))
			code(t, "a gap", r.ErrorCode, errcode.OutOfOrderSequenceNumber)
		}
		n.restart(t, round%2 == 0)
		p = dial(t, n.addr)
	}
}
