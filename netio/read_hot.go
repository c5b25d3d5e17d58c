package netio

import (
	"encoding/binary"
	"syscall"
)

const (
	prefixLen = 4 // the big-endian length before each frame

	// minSpace is the least room worth a read; a buffer whose tail is shorter is left to those who hold bodies in it.
	minSpace = 4 << 10
	// maxPredict bounds the buffer that is borrowed because the last frame was large.
	maxPredict = 1 << 20
	// minAwait is what must be missing of a frame for SO_RCVLOWAT to pay, maxAwait what is waited for at once: a peer's
	// window holds that much. With 1 MiB frames it saves a fifth of the CPU time, since most wake-ups go.
	minAwait = 128 << 10
	maxAwait = 512 << 10
	// wasteLimit is how many times its contents a buffer may be while the connection waits for the rest of a frame.
	wasteLimit = 32
	// A burst joins its replies: each write costs 3 to 5 µs and a wake-up of the peer, which for 64 KiB frames is a
	// third of all work. But replies leave early when the burst has received corkBytes, when a large frame finds that
	// the handler has been at work for corkNs since the last write, or when a reply is large itself.
	corkBytes = 512 << 10
	corkNs    = 300_000
	corkReply = 32 << 10
)

// reader is what belongs to the connection's reading goroutine.
type reader struct {
	in         *recvBuffer // nil when nothing is buffered
	start, end int         // received and not yet served: in.data[start:end]
	served     requestList // completed in this burst, not yet queued
	work       *work       // during a burst
	fd         uintptr     // valid during a burst
	burstBytes int         // received since the last flush
	burstNs    int64       // when its first bytes were
	awaits     int         // SO_RCVLOWAT; 0: not set, which is 1
	predict    int         // size of the last complete frame with its prefix
	maxFrame   int
	seen       int // pending when last looked at: an upper bound while the reader queues nothing
	frames     int // served since the last count
	nowNs      int64
	fault      error // why reading ended
	more       bool  // the socket holds more
	midFrame   bool  // frameNs is set
	overdrawn  bool  // of the budget
	hints      bool  // the socket has TCP_INQ
}

// onReadable is one wake-up: it reads and serves until the socket is empty. True ends the connection's reading.
func (c *Conn) onReadable(fd uintptr) (stop bool) {
	c.work, c.fd = getWork(), fd
	c.burstBytes, c.more = 0, true
	if c.seen > 0 {
		c.cork()
	}
	for c.more && !stop {
		if c.stopping.Load() {
			stop = true
			break
		}
		if stop = !c.fill(); !stop {
			stop = !c.serve()
		}
	}
	if c.frames > 0 {
		c.tally.requests.Add(int64(c.frames))
		c.frames = 0
		c.activeNs.Store(c.nowNs)
	}
	c.flush()
	c.rest(stop)
	c.work.put()
	c.work = nil
	return stop || c.stopping.Load()
}

// fill reads once. It leaves c.more as the socket says, and is false when reading has ended.
func (c *Conn) fill() bool {
	p := c.space()
	if p == nil {
		return false
	}
	n, more, errno := c.work.receive(c.fd, p, c.hints)
	c.tally.reads.Add(1)
	switch {
	case errno == syscall.EAGAIN:
		c.more = false
		return true
	case errno != 0:
		c.fault = errno
	case n == 0:
		c.fault = ErrPeerClosed
	default:
		c.end += n
		c.more = more
		if c.nowNs = Monotonic(); c.burstBytes == 0 {
			c.burstNs = c.nowNs
		}
		return true
	}
	return false
}

// serve hands every complete frame in the buffer to the handler. It is false when the connection is to stop.
func (c *Conn) serve() bool {
	for c.end-c.start >= prefixLen {
		n := binary.BigEndian.Uint32(c.in.data[c.start:])
		if uint64(n) > uint64(c.maxFrame) { // negative ones included
			c.refuse(c.in.data[c.start:c.end])
			return false
		}
		size := prefixLen + int(n)
		if c.end-c.start < size {
			break
		}
		c.predict = size
		c.frameDone()
		if c.full() && !c.waitRoom() || c.stopping.Load() {
			return false
		}
		r := c.work.request(c)
		r.Body = c.in.data[c.start+prefixLen : c.start+size : c.start+size]
		r.buf, r.size, r.ArrivedNs = c.in, size, c.nowNs
		c.in.refs.Add(1)
		c.start += size
		c.burstBytes += size
		c.frames++
		c.server.handler.Handle(r)
		if !c.handled(r) {
			return false
		}
	}
	return true
}

