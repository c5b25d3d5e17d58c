package drive

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"tailrace/batch"
	"tailrace/loadgen/meter"
	"tailrace/loadgen/payload"
	"tailrace/loadgen/plan"
	"tailrace/wire"
)

// RawConsuming reads what is produced and keeps the end-to-end clock, as Consuming does, without a client library:
// each consumer has a connection to each leader, with one long poll after the other on it, and reads no more of what
// comes than the heads of batches and the stamp in their first record. The records of a batch share one due moment,
// because the producing side is Raw.
type RawConsuming struct {
	Plan    *plan.Plan
	Meter   *meter.Meter
	Stamper *payload.Stamper
	Dues    *Dues // nil: batches are stamped
	Topic   string
	Leaders []string      // address of the leader of each partition
	Starts  []wire.Offset // where reading begins in each partition
	Dial    Dialer
	From    time.Time // records that were due before it are not measured
	Alone   bool      // there are no producers: the last record consumed ends what is measured
	Trouble func(error)

	received atomic.Int64
	wg       sync.WaitGroup
	cancel   context.CancelFunc
}

const (
	// fetchVersion is the newest that names topics: every broker since Kafka 2.7 serves it.
	fetchVersion  = 12
	fetchMaxBytes = 4 << 20
	fetchWait     = 500 * time.Millisecond
	// fetchPause is the wait after an error that may pass, such as a change of leaders.
	fetchPause = 100 * time.Millisecond
)

// Start connects and begins to read. Stop ends it, and nothing else does: what was sent when ctx is done is still to
// be read.
func (c *RawConsuming) Start(ctx context.Context) error {
	reading, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	for range c.Plan.Consumers {
		for _, leader := range distinct(c.Leaders) {
			conn, err := c.Dial(ctx, "tcp", leader)
			if err != nil {
				c.Stop()
				return err
			}
			f := newFetcher(c, conn, leader)
			c.wg.Go(func() {
				defer context.AfterFunc(reading, func() { conn.Close() })()
				defer conn.Close()
				f.run(reading)
			})
		}
	}
	return nil
}

func distinct(list []string) (once []string) {
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			once = append(once, s)
		}
	}
	return once
}

// Received is how many records have been read, the warm-up's included.
func (c *RawConsuming) Received() int64 { return c.received.Load() }

// Stop ends the reading and waits for it.
func (c *RawConsuming) Stop() {
	c.cancel()
	c.wg.Wait()
	if c.Dues != nil {
		c.Meter.Add(meter.Unstamped, c.Dues.unknown())
	}
}

// fetcher is a consumer's connection to one leader.
type fetcher struct {
	c     *RawConsuming
	conn  net.Conn
	shard *meter.Shard
	want  []wire.FetchData // one topic; its partitions hold how far they are read
	place map[int32]int    // of a partition in it
	frame []byte
	most  int // bytes of an answer

	resp   wire.FetchResponse
	part   wire.FetchedPartition
	walker batch.Walker
	rec    batch.Record
	count  func(a arrival, d due)
}

func newFetcher(c *RawConsuming, conn net.Conn, leader string) *fetcher {
	f := &fetcher{c: c, conn: conn, shard: c.Meter.Shard(), want: []wire.FetchData{{Name: c.Topic}},
		place: map[int32]int{}}
	f.count = f.due
	for i, l := range c.Leaders {
		if l != leader {
			continue
		}
		t := &f.want[0]
		f.place[int32(i)] = len(t.Partitions)
		t.Partitions = append(t.Partitions, wire.FetchPartition{
			Index: int32(i), CurrentLeaderEpoch: wire.NoLeaderEpoch, LastFetchedEpoch: wire.NoLeaderEpoch,
			FetchOffset: c.Starts[i], LogStartOffset: -1, MaxBytes: fetchMaxBytes,
		})
	}
	// A broker sends the first batch whole, however large it is.
	f.most = fetchMaxBytes + int(max(c.Plan.BatchSize, c.Plan.RecordSize.Max())) + 1<<20
	return f
}

// run polls until ctx is done or the connection breaks.
func (f *fetcher) run(ctx context.Context) {
	in := bufio.NewReaderSize(f.conn, 64<<10)
	var answer []byte
	for ctx.Err() == nil {
		_, err := f.conn.Write(f.request())
		if err == nil {
			answer, err = readFrame(in, answer, f.most)
		}
		now := time.Now() // the records were in the consumer's hands at this moment, all of them
		good := false
		if err == nil {
			good, err = f.take(answer, now)
		}
		switch {
		case ctx.Err() != nil:
		case err != nil:
			f.c.Trouble(fmt.Errorf("raw consumer of %s: %w", f.conn.RemoteAddr(), err))
			return
		case !good:
			select {
			case <-time.After(fetchPause):
			case <-ctx.Done():
			}
		}
	}
}

