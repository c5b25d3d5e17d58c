package vfs

import (
	"errors"
	"io"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// devNull is where ReadIn sends bytes that nobody wants: the kernel looks each page up, waits for it, and copies
// nothing. The descriptor is a bare one and stays open. That of an os.File would be closed by the collector, and its
// number would then be a client's.
var devNull = sync.OnceValues(func() (int, error) {
	return unix.Open(os.DevNull, unix.O_WRONLY|unix.O_CLOEXEC, 0)
})

// ReadAhead implements File. Errors are left to whoever reads the bytes.
func (f *osFile) ReadAhead(pos, n int64) { _ = unix.Fadvise(int(f.fd), pos, n, unix.FADV_WILLNEED) }

// ReadIn implements File. What sendfile to /dev/null refuses, for whatever reason, is read into a buffer, which then
// tells what is wrong.
func (f *osFile) ReadIn(pos, n int64) error {
	if null, err := devNull(); err == nil {
		in := f.skim(null, pos, n)
		pos, n = pos+in, n-in
	}
	if n == 0 {
		return nil
	}
	return f.readThrough(pos, n)
}

// skim is ReadIn by sendfile. It returns how far it got.
func (f *osFile) skim(null int, pos, n int64) (in int64) {
	for at := pos; in < n; at = pos + in {
		got, _, errno := unix.Syscall6(unix.SYS_SENDFILE, uintptr(null), f.fd, uintptr(unsafe.Pointer(&at)),
			uintptr(n-in), 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 || got == 0 {
			break
		}
		in += int64(got)
	}
	return in
}

const throughBytes = 64 << 10

var throughBuffers = sync.Pool{New: func() any { return new([throughBytes]byte) }}

// readThrough is ReadIn by reading.
func (f *osFile) readThrough(pos, n int64) error {
	b := throughBuffers.Get().(*[throughBytes]byte)
	defer throughBuffers.Put(b)
	for n > 0 {
		got, err := f.ReadAt(b[:min(n, throughBytes)], pos)
		pos, n = pos+int64(got), n-int64(got)
		if n > 0 && err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}
