package segment

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"tailrace/wire"
)

// activate opens the active segment of a log at rest for appending. Under mu.
func (l *Log) activate(nowMs int64) error {
	s := l.chain.Load().active()
	var h *handle
	if s.size() > 0 {
		// The end of the log must be what it is believed to be before anything goes behind it.
		var err error
		if h, err = l.acquire(s); err != nil {
			return err
		}
		defer h.ref.Release()
	}
	w, err := l.openActive(s, h)
	if h != nil && isDamaged(err) {
		l.names.Lock()
		err = l.rebuild(s, h.ref.File(), err)
		l.names.Unlock()
		if err == nil {
			w, err = l.openActive(s, h)
		}
	}
	if err != nil {
		return l.failure("opening the active segment", err)
	}
	l.begin(w, s, nowMs)
	return nil
}

// openActive opens a writer for s and brings its index state up to the end of the log.
func (l *Log) openActive(s *seg, h *handle) (*writer, error) {
	flag := 0
	if h == nil {
		flag = os.O_TRUNC // the segment is empty, so whatever its indexes hold is wrong
	}
	w, err := l.openWriter(s.base, "", s.size(), flag)
	if err != nil {
		return nil, err
	}
	if h != nil {
		err = l.resume(w, s, h)
	}
	if err == nil {
		err = l.makeReady(w)
	}
	if err != nil {
		return nil, errors.Join(err, w.discard())
	}
	return w, nil
}

// resume notes the batches from the last index entry on, and takes the timestamp of the first one, from which the
// segment's age is counted. It looks through h, because the writer's mapping is not hot.
func (l *Log) resume(w *writer, s *seg, h *handle) error {
	if err := w.index.resume(); err != nil {
		return err
	}
	look := newWalk(h)
	defer look.release()
	size := s.size()
	pos, next, err := l.lastEntry(s, look, w.index.offsets, size)
	if err != nil {
		return err
	}
	known := w.index.maxTs
	for first := true; pos < size; first = false {
		b, err := look.header(l, s, pos, size)
		if err != nil {
			return err
		}
		if b.base < next {
			return l.corrupt(s, pos, fmt.Sprintf("a batch with offsets %d to %d where %d should follow", b.base, b.last, next))
		}
		if first && pos > 0 && b.maxTs > known {
			return misleading(w.index.offsets, offsetEntry(b.last, pos)) // it would have an entry in the time index
		}
		if err := w.index.note(b, pos); err != nil {
			return err
		}
		pos, next = pos+b.size, b.next()
	}
	if size > 0 {
		b, err := look.header(l, s, 0, size)
		if err != nil {
			return err
		}
		w.firstTs = b.maxTs
	}
	return nil
}

// begin makes w the writer of s, which is or becomes the active segment. Under mu.
func (l *Log) begin(w *writer, s *seg, nowMs int64) {
	h := l.newHandle(w.file, w.m, w.index.offsets, w.index.times)
	w.seg, w.h = s, h
	w.createdMs = nowMs
	w.hotTurned, w.hotTurnedMs = s.size(), nowMs
	if w.m != nil {
		h.hotFrom.Store(s.size())
	}
	s.maxTs, s.maxTsAt, s.dated = w.index.maxTs, w.index.maxTsAt, true
	l.names.Lock()
	s.checked = true
	old := s.h.Swap(h)
	l.names.Unlock()
	l.letGo(old)
	l.w = w
	if !l.dirDirty {
		l.dirDirty = true // the index files may be new
	}
}

// roll starts a segment at base. It takes the prepared one if there is one and else makes it. After an error the log is
// as it was. Under mu.
func (l *Log) roll(base wire.Offset, nowMs int64, byAppend bool) error {
	old := l.w
	if err := old.index.times.Append(old.index.lastTime()); err != nil {
		return l.failure("completing a time index", err)
	}
	if l.next == nil {
		next, err := l.makeNext(base)
		if err != nil {
			return l.failure("rolling to a new segment", err)
		}
		l.keepNext(next)
	}
	w, err := l.takeNext(base)
	if err != nil {
		return l.failure("rolling to a new segment", err)
	}
	s := &seg{base: base, wroteMs: nowMs}
	l.begin(w, s, nowMs)
	l.dirDirty = true
	if old.dirty {
		l.markUnsynced(old.seg)
	}
	l.finishing = append(l.finishing, old)
	l.publish(append(slices.Clip(*l.chain.Load()), s))
	if byAppend && l.onRoll != nil {
		l.onRoll(base)
	}
	return nil
}

// takeNext gives the prepared segment its base and its name, and makes it part of the log by that: until the log file
// is renamed nothing has happened. It is one directory operation; the index files follow later, because without them
// nothing is lost.
func (l *Log) takeNext(base wire.Offset) (*writer, error) {
	w := l.next
	l.names.Lock()
	err := l.place(w.file.Name(), l.path(base, logSuffix))
	l.names.Unlock()
	if err != nil {
		return nil, err
	}
	l.next = nil
	files, maps := w.holds()
	l.budget.add(l, -files, -maps) // begin counts them again
	w.index.offsets.Rebase(base)
	w.index.times.Rebase(base)
	w.index.maxTsAt = base
	return w, nil
}

// Roll starts a new segment, unless the active one is empty.
func (l *Log) Roll() error {
	l.work.Lock()
	defer l.work.Unlock()
	l.mu.Lock()
	err := l.rollNow(l.now())
	l.mu.Unlock()
	l.runJobs()
	return err
}

// rollNow rolls on demand. Under work and mu.
func (l *Log) rollNow(nowMs int64) error {
	if err := l.usable(); err != nil {
		return err
	}
	s := l.chain.Load().active()
	size, end := s.ends()
	if size == 0 {
		return nil
	}
	if l.w == nil {
		if err := l.activate(nowMs); err != nil {
			return err
		}
	}
	return l.roll(end, nowMs, false)
}
