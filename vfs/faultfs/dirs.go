package faultfs

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Mkdir implements vfs.FS.
func (f *FS) Mkdir(name string, perm fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return pathError("mkdir", name, f.mkdir(name, perm))
}

func (f *FS) mkdir(name string, perm fs.FileMode) error {
	at, n, err := f.find(name)
	if err != nil {
		return err
	}
	if n != nil {
		return syscall.EEXIST
	}
	dir := newDir(perm.Perm())
	dir.linked = true
	return f.relink(Mkdir, change{names: []entry{at}, nodes: []*node{dir}})
}

// MkdirAll implements vfs.FS. Each directory it makes is an operation, and durable only after a SyncDir of its
// parent.
func (f *FS) MkdirAll(name string, perm fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := parts(name)
	for i := range all {
		path := strings.Join(all[:i+1], "/")
		if _, err := f.findDir(path); err == nil {
			continue
		} else if !errors.Is(err, syscall.ENOENT) {
			return pathError("mkdir", name, err)
		}
		if err := f.mkdir(path, perm); err != nil {
			return pathError("mkdir", name, err)
		}
	}
	return nil
}

// Remove implements vfs.FS.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, n, err := f.findExisting(name)
	if err == nil {
		err = f.remove(at, n)
	}
	return pathError("remove", name, err)
}

func (f *FS) remove(at entry, n *node) error {
	if at.dir == nil {
		return syscall.EBUSY
	}
	if len(n.entries) > 0 {
		return syscall.ENOTEMPTY
	}
	err := f.relink(Remove, change{names: []entry{at}, nodes: []*node{nil}})
	if at.dir.entries[at.name] == nil {
		f.unlinked(n)
	}
	return err
}

func (f *FS) unlinked(n *node) {
	n.linked = false
	f.freeIfGone(n)
}

// RemoveAll implements vfs.FS. Each name it removes is an operation.
func (f *FS) RemoveAll(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, n, err := f.find(name)
	if errors.Is(err, syscall.ENOENT) || err == nil && n == nil {
		return nil
	}
	if err == nil {
		err = f.removeAll(at, n)
	}
	return pathError("removeall", name, err)
}

func (f *FS) removeAll(at entry, n *node) error {
	for _, name := range slices.Sorted(maps.Keys(n.entries)) {
		if err := f.removeAll(entry{dir: n, name: name}, n.entries[name]); err != nil {
			return err
		}
	}
	return f.remove(at, n)
}

// Rename implements vfs.FS.
func (f *FS) Rename(oldName, newName string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.rename(oldName, newName); err != nil {
		return &os.LinkError{Op: "rename", Old: oldName, New: newName, Err: err}
	}
	return nil
}

func (f *FS) rename(oldName, newName string) error {
	from, n, err := f.findExisting(oldName)
	if err != nil {
		return err
	}
	to, replaced, err := f.find(newName)
	switch {
	case err != nil:
		return err
	case from.dir == nil || to.dir == nil:
		return syscall.EBUSY
	case from == to:
		return nil
	case replaced != nil && replaced.isDir(): // package os refuses this before the kernel might allow it
		return syscall.EEXIST
	case replaced != nil && n.isDir():
		return syscall.ENOTDIR
	case n.isDir() && below(parts(newName), parts(oldName)):
		return syscall.EINVAL
	}
	err = f.relink(Rename, change{names: []entry{from, to}, nodes: []*node{nil, n}})
	if replaced != nil && to.dir.entries[to.name] == n {
		f.unlinked(replaced)
	}
	return err
}

func below(path, dir []string) bool {
	return len(path) > len(dir) && slices.Equal(path[:len(dir)], dir)
}

// SyncDir implements vfs.FS.
func (f *FS) SyncDir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, err := f.findDir(name)
	if err == nil {
		t := f.step(SyncDir)
		switch err = t.err; {
		case err == nil:
			f.syncEntries(dir)
		case t.failed():
			f.loseEntries(dir)
		}
	}
	return pathError("sync", name, err)
}

// SyncFS implements vfs.FS: it syncs everything, whatever the name.
func (f *FS) SyncFS(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _, err := f.findExisting(name)
	if err == nil {
		t := f.step(SyncFS)
		switch err = t.err; {
		case err == nil:
			f.pending = settle(f.pending, func(*change) bool { return true }, setDurable)
			f.root.each((*node).sync)
		case t.failed():
			f.pending = nil
			f.root.each((*node).syncFailed)
		}
	}
	return pathError("syncfs", name, err)
}

// each calls do for every file below a directory.
func (n *node) each(do func(*node)) {
	for _, child := range n.entries {
		if child.isDir() {
			child.each(do)
		} else {
			do(child)
		}
	}
}
