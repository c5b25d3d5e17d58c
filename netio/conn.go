package netio

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Errors that Handler.Closed may get, besides those of the socket, *FrameError, *SpanError and what Close was given.
var (
	ErrPeerClosed   = errors.New("the peer closed the connection")
	ErrIdle         = errors.New("idle for too long")
	ErrFrameTimeout = errors.New("a frame was begun and not finished in time")
	ErrWriteTimeout = errors.New("the peer does not read what it asked for")
	ErrServerClosed = errors.New("the server is shutting down")
	ErrDone         = errors.New("closed after the last reply")
)

// Conn is one accepted connection. Its exported fields are set before Handler.Opened and then only read, Value aside.
type Conn struct {
	ID       int64
	Listener string    // the name given to Server.Listen
	Opened   time.Time // when it was accepted
	// Value is the handler's own. It belongs to the reading goroutine.
	Value any

	server *Server
	tcp    *net.TCPConn
	raw    syscall.RawConn
	peer   netip.Addr
	// Made once, so that using them allocates nothing.
	readable, writable func(fd uintptr) bool
	writer             func()

	reader // the reading goroutine's
	owner  // whoever holds the right to write

	mu      sync.Mutex
	cond    sync.Cond   // on mu: something that the reader waits for has happened
	queue   requestList // served and not yet being written, in order
	pending int         // queue.n plus what the owner holds
	writing bool        // somebody holds the right to write
	corked  bool        // the reader will flush; completers only mark
	muted   bool        // nothing more is written: a reply was the last, or dead
	poked   bool        // the budget may have room
	dead    bool        // closing; cause says why
	cause   error

	stopping  atomic.Bool  // the reader is to stop at the next frame
	wantsRoom atomic.Bool  // the reader waits for openBytes to fall
	openBytes atomic.Int64 // bodies held by parked requests

	// Coarse stamps on the clock of Monotonic for the sweeper; 0: not now.
	activeNs  atomic.Int64 // last bytes received or reply sent
	frameNs   atomic.Int64 // an unfinished frame was begun
	stalledNs atomic.Int64 // a writer waits for the peer since

	tally tally

	before, after *Conn // Server.conns
}

// newConn wraps an accepted socket.
func newConn(s *Server, tcp *net.TCPConn, listener string) (*Conn, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &Conn{Listener: listener, Opened: time.Now(), server: s, tcp: tcp, raw: raw}
	c.cond.L = &c.mu
	c.readable, c.writable, c.writer = c.onReadable, c.onWritable, c.runWriter
	c.maxFrame = s.cfg.MaxFrameBytes
	c.activeNs.Store(Monotonic())
	if a, ok := tcp.RemoteAddr().(*net.TCPAddr); ok {
		c.peer = a.AddrPort().Addr().Unmap()
	}
	return c, nil
}

// LocalAddr is the address at which the peer reached us.
func (c *Conn) LocalAddr() net.Addr { return c.tcp.LocalAddr() }

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.tcp.RemoteAddr() }

// LimitFrames sets the largest frame accepted from now on, in bytes. From Opened or Handle only.
func (c *Conn) LimitFrames(n int) { c.maxFrame = min(n, c.server.cfg.MaxFrameBytes) }

// Close ends the connection: what is queued is dropped. It returns at once; Handler.Closed is called with the first err
// given. From any goroutine, any number of times. Requests still open may be completed later as usual.
func (c *Conn) Close(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return
	}
	c.dead, c.muted, c.cause = true, true, err
	c.stopping.Store(true)
	c.cond.Broadcast()
	// Wakes the reader and a waiting writer. An error means that the descriptor is closed already.
	_ = c.tcp.SetDeadline(past)
}

// past is a deadline that has gone by.
var past = time.Unix(1, 0)

// finishUp makes the reader stop at the next frame; what is open is still answered.
func (c *Conn) finishUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping.Store(true)
	c.cond.Broadcast()
	if !c.dead {
		_ = c.tcp.SetReadDeadline(past)
	}
}

// run is the connection's resident goroutine.
func (c *Conn) run() {
	defer c.server.tasks.Done()
	c.server.handler.Opened(c)
	err := c.raw.Read(c.readable)
	if c.fault != nil {
		err = c.fault
	}
	if err == nil || c.stopping.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		err = c.drain()
	}
	c.shut(err)
}

// drain waits until all that is open has been answered, then lets the peer see the end of the stream.
func (c *Conn) drain() error {
	c.mu.Lock()
	for !c.dead && (c.writing || c.pending > 0 && !c.muted) {
		c.cond.Wait()
	}
	dead, muted := c.dead, c.muted
	c.mu.Unlock()
	if dead {
		return nil // cause is known
	}
	c.linger()
	if muted {
		return ErrDone
	}
	return ErrServerClosed
}

// lingerTime bounds how long an ended connection waits for the peer to end it too.
const lingerTime = 500 * time.Millisecond

// linger ends our side and discards what still comes. Closing a socket with unread bytes resets it, and a reset drops
// replies that are still in the send queue.
func (c *Conn) linger() {
	if c.tcp.CloseWrite() != nil {
		return
	}
	c.mu.Lock()
	if !c.dead {
		_ = c.tcp.SetReadDeadline(time.Now().Add(lingerTime))
	}
	c.mu.Unlock()
	b := borrowBuffer(smallBuffer)
	defer b.release()
	for {
		if n, err := c.tcp.Read(b.data); n == 0 || err != nil {
			return
		}
	}
}

// shut closes the socket, detaches what is open, and tells the handler.
func (c *Conn) shut(err error) {
	if err == nil {
		err = ErrServerClosed
	}
	c.Close(err)
	c.dropInput()
	if c.overdrawn {
		c.server.cfg.Budget.settle(c)
	}
	c.mu.Lock()
	for c.writing {
		c.cond.Wait()
	}
	c.queue.take(&c.served)
	taken := c.detach()
	err = c.cause
	c.mu.Unlock()
	for _, b := range taken {
		b.release()
	}
	_ = c.tcp.Close()
	c.server.leave(c)
	c.server.handler.Closed(c, err)
}

// detach empties the queue of an ended connection, under mu. Bodies of open requests are taken from them and returned,
// so that nothing stays charged if they are never completed; but the memory is left to the collector, because somebody
// may be reading it.
func (c *Conn) detach() (taken []*recvBuffer) {
	for c.queue.head != nil {
		r := c.queue.pop()
		if r.ready {
			r.recycle(nil)
			continue
		}
		r.orphan = true
		if r.body.Swap(bodyReleased) != bodyReleased {
			r.buf.lost.Store(true)
			taken = append(taken, r.buf)
			r.buf = nil
		}
	}
	return taken
}
