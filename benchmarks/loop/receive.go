package loop

import (
	"encoding/binary"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// readAhead is what a buffered reader asks the socket for: several batches of the usual 16 to 64 KiB.
	readAhead = 256 << 10
	// lowatMin is the body from which on SO_RCVLOWAT pays for its two system calls.
	lowatMin = 64 << 10
)

// frames reads length-prefixed frames, each valid until the next call.
type frames struct {
	conn *net.TCPConn
	raw  syscall.RawConn
	mode string
	buf  []byte
	r, w int
}

func (f *frames) open(c *net.TCPConn, mode string) (err error) {
	f.conn, f.mode = c, mode
	f.buf = make([]byte, readAhead)
	f.raw, err = c.SyscallConn()
	return err
}

// need is how many bytes the frame at the read position has, as far as is known: 4 until its length is there.
func (f *frames) need() int {
	if f.w-f.r < 4 {
		return 4
	}
	return 4 + int(binary.BigEndian.Uint32(f.buf[f.r:]))
}

// another is true when the next call of next finds its frame without a system call.
func (f *frames) another() bool { return f.w-f.r >= 4 && f.w-f.r >= f.need() }

func (f *frames) next() ([]byte, error) {
	if f.mode != "buffered" {
		return f.sized()
	}
	for !f.another() {
		f.room(f.need())
		n, err := f.conn.Read(f.buf[f.w:])
		if err != nil {
			return nil, err
		}
		f.w += n
	}
	n := f.need()
	frame := f.buf[f.r+4 : f.r+n]
	f.r += n
	return frame, nil
}

// room makes place for a frame of n bytes from the read position on.
func (f *frames) room(n int) {
	switch {
	case f.r == f.w:
		f.r, f.w = 0, 0
	case n > len(f.buf)-f.r:
		f.w = copy(f.buf, f.buf[f.r:f.w])
		f.r = 0
	}
	if n > len(f.buf) {
		f.buf = append(f.buf, make([]byte, n+readAhead-len(f.buf))...)
	}
}

// sized reads the length, then the body by reads of exactly its size.
func (f *frames) sized() ([]byte, error) {
	if _, err := io.ReadFull(f.conn, f.buf[:4]); err != nil {
		return nil, err
	}
	f.r, f.w = 0, 0
	n := int(binary.BigEndian.Uint32(f.buf))
	f.room(n)
	if f.mode == "lowat" && n >= lowatMin {
		// The reader is woken once, when the whole body is there, and not for each part of it.
		f.lowat(n)
		defer f.lowat(1)
	}
	_, err := io.ReadFull(f.conn, f.buf[:n])
	return f.buf[:n], err
}

func (f *frames) lowat(n int) {
	_ = f.raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, n)
	})
}