// request is the next poll. It is written anew into the same memory: 50 ns for a few partitions, which a patch of the
// offsets alone would not make less in any way that shows.
func (f *fetcher) request() []byte {
	h := wire.RequestHeader{Key: wire.KeyFetch, Version: fetchVersion, CorrelationID: 1, ClientID: []byte("loadgen")}
	f.frame = wire.AppendRequestHeader(append(f.frame[:0], 0, 0, 0, 0), &h)
	f.frame = wire.AppendFetchRequest(f.frame, fetchVersion, &wire.FetchHead{
		ReplicaID: -1, MaxWaitMs: int32(fetchWait.Milliseconds()), MinBytes: 1, MaxBytes: fetchMaxBytes,
		SessionEpoch: -1, RackID: []byte{},
	}, f.want, nil)
	binary.BigEndian.PutUint32(f.frame, uint32(len(f.frame)-4))
	return f.frame
}

// take counts what an answer brings. good is false after an error that may pass; err says that this is no answer.
func (f *fetcher) take(frame []byte, now time.Time) (good bool, err error) {
	_, body, err := wire.ParseResponseHeader(frame, wire.KeyFetch, fetchVersion)
	if err != nil {
		return false, err
	}
	if err := f.resp.Parse(fetchVersion, body); err != nil {
		return false, err
	}
	if f.resp.Code != 0 {
		f.c.Trouble(kerr.ErrorForCode(int16(f.resp.Code)))
		return false, nil
	}
	good = true
	var t wire.FetchTopic
	for f.resp.NextTopic(&t) {
		if string(t.Name) != f.c.Topic {
			return false, fmt.Errorf("an answer about topic %q, not %s", t.Name, f.c.Topic)
		}
		for f.resp.NextPartition(&f.part) {
			i, ok := f.place[f.part.Index]
			if !ok {
				return false, fmt.Errorf("an answer about partition %d, which was not asked for", f.part.Index)
			}
			if err := f.partition(&f.want[0].Partitions[i], now); err != nil {
				f.c.Trouble(err)
				good = false
			}
		}
	}
	return good, nil
}

// partition counts the batches of a partition in an answer, and moves on behind them.
func (f *fetcher) partition(at *wire.FetchPartition, now time.Time) error {
	if f.part.Code != 0 {
		return kerr.ErrorForCode(int16(f.part.Code))
	}
	before := at.FetchOffset
	for rest := f.part.Records; ; {
		v, left, code := batch.Next(rest)
		if code != 0 { // the end, or a batch that is cut off
			break
		}
		rest = left
		next := v.LastOffset() + 1
		if next <= at.FetchOffset { // it was read already
			continue
		}
		if n := v.Count(); n > int(v.LastOffsetDelta())+1 || n < 0 {
			return fmt.Errorf("%w: %d records in %d offsets", batch.ErrMalformed, n, int64(v.LastOffsetDelta())+1)
		} else if n > 0 && !v.IsControl() {
			// A log may begin within a batch: what lies before is not counted.
			if err := f.batch(v, arrival{now, min(int64(n), int64(next-at.FetchOffset)), f.count}); err != nil {
				return err
			}
		}
		at.FetchOffset = next
	}
	if len(f.part.Records) > 0 && at.FetchOffset == before {
		return fmt.Errorf("%d bytes without a whole batch behind offset %d of partition %d",
			len(f.part.Records), before, at.Index)
	}
	return nil
}

// batch counts a batch.
func (f *fetcher) batch(v batch.View, a arrival) error {
	c := f.c
	if c.Dues != nil {
		c.Dues.arrived(int(f.part.Index), v.BaseOffset(), a)
		c.received.Add(a.records)
		return nil
	}
	f.walker.Reset(v, 0)
	if !f.walker.Next(&f.rec) {
		return f.walker.Err()
	}
	at, stamped := c.Stamper.Get(f.rec.Value)
	measured := stamped && !at.Before(c.From) || !stamped && !a.at.Before(c.From)
	bytes := 0
	switch {
	case !measured:
	case stamped && c.Plan.Keys.Distinct == 0: // raw values have one size
		bytes = int(c.Plan.RecordSize.Max()) * int(a.records)
	default:
		for more := true; more; more = f.walker.Next(&f.rec) {
			bytes += len(f.rec.Key) + len(f.rec.Value)
		}
		if err := f.walker.Err(); err != nil {
			return err
		}
	}
	c.received.Add(a.records)
	switch {
	case stamped:
		f.due(a, due{at, bytes})
	case measured:
		c.Meter.Add(meter.Unstamped, a.records)
		f.measured(a, bytes)
	}
	return nil
}

// due counts a batch whose moment is known.
func (f *fetcher) due(a arrival, d due) {
	if !d.at.Before(f.c.From) {
		f.shard.RecordN(meter.EndToEnd, a.at.Sub(d.at), a.records)
		f.measured(a, d.bytes)
	}
}

func (f *fetcher) measured(a arrival, bytes int) {
	f.c.Meter.Add(meter.Consumed, a.records)
	f.c.Meter.Add(meter.ConsumedBytes, int64(bytes))
	if f.c.Alone {
		f.c.Meter.Done(a.at)
	}
}
