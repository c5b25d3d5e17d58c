package partition

import (
	"math"

	"tailrace/batch"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// remembered is how many batches of a producer are kept: Kafka's clients have
// at most five requests in flight for a partition.
const remembered = 5

// written is a batch that a producer has in the log.
type written struct {
	firstSeq, lastSeq int32
	last              wire.Offset // of its last record
	delta             int32       // last offset − first offset
	timestampMs       int64
}

// producer is what the log knows of one producer id.
type producer struct {
	id               int64
	epoch            int16
	n                int8 // batches in use, oldest first
	batches          [remembered]written
	lastMs           int64 // when it last wrote: for producer.id.expiration.ms
	coordinatorEpoch int32
	txnFirst         wire.Offset // first offset of its open transaction, or -1
}

func (p *producer) lastSeq() int32 {
	if p.n == 0 {
		return -1
	}
	return p.batches[p.n-1].lastSeq
}

func (p *producer) add(w written) {
	if p.n == remembered {
		copy(p.batches[:], p.batches[1:])
		p.n--
	}
	p.batches[p.n] = w
	p.n++
}

// producers is the idempotence state of one log. The owner's lock guards it.
type producers struct {
	byID map[int64]*producer
	last *producer // the one that wrote last: most appends come in runs
}

func (s *producers) get(id int64) *producer {
	if s.last != nil && s.last.id == id {
		return s.last
	}
	p := s.byID[id]
	if p != nil {
		s.last = p
	}
	return p
}

// check decides whether a client's batch may follow (Kafka's
// ProducerAppendInfo and ProducerStateEntry). A batch that is already in the
// log gives its record and None.
func (s *producers) check(v batch.View) (dup *written, code errcode.Code) {
	id := v.ProducerID()
	if id < 0 || v.IsControl() { // a marker has no place in the sequence
		return nil, errcode.None
	}
	p := s.get(id)
	if p == nil {
		// An unknown producer may begin anywhere: its state may have been
		// expired or lost with retention.
		return nil, errcode.None
	}
	epoch, first, last := v.ProducerEpoch(), v.BaseSequence(), v.LastSequence()
	switch {
	case epoch < p.epoch:
		return nil, errcode.InvalidProducerEpoch
	case epoch > p.epoch:
		if first != 0 {
			return nil, errcode.OutOfOrderSequenceNumber
		}
		return nil, errcode.None
	}
	for i := range p.batches[:p.n] {
		if w := &p.batches[i]; w.firstSeq == first && w.lastSeq == last {
			return w, errcode.None
		}
	}
	if p.n > 0 && !follows(p.lastSeq(), first) {
		return nil, errcode.OutOfOrderSequenceNumber
	}
	return nil, errcode.None
}

func follows(last, next int32) bool {
	return next == last+1 || (next == 0 && last == math.MaxInt32)
}

// note records a batch that stands in the log; v carries its final offsets.
// It also replays batches at recovery, where nothing is refused.
func (s *producers) note(v batch.View, nowMs int64) {
	id := v.ProducerID()
	if id < 0 || v.IsControl() {
		return
	}
	p := s.get(id)
	if p == nil {
		if s.byID == nil {
			s.byID = map[int64]*producer{}
		}
		p = &producer{id: id, epoch: v.ProducerEpoch(), txnFirst: -1, coordinatorEpoch: -1}
		s.byID[id] = p
		s.last = p
	}
	if e := v.ProducerEpoch(); e != p.epoch {
		p.epoch, p.n = e, 0
	}
	p.lastMs = nowMs
	p.add(written{
		firstSeq: v.BaseSequence(), lastSeq: v.LastSequence(),
		last: v.LastOffset(), delta: v.LastOffsetDelta(), timestampMs: v.MaxTimestamp(),
	})
}

// expire forgets producers that have been idle for too long and have no open
// transaction.
func (s *producers) expire(nowMs, afterMs int64) {
	for id, p := range s.byID {
		if p.txnFirst < 0 && nowMs-p.lastMs >= afterMs {
			delete(s.byID, id)
			if s.last == p {
				s.last = nil
			}
		}
	}
}

// firstOpen is the first offset of the transactions that are open, beyond all offsets when none is.
func (s *producers) firstOpen() wire.Offset {
	first := wire.Offset(math.MaxInt64)
	for _, p := range s.byID {
		if p.txnFirst >= 0 {
			first = min(first, p.txnFirst)
		}
	}
	return first
}

// truncate forgets everything: after a truncation the state is rebuilt from a
// snapshot and the log.
func (s *producers) reset() {
	clear(s.byID)
	s.last = nil
}
