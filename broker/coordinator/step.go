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

// batchBytes is what the records of several steps are gathered up to. A step that has more is one larger batch.
const batchBytes = 512 << 10

// drain lets events happen one after the other, and appends what they lead to.
func (s *shard[E]) drain(events []queued[E], tick bool) {
	now := s.c.o.NowMs()
	ok := true
	if tick {
		ok = s.happen(now, func() effect.Effects { return s.machine.Step(s.c.o.Tick, now) })
	}
	for i := range events {
		if !ok {
			break
		}
		ok = s.happen(now, func() effect.Effects { return s.machine.Step(events[i].ev, now) })
	}
	if ok && s.append(now) {
		s.park()
		s.arm(now)
	}
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
	if len(e.Records) == 0 {
		return true
	}
	size := 0
	for _, r := range e.Records {
		size += len(r.Key) + len(r.Value) + 32
	}
	if s.builder.Count() > 0 && s.builder.Size()+size > batchBytes && !s.append(nowMs) {
		return false
	}
	if s.builder.Count() == 0 {
		s.builder.Reset(batch.Options{Codec: s.c.o.Codec, Level: codec.DefaultLevel(s.c.o.Codec), LeaderEpoch: -1})
	}
	for _, r := range e.Records {
		s.builder.Append(nowMs, r.Key, r.Value)
	}
	return true
}

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
