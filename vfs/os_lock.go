package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// fcntl locks belong to the process: a second lock of the same file by the same process succeeds, and closing any
// descriptor of the file drops it. So this table holds what the process has locked, and a file is looked up before
// it is opened.
var locks struct {
	mu   sync.Mutex
	held map[fileID]*osLock
}

type fileID struct{ dev, ino uint64 }

type osLock struct {
	id    fileID
	files []*os.File // the locked one; others are kept open with it, because closing them would drop the lock
}

func (osFS) Lock(name string) (io.Closer, error) {
	locks.mu.Lock()
	defer locks.mu.Unlock()
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err == nil && locks.held[idOf(&st)] != nil {
		return nil, &LockedError{Name: name, PID: os.Getpid()}
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, errors.Join(&fs.PathError{Op: "fstat", Path: name, Err: err}, f.Close())
	}
	id := idOf(&st)
	if held := locks.held[id]; held != nil { // somebody else moved the file between stat and open
		held.files = append(held.files, f)
		return nil, &LockedError{Name: name, PID: os.Getpid()}
	}
	if err := setLock(f, name); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if locks.held == nil {
		locks.held = make(map[fileID]*osLock)
	}
	l := &osLock{id: id, files: []*os.File{f}}
	locks.held[id] = l
	return l, nil
}

// setLock locks the whole file (start 0, length 0: to the end, however it grows), as Java does.
func setLock(f *os.File, name string) error {
	want := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	err := retry(func() error { return unix.FcntlFlock(f.Fd(), unix.F_SETLK, &want) })
	if err == nil {
		return nil
	}
	if !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EAGAIN) {
		return &fs.PathError{Op: "lock", Path: name, Err: err}
	}
	holder := &LockedError{Name: name}
	probe := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &probe); err == nil && probe.Type != unix.F_UNLCK && probe.Pid > 0 {
		holder.PID = int(probe.Pid)
	}
	return holder
}

// Close gives the lock up. A second Close does nothing.
func (l *osLock) Close() error {
	locks.mu.Lock()
	defer locks.mu.Unlock()
	if locks.held[l.id] != l {
		return nil
	}
	delete(locks.held, l.id)
	var err error
	for _, f := range l.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

func idOf(st *unix.Stat_t) fileID { return fileID{dev: st.Dev, ino: st.Ino} }
