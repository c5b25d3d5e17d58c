package netio

import "golang.org/x/sys/unix"

// outcome is how an attempt to write ended.
type outcome uint8

const (
	wrote   outcome = iota // everything the owner holds
	blocked                // somebody who may wait must go on
	cold                   // the next bytes are not in memory
	last                   // a reply after which the connection closes
	failed                 // writeFault says why
)

// owner is what belongs to whoever holds the right to write.
type owner struct {
	out        requestList
	finished   int // replies sent and not yet taken off pending
	outcome    outcome
	mode       mode
	progress   bool // bytes went out since the last wait
	writeFault error
	streams    *streams // nil until something is sent that may be cold
}

// cursor is the place in a reply up to which it is sent.
type cursor struct {
	prefix int // of prefixLen
	buf    int // of Out.Buf
	span   int // index
	off    int // in that span
}

// sendFileStep bounds one sendfile(2), below the 2^31 that it takes at once.
const sendFileStep = 1 << 30

// onWritable is the callback of RawConn.Write: false waits until the peer has taken something.
func (c *Conn) onWritable(fd uintptr) bool {
	w := getWork()
	stop := c.send(fd, w)
	w.put()
	return stop
}

// send writes what the owner holds, as far as its mode allows; outcome says how it ended. It is false when it is to be
// called again once the socket takes more.
func (c *Conn) send(fd uintptr, w *work) bool {
	c.outcome = c.attempt(fd, w)
	if c.outcome == blocked && c.mode == mayBlock {
		if c.progress || c.stalledNs.Load() == 0 {
			c.stalledNs.Store(Monotonic())
		}
		c.progress = false
		c.tally.wouldBlock.Add(1)
		return false
	}
	if c.stalledNs.Load() != 0 {
		c.stalledNs.Store(0)
	}
	return true
}

func (c *Conn) attempt(fd uintptr, w *work) outcome {
	if c.advance(w, 0) {
		return last
	}
	for c.out.head != nil {
		next := c.gather(w)
		if c.writeFault != nil {
			return failed
		}
		if w.bytes > 0 {
			short, o := c.sendGathered(fd, w, next)
			if o != wrote {
				return o
			}
			if c.out.head == nil || short && c.mode == mayBlock {
				continue
			}
		}
		switch {
		case c.mode == tryOnce:
			return blocked
		case next == chilly:
			return cold
		case next == file:
			if o := c.sendSpan(fd, w); o != wrote {
				return o
			}
		}
	}
	return wrote
}

// sendGathered makes one attempt to send what gather has collected. next is what follows it.
func (c *Conn) sendGathered(fd uintptr, w *work, next gathered) (short bool, o outcome) {
	flags := uintptr(0)
	if next == file && c.mode == mayBlock {
		flags = unix.MSG_MORE // the file's bytes follow at once
	}
	n, errno := w.sendVectors(fd, flags)
	w.dropCopied()
	switch {
	case errno == unix.EAGAIN:
		return false, blocked
	case errno != 0:
		c.writeFault = errno
		return false, failed
	}
	c.tally.writevCalls.Add(1)
	c.tally.writevBytes.Add(int64(n))
	c.progress = true
	if c.advance(w, n) {
		return false, last
	}
	return n < w.bytes, wrote
}

// sendSpan makes one attempt to send the span at the cursor by sendfile.
func (c *Conn) sendSpan(fd uintptr, w *work) outcome {
	at := c.out.head.sent
	s := &c.out.head.Out.spans[at.span]
	end := c.byFile(s)
	if !s.Hot {
		end = min(end, s.warm)
	}
	source, _ := s.Fd()
	n, errno := w.sendFile(fd, source, int64(s.Pos)+int64(at.off), min(end-at.off, sendFileStep))
	switch {
	case errno == unix.EAGAIN:
		return blocked
	case errno == unix.EINVAL || errno == unix.ENOSYS: // a file system that cannot
		s.copyOnly = true
		return wrote
	case errno != 0 || n == 0:
		c.writeFault = spanFault(s, at.off, errno)
		return failed
	}
	c.tally.sendfileCalls.Add(1)
	c.tally.sendfileBytes.Add(int64(n))
	c.progress = true
	if c.advance(w, n) {
		return last
	}
	return wrote
}

// advance moves the cursor over n bytes that have been sent and recycles what is complete. It is true when that was the
// last reply.
func (c *Conn) advance(w *work, n int) bool {
	for r := c.out.head; r != nil; r = c.out.head {
		if !r.silent {
			var all bool
			if n, all = r.skip(n); !all {
				return false
			}
		}
		end := r.closeAfter
		c.out.pop().recycle(w)
		c.finished++
		if end {
			return true
		}
	}
	return false
}

// skip moves the cursor over at most n bytes. It returns what is left of n, and whether the reply is sent.
func (r *Request) skip(n int) (rest int, all bool) {
	at, o := &r.sent, &r.Out
	k := min(n, prefixLen-at.prefix)
	at.prefix += k
	if n -= k; at.prefix < prefixLen {
		return 0, false
	}
	for {
		end := o.bytesBefore(at.span)
		k = min(n, end-at.buf)
		at.buf += k
		if n -= k; at.buf < end {
			return 0, false
		}
		if at.span == len(o.spans) {
			return n, true
		}
		s := &o.spans[at.span]
		k = min(n, s.N-at.off)
		at.off += k
		if n -= k; at.off < s.N {
			return 0, false
		}
		at.span++
		at.off = 0
	}
}

// bytesBefore is where in Buf the bytes before a span end.
func (o *Reply) bytesBefore(span int) int {
	if span < len(o.spans) {
		return o.spans[span].at
	}
	return len(o.Buf)
}
