package drive

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"tailrace/loadgen/plan"
)

// pacer sleeps to a moment with a precision of some 10 µs, in a system call. What lost: Go's own timers, which wake up
// to a millisecond late on an idle processor, and that would be the largest part of a fast broker's response time;
// spinning, which takes a core from the broker on the same machine.
//
// The price is that the runtime does not know of the sleep and leaves the thread its P, so that a P is missing
// elsewhere: see Reserve.
type pacer struct {
	blocked time.Duration // for the broker, since it last slept
}

// newPacer ties the goroutine to a thread whose timers the kernel does not join with others.
func newPacer() *pacer {
	runtime.LockOSThread()
	// 1 ns asks for the least slack; 0 would restore the default of 50 µs. A refusal costs precision only.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return &pacer{}
}

func (p *pacer) close() { runtime.UnlockOSThread() }

// Reserve gives the runtime a P for each thread that will sleep for a plan, besides those for the cores, until release
// is called. A thread in a system call keeps its P until the runtime's monitor takes it away, which may be 10 ms later.
// Without the reserve a program on one core has nobody to read answers while its pacer sleeps: a 95th percentile of
// 13 ms was measured where it is 0.9 ms with one P more on the same core.
//
// GOMAXPROCS belongs to the process: one run at a time.
func Reserve(p *plan.Plan) (release func()) {
	was := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(was + sleepers(p))
	return func() { runtime.GOMAXPROCS(was) }
}

// maxReserve bounds the reserve: the collector uses a quarter of GOMAXPROCS, whatever the cores are.
const maxReserve = 2 * maxPacers

// sleepers is how many threads of a plan sleep for the schedule, as far as Ps are kept for them.
func sleepers(p *plan.Plan) int {
	switch {
	case p.Producers == 0 || p.Rate.Shape == plan.Full:
		return 0
	case p.Raw:
		return min(rawConnections(p), maxReserve)
	}
	return pacersFor(p.Producers)
}

// coarse is how long before the moment the thread takes over from Go's timers.
const coarse = 3 * time.Millisecond

// until sleeps until a moment, or until ctx is done: then it returns false.
func (p *pacer) until(ctx context.Context, due time.Time) bool {
	left := time.Until(due)
	if left > 0 {
		p.blocked = 0
	}
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

// owed is the part of a record's lag that the broker owes: the waits for it since the schedule was last kept, up to the
// lag. Not the record's own wait alone: what one waited all behind it are late, and a broker that takes half of what is
// offered would owe next to nothing of a growing backlog.
func (p *pacer) owed(lag, blocked time.Duration) time.Duration {
	p.blocked += blocked
	return min(lag, p.blocked)
}
