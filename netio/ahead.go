package netio

import (
	"sync/atomic"

	"tailrace/vfs"
)

const (
	// aheadWindow is how far beyond what is sent a stream is kept read in. It is extended by half whenever half is used
	// up.
	aheadWindow = 8 << 20
	// maxStreams is how many files a connection can be followed through at once: partitions of one consumer.
	maxStreams = 16
	// probeKeepsNs is how long bytes that were found in memory ahead of a stream are taken to be there still. Who is
	// wrong about it waits for a disk in sendfile, once in so long a time.
	probeKeepsNs = 100e6
)

// stream is a reader who goes through one file from low to high positions, as somebody who catches up does. It is the
// owner's, except that busy falls when what was asked for is there.
type stream struct {
	ref    *vfs.Ref // not held: only compared
	next   int64    // where the window sent last ends
	asked  int64    // up to here it is read in or asked for
	size   int64    // of the file when last looked at
	steady bool     // a span has begun where the one before it ended
	turn   uint64

	inFrom, inTo int64 // was found in memory, at inNs or later
	inNs         int64

	busy     atomic.Bool // from and to are being read in, and ref is held
	from, to int64
}

// streams are those of one connection. A connection that never sends what may be cold has none.
type streams struct {
	all  [maxStreams]stream
	turn uint64
}

// pass notes that n bytes from pos on are about to be sent, and finds their stream. opens says that a span begins here.
func (t *streams) pass(ref *vfs.Ref, pos, n int64, opens bool) *stream {
	t.turn++
	var s *stream
	for i := range t.all {
		at := &t.all[i]
		if at.ref == ref && at.next == pos {
			at.steady = at.steady || opens
			at.advance(pos+n, t.turn)
			return at
		}
		if !at.busy.Load() && (s == nil || at.turn < s.turn) {
			s = at
		}
	}
	if s != nil {
		s.ref, s.asked, s.size, s.steady, s.inFrom, s.inTo = ref, 0, 0, false, 0, 0
		s.advance(pos+n, t.turn)
	}
	return s
}

func (s *stream) advance(next int64, turn uint64) {
	s.next, s.turn = next, turn
	s.asked = max(s.asked, next)
}

// found notes that [from, to) is in memory.
func (s *stream) found(from, to, nowNs int64) {
	if from != s.inTo || nowNs-s.inNs > probeKeepsNs {
		s.inFrom, s.inNs = from, nowNs
	}
	s.inTo = to
}

// has tells whether [from, to) was found in memory a moment ago.
func (s *stream) has(from, to, nowNs int64) bool {
	return from >= s.inFrom && to <= s.inTo && nowNs-s.inNs <= probeKeepsNs
}

// due tells what to read in beyond the window that is about to be sent: nothing if to is not above from. It only looks
// ahead of a stream, never of a single read: within a large span the warming of its windows does that.
func (s *stream) due() (from, to int64) {
	if !s.steady || s.asked-s.next > aheadWindow/2 || s.busy.Load() {
		return 0, 0
	}
	if s.next >= s.size { // nothing is known, or the file has grown
		size, err := s.ref.File().Size()
		if err != nil {
			return 0, 0
		}
		s.size = size
	}
	return s.asked, min(s.next+aheadWindow, s.size)
}
