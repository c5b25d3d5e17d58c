package segment

import (
	"errors"
	"fmt"
	"math"

	"tailrace/batch"
	"tailrace/index"
	"tailrace/wire"
)

// OffsetForTimestamp finds the first record at or above Start and below limit whose timestamp is at least ts.
func (l *Log) OffsetForTimestamp(ts int64, limit wire.Offset) (Stamp, bool, error) {
	for {
		st, found, err := l.offsetForTimestamp(ts, limit)
		if !errors.Is(err, errGone) {
			return st, found, err
		}
	}
}

func (l *Log) offsetForTimestamp(ts int64, limit wire.Offset) (Stamp, bool, error) {
	start := l.Start()
	c := *l.chain.Load()
	for i := max(c.find(start), 0); i < len(c) && c[i].base < limit; i++ {
		s := c[i]
		largest, _, err := l.provenLargest(s)
		if err != nil {
			return Stamp{}, false, err
		}
		if largest < ts {
			continue
		}
		from := start
		if e, ok, err := l.floorTime(s, ts); err != nil {
			return Stamp{}, false, err
		} else if ok {
			from = max(from, e.Offset)
		}
		st, found, err := l.firstRecord(s, from, limit, func(h header) bool { return h.maxTs >= ts },
			func(r *batch.Record) bool { return r.TimestampMs >= ts && r.Offset >= start })
		if found || err != nil {
			return st, found, err
		}
	}
	return Stamp{}, false, nil
}

// MaxTimestamp finds the record with the largest timestamp below limit; of several, the first.
func (l *Log) MaxTimestamp(limit wire.Offset) (Stamp, bool, error) {
	for {
		st, found, err := l.maxTimestamp(limit)
		if !errors.Is(err, errGone) {
			return st, found, err
		}
	}
}

func (l *Log) maxTimestamp(limit wire.Offset) (best Stamp, found bool, err error) {
	best.Timestamp = index.NoTimestamp
	start := l.Start()
	c := *l.chain.Load()
	for i := max(c.find(start), 0); i < len(c) && c[i].base < limit; i++ {
		largest, at, err := l.provenLargest(c[i])
		if err != nil {
			return best, found, err
		}
		if largest <= best.Timestamp {
			continue
		}
		if at >= limit || at < start {
			// The index knows only the whole segment: look at what of it is asked for.
			if largest, at, err = l.largestWithin(c[i], start, limit); err != nil {
				return best, found, err
			}
		}
		st, ok, err := l.firstRecord(c[i], max(start, c[i].base), limit,
			func(h header) bool { return h.last >= at },
			func(r *batch.Record) bool { return r.TimestampMs == largest && r.Offset >= start })
		if err != nil {
			return best, found, err
		}
		if ok && st.Timestamp > best.Timestamp {
			best, found = st, true
		}
	}
	return best, found, nil
}

// largestWithin is the largest timestamp of the batches that touch [start, limit), and the last offset of the first
// that has it.
func (l *Log) largestWithin(s *seg, start, limit wire.Offset) (ts int64, at wire.Offset, err error) {
	h, pos, err := l.seek(s, max(start, s.base))
	if err != nil {
		return 0, 0, err
	}
	defer h.ref.Release()
	w := newWalk(h)
	defer w.release()
	ts, at = index.NoTimestamp, s.base
	for size := s.size(); pos < size; {
		b, err := w.header(l, s, pos, size)
		if err != nil {
			return 0, 0, err
		}
		if b.base >= limit {
			break
		}
		if b.maxTs > ts {
			ts, at = b.maxTs, b.last
		}
		pos += b.size
	}
	return ts, at, nil
}

// floorTime looks into the time index. What it finds is held against the batch that the entry names: a wrong timestamp
// would hide records. Without an entry, or without the file, the search begins at the segment's start.
func (l *Log) floorTime(s *seg, ts int64) (e index.TimeEntry, ok bool, err error) {
	for try := 0; ; try++ {
		if e, ok, err = l.lookUpTime(s, ts); err == nil && ok {
			err = l.verifyTime(s, e)
		}
		if !isDamaged(err) {
			return e, ok, err
		}
		if mended, err := l.mendTimes(s, err, try); !mended {
			return index.TimeEntry{}, false, err
		}
	}
}

func (l *Log) lookUpTime(s *seg, ts int64) (index.TimeEntry, bool, error) {
	h, err := l.acquire(s)
	if err != nil {
		return index.TimeEntry{}, false, err
	}
	defer h.ref.Release()
	if h.times != nil {
		return h.times.Floor(ts)
	}
	l.names.Lock()
	defer l.names.Unlock()
	if s.dead {
		return index.TimeEntry{}, false, errGone
	}
	x, err := index.ReadTimes(l.fs, l.fileOf(s, timeSuffix), s.base)
	if err != nil {
		return index.TimeEntry{}, false, ignoreMissing(err)
	}
	e, ok, err := x.Floor(ts)
	return e, ok, errors.Join(err, x.Close())
}

