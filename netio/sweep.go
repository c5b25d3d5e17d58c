package netio

import "time"

// sweep closes connections whose time is up. One goroutine looks at coarse stamps, so no request pays for a timer;
// a time-out may come a tick late.
func (s *Server) sweep() {
	defer s.tasks.Done()
	shortest := min(s.cfg.IdleTimeout, s.cfg.FrameTimeout, s.cfg.WriteTimeout)
	tick := time.NewTicker(min(max(shortest/8, 5*time.Millisecond), time.Second))
	defer tick.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-tick.C:
			s.sweepOnce(Monotonic())
		}
	}
}

func (s *Server) sweepOnce(nowNs int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := s.conns; c != nil; c = c.after {
		err := c.overdue(nowNs)
		switch err {
		case nil:
			continue
		case ErrIdle:
			s.total.ClosedIdle++
		case ErrFrameTimeout:
			s.total.ClosedFrame++
		case ErrWriteTimeout:
			s.total.ClosedWrite++
		}
		c.Close(err)
	}
}

// overdue tells what the connection has failed to do in time, if anything.
func (c *Conn) overdue(nowNs int64) error {
	cfg := &c.server.cfg
	if at := c.stalledNs.Load(); at != 0 && nowNs-at > int64(cfg.WriteTimeout) {
		return c.ifAlive(ErrWriteTimeout)
	}
	if at := c.frameNs.Load(); at != 0 && nowNs-at > int64(cfg.FrameTimeout) {
		return c.ifAlive(ErrFrameTimeout)
	}
	if nowNs-c.activeNs.Load() <= int64(cfg.IdleTimeout) || c.frameNs.Load() != 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return nil
	}
	if c.pending > 0 { // not idle, and not to be found idle right after a long wait has been answered
		c.activeNs.Store(nowNs)
		return nil
	}
	return ErrIdle
}

func (c *Conn) ifAlive(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return nil
	}
	return err
}
