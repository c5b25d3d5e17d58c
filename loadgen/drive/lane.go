package drive

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/payload"
	"tailrace/loadgen/plan"
)

// lane is one producer.
type lane struct {
	p      *Producing
	client *kgo.Client
	tap    *Tap
	shard  *meter.Shard
	maker  *payload.Maker
	room   chan struct{} // a token a record that waits or is on its way
	pool   sync.Pool     // *parcel

	txnMu   sync.Mutex // transactions: nobody sends while one is committed
	txnAt   time.Time
	inTxn   bool
	sending sync.WaitGroup
}

// parcel is a record on its way, with its times. It is used again when the answer has come.
type parcel struct {
	l        *lane
	rec      kgo.Record
	due      time.Time
	sent     time.Time
	measured bool
	done     func(*kgo.Record, error)
}

func (p *Producing) newLane(i int, c *kgo.Client) *lane {
	l := &lane{p: p, client: c, tap: p.Taps[i], shard: p.Meter.Shard(), maker: p.Source.Maker(i),
		room: make(chan struct{}, p.Plan.Buffer)}
	l.pool.New = func() any {
		x := &parcel{l: l}
		x.done = x.answered
		return x
	}
	return l
}

// full sends as fast as the broker and the buffer allow. There is no schedule: a record is due when there is room
// for it.
func (l *lane) full(ctx context.Context) {
	select {
	case <-time.After(time.Until(l.p.Meter.Start())):
	case <-ctx.Done():
		return
	}
	for l.p.left.Add(-1) >= 0 {
		select {
		case l.room <- struct{}{}:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		measured := !now.Before(l.p.from)
		if l.p.Plan.Records > 0 {
			if !measured {
				l.p.left.Add(1) // the warm-up does not count
			}
		} else if now.After(l.p.end) {
			<-l.room
			return
		}
		l.p.count(meter.Scheduled, 1, measured)
		l.hand(ctx, now, now)
	}
}

// send hands the record that is due over, when there is room for it.
func (l *lane) send(ctx context.Context, sleep *pacer, due time.Time) {
	measured := !due.Before(l.p.from)
	l.p.count(meter.Scheduled, 1, measured)
	began := time.Now()
	blocked := time.Duration(0)
	select {
	case l.room <- struct{}{}:
	default:
		select {
		case l.room <- struct{}{}:
		case <-ctx.Done():
			return
		}
		blocked = time.Since(began)
	}
	now := began.Add(blocked)
	owed := sleep.owed(now.Sub(due), blocked)
	if measured {
		l.p.Meter.Lag(now.Sub(due), owed)
		l.p.overrun.Store(int64(now.Sub(due)))
	}
	l.hand(ctx, due, now)
}

func (l *lane) hand(ctx context.Context, due, now time.Time) {
	x := l.pool.Get().(*parcel)
	x.due, x.sent, x.measured = due, now, !due.Before(l.p.from)
	value, key := x.rec.Value[:0], x.rec.Key[:0]
	x.rec = kgo.Record{Topic: l.p.Topic, Value: l.maker.Value(value), Key: l.maker.Key(key)}
	l.p.Stamper.Put(x.rec.Value, due)
	l.p.count(meter.Sent, 1, x.measured)
	if l.p.Plan.TxnInterval > 0 {
		l.handInTransaction(ctx, x, now)
		return
	}
	// The record outlives an interruption: what was handed over is waited for.
	l.client.Produce(context.WithoutCancel(ctx), &x.rec, x.done)
}

func (x *parcel) answered(r *kgo.Record, err error) {
	l, now := x.l, time.Now()
	wrote := l.tap.Answered(r.Partition, x.sent)
	if err == nil {
		l.p.acked.Add(1)
		if x.measured {
			l.p.Meter.Done(now)
			l.shard.Record(meter.Response, now.Sub(x.due))
			l.shard.Record(meter.Service, now.Sub(wrote))
			l.p.Meter.Add(meter.Acked, 1)
			l.p.Meter.Add(meter.AckedBytes, int64(len(r.Value)+len(r.Key)))
		}
	} else {
		l.p.count(meter.Errors, 1, x.measured)
		l.p.Trouble(err)
	}
	<-l.room
	l.pool.Put(x)
}

func (p *Producing) count(c meter.Counter, n int64, measured bool) {
	if measured {
		p.Meter.Add(c, n)
	}
}

// handInTransaction sends a record within a transaction, and commits when the interval is over. The commit waits for
// the records of the transaction, as any transactional producer does.
func (l *lane) handInTransaction(ctx context.Context, x *parcel, now time.Time) {
	l.txnMu.Lock()
	defer l.txnMu.Unlock()
	if l.inTxn && now.Sub(l.txnAt) >= l.p.Plan.TxnInterval {
		l.commitLocked(context.WithoutCancel(ctx))
	}
	if !l.inTxn {
		if err := l.client.BeginTransaction(); err != nil {
			l.p.Trouble(err)
		}
		l.inTxn, l.txnAt = true, now
	}
	l.client.Produce(context.WithoutCancel(ctx), &x.rec, x.done)
}

// commit ends the last transaction.
func (l *lane) commit(ctx context.Context) {
	l.txnMu.Lock()
	defer l.txnMu.Unlock()
	if l.inTxn {
		l.commitLocked(ctx)
	}
}

func (l *lane) commitLocked(ctx context.Context) {
	end := kgo.TryCommit
	if err := l.client.Flush(ctx); err != nil {
		l.p.Trouble(err)
		end = kgo.TryAbort
	}
	if err := l.client.EndTransaction(ctx, end); err != nil {
		l.p.Trouble(err)
	}
	l.inTxn = false
}

// Options are what a producer of this plan wants of the client library.
//
//	batch-size    ProducerBatchMaxBytes, raised to hold the largest record: the library refuses what Java sends alone
//	linger        ProducerLinger
//	in-flight     MaxProduceRequestsInflightPerBroker; with idempotence the library has 5, whatever is asked
//	partitioner   a batch is filled before the next partition is taken, as Java's does it; keys by murmur2
func Options(p *plan.Plan) []kgo.Opt {
	const overhead = 512 // of a batch and a record around a value
	batch := int32(min(max(p.BatchSize, p.RecordSize.Max()+overhead), 1<<30))
	opts := []kgo.Opt{
		kgo.ProducerBatchMaxBytes(batch),
		kgo.ProducerLinger(p.Linger),
		kgo.MaxBufferedRecords(p.Buffer + 1),
		kgo.RecordPartitioner(kgo.UniformBytesPartitioner(int(p.BatchSize), true, true, nil)),
		kgo.ProducerBatchCompression(codecOf(p.Compression)),
		kgo.RecordDeliveryTimeout(2 * time.Minute),
	}
	switch p.Acks {
	case plan.AcksNone:
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()))
	case plan.AcksLeader:
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()))
	default:
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()))
	}
	if !p.Idempotence {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(p.InFlight))
	}
	return opts
}

func codecOf(c plan.Codec) kgo.CompressionCodec {
	codec := map[string]func() kgo.CompressionCodec{
		"none": kgo.NoCompression, "gzip": kgo.GzipCompression, "snappy": kgo.SnappyCompression,
		"lz4": kgo.Lz4Compression, "zstd": kgo.ZstdCompression,
	}[c.Name]()
	if c.Level != 0 {
		codec = codec.WithLevel(c.Level)
	}
	return codec
}
