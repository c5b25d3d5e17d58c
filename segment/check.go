package segment

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"tailrace/batch"
	"tailrace/index"
	"tailrace/vfs"
	"tailrace/wire"
)

// checkEnd looks at the end of a segment that nobody writes, from its last index entry on. It is done before the first
// use, so that opening a log need not read. Three things are put right here, without a word because nothing is lost:
//
//	zeros          a reserve that was not trimmed, because of a kill, or of power lost right after a roll
//	stale batches  what Truncate took away: offsets that belong to the next segment, or, torn by a power cut,
//	               less than a header, or anything after offsets that reach up to the next segment
//
// A *index.DamagedError means that the index is to be rebuilt.
func (l *Log) checkEnd(s *seg, f vfs.File, offsets *index.Offsets, first bool) error {
	end := s.size()
	w := walks.Get().(*walk)
	w.file, w.n = f, 0
	defer w.release()
	bound := l.boundOf(s)
	if e, err := lastOffset(offsets); err != nil {
		return err
	} else if e >= bound {
		return errStaleIndex
	}
	pos, next, err := l.lastEntry(s, w, offsets, end)
	if err != nil {
		return err
	}
	start, batches := pos, 0
	for ; pos < end; batches++ {
		h, err := w.header(l, s, pos, end)
		if err == nil && h.base < bound {
			pos, next = pos+h.size, h.next()
			continue
		}
		if err != nil && !isCorrupt(err) {
			return err
		}
		zero, err := isZero(f, pos, end)
		if err != nil {
			return err
		}
		if zero || h.base >= bound || next == bound || end-pos < batch.HeaderSize {
			s.stale = true
			s.tail.Store(uint64(next-s.base)<<32 | uint64(uint32(pos)))
		} // else it is damage: the read that gets there will say so
		break
	}
	if first && batches > 1000 && pos-start > 8*int64(l.config.Load().IndexIntervalBytes) {
		return &index.DamagedError{File: l.path(s.base, indexSuffix),
			Reason: fmt.Sprintf("no entry for the last %d batches", batches)}
	}
	if _, want := s.ends(); bound == math.MaxInt64 && next != want {
		return l.corrupt(s, pos, fmt.Sprintf("the log ends with offset %d, but was closed in order at %d", next, want))
	}
	return nil
}

// boundOf is the offset below which those of s lie.
func (l *Log) boundOf(s *seg) wire.Offset {
	c := *l.chain.Load()
	return c.bound(c.find(s.base))
}

// errStaleIndex: a power cut has brought back index entries of batches that were truncated.
var errStaleIndex = errors.New("stale index entries")

func lastOffset(x *index.Offsets) (wire.Offset, error) {
	if x == nil || x.Len() == 0 {
		return -1, nil
	}
	e, err := x.Last()
	return e.Offset, err
}

// lastEntry is where the walk to the end of a segment begins: at the batch of its last index entry, which must be
// there. next is the end offset so far.
func (l *Log) lastEntry(s *seg, w *walk, offsets *index.Offsets, end int64) (pos int64, next wire.Offset, err error) {
	if offsets == nil || offsets.Len() == 0 {
		return 0, s.base, nil
	}
	e, err := offsets.Last()
	if err != nil {
		return 0, 0, err
	}
	if e.Pos > 0 && int64(e.Pos) < end {
		if h, err := w.header(l, s, int64(e.Pos), end); err == nil && h.last == e.Offset {
			return int64(e.Pos), h.base, nil
		} else if err != nil && !isCorrupt(err) {
			return 0, 0, err
		}
	}
	return 0, 0, misleading(offsets, e)
}

// misleading is the error for an entry that does not point to the batch it names.
func misleading(offsets *index.Offsets, e index.OffsetEntry) error {
	return &index.DamagedError{File: offsets.Name(),
		Reason: fmt.Sprintf("no batch that ends with offset %d is at position %d", e.Offset, e.Pos)}
}

func isCorrupt(err error) bool {
	var corrupt *CorruptError
	return errors.As(err, &corrupt)
}

// isZero tells whether [pos, end) of f holds nothing but zeros.
func isZero(f vfs.File, pos, end int64) (bool, error) {
	buf := make([]byte, min(end-pos, 64<<10))
	for pos < end {
		b := buf[:min(end-pos, int64(len(buf)))]
		if n, err := f.ReadAt(b, pos); n < len(b) && err != io.EOF {
			return false, err
		}
		for _, x := range b {
			if x != 0 {
				return false, nil
			}
		}
		pos += int64(len(b))
	}
	return true, nil
}

// rebuild makes the indexes of a segment that nobody writes anew, from the headers in its log file f. The old files
// stay as they are until the new ones replace them. Under Log.names.
func (l *Log) rebuild(s *seg, f vfs.File, cause error) error {
	if !errors.Is(cause, errStaleIndex) {
		l.warn("index damaged: rebuilt from the log", "file", l.path(s.base, logSuffix), "reason", cause)
	}
	x, err := l.openIndexer(s.base, cleanedSuffix, os.O_TRUNC)
	if err != nil {
		return err
	}
	err = l.indexHeaders(&x, s, f)
	if err == nil {
		err = x.finish()
	}
	if err = errors.Join(err, x.close()); err != nil {
		return err
	}
	return l.placeIndexes(s)
}

// indexHeaders adds all batches of s to an empty index.
func (l *Log) indexHeaders(x *indexer, s *seg, f vfs.File) error {
	w := walks.Get().(*walk)
	w.file, w.n = f, 0
	defer w.release()
	bound, next := l.boundOf(s), s.base
	for pos, end := int64(0), s.size(); pos < end; {
		h, err := w.header(l, s, pos, end)
		if isCorrupt(err) || err == nil && (h.base >= bound || h.base < next) {
			return nil // what lies beyond cannot be found, or is not of this segment
		}
		if err != nil {
			return err
		}
		if err := x.note(h, pos); err != nil && !errors.Is(err, index.ErrFull) {
			return err
		}
		pos, next = pos+h.size, h.next()
	}
	return nil
}

// placeIndexes gives finished index files their names. Under Log.names.
func (l *Log) placeIndexes(s *seg) error {
	for _, suffix := range [...]string{indexSuffix, timeSuffix} {
		if err := l.rename(l.path(s.base, suffix)+cleanedSuffix, l.fileOf(s, suffix)); err != nil {
			return err
		}
	}
	return nil
}
