package netio

import (
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxVectors = 128     // of one sendmsg; the kernel allows 1024
	flatBytes  = 4 << 10 // small pieces are copied together: a vector of its own costs more than a short copy
	flatPiece  = 512
	maxSpares  = 64
)

// work is what a goroutine needs while it reads or writes for a connection: vectors, scratch, requests at hand. It is
// pooled, since a connection at rest must hold none of it. It lies in the heap, so the kernel may keep the addresses
// for the length of a call.
type work struct {
	in      unix.Msghdr
	inVec   unix.Iovec
	control struct {
		header unix.Cmsghdr
		left   int32
		_      int32
	}

	out      unix.Msghdr
	vectors  [maxVectors]unix.Iovec
	count    int // vectors in use
	bytes    int // in them
	flat     [flatBytes]byte
	flatUsed int
	flatOpen bool        // the last vector ends where flat is used up to
	copied   *recvBuffer // span bytes read for this message
	copyUsed int
	filePos  int64 // sendfile's offset argument

	spare []*Request
}

var workPool = sync.Pool{New: func() any { return &work{spare: make([]*Request, 0, maxSpares)} }}

func getWork() *work { return workPool.Get().(*work) }

func (w *work) put() {
	w.inVec.Base = nil
	workPool.Put(w)
}

// request returns an empty request for c.
func (w *work) request(c *Conn) (r *Request) {
	if last := len(w.spare) - 1; last >= 0 {
		r, w.spare = w.spare[last], w.spare[:last]
	} else {
		r = requestPool.Get().(*Request)
	}
	r.Conn = c
	r.state.Store(handling)
	r.body.Store(bodyHeld)
	return r
}

// receive reads once into p. more tells whether another read would find something, be it the end of the stream; without
// hinted (TCP_INQ is on) it is always true.
func (w *work) receive(fd uintptr, p []byte, hinted bool) (n int, more bool, errno syscall.Errno) {
	w.inVec.Base = unsafe.SliceData(p)
	w.inVec.SetLen(len(p))
	w.in.Iov, w.in.Iovlen = &w.inVec, 1
	for {
		if hinted {
			w.in.Control = (*byte)(unsafe.Pointer(&w.control))
			w.in.SetControllen(int(unsafe.Sizeof(w.control)))
		}
		got, _, errno := unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&w.in)), 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return 0, false, errno
		}
		told := hinted && w.in.Controllen > 0 && w.control.header.Type == unix.TCP_CM_INQ
		return int(got), !told || w.control.left != 0, 0
	}
}

// sendVectors sends what has been gathered, or part of it.
func (w *work) sendVectors(fd uintptr, flags uintptr) (n int, errno syscall.Errno) {
	flags |= unix.MSG_NOSIGNAL
	for {
		var sent uintptr
		if w.count == 1 {
			v := &w.vectors[0]
			sent, _, errno = unix.Syscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(v.Base)), uintptr(v.Len), flags, 0, 0)
		} else {
			w.out.Iov = &w.vectors[0]
			w.out.SetIovlen(w.count)
			sent, _, errno = unix.Syscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&w.out)), flags)
		}
		if errno == 0 {
			return int(sent), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// sendFile sends n bytes of a file from pos on, or part of them. The file's own position is not touched: many
// connections send from one descriptor.
func (w *work) sendFile(fd, file uintptr, pos int64, n int) (int, syscall.Errno) {
	for {
		w.filePos = pos
		sent, _, errno := unix.Syscall6(unix.SYS_SENDFILE, fd, file, uintptr(unsafe.Pointer(&w.filePos)), uintptr(n), 0, 0)
		if errno == 0 {
			return int(sent), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// askForHints turns TCP_INQ on: recvmsg then tells how much is left. It is false where the kernel has no such thing.
func askForHints(fd uintptr) bool {
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_INQ, 1) == nil
}

// awaitBytes makes the socket readable only when n bytes are there.
func awaitBytes(fd uintptr, n int) {
	_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, n)
}
