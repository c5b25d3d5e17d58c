package drive

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/payload"
	"tailrace/loadgen/plan"
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
	room      *room       // for requests on their way
	sent      chan flight // in the order of the answers
	wrote     atomic.Bool // everything

	due  []flight // whose time has come, and which go with the next write
	out  []byte   // their requests, if they are several
	most int      // requests that go together

	going bool   // at full speed: the start is behind us
	head  []byte // of a good answer: what stands in it between correlation id and error code
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
		room: newRoom(r.Plan.InFlight), sent: make(chan flight, r.Plan.InFlight+1),
	}
	if c.request, err = r.build(partition, i); err != nil {
		conn.Close()
		return nil, err
	}
	c.head = answerHead(r.Topic, int32(partition))
	c.most = max(1, min(togetherBytes/len(c.request.frame), r.Plan.InFlight))
	return c, nil
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
