package segment

import (
	"errors"
	"io/fs"
	"slices"

	"tailrace/index"
	"tailrace/wire"
)

// Dropped is a segment that Retain took away.
type Dropped struct {
	Base, Next wire.Offset // its offsets: [Base, Next)
	Bytes      int64
	Reason     string // "time", "size" or "log start"
}

// SetStart raises the log start offset, which may lie inside a batch. It is never lowered. Above End: ErrOutOfRange.
func (l *Log) SetStart(off wire.Offset) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if off > l.End() {
		return ErrOutOfRange
	}
	l.start.Store(max(l.start.Load(), int64(off)))
	return nil
}

// Retain drops whole segments from the front: those below Start, and with Config.Delete those that are too old or too
// many. Nothing at or above upTo (the high watermark) goes. When that takes all segments, a new one is begun first.
// Start is raised before files go; files are renamed to ".deleted" and unlinked by Purge.
//
// A segment's age is that of its largest timestamp, as in Kafka, except that a timestamp ahead of the segment's last
// append counts as that: a client with a wrong clock cannot keep data for ever.
func (l *Log) Retain(nowMs int64, upTo wire.Offset) ([]Dropped, error) {
	if err := l.proveOld(nowMs); err != nil && !errors.Is(err, errGone) {
		return nil, err
	}
	l.work.Lock()
	defer l.work.Unlock()
	c := *l.chain.Load()
	dropped, err := l.expired(c, nowMs, upTo)
	if err != nil || len(dropped) == 0 {
		return nil, err
	}
	l.quiesce()
	err = l.usable()
	if now := *l.chain.Load(); err == nil && len(dropped) == len(c) {
		end := now.bound(len(c) - 1)
		if len(now) == len(c) {
			_, end = c.active().ends()
		}
		if end != dropped[len(c)-1].Next { // it was appended to meanwhile
			dropped = dropped[:len(c)-1]
		} else if len(now) == len(c) {
			err = l.rollNow(nowMs)
		}
	}
	if err != nil || len(dropped) == 0 {
		l.mu.Unlock()
		return nil, err
	}
	rest := (*l.chain.Load())[len(dropped):]
	l.start.Store(max(l.start.Load(), int64(rest[0].base)))
	l.publish(slices.Clone(rest))
	l.dirDirty = true
	l.mu.Unlock()
	l.runJobs() // if it was rolled, the files of the last segment are to be trimmed before they go
	for i := range dropped {
		if i > 0 { // oldest first for good, so that a power cut in between leaves no hole
			if err := l.fs.SyncDir(l.dir); err != nil {
				return dropped[:i], l.poison(l.failure("dropping a segment", err))
			}
		}
		if err := l.doom(c[i], nowMs); err != nil {
			return dropped[:i], l.failure("dropping a segment", err)
		}
	}
	return dropped, nil
}

// expired lists the segments of c that may go, oldest first. Under work.
func (l *Log) expired(c chain, nowMs int64, upTo wire.Offset) ([]Dropped, error) {
	cfg := l.config.Load()
	var list []Dropped
	excess := l.Size() - cfg.RetentionBytes
	for i, s := range c {
		next := c.bound(i)
		active := i == len(c)-1
		if active {
			_, next = s.ends()
		}
		size := s.size()
		if next > upTo || active && size == 0 {
			break
		}
		reason := ""
		switch {
		case !active && next <= l.Start():
			reason = "log start"
		case !cfg.Delete:
		case cfg.RetentionBytes >= 0 && excess >= size:
			reason = "size"
		case cfg.RetentionMs >= 0:
			old, err := l.isOld(s, nowMs, cfg.RetentionMs)
			if err != nil {
				return nil, err
			}
			if old {
				reason = "time"
			}
		}
		if reason == "" {
			break
		}
		excess -= size
		list = append(list, Dropped{Base: s.base, Next: next, Bytes: size, Reason: reason})
	}
	return list, nil
}

