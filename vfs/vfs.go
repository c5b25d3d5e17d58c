package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Pos is a byte position in a file.
type Pos int64

// FS opens and arranges files. Paths are those of package os. Errors are *fs.PathError or *os.LinkError around a
// syscall.Errno, so errors.Is works with fs.ErrNotExist, syscall.ENOSPC and the like.
type FS interface {
	// OpenFile is os.OpenFile. O_APPEND is of no use: every write names its position.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Mkdir(name string, perm fs.FileMode) error
	MkdirAll(name string, perm fs.FileMode) error
	// Remove deletes a file or an empty directory. Not durable until SyncDir of the parent.
	Remove(name string) error
	RemoveAll(name string) error
	// Rename replaces newName atomically for those who look, but is not durable until SyncDir of the parent.
	Rename(oldName, newName string) error
	// ReadDir lists a directory sorted by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	Stat(name string) (fs.FileInfo, error)
	// SyncDir makes the entries of a directory durable: what was created in it, renamed into or out of it, removed.
	SyncDir(name string) error
	// SyncFS makes everything durable that lies on the file system holding name (syncfs(2)).
	SyncFS(name string) error
	// Lock takes an exclusive lock on the file name, creating it when absent, as Java's FileChannel.lock does: Kafka
	// and Tailrace exclude one another. A lock held elsewhere gives a *LockedError at once. The lock goes with the
	// process or with Close. Nobody else in this process may open the file: closing any descriptor of it would drop
	// the lock (that is how POSIX record locks work).
	Lock(name string) (io.Closer, error)
	// Usage tells about the file system holding name, which must exist.
	Usage(name string) (Usage, error)
}

// Usage is the state of a file system.
type Usage struct {
	FreeBytes  int64 // what an unprivileged process may still use
	TotalBytes int64
	// MountID names this mount. On Linux 6.8 and later it is never given twice within one boot; before that a later
	// mount may get the id of an earlier one. 0: unknown.
	MountID uint64
}

// LockedError says that another holder has the lock.
type LockedError struct {
	Name string
	PID  int // the holder, 0 when unknown (another PID namespace)
}

// Error implements error.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is locked by another process: stop it or use another directory", e.Name)
	}
	return fmt.Sprintf("%s is locked by process %d: stop it or use another directory", e.Name, e.PID)
}

// File is an open file. Positions and sizes are in bytes.
type File interface {
	io.ReaderAt // short only with an error; io.EOF at the end
	io.WriterAt
	Name() string
	Size() (int64, error)
	// Truncate sets the size. Growing leaves a hole. Shrinking lowers the reserved end of this File's mappings.
	Truncate(size int64) error
	// Allocate reserves blocks for [pos, pos+n) without changing the size, so that later stores there cannot meet a
	// full disk. A full disk is a clean ENOSPC here. A file system that cannot reserve gives EOPNOTSUPP.
	Allocate(pos, n int64) error
	// SyncData makes data, size and reservations durable, but not the directory entry (fdatasync). After the first
	// error nothing unsynced in this file may be counted on, and a later success means nothing.
	SyncData() error
	// Sync is SyncData and the rest of the inode (fsync).
	Sync() error
	// Map maps [0, n) shared, for reading and writing. n may exceed the size. The file must be open for both.
	Map(n int) (Mapping, error)
	// Resident tells whether [pos, pos+n), which must lie inside the file, is in the page cache; known is false where
	// the kernel cannot tell. A guess by nature: pages may go right after. Allocates nothing.
	Resident(pos, n int64) (resident, known bool)
	// ReadIn reads [pos, pos+n) into the page cache and returns when all of it is there; no byte is copied where the
	// kernel lets it be. The kernel reads ahead of it as it does for any reader. A file that ends earlier gives
	// io.ErrUnexpectedEOF.
	ReadIn(pos, n int64) error
	// ReadAhead asks for [pos, pos+n) to be read into the page cache, and for nothing beyond. It does not wait for it.
	ReadAhead(pos, n int64)
	// Fd is the descriptor for sendfile, valid while the file is open. ok is false where there is none (faultfs, and
	// whoever cannot give one): then callers copy.
	Fd() (fd uintptr, ok bool)
	Close() error
}

// Mapping is a file mapped into memory. Only this room sees its bytes, View's read-only ones aside.
//
// Before the first store: File.Allocate, then File.Truncate to grow the size over the same bytes, then Reserve. A
// store into a hole on a full disk, or past the size, would be SIGBUS.
type Mapping interface {
	// WriteAt copies p to pos: one memmove, no allocation. [pos, pos+len(p)) must lie below the reserved end; anything
	// else is an error that begins with "BUG:" and stores nothing. A page fault is a *FaultError, and then any part of
	// p may have been stored.
	WriteAt(p []byte, pos Pos) error
	// Reserve sets the reserved end: the caller says that bytes below pos are backed by blocks and inside the file
	// size. What exceeds the size or the mapping is not reserved.
	Reserve(pos Pos)
	// Populate makes the pages of [pos, pos+n) present and writable, so that stores do not fault. The bytes must be
	// backed as for Reserve. Where the kernel has no such call it does nothing.
	Populate(pos Pos, n int) error
	// View is [pos, pos+n) itself, with capacity n: read only, for writev. It is nil when there is no such memory
	// (faultfs) or the bytes are not below the reserved end. Valid until Unmap; touch it only when it is hot.
	View(pos Pos, n int) []byte
	// ReadAt copies len(p) bytes out; they must lie inside the file. A page fault is a *FaultError.
	ReadAt(p []byte, pos Pos) error
	// Unmap ends the mapping. Every use after it fails.
	Unmap() error
}

// FaultError is a page fault inside a mapping, which would have been SIGBUS.
type FaultError struct {
	File string
	Pos  Pos
	N    int
}

// Error implements error.
func (e *FaultError) Error() string {
	return fmt.Sprintf("%s: page fault in the mapped bytes [%d, %d): the disk is full or failing, or the file was cut"+
		" by somebody else", e.File, e.Pos, int64(e.Pos)+int64(e.N))
}

// ReadFile reads a whole small file.
func ReadFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:n], nil
}
