package netio

import (
	"encoding/binary"
	"math"
	"unsafe"

	"tailrace/vfs"
)

// gathered is why gathering stopped.
type gathered uint8

const (
	everything gathered = iota
	full                // no more room in this message
	file                // at a span that is to be sent as a file
	chilly              // at a span that is not in memory
)

const (
	// copyStep is how many span bytes are copied for one message.
	copyStep = 64 << 10
	// warmWindow is how much of a span that may be cold is probed, and read in, at a time.
	warmWindow = 1 << 20
	// joinedTail is how much of the end of a span that is sent as a file is copied into the message behind it. sendfile
	// pushes what it has, so the few bytes that end a reply would be a packet of their own; on loopback, where a segment
	// takes 65,483 bytes, 64 KiB with their headers are then two packets in place of three.
	joinedTail = 512
)

// gather collects the vectors of one message from the cursor on, over as many replies as fit, up to the first span that
// must leave another way.
func (c *Conn) gather(w *work) gathered {
	w.count, w.bytes, w.flatUsed, w.flatOpen, w.copyUsed = 0, 0, 0, false, 0
	for r := c.out.head; r != nil; r = r.next {
		if !r.silent {
			if g := c.gatherReply(w, r); g != everything {
				return g
			}
		}
		if r.closeAfter {
			break
		}
	}
	return everything
}

func (c *Conn) gatherReply(w *work, r *Request) gathered {
	at, o := r.sent, &r.Out
	if at.prefix < prefixLen {
		n := o.Len()
		if n > math.MaxInt32 {
			c.writeFault = errReplyTooLarge
			return full
		}
		if !w.addPrefix(uint32(n), at.prefix) {
			return full
		}
	}
	for {
		if end := o.bytesBefore(at.span); at.buf < end {
			if !w.addBytes(o.Buf[at.buf:end]) {
				return full
			}
			at.buf = end
		}
		if at.span == len(o.spans) {
			return everything
		}
		if g := c.gatherSpan(w, &o.spans[at.span], at.off); g != everything {
			return g
		}
		at.span++
		at.off = 0
	}
}

// gatherSpan decides the way of a span, and takes it if that way is a vector. A completer only touches memory.
func (c *Conn) gatherSpan(w *work, s *placedSpan, off int) gathered {
	cfg := &c.server.cfg
	if s.N <= cfg.SendfileMin {
		if v := s.View(); v != nil {
			if !w.addVector(v[off:]) {
				return full
			}
			return everything
		}
	}
	if c.mode == tryOnce {
		return file
	}
	_, real := s.Fd()
	if real && !c.resident(s, off) {
		return chilly
	}
	if real && off < c.byFile(s) {
		return file
	}
	return c.copySpan(w, s, off, real)
}

// byFile is how many bytes of a span that is no vector leave by sendfile; the others are copied.
func (c *Conn) byFile(s *placedSpan) int {
	switch most := c.server.cfg.CopyMax; {
	case s.N <= most || s.copyOnly:
		return 0
	case most < joinedTail:
		return s.N
	}
	return s.N - joinedTail
}

// copySpan reads bytes of a span into a pooled buffer, as many as fit.
func (c *Conn) copySpan(w *work, s *placedSpan, off int, real bool) gathered {
	if w.copied == nil {
		w.copied = borrowBuffer(copyStep)
	}
	n := min(s.N-off, len(w.copied.data)-w.copyUsed)
	if real && !s.Hot {
		n = min(n, s.warm-off)
	}
	p := w.copied.data[w.copyUsed : w.copyUsed+n]
	if n == 0 || !w.addVector(p) {
		return full
	}
	if got, err := s.ReadAt(p, off); got < n {
		c.writeFault = &SpanError{File: s.Ref.File().Name(), Pos: s.Pos, Err: err}
		return full
	}
	w.copyUsed += n
	c.tally.copyBytes.Add(int64(n))
	if off+n < s.N {
		return full
	}
	return everything
}

// resident tells whether the span's bytes from off on, a window of them, can be touched without waiting for a disk, and
// sees to it that the bytes behind them can be, too. Where the kernel cannot tell, it is taken for granted.
func (c *Conn) resident(s *placedSpan, off int) bool {
	if s.Hot || off < s.warm {
		return true
	}
	n := min(s.N-off, warmWindow)
	f, pos := s.Ref.File(), int64(s.Pos)+int64(off)
	var there bool
	if s.steady, there = c.lookAhead(s.Ref, pos, int64(n), off == 0); !there && !isIn(f, pos, int64(n)) {
		return false
	}
	s.warm = off + n
	return true
}

// lookAhead has the bytes behind a window that is about to be sent read in, if the peer is going through the file:
// steady tells whether it is. there says that the window itself was found in memory when it lay ahead, so that it need
// not be asked for again: of 64 KiB that costs a tenth of what sending them does.
func (c *Conn) lookAhead(ref *vfs.Ref, pos, n int64, opens bool) (steady, there bool) {
	if c.streams == nil {
		c.streams = new(streams)
	}
	s := c.streams.pass(ref, pos, n, opens)
	if s == nil {
		return false, false
	}
	now := Monotonic()
	there = s.has(pos, pos+n, now)
	if from, to := s.due(); from >= to {
	} else if isIn(ref.File(), from, to-from) {
		s.asked = to
		s.found(from, to, now)
	} else if c.server.cold.readAhead(s, from, to) {
		s.asked = to
		c.tally.readAheadBytes.Add(to - from)
	}
	return s.steady, there
}

// isIn asks whether bytes are in memory. A cold answer is asked for twice: cachestat(2) of Linux 6.18 counts too little
// when it is preempted in a large folio, about once in a thousand probes.
func isIn(f vfs.File, pos, n int64) bool {
	for range 2 {
		if in, known := f.Resident(pos, n); in || !known {
			return true
		}
	}
	return false
}

// addVector adds p itself; it is false when no vector is left.
func (w *work) addVector(p []byte) bool {
	if w.count == maxVectors {
		return false
	}
	v := &w.vectors[w.count]
	v.Base = unsafe.SliceData(p)
	v.SetLen(len(p))
	w.count++
	w.bytes += len(p)
	w.flatOpen = false
	return true
}

// addBytes adds a reply's own bytes; small pieces are copied together.
func (w *work) addBytes(p []byte) bool {
	if len(p) > flatPiece || w.flatUsed+len(p) > flatBytes {
		return w.addVector(p)
	}
	return w.addFlat(copy(w.flat[w.flatUsed:], p))
}

// addPrefix adds the length of a reply, from byte skip on.
func (w *work) addPrefix(n uint32, skip int) bool {
	if w.flatUsed+prefixLen > flatBytes {
		return false
	}
	p := w.flat[w.flatUsed : w.flatUsed+prefixLen]
	binary.BigEndian.PutUint32(p, n)
	return w.addFlat(copy(p, p[skip:]))
}

// addFlat adds the next n bytes of flat, to the last vector if they follow on it.
func (w *work) addFlat(n int) bool {
	p := w.flat[w.flatUsed : w.flatUsed+n]
	if w.flatOpen {
		v := &w.vectors[w.count-1]
		v.SetLen(int(v.Len) + n)
		w.bytes += n
	} else if !w.addVector(p) {
		return false
	}
	w.flatUsed += n
	w.flatOpen = true
	return true
}

// dropCopied gives the buffer of copied span bytes back.
func (w *work) dropCopied() {
	if w.copied != nil {
		w.copied.release()
		w.copied = nil
	}
}
