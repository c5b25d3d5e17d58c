package coordinator

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"tailrace/batch"
	"tailrace/broker/effect"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// breaks marks the machine as ahead of the log.
func (s *shard[E]) breaks(code errcode.Code) {
	s.mu.Lock()
	s.broken = code
	s.mu.Unlock()
}

// fail throws the machine away, refuses all calls in flight, and sets the timer for a new load. The wait grows until an
// append succeeds again, so that a full disk does not make a shard read its log all the time. Called with mu held; it
// releases it.
func (s *shard[E]) fail() {
	code := refusal(s.broken)
	waiting := make([]Waiter, 0, len(s.open))
	for w := range s.open {
		waiting = append(waiting, w)
	}
	clear(s.open)
	s.parked = nil
	kept := s.queue[:0]
	for _, q := range s.queue {
		if q.w == nil {
			kept = append(kept, q)
		}
	}
	clear(s.queue[len(kept):])
	s.queue = kept
	s.state, s.broken, s.ticked = failed, errcode.None, false
	s.retry = min(max(s.retry*2, retryFirst), retryMost)
	wait := s.retry
	s.armedMs = never
	s.mu.Unlock()
	s.machine, s.replies = nil, nil
	s.builder.Reset(batch.Options{})
	refuseAll(waiting, code)
	s.timer.Set(wait)
}

var errClosed = errors.New("the shard was closed")

// load makes the machine by replay. When it fails it is tried again later, and for ever; meanwhile this is no
// coordinator.
func (s *shard[E]) load() {
	if s.p.LogStart() != s.p.LogEnd() {
		s.c.loads <- struct{}{}
		defer func() { <-s.c.loads }()
	}
	began := time.Now()
	l := loader[E]{s: s, machine: s.c.o.New()}
	code, err := s.p.Replay(l.batch)
	switch {
	case errors.Is(err, errClosed):
		return
	case err != nil:
		s.c.o.Logger.Error("a coordinator's partition holds a batch that cannot be read; it is tried again",
			"topic", s.p.Topic, "partition", s.p.Index, "error", err)
		code = errcode.KafkaStorageError
	}
	if code != errcode.None {
		s.mu.Lock()
		s.broken, s.lost = code, true
		s.mu.Unlock()
		return
	}
	l.report(time.Since(began))
	s.machine, s.end = l.machine, s.p.LogEnd()
	now := s.c.o.NowMs()
	if s.happen(now, func() effect.Effects { return s.machine.Loaded(now) }) && s.append(now) {
		s.mu.Lock()
		s.armedMs, s.lost = never, false
		if s.state == loading {
			s.state = ready
		}
		s.mu.Unlock()
		s.arm(now)
	}
}

// loader replays a partition into a new machine.
type loader[E any] struct {
	s       *shard[E]
	machine Machine[E]
	walker  batch.Walker
	open    map[int64][]held       // records of transactions that have not ended, by producer
	newest  map[string]wire.Offset // of each key that was applied while there were such transactions
	records int
	left    int // records that the machine would not have
	first   error
}

type held struct {
	r           effect.Record
	timestampMs int64
	at          wire.Offset
}

// batch replays one batch. The records of a transaction count from its commit on, but not against what was written
// after them: that is what compaction would leave, too (OffsetMetadataManager.replayEndTransactionMarker).
func (l *loader[E]) batch(v batch.View) error {
	s := l.s
	s.mu.Lock()
	gone := s.state == closed
	s.mu.Unlock()
	if gone {
		return errClosed
	}
	var r batch.Record
	for l.walker.Reset(v, 0); l.walker.Next(&r); {
		if v.IsControl() {
			l.ended(v.ProducerID(), r.Key)
			continue
		}
		h := held{effect.Record{Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)}, r.TimestampMs, r.Offset}
		if !v.IsTransactional() {
			l.replay(h)
			continue
		}
		if len(l.open) == 0 {
			l.open, l.newest = map[int64][]held{}, map[string]wire.Offset{}
		}
		l.open[v.ProducerID()] = append(l.open[v.ProducerID()], h)
	}
	return l.walker.Err()
}

func (l *loader[E]) replay(h held) {
	l.records++
	if len(l.open) > 0 {
		l.newest[string(h.r.Key)] = h.at
	}
	if err := l.machine.Replay(h.r, h.timestampMs); err != nil {
		l.left++
		if l.first == nil {
			l.first = err
			l.s.c.o.Logger.Warn("a record of a coordinator's partition is left out", "topic", l.s.p.Topic,
				"partition", l.s.p.Index, "offset", int64(h.at), "reason", err)
		}
	}
}

// ended applies or drops what a producer's transaction wrote. The key of a marker is i16 version, i16 type.
func (l *loader[E]) ended(producer int64, key []byte) {
	const commit = 1
	if len(key) >= 4 && binary.BigEndian.Uint16(key[2:]) == commit {
		for _, h := range l.open[producer] {
			if at, ok := l.newest[string(h.r.Key)]; !ok || at < h.at {
				l.replay(h)
			}
		}
	}
	delete(l.open, producer)
}

// report says what an operator should know of a load.
func (l *loader[E]) report(took time.Duration) {
	if l.left > 1 {
		l.s.c.o.Logger.Warn("more records were left out", "topic", l.s.p.Topic, "partition", l.s.p.Index,
			"records", l.left, "of", l.records)
	}
	if took > time.Second {
		l.s.c.o.Logger.Info("coordinator loaded", "topic", l.s.p.Topic, "partition", l.s.p.Index,
			"records", l.records, "ms", took.Milliseconds())
	}
}
