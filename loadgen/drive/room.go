package drive

import (
	"context"
	"sync/atomic"
)

// room is how many requests may still go out on a connection. One goroutine takes and another gives, several at once:
// that wakes the one who waits once, where a channel of tokens would have to be passed for each.
type room struct {
	free    atomic.Int64
	waiting atomic.Bool   // somebody
	wake    chan struct{} // somebody has given since the last look
}

func newRoom(n int) *room {
	r := &room{wake: make(chan struct{}, 1)}
	r.free.Store(int64(n))
	return r
}

// take takes room for one, if there is.
func (r *room) take() bool {
	if r.free.Load() <= 0 {
		return false
	}
	r.free.Add(-1) // nobody else takes
	return true
}

// await takes room for one as soon as there is; false: ctx was done before.
func (r *room) await(ctx context.Context) bool {
	r.waiting.Store(true)
	defer r.waiting.Store(false)
	for !r.take() {
		select {
		case <-r.wake:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// give makes room for n, and reports whether somebody has waited for it.
func (r *room) give(n int) (awaited bool) {
	r.free.Add(int64(n))
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return r.waiting.Load()
}
