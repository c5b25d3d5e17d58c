package netio

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Budget bounds the memory that all connections together hold for what they receive. It is charged with the buffers
// that arrived bytes lie in, so at most 16 KiB for a frame that has only been announced. When it is used up,
// connections wait before they read on, first come first served; the clock of an unfinished frame stands still
// meanwhile.
//
// Frames that are half received could wait for one another for ever. So one connection at a time may overdraw the
// budget to finish its frame, if it is not overdrawn already; the bound is therefore the limit plus the growth of one
// frame.
//
// A nil *Budget has no limit and counts nothing.
type Budget struct {
	limit   int64
	used    atomic.Int64
	waiting atomic.Int32 // len(queue), readable without the lock

	mu        sync.Mutex
	queue     []budgetWaiter // oldest first
	overdraft *Conn
}

type budgetWaiter struct {
	c       *Conn
	growing bool // in the middle of a frame
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

// give returns n bytes and wakes who may go on.
func (b *Budget) give(n int64) {
	b.used.Add(-n)
	if b.waiting.Load() > 0 {
		b.poke()
	}
}

// poke wakes those who may go on, to try again: the one that has waited longest, and the first that could overdraw.
func (b *Budget) poke() {
	var woken [2]*Conn
	b.mu.Lock()
	if len(b.queue) > 0 {
		woken[0] = b.queue[0].c
	}
	if b.overdraft == nil {
		if at := slices.IndexFunc(b.queue, func(w budgetWaiter) bool { return w.growing }); at > 0 {
			woken[1] = b.queue[at].c
		}
	}
	b.mu.Unlock()
	for _, c := range woken {
		if c != nil {
			c.mu.Lock()
			c.poked = true
			c.cond.Broadcast()
			c.mu.Unlock()
		}
	}
}

// wait charges n bytes for c when its turn has come. growing says that c is in the middle of a frame. It is false when
// the connection is to stop instead; then nothing is charged.
func (b *Budget) wait(c *Conn, n int64, growing bool) bool {
	b.mu.Lock()
	b.queue = append(b.queue, budgetWaiter{c, growing})
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
	b.queue = slices.DeleteFunc(b.queue, func(w budgetWaiter) bool { return w.c == c })
	b.waiting.Add(-1)
	b.mu.Unlock()
	b.poke() // the next one may fit as well
	return granted
}

func (b *Budget) first(c *Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue[0].c == c
}

// overdraw charges n bytes beyond the limit, if c is, or can become, the one connection that may.
func (b *Budget) overdraw(c *Conn, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.overdraft == nil && b.used.Load() <= b.limit {
		b.overdraft = c
	}
	if b.overdraft != c {
		return false
	}
	c.overdrawn = true
	b.used.Add(n)
	return true
}

// settle ends c's right to overdraw: its frame is complete, or the connection has ended.
func (b *Budget) settle(c *Conn) {
	c.overdrawn = false
	b.mu.Lock()
	b.overdraft = nil
	b.mu.Unlock()
	b.poke()
}
