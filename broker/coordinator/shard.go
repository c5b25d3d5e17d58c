package coordinator

import (
	"math"
	"sync"
	"time"

	"tailrace/batch"
	"tailrace/broker/effect"
	"tailrace/broker/partition"
	"tailrace/netio"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// The life of a shard.
type shardState uint8

const (
	loading shardState = iota // its partition is being read, or will be
	failed                    // what it was is thrown away; it waits before it loads again
	ready
	closed
)

const never = int64(math.MaxInt64)

// shard is one partition with its machine.
type shard[E any] struct {
	c     *Coordinator[E]
	p     *partition.Partition
	timer Timer

	mu      sync.Mutex // never held while a partition, a machine or a waiter is called
	state   shardState
	entered bool          // a goroutine is inside
	left    chan struct{} // close waits for that goroutine
	queue   []queued[E]
	spare   []queued[E]
	open    map[Waiter]struct{} // calls that were taken and not told yet
	parked  []parked            // answers that wait for the disk, oldest first
	turn    uint32              // of the last of them
	broken  errcode.Code        // an append or a sync failed: the machine is ahead of the log
	lost    bool                // the last load has failed, and the next one may, too
	ticked  bool                // the timer has fired
	armedMs int64               // when the timer fires; never: it is not set

	// What follows belongs to the goroutine inside.
	retry    time.Duration // the last wait before a load
	machine  Machine[E]
	end      wire.Offset // of the partition, with all that this shard has appended
	asked    wire.Offset // up to which the disk was asked to have it
	builder  batch.Builder
	appender partition.Appender
	replies  []effect.Reply
	wakeMs   int64
	out      netio.Batch
}

// queued is an event at the door. w is nil if nobody waits for it.
type queued[E any] struct {
	ev E
	w  Waiter
}

// submit queues an event, unless the shard cannot take calls; then it says why.
func (s *shard[E]) submit(ev E, w Waiter) errcode.Code {
	s.mu.Lock()
	switch {
	case s.state == closed:
		s.mu.Unlock()
		return errcode.NotCoordinator
	case w != nil && (s.state != ready || s.broken != errcode.None):
		code := errcode.CoordinatorLoadInProgress
		if s.lost { // whoever waits for it may wait for ever
			code = errcode.NotCoordinator
		}
		s.mu.Unlock()
		return code
	}
	if w != nil {
		s.open[w] = struct{}{}
	}
	s.queue = append(s.queue, queued[E]{ev, w})
	enter := s.state == ready && s.enter()
	s.mu.Unlock()
	if enter {
		go s.run()
	}
	return errcode.None
}

// enter takes the right to be inside, under mu.
func (s *shard[E]) enter() bool {
	if s.entered {
		return false
	}
	s.entered = true
	return true
}

// wake is called by the timer.
func (s *shard[E]) wake() {
	s.mu.Lock()
	s.ticked, s.armedMs = true, never
	enter := s.state != closed && s.enter()
	s.mu.Unlock()
	if enter {
		go s.run()
	}
}

// begin enters a new shard for its first load.
func (s *shard[E]) begin() {
	s.mu.Lock()
	s.enter()
	s.mu.Unlock()
	if s.p.LogStart() == s.p.LogEnd() {
		s.run() // nothing to read: the first call finds the shard ready
		return
	}
	go s.run()
}

// run is the goroutine inside: it goes on until there is nothing to do.
func (s *shard[E]) run() {
	for {
		s.mu.Lock()
		switch {
		case s.state == closed:
			s.leave()
			return
		case s.broken != errcode.None:
			s.fail() // releases mu
		case s.state == loading:
			s.mu.Unlock()
			s.load()
		case s.state == failed && s.ticked:
			s.state, s.ticked = loading, false
			s.mu.Unlock()
		case s.state == ready && (s.ticked || len(s.queue) > 0):
			events, tick := s.queue, s.ticked
			s.queue, s.ticked = s.spare[:0], false
			s.mu.Unlock()
			if again := s.drain(events, tick); len(again) > 0 {
				s.mu.Lock()
				s.queue = append(again, s.queue...)
				s.mu.Unlock()
			}
			clear(events)
			s.spare = events
		default:
			s.leave()
			return
		}
	}
}

// leave gives up the right to be inside and releases mu.
func (s *shard[E]) leave() {
	s.entered = false
	if s.left != nil {
		close(s.left)
		s.left = nil
	}
	s.mu.Unlock()
}

// shut lets nothing more in, and what is inside leave at the next chance.
func (s *shard[E]) shut() {
	s.mu.Lock()
	s.state = closed
	s.mu.Unlock()
}

// close ends the shard: what waits for an event is refused, what is on its way to the disk is told later.
func (s *shard[E]) close() {
	s.mu.Lock()
	s.state = closed
	var left chan struct{}
	if s.entered {
		if s.left == nil {
			s.left = make(chan struct{})
		}
		left = s.left
	}
	s.mu.Unlock()
	if left != nil {
		<-left
	}
	s.mu.Lock()
	waiting := s.unparked()
	s.queue, s.machine = nil, nil
	s.mu.Unlock()
	refuseAll(waiting, errcode.NotCoordinator)
}

func refuseAll(list []Waiter, code errcode.Code) {
	var out netio.Batch
	for _, w := range list {
		w.Refuse(code, &out)
	}
	out.Flush()
}
