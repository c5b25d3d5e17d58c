package faultfs

import (
	"io"
	"io/fs"
	"os"
	"syscall"
)

// file is an open file; its fields below node change under the FS's mutex.
type file struct {
	fs   *FS
	node *node
	name string
	flag int
	life int

	closed bool
	maps   []*mapping
}

const accessMode = os.O_RDONLY | os.O_WRONLY | os.O_RDWR

// check tells why the file cannot be used, if so; the mutex is held.
func (h *file) check(write bool) error {
	switch {
	case h.closed:
		return fs.ErrClosed
	case h.life != h.fs.life:
		return ErrCrashed
	case write && h.flag&accessMode == os.O_RDONLY:
		return syscall.EBADF
	}
	return nil
}

func (h *file) Name() string        { return h.name }
func (h *file) Fd() (uintptr, bool) { return 0, false }

func (h *file) ReadAt(p []byte, pos int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	err := h.check(false)
	switch {
	case err == nil && h.flag&accessMode == os.O_WRONLY:
		err = syscall.EBADF
	case err == nil && pos < 0:
		err = syscall.EINVAL
	}
	if err != nil {
		return 0, pathError("read", h.name, err)
	}
	n := h.node.readAt(p, pos)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *file) WriteAt(p []byte, pos int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	err := h.check(true)
	if err == nil && (pos < 0 || h.flag&os.O_APPEND != 0) {
		err = syscall.EINVAL
	}
	if err != nil || len(p) == 0 {
		return 0, pathError("write", h.name, err)
	}
	t := h.fs.step(Write)
	fit := h.fs.fit(h.node, pos, len(p))
	n := h.fs.store(h.node, p[:fit], pos, t)
	if err = t.err; err == nil && fit < len(p) {
		err = syscall.ENOSPC
	}
	return n, pathError("write", h.name, err)
}

// fit is how many of n bytes at pos find room on the disk.
func (f *FS) fit(n *node, pos int64, length int) int {
	end := pos + int64(length)
	room := f.capacity - f.used
	for at := pos; at < end; at = (at/blockBytes + 1) * blockBytes {
		if n.holes(at, at+1) == 0 {
			continue
		}
		if room -= blockBytes; room < 0 {
			return int(at - pos)
		}
	}
	return length
}

// store puts p at pos, by sectors, as far as the fate of the operation lets it. It returns how many bytes were stored
// before the first that was not.
func (f *FS) store(n *node, p []byte, pos int64, t fate) int {
	if len(p) == 0 {
		return 0
	}
	first := pos / sectorBytes
	end := pos + int64(len(p))
	last := (end - 1) / sectorBytes
	takes := t.takes(int(last - first + 1))
	stored, whole := 0, true
	for s := first; s <= last; s++ {
		from, to := max(pos, s*sectorBytes), min(end, (s+1)*sectorBytes)
		if !takes(int(s - first)) {
			whole = false
			continue
		}
		f.used += n.claim(from, to) * blockBytes
		n.put(p[from-pos:to-pos], from)
		n.changed = f.ops
		if whole {
			stored = int(to - pos)
		}
	}
	return stored
}

func (h *file) Size() (int64, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	return h.node.size, pathError("stat", h.name, h.check(false))
}

func (h *file) Truncate(size int64) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	err := h.check(true)
	if err == nil && size < 0 {
		err = syscall.EINVAL
	}
	if err != nil {
		return pathError("truncate", h.name, err)
	}
	for _, m := range h.maps {
		m.reserved = min(m.reserved, size)
	}
	return pathError("truncate", h.name, h.fs.truncate(h.node, size))
}

func (f *FS) truncate(n *node, size int64) error {
	t := f.step(Truncate)
	if t.whole() {
		f.used -= n.truncate(size) * blockBytes
		n.changed = f.ops
	}
	return t.err
}

func (h *file) Allocate(pos, n int64) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	err := h.check(true)
	if err == nil && (pos < 0 || n <= 0) {
		err = syscall.EINVAL
	}
	if err == nil {
		err = h.fs.allocate(h.node, pos, pos+n)
	}
	return pathError("fallocate", h.name, err)
}

func (f *FS) allocate(n *node, from, to int64) error {
	t := f.step(Allocate)
	if !t.whole() {
		return t.err
	}
	if need := n.holes(from, to) * blockBytes; need > 0 && need > f.capacity-f.used {
		return syscall.ENOSPC
	}
	f.used += n.claim(from, to) * blockBytes
	return t.err
}

func (h *file) SyncData() error { return h.sync(SyncData, "fdatasync") }
func (h *file) Sync() error     { return h.sync(Sync, "sync") }

func (h *file) sync(op Op, name string) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	err := h.check(false)
	if err == nil {
		t := h.fs.step(op)
		switch err = t.err; {
		case err == nil:
			h.node.sync()
		case t.failed():
			h.node.syncFailed()
		}
	}
	return pathError(name, h.name, err)
}

// Resident is always true: it is all memory.
func (h *file) Resident(_, _ int64) (resident, known bool) { return true, true }

// ReadIn checks the range; there is nothing to read in.
func (h *file) ReadIn(pos, n int64) error {
	size, err := h.Size()
	if err == nil && pos+n > size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// ReadAhead does nothing.
func (h *file) ReadAhead(_, _ int64) {}

func (h *file) Close() error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.closed {
		return pathError("close", h.name, fs.ErrClosed)
	}
	h.closed = true
	if h.life == h.fs.life {
		h.fs.letGo(h.node)
	}
	return nil
}

// letGo is the end of an open file or a mapping.
func (f *FS) letGo(n *node) {
	if f.open[n]--; f.open[n] == 0 {
		delete(f.open, n)
		f.freeIfGone(n)
	}
}
