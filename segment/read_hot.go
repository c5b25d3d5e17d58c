package segment

import (
	"errors"
	"fmt"
	"sync"

	"tailrace/vfs"
	"tailrace/wire"
)

// Read returns whole batches from the one that holds from on: at most maxBytes, unless minOne is set and the first
// batch alone is larger; never a batch whose base offset is at or above limit; never across a segment. At the end of
// the log, or of limit, the result is empty. Below Start or above End it is ErrOutOfRange. Allocates nothing.
func (l *Log) Read(from wire.Offset, maxBytes int, limit wire.Offset, minOne bool) (Result, error) {
	now := l.now()
	l.used(now)
	r := reader{l: l, from: from, maxBytes: int64(maxBytes), limit: limit, minOne: minOne, nowMs: now}
	for try := 0; ; try++ {
		res, err := r.read()
		switch {
		case err == nil || try == maxReadTries:
			return res, err
		case errors.Is(err, errGone):
			// The segment went while we looked; the new chain tells whether the offset went with it.
		case isDamaged(err):
			if err := l.repair(r.s, r.h, err); err != nil {
				return Result{}, err
			}
		default:
			return Result{}, err
		}
	}
}

const maxReadTries = 3

// reader is one Read.
type reader struct {
	l        *Log
	from     wire.Offset
	maxBytes int64
	limit    wire.Offset
	minOne   bool
	nowMs    int64

	s    *seg
	h    *handle
	size int64       // bytes of s
	end  wire.Offset // end offset of s
	w    *walk       // nil until a header must be read
}

func (r *reader) read() (Result, error) {
	l := r.l
	c := *l.chain.Load()
	i := c.find(r.from)
	if i < 0 || int64(r.from) < l.start.Load() {
		return Result{}, ErrOutOfRange
	}
	next := r.from
	for ; i < len(c); i++ {
		r.s, r.h = c[i], nil
		if i+1 < len(c) {
			r.end = c[i+1].base
		} else if _, r.end = r.s.ends(); r.from >= r.end {
			if r.from > r.end {
				return Result{}, ErrOutOfRange
			}
			break
		}
		if r.from >= r.limit || r.maxBytes <= 0 && !r.minOne {
			break
		}
		if r.s.size() > 0 {
			res, found, err := r.segment(i+1 == len(c))
			if found || err != nil {
				return res, err
			}
		}
		// Nothing at or above from is left in this segment (compaction makes such gaps): the next one begins above it.
		next = r.end
	}
	return Result{First: r.from, Next: next}, nil
}

// segment reads from r.s. found is false when all its batches lie below from.
func (r *reader) segment(active bool) (res Result, found bool, err error) {
	if r.h, err = r.l.acquire(r.s); err != nil {
		return Result{}, false, err
	}
	defer r.done(&res)
	if active {
		r.size, r.end = r.s.ends()
	} else {
		r.size = r.s.size() // after acquire, which may have found the end of the file to be another
	}
	pos, slot, first := int64(0), -1, r.from
	hs := r.l.hints.Load()
	if r.from > r.s.base {
		if pos, slot = hs.find(r.from, r.s); slot < 0 {
			if pos, first, err = r.locate(); err != nil {
				return Result{}, false, err
			}
		}
	}
	if pos >= r.size {
		return Result{}, false, nil
	}
	to, next := r.size, r.end
	if r.limit < r.end || r.size-pos > r.maxBytes {
		if to, next, err = r.cut(pos); err != nil {
			return Result{}, false, err
		}
	}
	res = Result{First: min(first, r.from), Next: next}
	if to == pos {
		return res, true, nil
	}
	r.l.remember(hs, slot, hint{next, r.s, to})
	hot := pos >= r.h.hotFrom.Load() && r.nowMs-r.h.wroteMs.Load() < hotForMs
	res.Span = vfs.Span{Ref: r.h.ref, Pos: vfs.Pos(pos), N: int(to - pos), Hot: hot}
	return res, true, nil
}

// done gives back what the read holds; the reference goes with the span, if there is one.
func (r *reader) done(res *Result) {
	if r.w != nil {
		r.w.release()
		r.w = nil
	}
	if res.Span.Ref == nil {
		r.h.ref.Release()
	}
}

func (r *reader) header(pos int64) (header, error) {
	if r.w == nil {
		r.w = newWalk(r.h)
	}
	h, err := r.w.header(r.l, r.s, pos, r.size)
	if err == nil && h.last >= r.end {
		err = r.l.corrupt(r.s, pos, fmt.Sprintf("a batch with offsets %d to %d in a segment that ends at %d",
			h.base, h.last, r.end))
	}
	return h, err
}

