package group

import "container/heap"

// timerKind says what is due when a timer's time has come.
type timerKind uint8

const (
	timerSession timerKind = iota // a member, or a member id handed out, was not heard of in time
	timerJoin                     // the join phase is over
	timerSync                     // the sync phase is over
	timerExpire                   // old offsets are looked for
)

// timer is one deadline. The zero timer, with kind and what it belongs to filled in, is not set.
type timer struct {
	atMs   int64
	order  uint64 // of timers due at the same time the one set first goes first
	slot   int    // place in the heap plus one; 0: not set
	kind   timerKind
	group  *group
	member string
}

// timers is a heap, earliest first. Setting and clearing cost O(log n); a heartbeat moves its member's timer in place.
type timers struct {
	heap []*timer
	last uint64
}

func (t *timers) Len() int { return len(t.heap) }
func (t *timers) Less(i, j int) bool {
	a, b := t.heap[i], t.heap[j]
	return a.atMs < b.atMs || a.atMs == b.atMs && a.order < b.order
}

func (t *timers) Swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.heap[i].slot, t.heap[j].slot = i+1, j+1
}

// Push is heap.Interface's.
func (t *timers) Push(x any) {
	n := x.(*timer)
	t.heap = append(t.heap, n)
	n.slot = len(t.heap)
}

// Pop is heap.Interface's.
func (t *timers) Pop() any {
	last := t.heap[len(t.heap)-1]
	t.heap[len(t.heap)-1] = nil
	t.heap = t.heap[:len(t.heap)-1]
	last.slot = 0
	return last
}

// set makes n due at atMs, whether it was set before or not.
func (t *timers) set(n *timer, atMs int64) {
	t.last++
	n.atMs, n.order = atMs, t.last
	if n.slot == 0 {
		heap.Push(t, n)
	} else {
		heap.Fix(t, n.slot-1)
	}
}

// clear unsets n, if it was set.
func (t *timers) clear(n *timer) {
	if n.slot != 0 {
		heap.Remove(t, n.slot-1)
	}
}

// due takes out the next timer whose time has come. Timers set after the mark are left for another round: one that sets
// itself again at once must not keep a step from ending.
func (t *timers) due(nowMs int64, mark uint64) *timer {
	if len(t.heap) == 0 || t.heap[0].atMs > nowMs || t.heap[0].order > mark {
		return nil
	}
	return heap.Pop(t).(*timer)
}
