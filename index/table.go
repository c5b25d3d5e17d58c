package index

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"tailrace/vfs"
)

// ErrFull says that an index has no room for another entry within segment.index.bytes. The segment must roll.
var ErrFull = errors.New("index is full")

// DamagedError says that a file cannot be the index it should be. The cure is to rebuild it from the log.
type DamagedError struct {
	File   string
	Reason string
}

// Error implements error.
func (e *DamagedError) Error() string { return fmt.Sprintf("%s: damaged index: %s", e.File, e.Reason) }

// firstRoom is what the first reservation takes, in bytes: one block. Later ones double, so that a log that stays small
// costs little and one that grows is not interrupted often.
const firstRoom = 4096

// table is a file of entries of one width, sorted, the oldest first:
//
//	0        width     2*width        n*width          room
//	+---------+---------+-- - - - - --+----------------+ - - - - -> segment.index.bytes
//	| entry 0 | entry 1 |             | zeros          |
//	+---------+---------+-- - - - - --+----------------+
//	|<------ published entries ------>|<- reserved --->|
//
// A table is open for writing (mapped, reserved ahead) or for reading (no mapping, found by pread). The zeros are there
// only while it is being written; a kill leaves them, Trim and the next open take them away.
type table struct {
	file  vfs.File
	m     vfs.Mapping // nil: opened for reading, or the kernel has no mappings left; then pread and pwrite
	width int

	n atomic.Int64 // published entries; stored by the writer only

	// For the writer.
	max  int64    // entries at most
	room int64    // entries whose bytes are reserved
	buf  [12]byte // the entry on its way to the file
}

// openForWriting opens or creates a table and maps its window. maxBytes is segment.index.bytes.
func (t *table) openForWriting(fsys vfs.FS, name string, maxBytes int) error {
	f, err := fsys.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	t.file = f
	if err := t.mapWindow(maxBytes); err != nil {
		return errors.Join(err, t.Close())
	}
	return nil
}

func (t *table) mapWindow(maxBytes int) error {
	size, err := t.file.Size()
	if err != nil {
		return err
	}
	if size > 1<<31 {
		return t.damaged("%d bytes long", size)
	}
	t.max = max(int64(maxBytes), firstRoom, size) / int64(t.width)
	// A mapping that the kernel refuses (vm.max_map_count) is not needed: pwrite takes its place.
	if m, err := t.file.Map(int(t.max) * t.width); err == nil {
		t.m = m
	}
	return nil
}

// openForReading opens a table that is complete.
func (t *table) openForReading(fsys vfs.FS, name string) error {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	t.file = f
	size, err := f.Size()
	switch {
	case err != nil:
	case size%int64(t.width) != 0:
		err = t.damaged("%d bytes are not a whole number of entries", size)
	case size > 1<<31:
		err = t.damaged("%d bytes long", size)
	}
	if err != nil {
		return errors.Join(err, t.Close())
	}
	t.n.Store(size / int64(t.width))
	t.max = t.n.Load()
	return nil
}

// Len is the number of entries.
func (t *table) Len() int { return int(t.n.Load()) }

// Name is the file's path as it was opened.
func (t *table) Name() string { return t.file.Name() }

// Mapped tells whether the table holds a mapping.
func (t *table) Mapped() bool { return t.m != nil }

// HasRoom tells whether another entry can be appended without asking the file system for space. For the writer.
func (t *table) HasRoom() bool { return t.n.Load() < t.room }

// Grow reserves room for more entries: twice as much as now. It fails with ErrFull, or with the error of the file
// system (ENOSPC among them), and then the room is as before. For the writer, who must not append at the same time.
func (t *table) Grow() error {
	n := t.n.Load()
	if n >= t.max {
		return ErrFull
	}
	w := int64(t.width)
	bytes := int64(firstRoom)
	for bytes < (n+1)*w {
		bytes *= 2
	}
	if t.room*w >= bytes {
		bytes *= 2
	}
	bytes = min(bytes, t.max*w)
	if err := Reserve(t.file, n*w, bytes-n*w); err != nil {
		return err
	}
	if t.m != nil {
		if err := t.file.Truncate(bytes); err != nil {
			return err
		}
		t.m.Reserve(vfs.Pos(bytes))
	}
	t.room = bytes / w
	return nil
}

// scan hands the entries of a table that was just opened for writing to take, oldest first, until it says no. From
// there on the file must hold zeros, left by a kill; anything else is damage.
func (t *table) scan(take func(entry []byte) bool) error {
	size, err := t.file.Size()
	if err != nil {
		return err
	}
	w := int64(t.width)
	chunk := make([]byte, min(size, 4096*w))
	tail := false
	for at := int64(0); at < size; at += int64(len(chunk)) {
		b := chunk[:min(int64(len(chunk)), size-at)]
		if _, err := t.file.ReadAt(b, at); err != nil && err != io.EOF {
			return err
		}
		for ; !tail && int64(len(b)) >= w && take(b[:w]); b = b[w:] {
			t.n.Add(1)
		}
		tail = tail || len(b) > 0
		for _, x := range b {
			if x != 0 {
				return t.damaged("entry %d is out of order", t.n.Load())
			}
		}
	}
	t.room = 0
	return nil
}

