package vfs

import (
	"errors"
	"io"
	"sync/atomic"
)

// Ref is a counted reference to an open file and its mapping, if it has one. It starts at one, the owner's.
// Acquire and Release allocate nothing.
type Ref struct {
	count   atomic.Int64
	file    File
	mapping Mapping
	closed  func()
}

// NewRef returns a reference with a count of one. m may be nil. When the count reaches zero the mapping is
// unmapped, the file closed, and then closed, if not nil, is called. Errors of Unmap and Close are dropped:
// whether bytes are durable is settled by a sync before.
func NewRef(f File, m Mapping, closed func()) *Ref {
	r := &Ref{file: f, mapping: m, closed: closed}
	r.count.Store(1)
	return r
}

// Acquire takes one more reference. It is false when the last one is gone; then the file must not be used.
func (r *Ref) Acquire() bool {
	for {
		n := r.count.Load()
		if n <= 0 {
			return false
		}
		if r.count.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release gives one reference back. The last one closes the file before it returns; unmapping costs up to 20 ms a
// GiB.
func (r *Ref) Release() {
	if r.drop() {
		r.close()
	}
}

// drop tells whether the reference given back was the last.
func (r *Ref) drop() bool {
	n := r.count.Add(-1)
	if n < 0 {
		panic("BUG: vfs.Ref released more often than acquired: " + r.file.Name())
	}
	return n == 0
}

func (r *Ref) close() {
	if r.mapping != nil {
		_ = r.mapping.Unmap()
	}
	_ = r.file.Close()
	if r.closed != nil {
		r.closed()
	}
}

// File is the open file.
func (r *Ref) File() File { return r.file }

// Mapping is the file's mapping, or nil.
func (r *Ref) Mapping() Mapping { return r.mapping }

// Span names N bytes of a file from Pos without holding them. Whoever is handed a Span owns the one reference in
// it and calls Release once. The zero Span is empty and may be released as well.
type Span struct {
	Ref *Ref
	Pos Pos
	N   int
	// Hot: the pages are known to be resident (the tail of an active segment), so touching them through the mapping
	// cannot stall a processor.
	Hot bool
}

// View is the bytes themselves, read only, valid until Release. It is nil unless the span is hot and mapped.
func (s Span) View() []byte {
	if !s.Hot || s.Ref == nil || s.Ref.mapping == nil {
		return nil
	}
	return s.Ref.mapping.View(s.Pos, s.N)
}

// ReadAt copies bytes of the span from off on, as io.ReaderAt does: io.EOF when p reaches beyond the span. A file
// that is shorter than the span says gives io.ErrUnexpectedEOF.
func (s Span) ReadAt(p []byte, off int) (int, error) {
	if off < 0 || off > s.N {
		return 0, io.EOF
	}
	var end error
	if len(p) > s.N-off {
		p, end = p[:s.N-off], io.EOF
	}
	if len(p) == 0 {
		return 0, end
	}
	pos := s.Pos + Pos(off)
	if s.Hot && s.Ref.mapping != nil {
		if err := s.Ref.mapping.ReadAt(p, pos); err != nil {
			return 0, err
		}
		return len(p), end
	}
	n, err := s.Ref.file.ReadAt(p, int64(pos))
	if n < len(p) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return n, err
	}
	return n, end
}

// Fd is the descriptor to send from, valid until Release; ok is false when there is none.
func (s Span) Fd() (fd uintptr, ok bool) {
	if s.Ref == nil {
		return 0, false
	}
	return s.Ref.file.Fd()
}

// Release gives the span's reference back. It never blocks: spans are released by whoever completes a reply, so a
// file whose last reference goes here is closed by a goroutine of its own.
func (s Span) Release() {
	if s.Ref != nil && s.Ref.drop() {
		go s.Ref.close()
	}
}
