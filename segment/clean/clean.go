package clean

import (
	"errors"
	"fmt"
	"math"

	"tailrace/batch"
	"tailrace/index"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/wire"
)

// Options is what a cleaning needs beside the topic's Config.
type Options struct {
	Config
	SegmentBytes int64 // segment.bytes: what segments grow to when they are joined
	IndexBytes   int64 // segment.index.bytes, likewise
	NowMs        int64
	// Producers are the producers that the log remembers, by id.
	Producers map[int64]Producer
	// KeyBytes bounds the table of keys, and KeyLoad says how full it may get: log.cleaner.dedupe.buffer.size (of one
	// thread) and log.cleaner.io.buffer.load.factor.
	KeyBytes int64
	KeyLoad  float64
	// BufferBytes is how much is written at once: log.cleaner.io.buffer.size.
	BufferBytes int
	MaxInflated int // bytes of one inflated batch; 0 is batch.DefaultMaxInflated
	// Spend is told of bytes before or after they are read or written. It may wait, which slows the cleaning down; its
	// error ends the cleaning and is returned.
	Spend func(bytes int) error
}

// Producer is what must be kept of an active producer.
type Producer struct {
	Last  wire.Offset // last offset of its newest batch of records, -1 if there is none
	Epoch int16
}

// Result is what a cleaning has done.
type Result struct {
	To            wire.Offset // everything below is clean now
	Before, After int64       // bytes of the segments that were rewritten
}

// TooManyKeysError says that the table of keys cannot even take those of one batch.
type TooManyKeysError struct {
	At   wire.Offset
	Keys int
}

// Error implements error.
func (e *TooManyKeysError) Error() string {
	return fmt.Sprintf("the batch at offset %d has more than the %d keys that fit the table: "+
		"raise log.cleaner.dedupe.buffer.size, or lower log.cleaner.threads", e.At, e.Keys)
}

// Clean cleans what Measure found, or as much of it as the table of keys can hold. segment.ErrOvertaken means that
// retention or a truncation came in between: measure again. After any error the segments that were replaced until then
// stay so, which loses nothing.
func Clean(log *segment.Log, d Debt, o *Options) (Result, error) {
	c := &cleaning{log: log, o: o, res: Result{To: d.From}}
	sealed := log.Sealed()
	if len(sealed) == 0 {
		return c.res, segment.ErrOvertaken
	}
	aborted, err := log.Aborted(nil, sealed[0].Base, d.To)
	if err != nil {
		return c.res, overtaken(err)
	}
	c.keys = newKeys(o.KeyBytes, o.KeyLoad, int64(d.To-d.From))
	if err := c.readKeys(d, aborted); err != nil {
		return c.res, overtaken(err)
	}
	c.txns = newTxns(aborted, func(a index.Aborted) { c.to.AppendAborted(a) })
	for _, g := range groups(log, c.keys.upTo, o.SegmentBytes, o.IndexBytes) {
		if err := c.rewrite(g); err != nil {
			return c.res, overtaken(err)
		}
	}
	c.res.To = c.keys.upTo
	return c.res, nil
}

// overtaken: where the log's start has passed by, there is nothing left to clean.
func overtaken(err error) error {
	if errors.Is(err, segment.ErrOutOfRange) {
		return segment.ErrOvertaken
	}
	return err
}

// cleaning is one Clean.
type cleaning struct {
	log  *segment.Log
	o    *Options
	keys *keys
	txns *txns
	to   *segment.Replacement
	res  Result

	walker  batch.Walker
	record  batch.Record
	thinner batch.Thinner
	empty   []byte
}

var errStop = errors.New("stop")

// readKeys fills the table from the dirty part. When it is full, the part ends with the last batch that went in whole.
func (c *cleaning) readKeys(d Debt, aborted []index.Aborted) error {
	c.keys.upTo = d.From
	t := newTxns(aborted, nil)
	err := c.log.Batches(d.From, func(b segment.Batch, _ vfs.Pos) error {
		if b.BaseOffset() >= d.To {
			return errStop
		}
		if err := c.o.Spend(len(b)); err != nil {
			return err
		}
		full, err := c.readBatch(b, d.From, t)
		switch {
		case err != nil:
			return err
		case full && c.keys.upTo <= d.From:
			return &TooManyKeysError{At: b.BaseOffset(), Keys: c.keys.most}
		case full:
			return errFull
		}
		c.keys.upTo = b.LastOffset() + 1
		return nil
	})
	switch {
	case errors.Is(err, errFull):
		return nil
	case err == nil || errors.Is(err, errStop):
		c.keys.upTo = d.To // whatever is missing at the end
		return nil
	}
	return err
}

var errFull = errors.New("table of keys is full")

