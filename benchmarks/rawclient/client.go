package rawclient

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
)

// Load describes what a Client does until it is stopped.
type Load struct {
	Addr     string
	Conns    int                            // connections
	InFlight int                            // requests in flight on each
	Frames   func(conn, conns int) [][]byte // the requests of connection conn of conns, sent in turn, again and again
	Check    Check
	Limit    int64 // requests of each connection; 0 = until stopped
}

// Client is a running load.
type Client struct {
	lanes []*lane
	done  sync.WaitGroup
	mu    sync.Mutex
	err   error
	ended atomic.Bool
}

// lane is one connection. Its goroutine owns everything but the counter.
type lane struct {
	client   *Client
	conn     net.Conn
	check    Check
	inFlight int
	limit    int64
	frames   [][]byte
	sent     int64
	queued   net.Buffers
	buf      []byte
	replied  atomic.Int64
	_        [64]byte // the counters of two lanes share no cache line
}

// readBytes is what a lane asks its socket for.
const readBytes = 256 << 10

// Start connects and begins to send.
func Start(load Load) (*Client, error) {
	c := &Client{}
	for i := range load.Conns {
		conn, err := net.Dial("tcp", load.Addr)
		if err != nil {
			c.close()
			return nil, err
		}
		l := &lane{
			client: c, conn: conn, check: load.Check, inFlight: load.InFlight, limit: load.Limit,
			frames: load.Frames(i, load.Conns), buf: make([]byte, readBytes),
		}
		// Requests that are written together need a buffer each, because each has its own correlation id.
		for own := len(l.frames); len(l.frames) < load.InFlight; {
			l.frames = append(l.frames, slices.Clone(l.frames[len(l.frames)-own]))
		}
		c.lanes = append(c.lanes, l)
	}
	c.done.Add(len(c.lanes))
	for _, l := range c.lanes {
		go func() {
			defer c.done.Done()
			if err := l.run(); err != nil {
				c.fail(err)
			}
		}()
	}
	return c, nil
}

// Replied is the number of requests whose good reply has come.
func (c *Client) Replied() (n int64) {
	for _, l := range c.lanes {
		n += l.replied.Load()
	}
	return n
}

// Wait returns when every lane has reached its limit, or one has failed.
func (c *Client) Wait() error {
	c.done.Wait()
	c.ended.Store(true)
	c.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Stop ends the load and returns what went wrong before.
func (c *Client) Stop() error {
	c.ended.Store(true)
	c.close()
	return c.Wait()
}

// Err is what has gone wrong so far.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *Client) close() {
	for _, l := range c.lanes {
		_ = l.conn.Close()
	}
}

func (c *Client) fail(err error) {
	if c.ended.Load() {
		return // the lane's connection was closed under it, on purpose
	}
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.mu.Unlock()
	c.close()
}

func (l *lane) run() error {
	for range l.inFlight {
		l.queue()
	}
	have := 0
	for l.limit == 0 || l.replied.Load() < l.limit {
		if err := l.flush(); err != nil {
			return err
		}
		n, err := l.conn.Read(l.buf[have:])
		if err != nil {
			return fmt.Errorf("%s: %w", l.conn.RemoteAddr(), err)
		}
		if have, err = l.take(have + n); err != nil {
			return fmt.Errorf("%s: reply %d: %w", l.conn.RemoteAddr(), l.replied.Load(), err)
		}
	}
	return nil
}

// queue puts the next request behind those to be written.
func (l *lane) queue() {
	if l.limit > 0 && l.sent == l.limit {
		return
	}
	frame := l.frames[l.sent%int64(len(l.frames))]
	binary.BigEndian.PutUint32(frame[correlationAt:], uint32(l.sent))
	l.queued = append(l.queued, frame)
	l.sent++
}

func (l *lane) flush() error {
	if len(l.queued) == 0 {
		return nil
	}
	out := l.queued
	_, err := out.WriteTo(l.conn)
	l.queued = l.queued[:0]
	return err
}

// take consumes the replies in the first n bytes of the buffer and returns how many bytes of the next are left there.
func (l *lane) take(n int) (int, error) {
	b := l.buf[:n]
	for len(b) >= 4 {
		size := int(binary.BigEndian.Uint32(b))
		head := b[4:min(len(b), 4+size)]
		if len(head) < min(size, l.check.head) {
			break
		}
		if err := l.check.verify(head, uint32(l.replied.Load())); err != nil {
			return 0, err
		}
		if rest := 4 + size - len(b); rest > 0 {
			// Records are read and not looked at, as a consumer that keeps up would read them.
			if err := l.discard(rest); err != nil {
				return 0, err
			}
			b = nil
		} else {
			b = b[4+size:]
		}
		l.replied.Add(1)
		l.queue()
	}
	return copy(l.buf, b), nil
}

func (l *lane) discard(n int) error {
	for n > 0 {
		got, err := l.conn.Read(l.buf[:min(n, len(l.buf))])
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		n -= got
	}
	return nil
}
