package segment

import (
	"fmt"
	"math"
	"sync"

	"tailrace/batch"
	"tailrace/index"
	"tailrace/vfs"
	"tailrace/wire"
)

// header is what the log needs to know of a batch.
type header struct {
	base, last wire.Offset
	size       int64 // bytes
	maxTs      int64 // ms; of an empty batch -1
	empty      bool  // compaction has left no record in it, only what the header tells
}

func (h *header) next() wire.Offset { return h.last + 1 }

// parse reads the header of the batch at pos of a segment's file from b, and checks what must hold for a walk to go on:
// the batch ends at or below end, and its offsets lie within the segment. The result says what is wrong; "" is nothing.
// The offsets are told if the format is right, and are -1 if not.
func (h *header) parse(b []byte, pos, end int64, base wire.Offset) (wrong string) {
	h.base, h.last = -1, -1
	if len(b) < batch.HeaderSize {
		return "a batch header does not fit into what is left of the file"
	}
	v := batch.View(b)
	if v.Magic() != 2 {
		return fmt.Sprintf("a batch of format %d; only format 2 (Kafka 0.11 and later) can be read", v.Magic())
	}
	h.base, h.last, h.size, h.maxTs = v.BaseOffset(), v.LastOffset(), int64(v.Len()), v.MaxTimestamp()
	if h.empty = v.Count() == 0; h.empty {
		h.maxTs = index.NoTimestamp // what it says is the time of records that have gone: nobody can be led to them
	}
	switch {
	case h.size < batch.HeaderSize:
		return fmt.Sprintf("a batch that says it is %d bytes long", h.size)
	case h.size > end-pos:
		return fmt.Sprintf("a batch that says it is %d bytes long where %d are left", h.size, end-pos)
	case h.last < h.base || h.base < base || int64(h.last-base) > math.MaxInt32:
		return fmt.Sprintf("a batch with offsets %d to %d in the segment that begins at %d", h.base, h.last, base)
	}
	return ""
}

// A walk goes from header to header. It looks at a window of the file, so that small batches cost one read together, or
// straight into the mapping where the pages are known to be resident.
type walk struct {
	file vfs.File
	hot  vfs.Mapping // nil: nothing is hot
	from int64       // hot from here on

	at, n int64 // what the window holds
	buf   [windowBytes]byte
}

// windowBytes is two index intervals by default, and small enough to be read for a single header.
const windowBytes = 8 << 10

// walks are pooled: reads go through interfaces, so a local buffer would be allocated each time.
var walks = sync.Pool{New: func() any { return new(walk) }}

func newWalk(h *handle) *walk {
	w := walks.Get().(*walk)
	w.file, w.hot, w.from = h.ref.File(), h.ref.Mapping(), h.hotFrom.Load()
	w.n = 0
	return w
}

func (w *walk) release() {
	w.file, w.hot = nil, nil
	walks.Put(w)
}

// bytes returns up to n bytes from pos on, fewer only at end. They are valid until the next call.
func (w *walk) bytes(pos, n, end int64) ([]byte, error) {
	n = min(n, end-pos)
	if pos >= w.at && pos+n <= w.at+w.n {
		return w.buf[pos-w.at:][:n], nil
	}
	w.n = 0
	if w.hot != nil && pos >= w.from {
		return w.buf[:n], w.hot.ReadAt(w.buf[:n], vfs.Pos(pos))
	}
	want := min(windowBytes, end-pos)
	got, err := w.file.ReadAt(w.buf[:want], pos)
	if int64(got) < n {
		return nil, err
	}
	w.at, w.n = pos, int64(got)
	return w.buf[:n], nil
}

// header reads the header of the batch at pos of s, whose batches end at end.
func (w *walk) header(l *Log, s *seg, pos, end int64) (header, error) {
	var h header
	b, err := w.bytes(pos, batch.HeaderSize, end)
	if err != nil {
		return h, l.readError(s, err)
	}
	if wrong := h.parse(b, pos, end, s.base); wrong != "" {
		return h, l.corrupt(s, pos, wrong)
	}
	return h, nil
}

func (l *Log) corrupt(s *seg, pos int64, reason string) error {
	return &CorruptError{File: l.path(s.base, logSuffix), Pos: vfs.Pos(pos), Reason: reason}
}

func (l *Log) readError(s *seg, err error) error {
	return fmt.Errorf("reading %s: %w", l.path(s.base, logSuffix), err)
}
