package drive

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"time"

	"tailrace/batch"
	"tailrace/loadgen/meter"
	"tailrace/wire"
)

// Dialer makes a connection.
type Dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// Tap notes when records leave. A client library tells when a record was answered, not when the request that holds it
// was written; between the two lies its own buffer, in which the records wait that a stalled broker would not take. So
// the tap looks at what the client writes to its connections: a produce request names the batches in it, and the
// records of a partition are answered in the order in which they were written.
//
// The alternative that lost was to count from the moment the record was given to the client: then a broker's stall
// shows in service time as well, and nothing is learnt from holding the two clocks against each other.
//
// Safe for concurrent use. Only the first connection attempt of a batch counts: a retry is part of its service.
type Tap struct {
	Meter *meter.Meter
	From  time.Time // requests written before it are not counted

	mu     sync.Mutex
	trails map[int32]*trail
}

// trail is what was written for a partition and is not answered yet.
type trail struct {
	list []written
	next int32 // sequence behind the last batch of an idempotent producer
}

type written struct {
	at    time.Time
	count int
}

// Dial is how the client connects: dial makes the connection, the tap listens to what is written.
func (t *Tap) Dial(dial Dialer) Dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &tapped{Conn: conn, t: t}, nil
	}
}

type tapped struct {
	net.Conn
	t *Tap
}

// Write implements net.Conn. The client library writes a request whole.
func (c *tapped) Write(p []byte) (int, error) {
	if len(p) > 8 && int(binary.BigEndian.Uint32(p)) == len(p)-4 &&
		int16(binary.BigEndian.Uint16(p[4:])) == wire.KeyProduce {
		c.t.request(p[4:], time.Now())
	}
	return c.Conn.Write(p)
}

func (t *Tap) request(frame []byte, now time.Time) {
	h, body, err := wire.ParseRequestHeader(frame)
	if err != nil {
		return
	}
	var q wire.ProduceRequest
	if q.Parse(h.Version, body) != nil {
		return
	}
	counted := !now.Before(t.From)
	if counted {
		t.Meter.Add(meter.Requests, 1)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var topic wire.ProduceTopic
	var part wire.ProducePartition
	for q.NextTopic(&topic) {
		for q.NextPartition(&part) {
			if len(part.Records) < batch.HeaderSize {
				continue
			}
			v := batch.View(part.Records)
			t.wrote(part.Index, v.BaseSequence(), v.Count(), now)
		}
	}
}

// wrote notes a batch. One whose sequence was written before is a retry.
func (t *Tap) wrote(partition, sequence int32, count int, now time.Time) {
	if t.trails == nil {
		t.trails = map[int32]*trail{}
	}
	r := t.trails[partition]
	if r == nil {
		r = &trail{}
		t.trails[partition] = r
	}
	if sequence >= 0 {
		if sequence != 0 && sequence-r.next < 0 { // wraps as sequences do
			return
		}
		r.next = sequence + int32(count)
	}
	r.list = append(r.list, written{now, count})
}

// Answered tells when the request was written that held the record of a partition that was answered now. handed is when
// the record was given to the client: what was written before that cannot have held it, and is forgotten. The answer is
// handed where the tap does not know.
func (t *Tap) Answered(partition int32, handed time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.trails[partition]
	if r == nil {
		return handed
	}
	for len(r.list) > 0 && r.list[0].at.Before(handed) {
		r.list = r.list[1:]
	}
	if len(r.list) == 0 {
		return handed
	}
	at := r.list[0].at
	if r.list[0].count--; r.list[0].count <= 0 {
		r.list = r.list[1:]
	}
	return at
}
