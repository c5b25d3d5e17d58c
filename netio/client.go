package netio

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// Client is the dialling side for benchmarks and tests: it sends prebuilt frames and reads frames, blocking. One
// goroutine may send while another receives.
type Client struct {
	conn       *net.TCPConn
	buf        []byte
	start, end int
}

// Dial connects to a TCP address.
func Dial(ctx context.Context, address string) (*Client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &Client{conn: conn.(*net.TCPConn), buf: make([]byte, 64<<10)}, nil
}

// Conn is the socket, for deadlines and half closes.
func (c *Client) Conn() *net.TCPConn { return c.conn }

// Send writes b, which holds one or more frames with their length prefixes.
func (c *Client) Send(b []byte) error {
	_, err := c.conn.Write(b)
	return err
}

// Receive returns the next frame without its prefix, valid until the next call. The end of the stream between frames is
// io.EOF, inside one io.ErrUnexpectedEOF.
func (c *Client) Receive() ([]byte, error) {
	if err := c.need(prefixLen); err != nil {
		return nil, err
	}
	n := int32(binary.BigEndian.Uint32(c.buf[c.start:]))
	if n < 0 {
		return nil, fmt.Errorf("%s announced a frame of %d bytes", c.conn.RemoteAddr(), n)
	}
	size := prefixLen + int(n)
	if err := c.need(size); err != nil {
		return nil, err
	}
	frame := c.buf[c.start+prefixLen : c.start+size]
	c.start += size
	return frame, nil
}

// need reads until n bytes are buffered.
func (c *Client) need(n int) error {
	if c.start == c.end {
		c.start, c.end = 0, 0
	}
	if c.start+n > len(c.buf) {
		b := c.buf
		if n > len(b) {
			b = make([]byte, n)
		}
		c.end = copy(b, c.buf[c.start:c.end])
		c.buf, c.start = b, 0
	}
	for c.end-c.start < n {
		got, err := c.conn.Read(c.buf[c.end:])
		c.end += got
		if err == io.EOF && c.end > c.start {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// SetDeadline bounds what follows.
func (c *Client) SetDeadline(t time.Time) error { return c.conn.SetDeadline(t) }

// Close closes the socket.
func (c *Client) Close() error { return c.conn.Close() }

// AppendFrame appends payload as a frame: for prebuilt requests.
func AppendFrame(b, payload []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	return append(b, payload...)
}