// locate finds the first batch that ends at or above from: by the index to a batch not above it, then from header to
// header. Nothing is assumed about offsets but that they ascend.
func (r *reader) locate() (pos int64, first wire.Offset, err error) {
	if r.h.offsets != nil {
		e, ok, err := r.h.offsets.Floor(r.from)
		if err != nil {
			return 0, 0, err
		}
		if ok {
			if err := r.verify(e.Offset, int64(e.Pos)); err != nil {
				return 0, 0, err
			}
			pos = int64(e.Pos)
		}
	}
	for pos < r.size {
		h, err := r.header(pos)
		if err != nil {
			return 0, 0, err
		}
		if h.last >= r.from {
			return pos, h.base, nil
		}
		pos += h.size
	}
	return pos, r.from, nil
}

// verify compares an index entry with the batch it points to.
func (r *reader) verify(last wire.Offset, pos int64) error {
	if pos > 0 && pos < r.size {
		h, err := r.header(pos)
		if err == nil && h.last == last {
			return nil
		}
		if err != nil && !isCorrupt(err) {
			return err
		}
	}
	return misleading(r.h.offsets, offsetEntry(last, pos))
}

// cut finds where a read from pos must end: at the last batch boundary within maxBytes, before the first batch at or
// above limit. next is the offset to go on from.
func (r *reader) cut(pos int64) (to int64, next wire.Offset, err error) {
	most := min(pos+r.maxBytes, r.size)
	to, next = pos, r.from
	if r.h.offsets != nil && most-pos > windowBytes {
		if to, err = r.jump(pos, most); err != nil {
			return 0, 0, err
		}
	}
	for jumped := to > pos; to < r.size && (to < most || to == pos || jumped); jumped = false {
		h, err := r.header(to)
		if err != nil {
			return 0, 0, err
		}
		if h.last < next {
			return 0, 0, r.l.corrupt(r.s, to, fmt.Sprintf("a batch with offsets %d to %d where %d should follow",
				h.base, h.last, next))
		}
		if h.base >= r.limit || to+h.size > most && !(to == pos && r.minOne) {
			if jumped {
				next = h.base
			}
			break
		}
		to, next = to+h.size, h.next()
	}
	return to, next, nil
}

// jump is the last batch start known to the index that lies above pos, at or below most, and does not begin at or above
// limit; else pos.
func (r *reader) jump(pos, most int64) (int64, error) {
	e, ok, err := r.h.offsets.FloorPos(vfs.Pos(most))
	if ok && err == nil && e.Offset >= r.limit {
		e, ok, err = r.h.offsets.Floor(r.limit - 1)
	}
	if err != nil || !ok || int64(e.Pos) <= pos {
		return pos, err
	}
	return int64(e.Pos), r.verify(e.Offset, int64(e.Pos))
}

// hints remember where the last few reads of a log ended, because most readers go on from there: they need neither
// index nor walk. There is room for a handful of readers at different places; with more, the index does the work.
type hints struct {
	mu    sync.Mutex
	slots [8]hint
	turn  int
}

// hint says that reading on from next in seg begins at pos, a batch boundary that will stay one: a segment is only
// ever appended to, and what Truncate leaves gets a new one behind it.
type hint struct {
	next wire.Offset
	seg  *seg
	pos  int64
}

// find returns the position for off in s and the slot that has it, or -1. It never waits.
func (hs *hints) find(off wire.Offset, s *seg) (pos int64, slot int) {
	if hs == nil || !hs.mu.TryLock() {
		return 0, -1
	}
	defer hs.mu.Unlock()
	for i := range hs.slots {
		if h := &hs.slots[i]; h.next == off && h.seg == s {
			return h.pos, i
		}
	}
	return 0, -1
}

// remember puts a hint into the slot that the reader used last, or into the oldest one.
func (l *Log) remember(hs *hints, slot int, h hint) {
	if hs == nil {
		l.hints.CompareAndSwap(nil, new(hints))
		if hs = l.hints.Load(); hs == nil {
			return
		}
	}
	if !hs.mu.TryLock() {
		return
	}
	defer hs.mu.Unlock()
	if slot < 0 {
		slot = hs.turn
		hs.turn = (hs.turn + 1) % len(hs.slots)
	}
	hs.slots[slot] = h
}
