package drive

import (
	"context"
	"time"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
)

// togetherBytes bounds the requests that go in one write. A system call costs as much as some 30 KiB of bytes on the
// loopback; beyond that it gains nothing, and the last request would wait for those before it on the service clock.
const togetherBytes = 64 << 10

// writeBlocks is how long a write takes that waited for the broker to read. It is all the wait that there is with
// acks=0.
const writeBlocks = time.Millisecond

// write sends the which-th of every of requests, each at its moment. Those whose moment has come by the time of a write
// go with it, as far as there is room for them.
func (c *rawConn) write(ctx context.Context, which, of int) error {
	full := c.r.Schedule.Full()
	sleep := &pacer{}
	if !full { // without a schedule nobody sleeps, and a thread of its own makes each wait for room dear
		sleep = newPacer()
		defer sleep.close()
	}
	i := int64(which)
	for ; ; i += int64(of) {
		due, ok := c.dueOf(i)
		if !ok {
			return c.flush(sleep)
		}
		if len(c.due) == c.most || len(c.due) > 0 && !full && time.Until(due) > 0 {
			if err := c.flush(sleep); err != nil {
				return c.broken(i, of, err)
			}
		}
		if !full && !sleep.until(ctx, due) || full && !c.started(ctx, sleep) {
			return c.flush(sleep)
		}
		blocked, ok, err := c.admit(ctx, sleep)
		if err != nil {
			return c.broken(i, of, err)
		}
		if !ok {
			return nil
		}
		now := time.Now()
		if full {
			if len(c.due) > 0 {
				now = c.due[0].due // there was room for both at once
			}
			if due = now; c.r.over(now) {
				c.room.give(1)
				return c.flush(sleep)
			}
		}
		c.add(due, now, sleep.owed(now.Sub(due), blocked))
	}
}

// started waits for the start of a run at full speed, and reports whether it goes on.
func (c *rawConn) started(ctx context.Context, sleep *pacer) bool {
	if !c.going {
		c.going = sleep.until(ctx, c.r.Meter.Start())
	}
	return c.going && ctx.Err() == nil
}

// dueOf is when request i is due; ok is false behind the end of the schedule.
func (c *rawConn) dueOf(i int64) (due time.Time, ok bool) {
	s, first := &c.r.Schedule, i*int64(c.r.records)
	if s.Full() {
		return c.r.Meter.Start(), true
	}
	if first >= s.Records() {
		return due, false
	}
	return c.r.Meter.Start().Add(s.At(first)), true
}

// add puts a request behind those that go with the next write.
func (c *rawConn) add(due, now time.Time, owed time.Duration) {
	r, each := c.r, int64(c.r.records)
	f := flight{due: due, measured: !due.Before(r.from)}
	if f.measured {
		r.Meter.Add(meter.Scheduled, each)
		r.Meter.Add(meter.Sent, each)
		r.Meter.LagOf(now.Sub(due), owed, each)
		if !r.Schedule.Full() {
			r.overrun.Store(int64(now.Sub(due)))
		}
	}
	if len(c.due) == 1 { // it has the prebuilt bytes for itself as long as it is alone
		c.out = append(c.out[:0], c.request.frame...)
	}
	c.request.stamp(r.Stamper, due)
	if c.due = append(c.due, f); len(c.due) > 1 {
		c.out = append(c.out, c.request.frame...)
	}
}

// flush writes what is due. The service clock of all of it starts before the system call.
func (c *rawConn) flush(sleep *pacer) error {
	if len(c.due) == 0 {
		return nil
	}
	out := c.request.frame
	if len(c.due) > 1 {
		out = c.out
	}
	answers := c.r.Plan.Acks != plan.AcksNone
	wrote := time.Now()
	for i := range c.due {
		if c.due[i].wrote = wrote; answers {
			c.sent <- c.due[i]
		}
	}
	_, err := c.conn.Write(out)
	now := time.Now()
	if took := now.Sub(wrote); took > writeBlocks {
		sleep.blocked += took
	}
	if !answers {
		for _, f := range c.due {
			if err != nil {
				c.lost(f, err)
			} else {
				c.answered(f, answer{}, now)
			}
		}
		c.room.give(len(c.due))
	}
	c.due = c.due[:0]
	return err
}

// over tells whether a run at full speed has had its time, or its records.
func (r *Raw) over(now time.Time) bool {
	if r.Plan.Records == 0 {
		return now.After(r.end)
	}
	return !now.Before(r.from) && r.left.Add(-1) < 0
}

// admit waits until a request may be sent. It lets nothing wait that may go already.
func (c *rawConn) admit(ctx context.Context, sleep *pacer) (blocked time.Duration, ok bool, err error) {
	if c.room.take() {
		return 0, true, nil
	}
	if err := c.flush(sleep); err != nil {
		return 0, false, err
	}
	began := time.Now()
	ok = c.room.await(ctx)
	return time.Since(began), ok, nil
}

// broken counts what a broken connection leaves of the schedule, from request i on: it was due, and it failed.
func (c *rawConn) broken(i int64, of int, err error) error {
	r, each := c.r, int64(c.r.records)
	if r.Schedule.Full() {
		return err
	}
	for ; ; i += int64(of) {
		due, ok := c.dueOf(i)
		if !ok {
			return err
		}
		if !due.Before(r.from) {
			r.Meter.Add(meter.Scheduled, each)
			r.Meter.Add(meter.Errors, each)
		}
	}
}
