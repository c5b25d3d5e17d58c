package segment

import (
	"errors"

	"tailrace/index"
	"tailrace/wire"
)

// Sealed describes a segment that is no longer appended to, for those who compact.
type Sealed struct {
	Base, Next wire.Offset // its offsets lie in [Base, Next)
	Bytes      int64
}

// Sealed lists all segments but the active one, oldest first.
func (l *Log) Sealed() []Sealed {
	c := *l.chain.Load()
	list := make([]Sealed, 0, len(c)-1)
	for i, s := range c[:len(c)-1] {
		list = append(list, Sealed{Base: s.base, Next: c[i+1].base, Bytes: s.size()})
	}
	return list
}

// IndexBytes is how long the two indexes of the segment at base are; of a missing one, 0.
func (l *Log) IndexBytes(base wire.Offset) (offsets, times int64) {
	l.names.Lock()
	defer l.names.Unlock()
	c := *l.chain.Load()
	i := c.find(base)
	if i < 0 {
		return 0, 0
	}
	for suffix, n := range map[string]*int64{indexSuffix: &offsets, timeSuffix: &times} {
		if info, err := l.fs.Stat(l.fileOf(c[i], suffix)); err == nil {
			*n = info.Size()
		}
	}
	return offsets, times
}

// LargestTimestamp is the largest timestamp in the segment at base, in ms since 1970; where no record has one, the time
// of the last append.
func (l *Log) LargestTimestamp(base wire.Offset) (int64, error) {
	s, err := l.segmentAt(base)
	if err != nil {
		return 0, err
	}
	ts, _, err := l.largest(s)
	if errors.Is(err, errGone) {
		err = ErrOvertaken
	}
	if err == nil && ts < 0 {
		l.mu.Lock()
		ts = s.wroteMs
		l.mu.Unlock()
	}
	return ts, err
}

// FirstTimestamp is the largest timestamp of the first batch in the segment at base, by which Kafka counts the
// segment's age; -1 without one.
func (l *Log) FirstTimestamp(base wire.Offset) (int64, error) {
	s, err := l.segmentAt(base)
	if err != nil || s.size() == 0 {
		return index.NoTimestamp, err
	}
	h, err := l.acquire(s)
	if errors.Is(err, errGone) {
		err = ErrOvertaken
	}
	if err != nil {
		return 0, err
	}
	defer h.ref.Release()
	w := newWalk(h)
	defer w.release()
	first, err := w.header(l, s, 0, s.size())
	return first.maxTs, err
}

// segmentAt is the segment that begins at base.
func (l *Log) segmentAt(base wire.Offset) (*seg, error) {
	c := *l.chain.Load()
	if i := c.find(base); i >= 0 && c[i].base == base {
		return c[i], nil
	}
	return nil, ErrOvertaken
}
