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
	for ; c != nil; c = p.next() {
		c.warm()
		p.server.startWriter(c)
	}
}

// next takes the connection that has waited longest, or gives the thread up.
func (p *coldPool) next() (c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		p.running--
		return nil
	}
	c = p.queue[0]
	p.queue = append(p.queue[:0], p.queue[1:]...)
	return c
}

// readAhead has [from, to) of a stream read in, if half of the threads are free: connections that stand still come
// first. It does not wait. It is false when there is no thread.
func (p *coldPool) readAhead(s *stream, from, to int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running >= max(1, p.limit/2) || !s.ref.Acquire() {
		return false
	}
	p.running++
	p.server.tasks.Add(1)
	s.from, s.to = from, to
	s.busy.Store(true)
	go p.goAhead(s)
	return true
}

// goAhead reads in what is beyond a stream, and then does the work of the pool. What it cannot read, the reader meets.
func (p *coldPool) goAhead(s *stream) {
	f := s.ref.File()
	for at := s.from; at < s.to && !p.pressed(); at += warmWindow {
		if f.ReadIn(at, min(s.to-at, warmWindow)) != nil {
			break
		}
	}
	vfs.Span{Ref: s.ref}.Release()
	s.busy.Store(false)
	p.work(p.next())
}

// pressed tells whether a connection waits for a thread.
func (p *coldPool) pressed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) > 0
}

// warm reads in a window of the span at the cursor. Of a stream the kernel may read on as it sees fit: it does so in
// large folios, for a quarter of the CPU. Otherwise just the span is asked for, beforehand, so that nothing more is.
func (c *Conn) warm() {
	at := c.out.head.sent
	s := &c.out.head.Out.spans[at.span]
	n := min(s.N-at.off, warmWindow)
	f, pos := s.Ref.File(), int64(s.Pos)+int64(at.off)
	if !s.steady {
		f.ReadAhead(pos, int64(min(s.N-at.off, 3*warmWindow)))
	}
	if err := f.ReadIn(pos, int64(n)); err != nil {
		c.writeFault = &SpanError{File: f.Name(), Pos: vfs.Pos(pos), Err: err}
		return
	}
	s.warm = at.off + n
}
