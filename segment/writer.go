package segment

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"tailrace/index"
	"tailrace/vfs"
	"tailrace/wire"
)

// writer is what a segment has while it is appended to, or prepared for that:
//
//	0                      tail                sized             reserved              window
//	+----------------------+-------------------+ - - - - - - - - + - - - - - - - - - - +
//	| batches              | zeros, written    | blocks, no bytes| addresses only      |
//	+----------------------+-------------------+ - - - - - - - - + - - - - - - - - - - +
//	                        the file's size     fallocate         mmap
//
// The window is segment.bytes long and costs nothing but addresses. Blocks are reserved in growing steps, so that a
// file is in one piece and a full disk shows here. Ahead of the tail, in steps of at most 1 MiB, zeros are written by
// pwrite: that is the cheapest way to bring pages into the page cache, many at once, and a batch is then copied over
// them. To have each page made by a fault in the mapping, or by MADV_POPULATE_WRITE, costs six times as much CPU; and
// blocks that were written before make an fdatasync twice as fast. The zeros are written ahead by tend; an append
// that is faster writes a few by itself. finish takes back everything behind the tail.
type writer struct {
	seg       *seg // nil while prepared
	h         *handle
	file      vfs.File
	m         vfs.Mapping // nil: the kernel has no mappings left
	window    int64
	index     indexer
	unsettled string // the condition under which the index files still lie, "" if under their own names

	// Under Log.mu.
	firstTs     int64 // timestamp of the segment's first batch, -1 without one
	createdMs   int64
	dirty       bool  // appended to since the last Sync
	noNext      bool  // preparing the next segment failed: the roll will try again
	noSpaceAt   int64 // extending ahead failed at this size, plus one
	small       bool  // the last batch went where zeros were written before
	hotTurned   int64 // what lies below was written before hotTurnedMs
	hotTurnedMs int64

	extend   sync.Mutex
	from     int64        // the tail when the segment was opened: what to measure growth by
	reserved int64        // under extend
	retired  bool         // under extend: nothing is reserved any more
	sized    atomic.Int64 // stored under extend
}

const (
	firstReserve = 64 << 10 // a log that stays small costs little
	maxReserve   = 16 << 20 // blocks taken at once
	firstZeros   = 16 << 10
	maxZeros     = 1 << 20
	// zeroedBelow is up to what size a batch that will be synced is worth writing its bytes twice.
	zeroedBelow = 32 << 10
	// inlineZeros bounds what an append writes by itself: some ten microseconds.
	inlineZeros = 64 << 10
)

// openWriter opens a segment's files for appending. base names them, with condition added.
func (l *Log) openWriter(base wire.Offset, condition string, size int64, flag int) (*writer, error) {
	name := l.path(base, logSuffix) + condition
	f, err := l.openFile(name, os.O_RDWR|os.O_CREATE|flag)
	if err != nil {
		return nil, err
	}
	c := l.config.Load()
	w := &writer{file: f, from: size, reserved: size, firstTs: index.NoTimestamp, unsettled: condition}
	w.sized.Store(size)
	w.window = min(max(int64(c.SegmentBytes), size), maxSegmentBytes)
	if l.mapBelow > 0 {
		if m, err := f.Map(int(w.window)); err == nil {
			w.m = m
		}
	}
	if w.index, err = l.openIndexer(base, condition, flag); err != nil {
		return nil, errors.Join(err, w.discard())
	}
	return w, nil
}

// makeReady takes the space that a writer must have before its first append.
func (l *Log) makeReady(w *writer) error {
	if err := w.index.makeRoom(); err != nil {
		return err
	}
	if l.config.Load().Preallocate {
		return w.preallocate()
	}
	return nil
}

// holds is how many descriptors and mappings a prepared writer has.
func (w *writer) holds() (files, maps int64) {
	for _, mapped := range [...]bool{w.m != nil, w.index.offsets.Mapped(), w.index.times.Mapped()} {
		files++
		if mapped {
			maps++
		}
	}
	return files, maps
}

