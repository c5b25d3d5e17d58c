package netio

// How a request gets from Handle to the owner's hands, and how the right to write passes. The package doc has the
// whole story.

// mode is how far an owner goes.
type mode uint8

const (
	tryOnce  mode = iota // a completer: never waits, sends no file
	mayBlock             // the reader or a writer
)

// noFD says that the owner is not inside a callback that has the descriptor.
const noFD = ^uintptr(0)

// cork makes completers only mark, until the reader flushes.
func (c *Conn) cork() {
	c.mu.Lock()
	c.seen = c.pending
	c.corked = c.pending > 0
	c.mu.Unlock()
}

// park queues a request that Handle left open, behind what the reader has served. What is ready goes out now: the
// handler waits for something, and others need not wait with it.
func (c *Conn) park(r *Request) {
	c.mu.Lock()
	c.pending += c.served.n + 1
	c.queue.take(&c.served)
	c.queue.push(r)
	if !r.state.CompareAndSwap(handling, parked) {
		r.ready = true
	} else if r.body.CompareAndSwap(bodyHeld, bodyCounted) {
		c.openBytes.Add(int64(r.size))
	}
	c.seen = c.pending
	c.corked = true
	own := c.own()
	c.mu.Unlock()
	if own {
		c.burstBytes = 0
		c.seen = c.drive(mayBlock, c.fd)
	}
}

// flush ends corking and sends all that is ready, waiting for the peer if need be.
func (c *Conn) flush() {
	c.burstBytes = 0
	if c.served.head == nil && c.seen == 0 {
		return
	}
	c.mu.Lock()
	c.pending += c.served.n
	c.queue.take(&c.served)
	c.seen = c.pending
	c.corked = false
	own := c.own()
	c.mu.Unlock()
	if own {
		c.seen = c.drive(mayBlock, c.fd)
	}
}

// canOwn tells, under mu, whether there is something to write and nobody who is about to.
func (c *Conn) canOwn() bool {
	return !c.writing && !c.muted && c.queue.head != nil && c.queue.head.ready
}

// own takes the right to write, under mu, if it can.
func (c *Conn) own() bool {
	if !c.canOwn() {
		return false
	}
	c.writing = true
	c.takeReady()
	return true
}

// takeReady moves the ready head of the queue to out, under mu, for the owner.
func (c *Conn) takeReady() {
	for r := c.queue.head; r != nil && r.ready; r = c.queue.head {
		c.out.push(c.queue.pop())
	}
}

// markReady notes that a queued request is complete. It tells whether the caller can write; if own is set it then owns.
func (c *Conn) markReady(r *Request, own bool) bool {
	c.mu.Lock()
	if r.ready {
		panic("BUG: netio: a request was completed twice")
	}
	r.ready = true
	if r.orphan {
		c.mu.Unlock()
		r.recycle(nil)
		return false
	}
	able := !c.corked && c.canOwn()
	if able && own {
		c.own()
	}
	c.mu.Unlock()
	return able
}

// writeReady makes one attempt to send what is ready, if nobody else is about to.
func (c *Conn) writeReady() {
	c.mu.Lock()
	own := !c.corked && c.own()
	c.mu.Unlock()
	if own {
		c.drive(tryOnce, noFD)
	}
}

// refill gives the owner more to write, or takes the right away. It accounts for what is finished and tells how many
// requests are still open.
func (c *Conn) refill() (more bool, left int) {
	c.mu.Lock()
	c.pending -= c.finished
	c.finished = 0
	c.writing = false
	more = !c.corked && c.own()
	left = c.pending
	c.cond.Broadcast()
	c.mu.Unlock()
	return more, left
}

// drive writes until nothing is ready, or passes the right to write on. It tells how many requests are still open, at
// most. fd is valid in the reader's callback only.
func (c *Conn) drive(m mode, fd uintptr) (left int) {
	for {
		c.mode = m
		if fd == noFD || !c.send(fd, c.work) {
			if err := c.raw.Write(c.writable); err != nil {
				c.writeFault, c.outcome = err, failed
			}
		}
		switch c.outcome {
		case blocked:
			c.server.startWriter(c)
			return c.server.cfg.MaxOpenRequests
		case cold:
			c.server.cold.submit(c)
			return c.server.cfg.MaxOpenRequests
		case failed:
			c.Close(c.writeFault)
			c.dropOut()
		case last:
			c.dropOut()
			c.mute()
		}
		more, left := c.refill()
		if !more {
			return left
		}
	}
}

// runWriter is a writer: it goes on where a completer or the cold pool left off.
func (c *Conn) runWriter() {
	c.drive(mayBlock, noFD)
	c.server.tasks.Done()
}

// mute drops all replies after the last one and makes the reader finish.
func (c *Conn) mute() {
	c.mu.Lock()
	c.muted = true
	c.mu.Unlock()
	c.finishUp()
}

// dropOut recycles what the owner holds without sending it.
func (c *Conn) dropOut() {
	for c.out.head != nil {
		c.out.pop().recycle(nil)
		c.finished++
	}
}