func (c *cleaning) readBatch(b batch.View, from wire.Offset, t *txns) (full bool, err error) {
	if b.IsControl() {
		first, err := c.first(b)
		t.marker(b, first)
		return false, err
	}
	if t.data(b) {
		return false, nil
	}
	for c.walker.Reset(b, c.o.MaxInflated); c.walker.Next(&c.record); {
		if r := &c.record; r.Key != nil && r.Offset >= from && !c.keys.put(r.Key, r.Offset) {
			return true, nil
		}
	}
	return false, c.damaged(b, c.walker.Err())
}

// first is the first record of a control batch, nil without one.
func (c *cleaning) first(b batch.View) (*batch.Record, error) {
	if c.walker.Reset(b, c.o.MaxInflated); c.walker.Next(&c.record) {
		return &c.record, nil
	}
	return nil, c.damaged(b, c.walker.Err())
}

// DamagedError says that the records of a batch, whose CRC is right, cannot be read.
type DamagedError struct {
	At  wire.Offset // base offset of the batch
	Err error
}

// Error implements error.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("the batch at offset %d cannot be read: %v", e.At, e.Err)
}

// Unwrap gives the reason.
func (e *DamagedError) Unwrap() error { return e.Err }

func (c *cleaning) damaged(b batch.View, err error) error {
	if err == nil {
		return nil
	}
	return &DamagedError{At: b.BaseOffset(), Err: err}
}

// rewrite makes one segment of a group.
func (c *cleaning) rewrite(g group) error {
	r, err := c.log.Replace(g.first, g.next, c.o.BufferBytes)
	if err != nil {
		return err
	}
	defer r.Abort()
	c.to = r
	before := int64(0)
	err = r.Batches(func(b segment.Batch, last bool) error {
		before += int64(len(b))
		if err := c.o.Spend(len(b)); err != nil {
			return err
		}
		return c.sift(b, last)
	})
	if err == nil {
		err = r.Commit()
	}
	if err == nil {
		c.res.Before, c.res.After = c.res.Before+before, c.res.After+r.Size()
	}
	return err
}

// sift appends what is to stay of one batch.
func (c *cleaning) sift(b batch.View, last bool) error {
	gone, orphan, err := c.discards(b)
	if err != nil {
		return err
	}
	out, err := c.thinner.Thin(b, &batch.Thinning{
		Keep:      func(r *batch.Record) bool { return !gone && (b.IsControl() || c.stays(b, r)) },
		HorizonMs: c.horizon(), Marker: orphan, MaxInflated: c.o.MaxInflated,
	})
	if err != nil {
		return c.damaged(b, err)
	}
	if out == nil {
		if !last && !c.lastOfProducer(b) {
			return nil
		}
		c.empty = batch.AppendEmpty(c.empty[:0], b)
		out = c.empty
	}
	if err := c.o.Spend(len(out)); err != nil {
		return err
	}
	return c.to.Append(out)
}

// discards tells whether all records of b go: those of an aborted transaction at once, a marker that has outlived its
// transaction (orphan) when its delete horizon has passed.
func (c *cleaning) discards(b batch.View) (gone, orphan bool, err error) {
	if !b.IsControl() {
		return c.txns.data(b), false, nil
	}
	first, err := c.first(b)
	if err != nil {
		return false, false, err
	}
	orphan = c.txns.marker(b, first)
	return orphan && c.expired(b), orphan, nil
}

func (c *cleaning) expired(b batch.View) bool {
	ms, ok := b.DeleteHorizon()
	return ok && ms <= c.o.NowMs
}

// horizon is the delete horizon of what is met for the first time now.
func (c *cleaning) horizon() int64 {
	if c.o.DeleteRetentionMs > math.MaxInt64-c.o.NowMs {
		return math.MaxInt64
	}
	return c.o.NowMs + c.o.DeleteRetentionMs
}

// stays decides on one record. Above the table nothing is known. Without key there is nothing by which a record could
// be the newest of its kind: it goes, as in Kafka, where a topic was made a compacted one after it was written.
func (c *cleaning) stays(b batch.View, r *batch.Record) bool {
	switch {
	case r.Offset >= c.keys.upTo:
		return true
	case r.Key == nil:
		return false
	case r.Offset < c.keys.newest(r.Key):
		return false
	}
	return r.Value != nil || !c.expired(b)
}

// lastOfProducer tells whether b is what the log knows an active producer's sequence by, or its epoch.
func (c *cleaning) lastOfProducer(b batch.View) bool {
	p, active := c.o.Producers[b.ProducerID()]
	switch {
	case !b.HasProducerID() || !active:
		return false
	case p.Last >= 0:
		return b.LastOffset() == p.Last
	}
	return b.IsControl() && b.ProducerEpoch() == p.Epoch
}
