package faultfs

import (
	"io/fs"
	"strings"
	"sync/atomic"

	"tailrace/vfs"
)

// Counting is another file system, this or a real one, with a count of the bytes that are read: how much a start reads
// is a promise of its own. Set the fields before the first file is opened.
type Counting struct {
	vfs.FS
	Suffix string       // only files whose names end so count; empty: all
	Read   atomic.Int64 // bytes that ReadAt gave
}

type countedFile struct {
	vfs.File
	read *atomic.Int64
}

// OpenFile implements vfs.FS.
func (c *Counting) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := c.FS.OpenFile(name, flag, perm)
	if err != nil || !strings.HasSuffix(name, c.Suffix) {
		return f, err
	}
	return countedFile{f, &c.Read}, nil
}

// ReadAt implements vfs.File.
func (f countedFile) ReadAt(p []byte, pos int64) (int, error) {
	n, err := f.File.ReadAt(p, pos)
	f.read.Add(int64(n))
	return n, err
}
