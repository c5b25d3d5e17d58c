package faultfs

import (
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tailrace/vfs"
)

// defaultCapacity is more than any test fills.
const defaultCapacity = 1 << 50

// FS is a file system in memory. "/a" and "a" are one path.
type FS struct {
	mountID uint64

	mu       sync.Mutex
	root     *node
	pending  []change      // changes of directories that are not durable, in order
	open     map[*node]int // open files and mappings by node
	locks    map[*node]*lock
	capacity int64
	used     int64
	life     int // how many times Restart was called

	ops      int
	seed     uint64
	rules    []*rule
	injected int
	crashAt  int
	crashed  bool
}

var (
	_ vfs.FS = (*FS)(nil)

	mounts atomic.Uint64
)

// New returns an empty file system: a root directory.
func New() *FS {
	root := newDir(0o755)
	root.linked = true
	return &FS{
		mountID:  mounts.Add(1),
		root:     root,
		open:     map[*node]int{},
		locks:    map[*node]*lock{},
		capacity: defaultCapacity,
	}
}

func parts(name string) []string {
	name = strings.Trim(filepath.Clean(name), "/")
	if name == "." || name == "" {
		return nil
	}
	return strings.Split(name, "/")
}

// find returns the entry that name stands for, and its node, nil when there is none. The root has an entry without a
// directory.
func (f *FS) find(name string) (entry, *node, error) {
	at, n := entry{}, f.root
	for _, part := range parts(name) {
		switch {
		case n == nil:
			return entry{}, nil, syscall.ENOENT
		case !n.isDir():
			return entry{}, nil, syscall.ENOTDIR
		}
		at = entry{dir: n, name: part}
		n = n.entries[part]
	}
	return at, n, nil
}

// findExisting is find for what must be there.
func (f *FS) findExisting(name string) (entry, *node, error) {
	at, n, err := f.find(name)
	if err == nil && n == nil {
		err = syscall.ENOENT
	}
	return at, n, err
}

func (f *FS) findDir(name string) (*node, error) {
	_, n, err := f.findExisting(name)
	if err == nil && !n.isDir() {
		err = syscall.ENOTDIR
	}
	return n, err
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// relink counts op and applies a change of entries if its fate is so.
func (f *FS) relink(op Op, c change) error {
	t := f.step(op)
	if t.whole() {
		f.link(c)
	}
	return t.err
}

func (f *FS) freeIfGone(n *node) {
	if !n.linked && f.open[n] == 0 && !n.isDir() {
		f.used -= n.allocated() * blockBytes
		n.blocks = nil
	}
}

// OpenFile implements vfs.FS.
func (f *FS) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.openNode(name, flag, perm)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	f.open[n]++
	return &file{fs: f, node: n, name: name, flag: flag, life: f.life}, nil
}

func (f *FS) openNode(name string, flag int, perm fs.FileMode) (*node, error) {
	at, n, err := f.find(name)
	switch {
	case err != nil:
		return nil, err
	case n == nil && flag&os.O_CREATE == 0:
		return nil, syscall.ENOENT
	case n == nil:
		return f.create(at, perm)
	case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return nil, syscall.EEXIST
	case n.isDir():
		return nil, syscall.EISDIR
	case flag&os.O_TRUNC != 0 && n.size > 0:
		return n, f.truncate(n, 0)
	}
	return n, nil
}

func (f *FS) create(at entry, perm fs.FileMode) (*node, error) {
	n := newFile(perm.Perm())
	n.linked = true
	return n, f.relink(Create, change{names: []entry{at}, nodes: []*node{n}})
}

// ReadDir implements vfs.FS.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, err := f.findDir(name)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	list := make([]fs.DirEntry, 0, len(dir.entries))
	for _, name := range slices.Sorted(maps.Keys(dir.entries)) {
		list = append(list, fs.FileInfoToDirEntry(dir.entries[name].info(name)))
	}
	return list, nil
}

// Stat implements vfs.FS.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, n, err := f.findExisting(name)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	return n.info(filepath.Base(name)), nil
}

// Usage implements vfs.FS. Every CrashClone is a new mount.
func (f *FS) Usage(name string) (vfs.Usage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, _, err := f.findExisting(name); err != nil {
		return vfs.Usage{}, pathError("statfs", name, err)
	}
	return vfs.Usage{FreeBytes: max(0, f.capacity-f.used), TotalBytes: f.capacity, MountID: f.mountID}, nil
}

type lock struct {
	fs   *FS
	node *node
}

// Lock implements vfs.FS.
func (f *FS) Lock(name string) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.openNode(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	if f.locks[n] != nil {
		return nil, &vfs.LockedError{Name: name, PID: os.Getpid()}
	}
	l := &lock{fs: f, node: n}
	f.locks[n] = l
	return l, nil
}

// Close gives the lock up, unless Restart has.
func (l *lock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if l.fs.locks[l.node] == l {
		delete(l.fs.locks, l.node)
	}
	return nil
}

// info is a node as Stat shows it.
type info struct {
	name    string
	size    int64
	mode    fs.FileMode
	modTime time.Time
}

func (n *node) info(name string) fs.FileInfo {
	return info{name: name, size: n.size, mode: n.perm, modTime: time.UnixMilli(int64(n.changed))}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return i.modTime }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
