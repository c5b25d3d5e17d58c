package drive

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// pacer sleeps to a moment with a precision of some 10 µs. Go's own timers wake up to a millisecond late on an idle
// processor, which would be the largest part of a fast broker's response time.
type pacer struct{}

// newPacer ties the goroutine to a thread whose timers the kernel does not join with others.
func newPacer() *pacer {
	runtime.LockOSThread()
	// 1 ns asks for the least slack; 0 would restore the default of 50 µs. A refusal costs precision only.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return &pacer{}
}

func (p *pacer) close() { runtime.UnlockOSThread() }

// coarse is how long before the moment the thread takes over from Go's timers.
const coarse = 3 * time.Millisecond

// until sleeps until a moment, or until ctx is done: then it returns false.
func (p *pacer) until(ctx context.Context, due time.Time) bool {
	left := time.Until(due)
	if left > 2*coarse {
		t := time.NewTimer(left - coarse)
		select {
		case <-ctx.Done():
			t.Stop()
			return false
		case <-t.C:
		}
		left = time.Until(due)
	}
	for left > 0 {
		ts := unix.NsecToTimespec(int64(left))
		_ = unix.Nanosleep(&ts, nil) // a signal ends it early: then once more
		left = time.Until(due)
	}
	return ctx.Err() == nil
}
