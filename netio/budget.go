package netio

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Budget bounds the memory that all connections together hold for what they receive. It is charged with the buffers that
// arrived bytes lie in, so at most 16 KiB for a frame that has only been announced. When it is used up, connections wait
// before they read on, first come first served; the clock of an unfinished frame stands still meanwhile.
//
// Frames that are half received could wait for one another for ever. So one connection at a time may overdraw the budget
// to finish its frame; the bound is therefore the limit plus one frame.
//
// A nil *Budget has no limit and counts nothing.
type Budget struct {
	limit   int64
	used    atomic.Int64
	waiting atomic.Int32 // len(queue), readable without the lock

	mu        sync.Mutex
	queue     []*Conn // those that wait, oldest first
	overdraft *Conn
}

// NewBudget returns a budget of limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Used is the number of bytes charged now.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// take charges n bytes, unless that would exceed the limit. A buffer larger than the whole limit is allowed alone.
func (b *Budget) take(n int64) bool {
	for {
		used := b.used.Load()
		if used+n > b.limit && used != 0 {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// give returns n bytes and wakes the connection that has waited longest.
func (b *Budget) give(n int64) {
	b.used.Add(-n)
	if b.waiting.Load() > 0 {
		b.poke(1)
	}
}

// poke wakes the n connections that have waited longest, to try again.
func (b *Budget) poke(n int) {
	b.mu.Lock()
	woken := slices.Clone(b.queue[:min(n, len(b.queue))])
	b.mu.Unlock()
	for _, c := range woken {
		c.mu.Lock()
		c.poked = true
		c.cond.Broadcast()
		c.mu.Unlock()
	}
}

// wait charges n bytes for c when its turn has come. growing says that c is in the middle of a frame. It is false when
// the connection is to stop instead; then nothing is charged.
func (b *Budget) wait(c *Conn, n int64, growing bool) bool {
	b.mu.Lock()
	b.queue = append(b.queue, c)
	b.waiting.Add(1)
	b.mu.Unlock()
	granted := false
	for {
		granted = b.first(c) && b.take(n) || growing && b.overdraw(c, n)
		if granted || !c.waitPoked() {
			break
		}
	}
	b.mu.Lock()
	at := slices.Index(b.queue, c)
	b.queue = slices.Delete(b.queue, at, at+1)
	b.waiting.Add(-1)
	b.mu.Unlock()
	b.poke(1) // the next one may fit as well
	return granted
}

func (b *Budget) first(c *Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue[0] == c
}

// overdraw charges n bytes beyond the limit, if c is, or can become, the one connection that may.
func (b *Budget) overdraw(c *Conn, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.overdraft == nil {
		b.overdraft = c
	}
	if b.overdraft != c {
		return false
	}
	c.overdrawn = true
	b.used.Add(n)
	return true
}

// settle ends c's right to overdraw: its frame is complete, or the connection has ended. Everyone is woken, since the
// right goes to one in the middle of a frame, and that need not be the one that has waited longest.
func (b *Budget) settle(c *Conn) {
	c.overdrawn = false
	b.mu.Lock()
	b.overdraft = nil
	n := len(b.queue)
	b.mu.Unlock()
	b.poke(n)
}
