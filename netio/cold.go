package netio

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"tailrace/vfs"
)

// SpanError says that bytes of a reply could not be read. The connection is closed, since its peer has been promised
// them.
type SpanError struct {
	File string
	Pos  vfs.Pos
	Err  error
}

// Error implements error.
func (e *SpanError) Error() string {
	return fmt.Sprintf("%s at position %d: cannot send to a client: %v", e.File, e.Pos, e.Err)
}

// Unwrap gives the cause.
func (e *SpanError) Unwrap() error { return e.Err }

var errReplyTooLarge = errors.New("BUG: a reply of more than 2 GiB, which no frame can carry")

// spanFault tells whose fault a failed sendfile is. 0 means that the file ended.
func spanFault(s *placedSpan, off int, errno syscall.Errno) error {
	err := error(errno)
	switch errno {
	case 0:
		err = io.ErrUnexpectedEOF
	case syscall.EIO, syscall.EBADF, syscall.EBADMSG, syscall.EUCLEAN, syscall.ENODATA, syscall.ESTALE, syscall.EOVERFLOW:
	default:
		return errno // the socket's
	}
	return &SpanError{File: s.Ref.File().Name(), Pos: s.Pos + vfs.Pos(off), Err: err}
}

// coldPool reads in what is not in the page cache, so that no reader or writer of a connection waits for a disk inside
// sendfile, and bounds how many threads do. It holds a connection's right to write meanwhile. It never waits for a
// peer.
type coldPool struct {
	server *Server
	limit  int

	mu      sync.Mutex
	running int
	queue   []*Conn
}

// submit passes the right to write to the pool: the cursor of c stands at a span that is not resident.
func (p *coldPool) submit(c *Conn) {
	c.tally.coldHandoffs.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == p.limit {
		p.queue = append(p.queue, c)
		return
	}
	p.running++
	p.server.tasks.Add(1)
	go p.work(c)
}

// work warms one connection after the other until none waits.
func (p *coldPool) work(c *Conn) {
	defer p.server.tasks.Done()
	for c != nil {
		c.warm()
		p.server.startWriter(c)
		p.mu.Lock()
		if c = nil; len(p.queue) > 0 {
			c = p.queue[0]
			p.queue = append(p.queue[:0], p.queue[1:]...)
		} else {
			p.running--
		}
		p.mu.Unlock()
	}
}

// warm reads in a window of the span at the cursor, and has the kernel begin with what follows.
func (c *Conn) warm() {
	at := c.out.head.sent
	s := &c.out.head.Out.spans[at.span]
	n := min(s.N-at.off, warmWindow)
	if fd, ok := s.Fd(); ok {
		readAhead(fd, int64(s.Pos)+int64(at.off), int64(min(s.N-at.off, 3*warmWindow)))
	}
	b := borrowBuffer(copyStep)
	defer b.release()
	for off := at.off; off < at.off+n; {
		want := min(copyStep, at.off+n-off)
		got, err := s.ReadAt(b.data[:want], off)
		if got < want {
			c.writeFault = &SpanError{File: s.Ref.File().Name(), Pos: s.Pos + vfs.Pos(off+got), Err: err}
			return
		}
		off += got
	}
	s.warm = at.off + n
}
