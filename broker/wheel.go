package broker

import (
	"sync"
	"time"
)

// A hashed timer wheel: one for the broker, so that a parked request costs no
// timer of the runtime. An entry lies in the slot of its deadline; one whose
// deadline is further away than the wheel is wide is passed over until its
// round comes. Insert and remove are O(1); the goroutine sleeps until the next
// slot that is in use, and for ever while the wheel is empty.
const (
	wheelSlots = 4096
	wheelTick  = time.Millisecond
)

// timerEntry is embedded in what waits. Its owner may arm it again once it has
// fired or was disarmed.
type timerEntry struct {
	prev, next *timerEntry
	armed      bool
	dueTick    int64
	fire       func() // set once; runs on the wheel's goroutine
}

type wheel struct {
	start time.Time

	mu    sync.Mutex
	slots [wheelSlots]*timerEntry
	used  [wheelSlots / 64]uint64
	count int
	next  int64 // the tick up to which slots were served
	sleep int64 // the tick the goroutine sleeps until

	wake chan struct{}
	quit chan struct{}
	done chan struct{}
}

func newWheel() *wheel {
	w := &wheel{start: time.Now(), wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

func (w *wheel) stop() {
	close(w.quit)
	<-w.done
}

func (w *wheel) tick() int64 { return int64(time.Since(w.start) / wheelTick) }

// arm fires e after d, never early.
func (w *wheel) arm(e *timerEntry, d time.Duration) {
	due := int64((time.Since(w.start)+d)/wheelTick) + 1
	w.mu.Lock()
	if w.count == 0 {
		w.next = w.tick() // nothing was waiting: no slot behind needs a look
	}
	due = max(due, w.next+1)
	e.armed, e.dueTick = true, due
	slot := due % wheelSlots
	e.prev, e.next = nil, w.slots[slot]
	if e.next != nil {
		e.next.prev = e
	}
	w.slots[slot] = e
	w.used[slot/64] |= 1 << (slot % 64)
	w.count++
	earlier := w.count == 1 || due < w.sleep
	w.mu.Unlock()
	if earlier {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// disarm takes e out; false means that it fires or has fired.
func (w *wheel) disarm(e *timerEntry) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !e.armed {
		return false
	}
	w.unlink(e)
	return true
}

func (w *wheel) unlink(e *timerEntry) {
	slot := e.dueTick % wheelSlots
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		w.slots[slot] = e.next
		if e.next == nil {
			w.used[slot/64] &^= 1 << (slot % 64)
		}
	}
	if e.next != nil {
		e.next.prev = e.prev
	}
	e.prev, e.next, e.armed = nil, nil, false
	w.count--
}

func (w *wheel) run() {
	defer close(w.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		d := w.serve()
		timer.Reset(d)
		select {
		case <-w.quit:
			return
		case <-w.wake:
		case <-timer.C:
		}
	}
}

// serve fires what is due and returns how long to sleep.
func (w *wheel) serve() time.Duration {
	for {
		e := w.due()
		if e == nil {
			break
		}
		e.fire()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count == 0 {
		w.sleep = 1<<63 - 1
		return time.Hour
	}
	w.sleep = w.nextUsed()
	return max(time.Duration(w.sleep)*wheelTick-time.Since(w.start), 0)
}

// due unlinks one entry whose tick has come.
func (w *wheel) due() *timerEntry {
	now := w.tick()
	w.mu.Lock()
	defer w.mu.Unlock()
	if now-w.next >= wheelSlots {
		w.next = now - wheelSlots + 1
	}
	for ; w.next <= now; w.next++ {
		slot := w.next % wheelSlots
		if w.used[slot/64] == 0 {
			w.next = min(w.next|63, now) // the whole word is empty
			continue
		}
		for e := w.slots[slot]; e != nil; e = e.next {
			if e.dueTick <= now {
				w.unlink(e)
				return e
			}
		}
	}
	return nil
}

// hurry fires everything that is armed, on the caller's goroutine: for a stop,
// which waits for nobody's patience.
func (w *wheel) hurry() {
	for e := w.any(); e != nil; e = w.any() {
		e.fire()
	}
}

// any unlinks some entry.
func (w *wheel) any() *timerEntry {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count == 0 {
		return nil
	}
	e := w.slots[w.nextUsed()%wheelSlots]
	w.unlink(e)
	return e
}

// nextUsed is the first tick after the served ones whose slot is in use: the
// goroutine wakes then even if the entry's round has not come.
func (w *wheel) nextUsed() int64 {
	for i := int64(0); i < wheelSlots; i++ {
		slot := (w.next + i) % wheelSlots
		if w.used[slot/64] == 0 {
			i += 63 - slot%64
			continue
		}
		if w.used[slot/64]&(1<<(slot%64)) != 0 {
			return w.next + i
		}
	}
	return w.next + wheelSlots
}
