package index

import (
	"encoding/binary"
	"errors"
	"math"

	"tailrace/vfs"
	"tailrace/wire"
)

// Offsets is the sparse offset index of a segment (.index).
//
//	 0       4       8
//	+-------+-------+
//	| rel   | pos   |   rel: int32, offset minus the segment's base offset
//	+-------+-------+   pos: int32, where in the .log the batch begins whose LAST offset this is
//
// Both ascend from entry to entry. The first batch of a segment has no entry, so pos is never 0.
type Offsets struct {
	table
	base wire.Offset
	last OffsetEntry // for the writer
}

// OffsetEntry says that the batch at Pos ends with Offset.
type OffsetEntry struct {
	Offset wire.Offset
	Pos    vfs.Pos
}

const offsetWidth = 8

// OpenOffsets opens or creates the offset index of the segment with the given base offset for writing. Every entry is
// checked for order; zeros after the last one are trimmed. A file that is out of order is a *DamagedError.
func OpenOffsets(fsys vfs.FS, name string, base wire.Offset, maxBytes int) (*Offsets, error) {
	x := &Offsets{base: base}
	x.width = offsetWidth
	if err := x.openForWriting(fsys, name, maxBytes); err != nil {
		return nil, err
	}
	if err := x.check(); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// ReadOffsets opens a complete offset index for reading. Only its size and last entry are checked here: the caller
// compares each entry it uses with the batch it points to.
func ReadOffsets(fsys vfs.FS, name string, base wire.Offset) (*Offsets, error) {
	x := &Offsets{base: base}
	x.width = offsetWidth
	if err := x.openForReading(fsys, name); err != nil {
		return nil, err
	}
	last, err := x.Last()
	if err == nil && x.Len() > 0 && (last.Offset < base || last.Pos <= 0) {
		err = x.damaged("the last entry says offset %d at position %d", last.Offset, last.Pos)
	}
	if err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// Verify reads an index that was opened for reading from end to end and checks that it ascends, as it did when it was
// written. One entry in disorder hides others from a search, which then is slow, and right all the same: so nobody
// would notice.
func (x *Offsets) Verify() error {
	before := OffsetEntry{Offset: x.base - 1}
	return x.each(func(b []byte) error {
		e := x.decode(b)
		if e.Offset <= before.Offset || e.Pos <= before.Pos {
			return x.damaged("offset %d at position %d follows offset %d at position %d",
				e.Offset, e.Pos, before.Offset, before.Pos)
		}
		before = e
		return nil
	})
}

func (x *Offsets) decode(b []byte) OffsetEntry {
	rel := int32(binary.BigEndian.Uint32(b))
	pos := int32(binary.BigEndian.Uint32(b[4:]))
	return OffsetEntry{Offset: x.base + wire.Offset(rel), Pos: vfs.Pos(pos)}
}

func relOfOffset(b []byte) int64 { return int64(int32(binary.BigEndian.Uint32(b))) }
func posOfOffset(b []byte) int64 { return int64(int32(binary.BigEndian.Uint32(b[4:]))) }

// check counts the entries of a table opened for writing.
func (x *Offsets) check() error {
	return x.scan(func(b []byte) bool {
		e := x.decode(b)
		if e.Pos <= x.last.Pos || e.Offset < x.base || x.Len() > 0 && e.Offset <= x.last.Offset {
			return false
		}
		x.last = e
		return true
	})
}

// Append adds an entry; both its fields must be above the last one's, and its offset within int32 of the base.
func (x *Offsets) Append(e OffsetEntry) error {
	rel := int64(e.Offset - x.base)
	if rel < 0 || rel > math.MaxInt32 || e.Pos <= x.last.Pos || e.Pos > math.MaxInt32 ||
		x.Len() > 0 && e.Offset <= x.last.Offset {
		return x.damaged("BUG: entry (%d, %d) after (%d, %d)", e.Offset, e.Pos, x.last.Offset, x.last.Pos)
	}
	binary.BigEndian.PutUint32(x.buf[:], uint32(rel))
	binary.BigEndian.PutUint32(x.buf[4:], uint32(e.Pos))
	if err := x.append(); err != nil {
		return err
	}
	x.last = e
	return nil
}

// Full tells whether the segment must roll.
func (x *Offsets) Full() bool { return x.n.Load() >= x.max }

// Floor is the last entry whose offset is at most off; ok is false when there is none.
func (x *Offsets) Floor(off wire.Offset) (e OffsetEntry, ok bool, err error) {
	return x.find(int64(off-x.base), relOfOffset)
}

// FloorPos is the last entry whose position is at most pos; ok is false when there is none.
func (x *Offsets) FloorPos(pos vfs.Pos) (e OffsetEntry, ok bool, err error) {
	return x.find(int64(pos), posOfOffset)
}

func (x *Offsets) find(want int64, key keyOf) (OffsetEntry, bool, error) {
	var b [offsetWidth]byte
	i, err := x.search(want, key, true, b[:])
	if err != nil || i < 0 {
		return OffsetEntry{}, false, err
	}
	return x.decode(b[:]), true, nil
}

// Last is the newest entry, zero when there is none.
func (x *Offsets) Last() (OffsetEntry, error) { return x.At(x.Len() - 1) }

// At is entry i. Below 0 it is the zero entry. Allocates: for checks, not for lookups.
func (x *Offsets) At(i int) (OffsetEntry, error) {
	if i < 0 {
		return OffsetEntry{}, nil
	}
	b := make([]byte, offsetWidth)
	err := x.read(b, int64(i))
	return x.decode(b), err
}

// Drop forgets the newest entries so that n remain; later ones overwrite them. For the writer, and only for entries
// that no reader may need.
func (x *Offsets) Drop(n int) error {
	x.n.Store(min(int64(n), x.n.Load()))
	last, err := x.Last()
	x.last = last
	return err
}

// Cut keeps the first n entries and erases the others from the file. For the writer, before there are readers.
func (x *Offsets) Cut(n int) error { return errors.Join(x.Drop(n), x.Trim()) }

// Rebase gives an index that is still empty to the segment with another base offset.
func (x *Offsets) Rebase(base wire.Offset) { x.base = base }
