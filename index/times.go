package index

import (
	"encoding/binary"
	"errors"
	"math"

	"tailrace/vfs"
	"tailrace/wire"
)

// Times is the time index of a segment (.timeindex).
//
//	 0               8      12
//	+---------------+-------+
//	| timestamp     | rel   |   timestamp: int64, ms, the largest of any batch so far
//	+---------------+-------+   rel: int32, last offset of the batch that has it, minus the base offset
//
// Timestamps ascend, offsets do not descend. An entry is written together with one of the offset index if the largest
// timestamp has grown since, and one more when the segment is rolled or closed: so the last entry of a complete
// time index tells the largest timestamp of the segment.
type Times struct {
	table
	base wire.Offset
	last TimeEntry // for the writer
}

// TimeEntry says that no batch up to the one that ends with Offset has a timestamp above Timestamp.
type TimeEntry struct {
	Timestamp int64
	Offset    wire.Offset
}

// NoTimestamp is Kafka's "this batch has no timestamp".
const NoTimestamp = -1

const timeWidth = 12

// OpenTimes opens or creates a time index for writing, as OpenOffsets does.
func OpenTimes(fsys vfs.FS, name string, base wire.Offset, maxBytes int) (*Times, error) {
	x := &Times{base: base, last: TimeEntry{NoTimestamp, base}}
	x.width = timeWidth
	if err := x.openForWriting(fsys, name, maxBytes); err != nil {
		return nil, err
	}
	if err := x.check(); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// ReadTimes opens a complete time index for reading.
func ReadTimes(fsys vfs.FS, name string, base wire.Offset) (*Times, error) {
	x := &Times{base: base}
	x.width = timeWidth
	if err := x.openForReading(fsys, name); err != nil {
		return nil, err
	}
	last, err := x.Last()
	if err == nil && (last.Timestamp < NoTimestamp || last.Offset < base) {
		err = x.damaged("the last entry says timestamp %d at offset %d", last.Timestamp, last.Offset)
	}
	if err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// Verify reads an index that was opened for reading from end to end and checks that it ascends, as it did when it was
// written; see Offsets.Verify.
func (x *Times) Verify() error {
	before := TimeEntry{NoTimestamp, x.base}
	return x.each(func(b []byte) error {
		e := x.decode(b)
		if e.Timestamp <= before.Timestamp || e.Offset < before.Offset {
			return x.damaged("timestamp %d at offset %d follows timestamp %d at offset %d",
				e.Timestamp, e.Offset, before.Timestamp, before.Offset)
		}
		before = e
		return nil
	})
}

func (x *Times) decode(b []byte) TimeEntry {
	rel := int32(binary.BigEndian.Uint32(b[8:]))
	return TimeEntry{Timestamp: int64(binary.BigEndian.Uint64(b)), Offset: x.base + wire.Offset(rel)}
}

func timestampOf(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

func (x *Times) check() error {
	return x.scan(func(b []byte) bool {
		e := x.decode(b)
		if e.Timestamp <= x.last.Timestamp || e.Offset < x.last.Offset {
			return false
		}
		x.last = e
		return true
	})
}

// Append adds an entry unless the timestamp is not above the last one's, which is no error.
func (x *Times) Append(e TimeEntry) error {
	if e.Timestamp <= x.last.Timestamp {
		return nil
	}
	rel := int64(e.Offset - x.base)
	if rel < 0 || rel > math.MaxInt32 || e.Offset < x.last.Offset {
		return x.damaged("BUG: entry (%d, %d) after (%d, %d)", e.Timestamp, e.Offset, x.last.Timestamp, x.last.Offset)
	}
	binary.BigEndian.PutUint64(x.buf[:], uint64(e.Timestamp))
	binary.BigEndian.PutUint32(x.buf[8:], uint32(rel))
	if err := x.append(); err != nil {
		return err
	}
	x.last = e
	return nil
}

// Full tells whether the segment must roll. One entry is kept free for the roll itself.
func (x *Times) Full() bool { return x.n.Load() >= x.max-1 }

// Floor is the last entry whose timestamp is at most ts; ok is false when there is none.
func (x *Times) Floor(ts int64) (e TimeEntry, ok bool, err error) {
	var b [timeWidth]byte
	i, err := x.search(ts, timestampOf, false, b[:])
	if err != nil || i < 0 {
		return TimeEntry{}, false, err
	}
	return x.decode(b[:]), true, nil
}

// Last is the newest entry; without one, NoTimestamp at the base offset.
func (x *Times) Last() (TimeEntry, error) { return x.At(x.Len() - 1) }

// At is entry i. Below 0 it is NoTimestamp at the base offset. Allocates: for checks, not for lookups.
func (x *Times) At(i int) (TimeEntry, error) {
	if i < 0 {
		return TimeEntry{NoTimestamp, x.base}, nil
	}
	b := make([]byte, timeWidth)
	err := x.read(b, int64(i))
	return x.decode(b), err
}

// Drop forgets the newest entries so that n remain; later ones overwrite them. For the writer, and only for entries
// that no reader may need.
func (x *Times) Drop(n int) error {
	x.n.Store(min(int64(n), x.n.Load()))
	last, err := x.Last()
	x.last = last
	return err
}

// Cut keeps the first n entries and erases the others from the file. For the writer, before there are readers.
func (x *Times) Cut(n int) error { return errors.Join(x.Drop(n), x.Trim()) }

// Rebase gives an index that is still empty to the segment with another base offset.
func (x *Times) Rebase(base wire.Offset) { x.base, x.last = base, TimeEntry{NoTimestamp, base} }

// HasRoom tells whether an entry, and the one of the roll after it, can be written without asking the file system.
func (x *Times) HasRoom() bool { return x.n.Load()+1 < x.room }
