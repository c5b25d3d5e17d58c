package partition

// FetchOwner is a fetch that waits for records. Wake is called under the
// partition's lock each time the end that the fetch may see has moved; it must
// be quick, take no lock and return true when the fetch has what it waits for.
// Ready is called afterwards, once, with no lock held.
type FetchOwner interface {
	Wake(bytes int) bool
	Ready()
}

// FetchWaiter is a fetch's place at one partition. The fetch owns it and
// reuses it; it is linked into the partition while parked.
type FetchWaiter struct {
	owner      FetchOwner
	at         *Partition
	prev, next *FetchWaiter
}

// ParkFetch links w at p unless the visible end has moved beyond what the
// fetch saw: then it returns false and the fetch must read again.
func (p *Partition) ParkFetch(w *FetchWaiter, owner FetchOwner, seen VisibleEnd) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.visible() != seen || p.dead.Load() {
		return false
	}
	w.owner, w.at = owner, p
	w.prev, w.next = nil, p.fetches
	if p.fetches != nil {
		p.fetches.prev = w
	}
	p.fetches = w
	return true
}

// Unpark takes w out of the partition it is parked at, if any.
func (w *FetchWaiter) Unpark() {
	p := w.at
	if p == nil {
		return
	}
	p.mu.Lock()
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		p.fetches = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	p.mu.Unlock()
	w.owner, w.at, w.prev, w.next = nil, nil, nil, nil
}

// VisibleEnd is what a fetch compares to learn whether anything has changed
// for it since it read.
type VisibleEnd struct {
	highWatermark, lastStable, logStart int64
	leaderEpoch                         int32
}

func (p *Partition) visible() VisibleEnd {
	return VisibleEnd{p.highWatermark.Load(), p.lastStable.Load(), int64(p.log.Start()), p.leaderEpoch.Load()}
}

// wake tells the parked fetches that bytes more can be read and gathers those
// that have enough into ready. Called with mu held; ready is run by the caller
// after it has released mu.
func (p *Partition) wake(bytes int, ready *readyList) {
	for w := p.fetches; w != nil; w = w.next {
		if w.owner.Wake(bytes) {
			ready.add(w.owner)
		}
	}
}

// readyList holds owners to be run, the first few without allocation.
type readyList struct {
	n     int
	first [16]FetchOwner
	more  []FetchOwner
}

func (r *readyList) add(o FetchOwner) {
	if r.n < len(r.first) {
		r.first[r.n] = o
	} else {
		r.more = append(r.more, o)
	}
	r.n++
}

func (r *readyList) run() {
	for i := range min(r.n, len(r.first)) {
		r.first[i].Ready()
		r.first[i] = nil
	}
	for i, o := range r.more {
		o.Ready()
		r.more[i] = nil
	}
	r.n, r.more = 0, r.more[:0]
}