// each hands every entry to fn, oldest first, until it fails. Allocates: for checks, not for lookups.
func (t *table) each(fn func(entry []byte) error) error {
	n, w := t.n.Load(), int64(t.width)
	chunk := make([]byte, min(n, 4096)*w)
	for i := int64(0); i < n; i += 4096 {
		b := chunk[:min(4096, n-i)*w]
		if err := t.read(b, i); err != nil {
			return err
		}
		for ; len(b) > 0; b = b[w:] {
			if err := fn(b[:w]); err != nil {
				return err
			}
		}
	}
	return nil
}

// append writes t.buf as the next entry.
func (t *table) append() error {
	n := t.n.Load()
	if n >= t.max {
		return ErrFull
	}
	if n >= t.room {
		if err := t.Grow(); err != nil {
			return err
		}
	}
	var err error
	at := n * int64(t.width)
	if t.m != nil {
		err = t.m.WriteAt(t.buf[:t.width], vfs.Pos(at))
	} else {
		_, err = t.file.WriteAt(t.buf[:t.width], at)
	}
	if err != nil {
		return err
	}
	t.n.Store(n + 1)
	return nil
}

// Trim cuts the file after the last entry: no reader touches what goes. Appending again reserves anew. For the writer.
func (t *table) Trim() error {
	t.room = t.n.Load()
	size, err := t.file.Size()
	if want := t.room * int64(t.width); err == nil && size != want {
		err = t.file.Truncate(want)
	}
	return err
}

// Sync makes the entries durable.
func (t *table) Sync() error { return t.file.Sync() }

// Close unmaps and closes the file. It does not trim.
func (t *table) Close() error {
	var err error
	if t.m != nil {
		err = t.m.Unmap()
		t.m = nil
	}
	return errors.Join(err, t.file.Close())
}

func (t *table) damaged(format string, args ...any) error {
	return &DamagedError{File: t.file.Name(), Reason: fmt.Sprintf(format, args...)}
}

// windowEntries is how many entries one pread of a search brings in.
const windowEntries = 64

// windows are the buffers of searches: reads go through an interface, which would move a local buffer to the heap.
var windows = sync.Pool{New: func() any { return new([windowEntries * 12]byte) }}

// read brings entries [i, i+len(b)/width) into b.
func (t *table) read(b []byte, i int64) error {
	at := i * int64(t.width)
	if t.m != nil {
		return t.m.ReadAt(b, vfs.Pos(at))
	}
	n, err := t.file.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		return t.damaged("ends at %d, where %d entries were", at+int64(n), t.n.Load())
	}
	return err
}

// keyOf takes what a search compares out of an entry.
type keyOf func(entry []byte) int64

// search finds the last of the n first entries whose key is at most want, copies it to out and returns its number, or
// -1 when there is none. Keys are taken to ascend; where they do not (a damaged file) some entry is found, or none.
//
// Keys that begin at 0 and grow about evenly are interpolated at first: three or four reads find one of 262,144
// entries, where halving takes twelve.
func (t *table) search(want int64, key keyOf, even bool, out []byte) (int64, error) {
	buf := windows.Get().(*[windowEntries * 12]byte)
	defer windows.Put(buf)
	lo, hi := int64(0), t.n.Load() // the answer lies in [lo-1, hi)
	lowKey, highKey := int64(0), int64(0)
	found := int64(-1)
	for step := 0; lo < hi; step++ {
		mid := lo + (hi-lo)/2
		if step == 0 {
			mid = hi - 1 // readers are near the end more often than not
		} else if even && step < 5 && want > lowKey && want < highKey {
			mid = lo + int64(float64(want-lowKey)/float64(highKey-lowKey)*float64(hi-lo))
		}
		first := max(lo, min(mid-windowEntries/2, hi-windowEntries))
		count := min(hi-first, windowEntries)
		w := buf[:count*int64(t.width)]
		if err := t.read(w, first); err != nil {
			return -1, err
		}
		k := t.inWindow(w, want, key)
		if k < 0 {
			hi, highKey = first, key(w)
			continue
		}
		e := w[k*int64(t.width):][:t.width]
		found = first + k
		copy(out, e)
		lo, lowKey = found+1, key(e)
		if k < count-1 {
			hi = lo
		}
	}
	return found, nil
}

// inWindow is the last entry of w whose key is at most want, or -1.
func (t *table) inWindow(w []byte, want int64, key keyOf) int64 {
	lo, hi := 0, len(w)/t.width
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if key(w[mid*t.width:]) <= want {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return int64(lo) - 1
}
