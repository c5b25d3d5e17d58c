package netio

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Refusal is why a connection was refused.
type Refusal uint8

// The refusals.
const (
	NegativeLength Refusal = iota + 1
	TooLarge
	TLSClient
	HTTPClient
	TooManyConns
	TooManyFromAddress
)

// FrameError says why bytes, or a whole connection, were refused, in words that a user can act on.
type FrameError struct {
	Kind Refusal
	Text string
}

// Error implements error.
func (e *FrameError) Error() string { return e.Text }

var httpMethods = [][]byte{[]byte("GET "), []byte("POST"), []byte("HEAD"), []byte("PUT "), []byte("OPTI"),
	[]byte("DELE"),
	[]byte("CONN"), []byte("PRI ")}

// judge explains a prefix that announces no frame of at most max bytes. b holds at least the prefix.
func judge(b []byte, first bool, max int) *FrameError {
	n := int32(binary.BigEndian.Uint32(b))
	if first && b[0] == 0x16 && b[1] == 0x03 {
		return &FrameError{TLSClient, "a TLS client has connected to a plaintext listener: set the client's" +
			" security.protocol to PLAINTEXT, or use a TLS listener's port"}
	}
	for _, m := range httpMethods {
		if first && bytes.HasPrefix(b, m) {
			return &FrameError{HTTPClient, "an HTTP client has connected: this port speaks the Kafka protocol"}
		}
	}
	if n < 0 {
		return &FrameError{NegativeLength, fmt.Sprintf("a frame of %d bytes was announced (first bytes %x): the peer does"+
			" not speak the Kafka protocol", n, b[:prefixLen])}
	}
	return &FrameError{TooLarge, fmt.Sprintf("a frame of %d bytes was announced (first bytes %x), the limit is %d: send"+
		" less at once, or raise socket.request.max.bytes", n, b[:prefixLen], max)}
}

// refuse ends reading because of a prefix.
func (c *Conn) refuse(b []byte) {
	e := judge(b, c.predict == 0, c.maxFrame)
	c.fault = e
	c.server.refused(c, e)
}
