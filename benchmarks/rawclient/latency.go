package rawclient

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Latencies puts a load on with one request in flight on each connection, for a window, and returns how long each took,
// from before its write to behind the last byte of its reply. A Client does not take these times: they would cost it
// more than a request does.
func Latencies(load Load, window time.Duration) ([]time.Duration, error) {
	took, errs := make([][]time.Duration, load.Conns), make([]error, load.Conns)
	until := time.Now().Add(window)
	var wg sync.WaitGroup
	for i := range load.Conns {
		conn, err := net.Dial("tcp", load.Addr)
		if err != nil {
			errs[i] = err
			continue
		}
		wg.Go(func() {
			defer conn.Close()
			took[i], errs[i] = timed(conn, load.Frames(i, load.Conns), &load.Check, until)
		})
	}
	wg.Wait()
	var all []time.Duration
	for _, t := range took {
		all = append(all, t...)
	}
	return all, errors.Join(errs...)
}

func timed(conn net.Conn, frames [][]byte, check *Check, until time.Time) (took []time.Duration, err error) {
	if err := conn.SetDeadline(until.Add(callWithin)); err != nil {
		return nil, err
	}
	var reply []byte
	for n := 0; time.Now().Before(until); n++ {
		frame := frames[n%len(frames)]
		binary.BigEndian.PutUint32(frame[correlationAt:], uint32(n))
		at := time.Now()
		if _, err := conn.Write(frame); err != nil {
			return nil, err
		}
		if reply, err = readReply(conn, reply); err != nil {
			return nil, fmt.Errorf("%s: reply %d: %w", conn.RemoteAddr(), n, err)
		}
		took = append(took, time.Since(at))
		if err := check.verify(reply, uint32(n)); err != nil {
			return nil, fmt.Errorf("%s: reply %d: %w", conn.RemoteAddr(), n, err)
		}
	}
	return took, nil
}

// readReply reads one reply whole, into buf if it fits.
func readReply(r io.Reader, buf []byte) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	if n := int(binary.BigEndian.Uint32(size[:])); n <= cap(buf) {
		buf = buf[:n]
	} else {
		buf = make([]byte, n)
	}
	_, err := io.ReadFull(r, buf)
	return buf, err
}
