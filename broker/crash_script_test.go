package broker

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tailrace/vfs"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// script is a fixed history in three lives of a broker: topics are made,
// written with every kind of acks, rolled, retained, checkpointed, put to rest,
// deleted and made anew. Every disk operation of it is crashed and failed.
type script struct {
	m       *model
	w       *warnings
	fsys    vfs.FS
	h       *house
	segment int   // segment.bytes; 0 is houseSegment
	full    bool  // the disk may be full: what it refused works when it is tried again
	err     error // the first one; from then on nothing is done
}

// run goes on until the first error, and leaves the house, whatever the state.
func (s *script) run() error {
	s.life(func() {
		s.create("a", 2)
		s.create("b", 1)
		s.write("a", 0, 14)
		s.pass(1500)
		s.write("a", 1, 9)
		s.forget("a", 1, 3)
		s.write("b", 0, 8)
		s.pass(houseRetainMs + 5000)
		s.write("a", 0, 10)
		s.pass(7000)
	})
	s.life(func() { // begins with full producer memory and has a pause in which logs go to rest
		s.write("a", 0, 6)
		s.write("b", 0, 4)
		s.drop("b")
		s.pass(100)
		s.create("b", 1)
		s.write("b", 0, 7)
		s.pass(1500)
		s.write("a", 1, 8)
		s.forget("b", 0, 0)
		s.pass(houseIdleMs + 2*houseRetainMs)
		s.write("a", 0, 5)
	})
	s.life(func() {
		s.write("b", 0, 5)
		s.drop("a")
		s.write("b", 0, 9)
		s.pass(houseRetainMs + 5000)
		s.write("b", 0, 2)
	})
	return s.err
}

// life is from one start to the clean stop behind it.
func (s *script) life(do func()) {
	s.step(s.open)
	if s.err == nil {
		do()
	}
	s.step(s.stop)
	s.leave()
}

// leave ends the house as a kill does.
func (s *script) leave() {
	if s.h != nil {
		s.m.observe(s.h)
		s.h.leave()
		s.h = nil
	}
}

// step does one thing, unless the end has come: an error, or the loss of the
// directory or the metadata log to a disk error.
func (s *script) step(do func() error) {
	if s.err == nil && s.h != nil && (s.h.dirs[0].Offline() != nil || len(s.h.offline) > 0) {
		s.err = errors.New("the directory is offline")
	}
	if s.err == nil {
		s.err = do()
	}
}

// twice is for what a full disk may refuse: it must work when tried again.
func (s *script) twice(do func() error) error {
	err := do()
	if err != nil && s.full {
		err = do()
	}
	return err
}

func (s *script) open() error {
	size := max(s.segment, houseSegment)
	return s.twice(func() (err error) { s.h, err = openHouseOf(s.fsys, s.w, size); return err })
}

func (s *script) stop() error {
	s.m.observe(s.h)
	h := s.h
	s.h = nil
	err := h.stop()
	switch {
	case err == nil:
		s.m.settleAll()
	case s.full && isFull(err):
		err = nil // what a stop writes did not fit: it counts as a kill
	}
	s.m.observe(h)
	return err
}

// pass lets time pass: checkpoints, retention, purging, rest.
func (s *script) pass(ms int) {
	s.step(func() error {
		time.Sleep(time.Duration(ms) * time.Millisecond)
		synctest.Wait()
		s.m.observe(s.h)
		return nil
	})
}

func (s *script) create(name string, partitions int32) {
	s.change(name, func() error { return s.h.create(name, partitions) },
		func() { s.m.topics[name] = newModelLogs(name, partitions) })
}

func (s *script) drop(name string) {
	s.change(name, func() error { return s.h.drop(name) }, func() { delete(s.m.topics, name) })
}

// forget deletes records of a partition, all but some before the high watermark.
func (s *script) forget(topic string, index int32, keep wire.Offset) {
	s.step(func() error {
		p, code := s.h.at(topic, index)
		if code != errcode.None {
			return code
		}
		low, code := p.DeleteRecords(p.HighWatermark() - keep)
		if code != errcode.None {
			return code
		}
		l := s.m.topics[topic][index]
		l.start = max(l.start, low)
		err := s.twice(p.Dir().SaveCheckpoints)
		if err == nil {
			l.deleted = low
		}
		return err
	})
}

func (s *script) change(name string, do func() error, done func()) {
	s.step(func() error {
		s.m.pending = name
		err := s.twice(do)
		if err == nil {
			s.m.pending = ""
			done()
		}
		return err
	})
}

// write sends n batches to a partition: two idempotent producers and one that
// is not take turns, and so do acks=all and acks=1.
func (s *script) write(topic string, index int32, n int) {
	for i := range n {
		pid, acks := []int64{1000, 2000, 1000, -1, 2000}[i%5], int16(-1)
		if i%4 == 1 || i%4 == 2 {
			acks = 1
		}
		s.step(func() error {
			l := s.m.topics[topic][index]
			return s.m.send(s.h, l, s.m.make(l, pid, acks))
		})
	}
	s.step(func() error { s.m.observe(s.h); return nil })
}

// survive opens what a crash left, checks it, goes on writing, and comes back
// once more after a clean stop.
func survive(fsys vfs.FS, m *model, power bool) error {
	for i := range 2 {
		w := &warnings{}
		h, err := openHouse(fsys, w)
		if err != nil {
			return fmt.Errorf("opening %d: %w", i, err)
		}
		m.observe(h)
		if err = m.check(h, power && i == 0); err == nil {
			err = m.goOn(h)
		}
		if err != nil {
			h.leave()
			return fmt.Errorf("opening %d: %w\nlogged:\n%s", i, err, w)
		}
		if err := h.stop(); err != nil {
			return fmt.Errorf("stop %d: %w", i, err)
		}
		m.settleAll()
	}
	return nil
}

// inBubble runs fn under a synthetic clock and returns its error.
func inBubble(t *testing.T, fn func() error) (err error) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { err = fn() })
	return err
}
