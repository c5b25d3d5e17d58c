package drive

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/payload"
	"tailrace/loadgen/plan"
	"tailrace/wire"
)

// Raw is a load of prebuilt produce requests. A request is built once and sent again and again, each answer is read and
// checked for its error code, and nothing else is done: so the broker is measured and not a client library. A request
// holds one batch, as full as batch-size allows; its records share one due moment, that of the first of them. Where
// somebody reads them, the first one carries it as a stamp, or Dues keep it.
type Raw struct {
	Plan     *plan.Plan
	Schedule Schedule
	Meter    *meter.Meter
	Stamper  *payload.Stamper // nil: nothing is stamped
	Dues     *Dues            // nil: nobody asks for them
	Source   *payload.Source
	Topic    string
	Leaders  []string // address of the leader of each partition
	Dial     Dialer
	Trouble  func(error)

	records int // in a request
	from    time.Time
	end     time.Time
	left    atomic.Int64 // requests, at full speed by count
	acked   atomic.Int64
	overrun atomic.Int64
}

// rawVersion of Produce is the newest that names topics: every broker since Kafka 2.4 serves it.
const rawVersion = 9

// Acked is how many records were acknowledged, the warm-up's included.
func (r *Raw) Acked() int64 { return r.acked.Load() }

// Overrun is how late the last record was that the schedule held.
func (r *Raw) Overrun() time.Duration { return time.Duration(r.overrun.Load()) }

// Records is how many records a request holds.
func (r *Raw) Records() int { return r.records }

