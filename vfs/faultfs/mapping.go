package faultfs

import (
	"fmt"
	"os"
	"slices"
	"syscall"

	"tailrace/vfs"
)

// mapping is a vfs.Mapping of [0, n). Its fields change under the FS's mutex.
type mapping struct {
	file     *file
	n        int64
	reserved int64
	unmapped bool
}

func (h *file) Map(n int) (vfs.Mapping, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	err := h.check(false)
	switch {
	case err == nil && n <= 0:
		err = syscall.EINVAL
	case err == nil && h.flag&accessMode != os.O_RDWR:
		err = syscall.EACCES
	}
	if err != nil {
		return nil, pathError("mmap", h.name, err)
	}
	m := &mapping{file: h, n: int64(n)}
	h.maps = append(h.maps, m)
	h.fs.open[h.node]++
	return m, nil
}

// outside tells that [pos, pos+n) is not below end. It allows use after Close of the file, as mmap does.
func (m *mapping) outside(what string, pos vfs.Pos, n int, end int64) error {
	if m.unmapped {
		end = 0
	}
	if from := int64(pos); from < 0 || from > end-int64(n) {
		return fmt.Errorf("BUG: %s: %s of %d bytes at %d reaches past %d", m.file.name, what, n, pos, end)
	}
	if m.file.life != m.file.fs.life {
		return ErrCrashed
	}
	return nil
}

func (m *mapping) WriteAt(p []byte, pos vfs.Pos) error {
	f, n := m.file.fs, m.file.node
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := m.outside("store", pos, len(p), min(m.reserved, n.size)); err != nil || len(p) == 0 {
		return err
	}
	if n.holes(int64(pos), int64(pos)+int64(len(p))) > 0 {
		return fmt.Errorf("BUG: %s: store of %d bytes at %d meets a hole: allocate before Reserve", m.file.name, len(p), pos)
	}
	t := f.step(MapStore)
	f.store(n, p, int64(pos), t)
	if t.err == nil || f.crashed {
		return t.err
	}
	return fmt.Errorf("%w (%w)", &vfs.FaultError{File: m.file.name, Pos: pos, N: len(p)}, t.err)
}

func (m *mapping) Reserve(pos vfs.Pos) {
	m.file.fs.mu.Lock()
	defer m.file.fs.mu.Unlock()
	if !m.unmapped {
		m.reserved = max(0, min(int64(pos), m.n, m.file.node.size))
	}
}

func (m *mapping) Populate(pos vfs.Pos, n int) error {
	m.file.fs.mu.Lock()
	defer m.file.fs.mu.Unlock()
	if n <= 0 {
		return nil
	}
	if err := m.outside("populate", pos, n, m.n); err != nil {
		return err
	}
	if int64(pos)+int64(n) > m.file.node.size {
		return pathError("populate", m.file.name, syscall.EFAULT)
	}
	return nil
}

// View is nil: there is no memory that a program may look at, so it takes the copy path.
func (m *mapping) View(vfs.Pos, int) []byte { return nil }

func (m *mapping) ReadAt(p []byte, pos vfs.Pos) error {
	m.file.fs.mu.Lock()
	defer m.file.fs.mu.Unlock()
	if err := m.outside("read", pos, len(p), m.n); err != nil {
		return err
	}
	if int64(pos)+int64(len(p)) > m.file.node.size {
		return &vfs.FaultError{File: m.file.name, Pos: pos, N: len(p)}
	}
	m.file.node.readAt(p, int64(pos))
	return nil
}

func (m *mapping) Unmap() error {
	f := m.file.fs
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.unmapped {
		return nil
	}
	m.unmapped, m.reserved = true, 0
	m.file.maps = slices.DeleteFunc(m.file.maps, func(other *mapping) bool { return other == m })
	if m.file.life == f.life {
		f.letGo(m.file.node)
	}
	return nil
}
