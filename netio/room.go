package netio

// What makes the reader wait although the socket has bytes: too much open on this connection, or the budget.

// full tells whether the connection has as much open as it may.
func (c *Conn) full() bool {
	cfg := &c.server.cfg
	return c.seen+c.served.n >= cfg.MaxOpenRequests || c.openBytes.Load() >= cfg.MaxOpenBytes
}

// waitRoom flushes and waits until less is open. It is false when the connection is to stop.
func (c *Conn) waitRoom() bool {
	c.flush()
	cfg := &c.server.cfg
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wantsRoom.Store(true)
	for !c.stopping.Load() && (c.pending >= cfg.MaxOpenRequests || c.openBytes.Load() >= cfg.MaxOpenBytes) {
		c.cond.Wait()
	}
	c.wantsRoom.Store(false)
	c.seen = c.pending
	return !c.stopping.Load()
}

// uncount takes n bytes off what the connection's open requests hold.
func (c *Conn) uncount(n int64) {
	c.openBytes.Add(-n)
	if c.wantsRoom.Load() {
		c.mu.Lock()
		c.cond.Broadcast()
		c.mu.Unlock()
	}
}

// charge takes n bytes from the budget; if it must wait for them, it flushes first and stops the frame's clock: the
// wait is ours, not the peer's. It is false when the connection is to stop.
func (c *Conn) charge(n int64, growing bool) bool {
	b := c.server.cfg.Budget
	if b.waiting.Load() == 0 && b.take(n) || growing && b.overdraw(c, n) {
		return true
	}
	c.flush()
	c.frameNs.Store(0)
	c.midFrame = false
	return b.wait(c, n, growing)
}

// waitPoked waits until the budget may have room. It is false when the connection is to stop.
func (c *Conn) waitPoked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.poked && !c.stopping.Load() {
		c.cond.Wait()
	}
	c.poked = false
	return !c.stopping.Load()
}
