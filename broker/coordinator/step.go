package coordinator

import (
	"fmt"
	"runtime/debug"
	"time"

	"tailrace/batch"
	"tailrace/batch/codec"
	"tailrace/broker/effect"
	"tailrace/broker/partition"
	"tailrace/wire/errcode"
)

// batchBytes is what the records of several steps are gathered up to. A step that has more is cut between records: one
// that forgets the offsets of a topic in all groups may have more than fits into a segment, and could never be written.
const batchBytes = 512 << 10

// drain lets events happen one after the other, and appends what they lead to. When that fails those events that nobody
// waits for, and so nobody sends again, are returned: they are for the next machine. Events of that kind may happen
// twice.
func (s *shard[E]) drain(events []queued[E], tick bool) (again []queued[E]) {
	now := s.c.o.NowMs()
	ok := true
	if tick {
		ok = s.happen(now, func() effect.Effects { return s.machine.Step(s.c.o.Tick, now) })
	}
	bad := -1 // the event that the machine could not bear
	for i := 0; ok && i < len(events); i++ {
		bad = i
		ok = s.happen(now, func() effect.Effects {
			e := s.machine.Step(events[i].ev, now)
			bad = -1
			return e
		})
	}
	if ok && s.append(now) {
		s.park()
		s.arm(now)
		return nil
	}
	for i, q := range events {
		if q.w == nil && i != bad {
			again = append(again, q)
		}
	}
	return again
}

// happen takes the effects of one step. false means that the machine is of no more use.
func (s *shard[E]) happen(nowMs int64, step func() effect.Effects) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			s.c.o.Logger.Error("BUG: a coordinator's machine panicked and is made again from its log",
				"topic", s.p.Topic, "partition", s.p.Index, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			s.breaks(errcode.UnknownServerError)
			ok = false
		}
	}()
	e := step()
	s.wakeMs = e.WakeMs
	s.replies = append(s.replies, e.Replies...)
	return s.gather(nowMs, e.Records)
}

// gather adds the records of one step to the batch. false means that one which was full could not be written.
func (s *shard[E]) gather(nowMs int64, records []effect.Record) bool {
	most := min(batchBytes, s.p.Config().Log.SegmentBytes)
	room := func(size int) bool {
		return s.builder.Count() == 0 || s.builder.Size()+size <= most || s.append(nowMs)
	}
	size := 0
	for _, r := range records {
		size += sizeOf(r)
	}
	if !room(size) {
		return false
	}
	for _, r := range records {
		if !room(sizeOf(r)) {
			return false
		}
		if s.builder.Count() == 0 {
			s.builder.Reset(batch.Options{Codec: s.c.o.Codec, Level: codec.DefaultLevel(s.c.o.Codec), LeaderEpoch: -1})
		}
		s.builder.Append(nowMs, r.Key, r.Value)
	}
	return true
}

// sizeOf is the most that a record takes of a batch.
func sizeOf(r effect.Record) int { return len(r.Key) + len(r.Value) + 32 }

// append writes the batch that was gathered, if there is one. false means that it failed.
func (s *shard[E]) append(nowMs int64) bool {
	if s.builder.Count() == 0 {
		return true
	}
	v, err := s.builder.Build()
	if err != nil {
		s.c.o.Logger.Error("BUG: a coordinator's batch cannot be built", "topic", s.p.Topic, "partition", s.p.Index,
			"error", err)
		s.breaks(errcode.UnknownServerError)
		return false
	}
	r := s.p.AppendAs(partition.Coordinator, &s.appender, v, -1, nowMs)
	s.builder.Reset(batch.Options{})
	if r.Code != errcode.None {
		s.breaks(r.Code)
		return false
	}
	s.end, s.retry = r.Target, 0
	return true
}

// arm sets the timer if the machine wants to be woken before it fires. An early tick does no harm, and the machine then
// says again when.
func (s *shard[E]) arm(nowMs int64) {
	s.mu.Lock()
	sooner := s.wakeMs < s.armedMs && s.state == ready
	if sooner {
		s.armedMs = s.wakeMs
	}
	s.mu.Unlock()
	if sooner {
		s.timer.Set(time.Duration(max(s.wakeMs-nowMs, 0)) * time.Millisecond)
	}
}
