package broker

import (
	"testing"
	"time"

	"tailrace/netio"
)

// TestLateTimerLeavesTheNextRequestAlone: a timer that fires while its request
// is being answered may come to its work only when the request's state serves
// another one already.
func TestLateTimerLeavesTheNextRequestAlone(t *testing.T) {
	b := &Broker{wheel: newWheel()}
	defer b.wheel.stop()
	q := newRequest(b)
	q.Request = &netio.Request{} // of no connection: completing it would panic
	s := &q.produce
	s.begin()
	s.deadline.Store(int64(time.Since(b.wheel.start)))
	s.mu.Lock()
	s.pending, s.open = 0, false // answered
	s.mu.Unlock()
	s.begin() // the next one, whose handler is at work
	q.produceTimedOut()
	if !s.open || s.pending != 1 {
		t.Error("the next request was completed while its handler was at work")
	}
}
