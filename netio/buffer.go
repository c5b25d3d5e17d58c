package netio

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

const (
	// smallBuffer is what a connection reads into when it expects small frames: a burst of many fits.
	smallBuffer = 16 << 10
	// largeBuffer is the first class above. The classes double from here, so that a 64 KiB batch with its headers fits
	// 72 KiB, and one of 1 MiB fits 1152 KiB.
	largeBuffer = 36 << 10
	classCount  = 18 // the last holds 4.5 GiB, more than a frame can announce

	// shelfBytes bounds what one class keeps on its own shelf; more than that is left to the collector.
	shelfBytes = 4 << 20
)

// recvBuffer is memory that frames arrive in. Each open request whose body lies in it holds a reference, and so does
// the reader that still fills it. It goes back to its shelf with the last one.
type recvBuffer struct {
	data   []byte
	refs   atomic.Int32
	class  int
	lost   atomic.Bool // a body was taken from a request that may still be read: never reuse the memory
	budget *Budget     // charged with len(data), nil when none
}

// shelf keeps free buffers of one class, the hottest on top.
type shelf struct {
	mu    sync.Mutex
	free  []*recvBuffer
	spill sync.Pool
}

// shelves are the process's free buffers, by class.
var shelves [classCount]shelf

// classFor is the smallest class that holds n bytes.
func classFor(n int) int {
	if n <= smallBuffer {
		return 0
	}
	return 1 + bits.Len(uint((n-1)/largeBuffer))
}

// classSize is the number of bytes in a buffer of a class.
func classSize(class int) int {
	if class == 0 {
		return smallBuffer
	}
	return largeBuffer << (class - 1)
}

// borrowBuffer returns a buffer of at least n bytes, with one reference and charged to nobody.
func borrowBuffer(n int) *recvBuffer {
	class := classFor(n)
	s := &shelves[class]
	s.mu.Lock()
	var b *recvBuffer
	if last := len(s.free) - 1; last >= 0 {
		b, s.free[last] = s.free[last], nil
		s.free = s.free[:last]
	}
	s.mu.Unlock()
	if b == nil {
		if b, _ = s.spill.Get().(*recvBuffer); b == nil {
			b = &recvBuffer{data: make([]byte, classSize(class)), class: class}
		}
	}
	b.refs.Store(1)
	return b
}

// release gives one reference back; the last one uncharges the buffer and shelves it.
func (b *recvBuffer) release() {
	if b.refs.Add(-1) != 0 {
		return
	}
	if b.budget != nil {
		b.budget.give(int64(len(b.data)))
		b.budget = nil
	}
	if b.lost.Load() {
		return
	}
	s := &shelves[b.class]
	s.mu.Lock()
	if (len(s.free)+1)*len(b.data) <= shelfBytes {
		s.free = append(s.free, b)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	s.spill.Put(b)
}