// discard closes a writer that has no handle yet.
func (w *writer) discard() error {
	var err error
	if w.index.times != nil {
		err = w.index.close()
	}
	if w.m != nil {
		err = errors.Join(err, w.m.Unmap())
	}
	return errors.Join(err, w.file.Close())
}

// extendTo writes zeros up to at least to, preferably more bytes ahead. A full disk is a clean error.
func (w *writer) extendTo(to, more int64) error {
	w.extend.Lock()
	defer w.extend.Unlock()
	sized := w.sized.Load()
	if w.retired || to <= sized {
		return nil
	}
	size := max(to, min(to+more, w.window))
	err := w.fill(sized, size)
	if noSpace(err) && size > to {
		size = to // the disk is nearly full
		err = w.fill(sized, size)
	}
	if err != nil {
		return err
	}
	if w.m != nil {
		w.m.Reserve(vfs.Pos(size))
	}
	w.sized.Store(size)
	return nil
}

// fill writes zeros to [from, to), which holds nothing. Under extend.
func (w *writer) fill(from, to int64) error {
	if err := w.reserve(to); err != nil {
		return err
	}
	return index.WriteZeros(w.file, from, to-from)
}

// storeBeyond writes a batch that reaches beyond the zeros. It holds extend, so that no zeros are written over it. The
// mapping is not told: so large a batch is sent by sendfile.
func (w *writer) storeBeyond(b []byte, pos int64) error {
	w.extend.Lock()
	defer w.extend.Unlock()
	to := pos + int64(len(b))
	if err := w.reserve(to); err != nil {
		return err
	}
	if _, err := w.file.WriteAt(b, pos); err != nil {
		return err
	}
	w.sized.Store(max(to, w.sized.Load()))
	return nil
}

// step is how far zeros are written ahead: as much as was appended so far, within bounds.
func (w *writer) step() int64 { return min(max(w.sized.Load()-w.from, firstZeros), maxZeros) }

// reserve takes blocks up to at least to, preferably a growing step more, but not beyond the window. Under extend.
func (w *writer) reserve(to int64) error {
	if to <= w.reserved {
		return nil
	}
	more := min(max(w.reserved-w.from, firstReserve), maxReserve)
	want := max(to, min(w.reserved+more, w.window))
	err := index.Reserve(w.file, w.reserved, want-w.reserved)
	if err != nil && want > to {
		want = to // the disk may be nearly full
		err = index.Reserve(w.file, w.reserved, want-w.reserved)
	}
	if err == nil {
		w.reserved = want
	}
	return err
}

// preallocate takes all blocks of the segment at once (preallocate=true).
func (w *writer) preallocate() error {
	w.extend.Lock()
	defer w.extend.Unlock()
	if w.retired || w.reserved >= w.window {
		return nil
	}
	err := index.Reserve(w.file, w.reserved, w.window-w.reserved)
	if err == nil {
		w.reserved = w.window
	}
	return err
}

// wantsSpace tells whether the tail has come so near to the end of the file that it should be extended ahead.
func (w *writer) wantsSpace() bool {
	sized := w.sized.Load()
	return w.small && sized < w.window && w.seg.size() > sized-w.step()/2
}

// release gives back all space behind the tail and completes the indexes. The mapping stays for those who send from it:
// what is cut away was never part of the log, so nobody looks at it. Afterwards nothing is appended by this writer.
func (w *writer) release() error {
	w.extend.Lock()
	defer w.extend.Unlock()
	w.retired = true
	size := w.seg.size()
	physical, err := w.file.Size()
	if err == nil && physical >= size && w.reserved > size {
		err = w.file.Truncate(size) // frees reserved blocks even where the size stays
	} else if err == nil && physical < size {
		err = fmt.Errorf("%s: somebody has cut the file to %d bytes, %d were written", w.file.Name(), physical, size)
	}
	return errors.Join(err, w.index.finish())
}
