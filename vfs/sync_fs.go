package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// FSSyncer syncs one file system again and again (syncfs(2)) through a descriptor that stays open.
//
// The kernel tells a failed writeback once to every descriptor that was open when it failed, and to one opened later
// only while nobody else has been told. A descriptor opened for each sync could therefore miss a failure that another
// process, or another log directory on the same file system, was told of first; one that stays open cannot.
type FSSyncer struct {
	fsys FS
	name string
	file *os.File // nil: fsys has no descriptors
}

// NewFSSyncer opens a syncer of the file system that holds the directory name.
func NewFSSyncer(fsys FS, name string) (*FSSyncer, error) {
	s := &FSSyncer{fsys: fsys, name: name}
	if _, real := fsys.(osFS); !real {
		return s, nil
	}
	f, err := os.Open(name)
	s.file = f
	return s, err
}

// Sync makes everything durable that lies on the file system. After the first error nothing unsynced may be counted on.
func (s *FSSyncer) Sync() error {
	if s.file == nil {
		return s.fsys.SyncFS(s.name)
	}
	return control(s.file, "syncfs", unix.Syncfs)
}

// Close gives the descriptor back.
func (s *FSSyncer) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
