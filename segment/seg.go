package segment

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"sort"
	"sync/atomic"

	"tailrace/index"
	"tailrace/vfs"
	"tailrace/wire"
)

// seg is one segment. It is small, because a log at rest is made of nothing else.
type seg struct {
	base wire.Offset
	// tail is where readers of the active segment must stop: in the upper half the end offset minus base, in the lower
	// half the bytes. One word, so that both are of the same moment without a lock. In a sealed segment only the
	// bytes count; its end is the next one's base.
	tail atomic.Uint64
	// h is the open files, nil at rest. It changes under Log.names, that of the active segment under Log.mu too.
	h atomic.Pointer[handle]

	// Under Log.names.
	dead    bool // the files of this name are no longer this segment's
	checked bool // the end of the file and of its index were looked at
	stale   bool // the file holds more than the segment: batches that Truncate took away, or an old reserve
	swapped bool // a replacement whose files have not got their own names yet

	// Under Log.mu.
	unsynced bool        // on Log.unsynced
	dated    bool        // maxTs is known
	proven   bool        // and was held against the batch
	maxTs    int64       // largest timestamp in ms, -1 for none
	maxTsAt  wire.Offset // last offset of the batch that has it
	wroteMs  int64       // time of the last append; at first the file's modification time

	// txn is the aborted transactions, nil when not read yet. hasTxn says that there may be any.
	txn    atomic.Pointer[[]index.Aborted]
	hasTxn atomic.Bool
}

func (s *seg) size() int64 { return int64(uint32(s.tail.Load())) }

// ends returns the bytes and the end offset of the active segment.
func (s *seg) ends() (size int64, end wire.Offset) {
	t := s.tail.Load()
	return int64(uint32(t)), s.base + wire.Offset(t>>32)
}

func (s *seg) setEnds(size int64, end wire.Offset) {
	s.tail.Store(uint64(end-s.base)<<32 | uint64(uint32(size)))
}

// chain is the segments of a log, oldest first, never empty. The last one is active. A chain is immutable.
type chain []*seg

func (c chain) active() *seg { return c[len(c)-1] }

// find is the number of the last segment whose base is at most off, or -1.
func (c chain) find(off wire.Offset) int {
	if n := len(c) - 1; c[n].base <= off {
		return n // most reads are at the end
	}
	return sort.Search(len(c), func(i int) bool { return c[i].base > off }) - 1
}

// bytes is what all segments hold together.
func (c chain) bytes() int64 {
	sum := int64(0)
	for _, s := range c {
		sum += s.size()
	}
	return sum
}

// bound is the offset below which those of segment i lie.
func (c chain) bound(i int) wire.Offset {
	if i+1 < len(c) {
		return c[i+1].base
	}
	return math.MaxInt64
}

// handle is the open files of a segment. Whoever holds a reference to ref may use all of them.
type handle struct {
	ref     *vfs.Ref       // the log file; with a mapping while it is written
	offsets *index.Offsets // nil: there is none, and the segment is small
	times   *index.Times   // of the active segment only
	// hotFrom: from this position on the mapping's pages are resident, because they were written lately.
	hotFrom atomic.Int64
	// wroteMs is when that was last so.
	wroteMs atomic.Int64
}

// neverHot is the hotFrom of a handle without a mapping.
const neverHot = math.MaxInt64

// hotForMs is how long after the last append the tail still counts as resident. What is older may have been evicted.
const hotForMs = 60_000

// newHandle takes over the files, whose last user closes them.
func (l *Log) newHandle(f vfs.File, m vfs.Mapping, offsets *index.Offsets, times *index.Times) *handle {
	h := &handle{offsets: offsets, times: times}
	h.hotFrom.Store(neverHot)
	files, maps := int64(1), int64(0)
	if m != nil {
		maps++
	}
	if offsets != nil {
		files++
		if offsets.Mapped() {
			maps++
		}
	}
	if times != nil {
		files++
		if times.Mapped() {
			maps++
		}
	}
	l.budget.add(l, files, maps)
	h.ref = vfs.NewRef(f, m, func() {
		// Nothing is lost when a close fails: what must be durable was synced.
		if offsets != nil {
			_ = offsets.Close()
		}
		if times != nil {
			_ = times.Close()
		}
		l.budget.add(l, -files, -maps)
	})
	return h
}

// letGo gives the owner's reference back. Unmapping takes a while, so with helpers at hand it does not happen here.
func (l *Log) letGo(h *handle) {
	switch {
	case h == nil:
	case l.background != nil:
		vfs.Span{Ref: h.ref}.Release()
	default:
		h.ref.Release()
	}
}

// errGone: the segment was taken away after the chain was read.
var errGone = errors.New("segment is gone")

// acquire returns the open files of s with one reference for the caller, opening them if need be.
func (l *Log) acquire(s *seg) (*handle, error) {
	if h := s.h.Load(); h != nil && h.ref.Acquire() {
		return h, nil
	}
	return l.acquireCold(s)
}

func (l *Log) acquireCold(s *seg) (*handle, error) {
	l.names.Lock()
	defer l.names.Unlock()
	if h := s.h.Load(); h != nil && h.ref.Acquire() {
		return h, nil
	}
	switch {
	case s.dead:
		return nil, errGone
	case l.closed.Load():
		return nil, ErrClosed
	}
	h, err := l.openForReading(s)
	if err != nil {
		return nil, err
	}
	h.ref.Acquire()
	s.h.Store(h)
	return h, nil
}

// openForReading opens a segment that nobody writes. The first time its end is checked, and its index is built anew if
// it is damaged. Under Log.names.
func (l *Log) openForReading(s *seg) (*handle, error) {
	f, err := l.openFile(l.fileOf(s, logSuffix), os.O_RDONLY)
	if err != nil {
		return nil, l.readError(s, err)
	}
	offsets, err := l.openIndex(s, f, true)
	if isDamaged(err) {
		if err = l.rebuild(s, f, err); err == nil {
			offsets, err = l.openIndex(s, f, false)
		} else if noSpace(err) {
			return l.newHandle(f, nil, nil, nil), nil // a full disk does not keep anybody from reading
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s.checked = true
	return l.newHandle(f, nil, offsets, nil), nil
}

// openIndex opens the offset index of s for reading and checks it against the end of the log file, once.
func (l *Log) openIndex(s *seg, f vfs.File, first bool) (*index.Offsets, error) {
	offsets, err := index.ReadOffsets(l.fs, l.fileOf(s, indexSuffix), s.base)
	if errors.Is(err, fs.ErrNotExist) && s.size() <= smallSegment {
		offsets, err = nil, nil
	}
	if err == nil && !s.checked {
		if first && offsets != nil {
			err = offsets.Verify()
		}
		if err == nil {
			err = l.checkEnd(s, f, offsets, first)
		}
	}
	if err != nil && offsets != nil {
		_ = offsets.Close()
	}
	return offsets, err
}

// smallSegment is how long a segment may be without an index, in bytes: walking it costs less than making one.
const smallSegment = 8 << 10

// isDamaged tells errors that rebuilding an index cures.
func isDamaged(err error) bool {
	var damaged *index.DamagedError
	return errors.As(err, &damaged) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errStaleIndex)
}