// Run sends the schedule over all connections and waits for the answers.
func (r *Raw) Run(ctx context.Context) error {
	r.from = r.Meter.Start().Add(r.Schedule.Warmup())
	r.end = r.Meter.Start().Add(r.Schedule.End())
	conns := rawConnections(r.Plan)
	wires := make([]*rawConn, conns)
	for i := range wires {
		c, err := r.open(ctx, i)
		if err != nil {
			return err
		}
		defer c.conn.Close()
		wires[i] = c
	}
	if r.left.Store(1 << 62); r.Plan.Records > 0 {
		r.left.Store((r.Plan.Records + int64(r.records) - 1) / int64(r.records))
	}
	var wg sync.WaitGroup
	errs := make([]error, conns)
	for i, c := range wires {
		wg.Go(func() { errs[i] = c.run(ctx, i, conns) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// rawConnections is how many connections produce.
func rawConnections(p *plan.Plan) int { return p.Connections * max(1, p.Producers) }

// rawConn is one connection with its prebuilt request.
type rawConn struct {
	r         *Raw
	conn      net.Conn
	partition int
	request   *rawRequest
	shard     *meter.Shard
	room      chan struct{} // a token a request in flight
	sent      chan flight   // in the order of the answers
	wrote     atomic.Bool   // everything
}

// flight is a request on its way.
type flight struct {
	due, wrote time.Time
	measured   bool
}

// open connects to the leader of a partition and builds the request for it.
func (r *Raw) open(ctx context.Context, i int) (*rawConn, error) {
	partition := i % len(r.Leaders)
	conn, err := r.Dial(ctx, "tcp", r.Leaders[partition])
	if err != nil {
		return nil, err
	}
	c := &rawConn{
		r: r, conn: conn, partition: partition, shard: r.Meter.Shard(),
		room: make(chan struct{}, r.Plan.InFlight), sent: make(chan flight, r.Plan.InFlight+1),
	}
	if c.request, err = r.build(partition, i); err != nil {
		conn.Close()
	}
	return c, err
}

// run sends the which-th of every of requests, and reads the answers beside that.
func (c *rawConn) run(ctx context.Context, which, of int) error {
	if c.r.Plan.Acks == plan.AcksNone { // there are none
		return c.write(ctx, which, of)
	}
	read := make(chan error, 1)
	go func() { read <- c.read() }()
	err := c.write(ctx, which, of)
	wait := time.Duration(0)
	if c.wrote.Store(true); len(c.sent) > 0 {
		wait = drainWithin
	}
	close(c.sent)
	_ = c.conn.SetReadDeadline(time.Now().Add(wait))
	return errors.Join(err, <-read)
}

func (c *rawConn) write(ctx context.Context, which, of int) error {
	r := c.r
	sleep := newPacer()
	defer sleep.close()
	start, each := r.Meter.Start(), int64(r.records)
	for i := int64(which); ; i += int64(of) {
		due := start
		if !r.Schedule.Full() {
			if i*each >= r.Schedule.Records() {
				return nil
			}
			due = start.Add(r.Schedule.At(i * each))
		}
		if !sleep.until(ctx, due) {
			return nil
		}
		blocked, ok := c.admit(ctx)
		if !ok {
			return nil
		}
		now := time.Now()
		if r.Schedule.Full() {
			if due = now; r.over(now) {
				<-c.room
				return nil
			}
		}
		owed := sleep.owed(now.Sub(due), blocked)
		f := flight{due: due, wrote: now, measured: !due.Before(r.from)}
		if f.measured {
			r.Meter.Add(meter.Scheduled, each)
			r.Meter.Add(meter.Sent, each)
			r.Meter.LagOf(now.Sub(due), owed, each)
			if !r.Schedule.Full() {
				r.overrun.Store(int64(now.Sub(due)))
			}
		}
		if r.Plan.Acks != plan.AcksNone {
			c.sent <- f
		}
		c.request.stamp(r.Stamper, due)
		if _, err := c.conn.Write(c.request.frame); err != nil {
			return err
		}
		if took := time.Since(now); took > writeBlocks {
			sleep.blocked += took
		}
		if r.Plan.Acks == plan.AcksNone {
			c.answered(f, answer{})
			<-c.room
		}
	}
}

// writeBlocks is how long a write takes that waited for the broker to read. It is all the wait that there is with
// acks=0.
const writeBlocks = time.Millisecond

// over tells whether a run at full speed has had its time, or its records.
func (r *Raw) over(now time.Time) bool {
	if r.Plan.Records == 0 {
		return now.After(r.end)
	}
	return !now.Before(r.from) && r.left.Add(-1) < 0
}

// admit waits until a request may be sent.
func (c *rawConn) admit(ctx context.Context) (blocked time.Duration, ok bool) {
	select {
	case c.room <- struct{}{}:
		return 0, true
	default:
	}
	began := time.Now()
	select {
	case c.room <- struct{}{}:
		return time.Since(began), true
	case <-ctx.Done():
		return 0, false
	}
}

// read takes the answers, which come in the order of the requests. It waits for an answer and not for a request, so
// that each request wakes this goroutine once.
func (c *rawConn) read() error {
	in := bufio.NewReaderSize(c.conn, 64<<10)
	var frame []byte
	for !c.wrote.Load() || len(c.sent) > 0 {
		var err error
		if frame, err = readFrame(in, frame, produceAnswerMax); err != nil {
			if c.wrote.Load() && len(c.sent) == 0 {
				break // woken up, because there is nothing to wait for
			}
			return c.gaveUp(err)
		}
		a, err := parseAnswer(frame)
		if err != nil {
			return c.gaveUp(err)
		}
		select {
		case f := <-c.sent:
			c.answered(f, a)
			<-c.room
		default:
			return c.gaveUp(errors.New("an answer that nobody has asked for"))
		}
	}
	return nil
}

// gaveUp lets the writer end: it may wait for room that no answer will make.
func (c *rawConn) gaveUp(err error) error {
	c.conn.Close()
	for range c.sent {
		<-c.room
	}
	return fmt.Errorf("raw connection to %s: %w", c.conn.RemoteAddr(), err)
}

// produceAnswerMax bounds an answer to a produce request.
const produceAnswerMax = 1 << 20

// readFrame reads an answer of at most so many bytes into frame, or into a larger one.
func readFrame(in *bufio.Reader, frame []byte, most int) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return frame, err
	}
	n := int(binary.BigEndian.Uint32(size[:]))
	if n > most {
		return frame, fmt.Errorf("an answer of %d bytes, where %d are the most", n, most)
	}
	if cap(frame) < n {
		frame = make([]byte, n)
	}
	_, err := io.ReadFull(in, frame[:n])
	return frame[:n], err
}

// answer is what a broker says to a batch.
type answer struct {
	code int16
	base wire.Offset
}

// parseAnswer reads the only partition in an answer.
func parseAnswer(frame []byte) (answer, error) {
	_, body, err := wire.ParseResponseHeader(frame, wire.KeyProduce, rawVersion)
	if err != nil {
		return answer{}, err
	}
	var resp wire.ProduceResponse
	if err := resp.Parse(rawVersion, body); err != nil {
		return answer{}, err
	}
	var t wire.ProduceTopic
	var p wire.ProducedPartition
	if !resp.NextTopic(&t) || !resp.NextPartition(&p) {
		return answer{}, errors.New("an answer without a partition")
	}
	return answer{int16(p.Code), p.BaseOffset}, nil
}

func (c *rawConn) answered(f flight, a answer) {
	r, q, now, n := c.r, c.request, time.Now(), int64(c.r.records)
	if a.code != 0 {
		r.Trouble(kerr.ErrorForCode(a.code))
		if f.measured {
			r.Meter.Add(meter.Errors, n)
		}
		return
	}
	r.acked.Add(n)
	if r.Dues != nil {
		r.Dues.acked(c.partition, a.base, due{f.due, q.bytes})
	}
	if !f.measured {
		return
	}
	r.Meter.Done(now)
	c.shard.RecordN(meter.Response, now.Sub(f.due), n)
	c.shard.RecordN(meter.Service, now.Sub(f.wrote), n)
	r.Meter.Add(meter.Acked, n)
	r.Meter.Add(meter.AckedBytes, int64(q.bytes))
	r.Meter.Add(meter.Requests, 1)
	r.Meter.Add(meter.Batches, 1)
	r.Meter.Add(meter.BatchRecs, n)
	r.Meter.Add(meter.BatchBytes, int64(q.plain))
	r.Meter.Add(meter.WireBytes, int64(len(q.batch)))
}