// verifyTime compares an entry of the time index with the batch it names.
func (l *Log) verifyTime(s *seg, e index.TimeEntry) error {
	h, pos, err := l.seek(s, e.Offset)
	if err != nil {
		return err
	}
	defer h.ref.Release()
	w := newWalk(h)
	defer w.release()
	if size := s.size(); pos < size {
		b, err := w.header(l, s, pos, size)
		switch {
		case err == nil && b.last == e.Offset && (b.maxTs == e.Timestamp || b.empty):
			return nil // Kafka's cleaner counts the timestamp of a batch that it has emptied
		case err != nil && !isCorrupt(err):
			return err
		}
	}
	return &index.DamagedError{File: l.path(s.base, timeSuffix),
		Reason: fmt.Sprintf("no batch that ends with offset %d has %d as its largest timestamp", e.Offset, e.Timestamp)}
}

// mendTimes rebuilds the indexes of s. False: that did not help, or the disk is too full for it; then the search does
// without.
func (l *Log) mendTimes(s *seg, cause error, try int) (bool, error) {
	if try == maxReadTries {
		return false, nil
	}
	l.mu.Lock()
	s.dated, s.proven = false, false
	l.mu.Unlock()
	err := l.repair(s, nil, cause)
	if noSpace(err) {
		err, try = nil, maxReadTries
	}
	return err == nil && try < maxReadTries, err
}

// orderedTimes checks that the time index of s ascends. One that is written was looked at when it was opened.
func (l *Log) orderedTimes(s *seg) error {
	if h := s.h.Load(); h != nil && h.times != nil {
		return nil
	}
	l.names.Lock()
	defer l.names.Unlock()
	if s.dead {
		return errGone
	}
	x, err := index.ReadTimes(l.fs, l.fileOf(s, timeSuffix), s.base)
	if err != nil {
		return ignoreMissing(err)
	}
	return errors.Join(x.Verify(), x.Close())
}

// provenLargest is largest, held against the batch that has it: if that were wrong, a whole segment would be passed
// over.
func (l *Log) provenLargest(s *seg) (ts int64, at wire.Offset, err error) {
	for try := 0; ; try++ {
		ts, at, err = l.largest(s)
		l.mu.Lock()
		proven := s.proven && s.dated
		l.mu.Unlock()
		if err != nil || ts < 0 || proven {
			return ts, at, err
		}
		if err = l.orderedTimes(s); err == nil {
			err = l.verifyTime(s, index.TimeEntry{Timestamp: ts, Offset: at})
		}
		if isCorrupt(err) {
			err = nil // of the log itself: there is nothing to hold the index against, and whoever reads there is told
		}
		if !isDamaged(err) {
			l.mu.Lock()
			s.proven = err == nil
			l.mu.Unlock()
			return ts, at, err
		}
		mended, err := l.mendTimes(s, err, try)
		switch {
		case err != nil:
			return 0, 0, err
		case !mended:
			return l.largestWithin(s, s.base, math.MaxInt64)
		}
	}
}

// firstRecord finds the first record in s at or above from and below limit that accepts, looking only into batches that
// may hold one.
func (l *Log) firstRecord(s *seg, from, limit wire.Offset, may func(header) bool,
	accepts func(*batch.Record) bool) (st Stamp, found bool, err error) {
	h, pos, err := l.seek(s, max(from, s.base))
	if err != nil {
		return st, false, err
	}
	defer h.ref.Release()
	look := newWalk(h)
	defer look.release()
	sc := newScanner(h.ref.File())
	defer sc.release()
	for size := s.size(); pos < size; {
		head, err := look.header(l, s, pos, size)
		if err != nil {
			return st, false, err
		}
		if head.base >= limit {
			return st, false, nil
		}
		if may(head) {
			b, _, wrong, err := sc.batch(pos, size, s.base)
			if err != nil {
				return st, false, l.readError(s, err)
			}
			if wrong != "" {
				return st, false, l.corrupt(s, pos, wrong)
			}
			if st, found, err = firstIn(b, limit, accepts); found || err != nil {
				return st, found, err
			}
		}
		pos += head.size
	}
	return st, false, nil
}

func firstIn(b batch.View, limit wire.Offset, accepts func(*batch.Record) bool) (Stamp, bool, error) {
	var w batch.Walker
	var r batch.Record
	for w.Reset(b, 0); w.Next(&r); {
		if r.Offset < limit && accepts(&r) {
			return Stamp{Offset: r.Offset, Timestamp: r.TimestampMs, Epoch: b.LeaderEpoch()}, true, nil
		}
	}
	return Stamp{}, false, w.Err()
}