// proveOld holds the largest timestamps of the segments that look old against the batches that have them: an index that
// lies must not cost records. It may repair indexes, and so runs before Retain takes work.
func (l *Log) proveOld(nowMs int64) error {
	cfg := l.config.Load()
	if !cfg.Delete || cfg.RetentionMs < 0 {
		return nil
	}
	for _, s := range *l.chain.Load() {
		if old, err := l.looksOld(s, nowMs, cfg.RetentionMs); err != nil || !old {
			return err
		}
		if _, _, err := l.provenLargest(s); err != nil {
			return err
		}
	}
	return nil
}

// isOld tells whether s is past retention.ms, and that its timestamp was proven.
func (l *Log) isOld(s *seg, nowMs, retentionMs int64) (bool, error) {
	old, err := l.looksOld(s, nowMs, retentionMs)
	l.mu.Lock()
	defer l.mu.Unlock()
	return old && (s.proven || s.maxTs < 0), err
}

// looksOld goes by the largest timestamp that the index tells, and by the time of the last append.
func (l *Log) looksOld(s *seg, nowMs, retentionMs int64) (bool, error) {
	born, _, err := l.largest(s)
	l.mu.Lock()
	wrote := s.wroteMs
	l.mu.Unlock()
	if born < 0 || born > wrote {
		born = wrote
	}
	return nowMs-born > retentionMs, err
}

// largest is the largest timestamp in s and the last offset of the batch that has it: -1 when no batch has any.
func (l *Log) largest(s *seg) (int64, wire.Offset, error) {
	l.mu.Lock()
	if s.dated || s == l.chain.Load().active() {
		// The active segment is read under the lock, lest its files change under an append.
		defer l.mu.Unlock()
		return l.dateLocked(s)
	}
	l.mu.Unlock()
	e, err := l.readLargest(s)
	if err != nil {
		return 0, 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.dated, s.maxTs, s.maxTsAt = true, e.Timestamp, e.Offset
	return e.Timestamp, e.Offset, nil
}

func (l *Log) dateLocked(s *seg) (int64, wire.Offset, error) {
	if !s.dated {
		e, err := l.readLargest(s)
		if err != nil {
			return 0, 0, err
		}
		s.dated, s.maxTs, s.maxTsAt = true, e.Timestamp, e.Offset
	}
	return s.maxTs, s.maxTsAt, nil
}

// readLargest takes the last entry of the time index; of a small segment without entries, the batches themselves.
func (l *Log) readLargest(s *seg) (index.TimeEntry, error) {
	none := index.TimeEntry{Timestamp: index.NoTimestamp, Offset: s.base}
	if s.size() == 0 {
		return none, nil
	}
	e, err := l.lastTime(s)
	if err == nil && e.Timestamp >= 0 {
		return e, nil
	}
	h, openErr := l.acquire(s)
	if openErr != nil {
		return none, openErr
	}
	defer h.ref.Release()
	if isDamaged(err) && (s.size() > smallSegment || !errors.Is(err, fs.ErrNotExist)) {
		l.names.Lock()
		if s.dead {
			err = errGone
		} else {
			err = l.rebuild(s, h.ref.File(), err)
		}
		l.names.Unlock()
		if err == nil {
			e, err = l.lastTime(s)
		}
		return e, err
	}
	if s.size() > smallSegment {
		return none, ignoreMissing(err)
	}
	w := newWalk(h)
	defer w.release()
	for pos, end := int64(0), s.size(); pos < end; {
		b, err := w.header(l, s, pos, end)
		if err != nil {
			return none, err
		}
		if b.maxTs > none.Timestamp {
			none = index.TimeEntry{Timestamp: b.maxTs, Offset: b.last}
		}
		pos += b.size
	}
	return none, nil
}

func (l *Log) lastTime(s *seg) (index.TimeEntry, error) {
	l.names.Lock()
	defer l.names.Unlock()
	x, err := index.ReadTimes(l.fs, l.fileOf(s, timeSuffix), s.base)
	if err != nil {
		return index.TimeEntry{}, err
	}
	e, err := x.Last()
	return e, errors.Join(err, x.Close())
}