// handled puts a request where it belongs after Handle has returned. It is false when its reply is the last.
func (c *Conn) handled(r *Request) bool {
	if r.state.Load() != done {
		c.park(r)
		return true
	}
	r.ready = true
	last := r.closeAfter
	early := c.burstBytes >= corkBytes || r.Out.Len() >= corkReply ||
		r.size >= minSpace && Monotonic()-c.burstNs > corkNs
	c.served.push(r)
	if early {
		c.flush()
	}
	return !last
}

// space returns where the next read goes: exactly to the end of a large frame, so that the next one starts in a buffer
// of its own, or to the end of the buffer when frames are small. It is nil when the connection is to stop.
func (c *Conn) space() []byte {
	have := c.end - c.start
	goal := minSpace // how many bytes from start the buffer must hold
	if have >= prefixLen {
		goal = have + c.missing(have)
	} else if c.predict > smallBuffer {
		goal = min(c.predict, maxPredict)
	}
	if have == 0 && c.in != nil && c.in.refs.Load() == 1 {
		c.start, c.end = 0, 0
	}
	if c.in == nil || goal > len(c.in.data)-c.start {
		// Memory follows what has arrived: at most twice that, or what the last frame took.
		size := min(goal, max(2*have, smallBuffer, min(c.predict, maxPredict)))
		if (c.in == nil || size > len(c.in.data)-c.start) && !c.move(size) {
			return nil
		}
	}
	to := len(c.in.data)
	if goal > smallBuffer {
		to = min(to, c.start+goal)
	}
	return c.in.data[c.end:to]
}

// move gives the reader a buffer of at least size bytes, with what is unserved at its start.
func (c *Conn) move(size int) bool {
	have := c.end - c.start
	if old := c.in; old != nil && have > 0 && size <= len(old.data) && old.refs.Load() == 1 {
		copy(old.data, old.data[c.start:c.end])
		c.start, c.end = 0, have
		return true
	}
	if have == 0 {
		c.dropInput() // before waiting for the budget
	}
	return c.exchange(size)
}

// exchange moves what is unserved into another buffer of at least size bytes. It is false when the connection is to
// stop.
func (c *Conn) exchange(size int) bool {
	have := c.end - c.start
	b := borrowBuffer(size)
	if budget := c.server.cfg.Budget; budget != nil {
		if !c.charge(int64(len(b.data)), have > 0) {
			b.release()
			return false
		}
		b.budget = budget
	}
	if have > 0 {
		copy(b.data, c.in.data[c.start:c.end])
		c.dropInput()
	}
	c.in, c.start, c.end = b, 0, have
	return true
}

// rest ends a burst: it gives the buffer back unless it holds part of a frame, and stamps the clocks.
func (c *Conn) rest(stop bool) {
	have := c.end - c.start
	if stop {
		c.dropInput()
		return
	}
	c.await(c.missing(have))
	if have == 0 {
		c.dropInput()
		return
	}
	if len(c.in.data) > largeBuffer && have*wasteLimit < len(c.in.data) &&
		!c.exchange(max(2*have, smallBuffer)) {
		return // stopping
	}
	if !c.midFrame {
		c.midFrame = true
		c.frameNs.Store(c.nowNs)
	}
}

// missing is how many bytes the unfinished frame still lacks, if that is known.
func (c *Conn) missing(have int) int {
	if have < prefixLen {
		return 0
	}
	return prefixLen + int(binary.BigEndian.Uint32(c.in.data[c.start:])) - have
}

// await makes the kernel wake the reader only when much of a large frame has arrived. Setting it back signals what has
// arrived meanwhile; the end of the stream, and a window about to close, wake the reader in any case.
func (c *Conn) await(n int) {
	if n = min(n, maxAwait); n < minAwait {
		n = 1
	}
	if n != max(c.awaits, 1) {
		c.awaits = n
		awaitBytes(c.fd, n)
	}
}

// frameDone stops the clock of the frame that is now complete, and its right to overdraw the budget.
func (c *Conn) frameDone() {
	if c.midFrame {
		c.midFrame = false
		c.frameNs.Store(0)
	}
	if c.overdrawn {
		c.server.cfg.Budget.settle(c)
	}
}

// dropInput gives up the reader's buffer.
func (c *Conn) dropInput() {
	if c.in != nil {
		c.in.release()
		c.in, c.start, c.end = nil, 0, 0
	}
}
