package drive

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/payload"
)

// Consuming reads what is produced and keeps the end-to-end clock.
type Consuming struct {
	Meter   *meter.Meter
	Stamper *payload.Stamper
	From    time.Time // records that were due before it are not measured
	Alone   bool      // there are no producers: the last record consumed ends what is measured
	Clients []*kgo.Client
	Trouble func(error)

	received atomic.Int64 // all of them, the warm-up's included
	wg       sync.WaitGroup
	cancel   context.CancelFunc
}

// Start begins to read. Stop ends it, and nothing else does: what was sent when ctx is done is still to be read.
func (c *Consuming) Start(ctx context.Context) {
	ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, client := range c.Clients {
		c.wg.Go(func() { c.read(ctx, client) })
	}
}

// Received is how many records have been read, the warm-up's included.
func (c *Consuming) Received() int64 { return c.received.Load() }

// Stop ends the reading and waits for it.
func (c *Consuming) Stop() {
	c.cancel()
	c.wg.Wait()
}

func (c *Consuming) read(ctx context.Context, client *kgo.Client) {
	shard := c.Meter.Shard()
	for {
		fetches := client.PollFetches(ctx)
		now := time.Now() // the records were in the client's hands at this moment, all of them
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(_ string, _ int32, err error) {
			if !errors.Is(err, context.Canceled) {
				c.Trouble(err)
			}
		})
		n, measured, bytes := int64(0), int64(0), int64(0)
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			n++
			due, ok := c.Stamper.Get(r.Value)
			switch {
			case !ok:
				if !now.Before(c.From) {
					c.Meter.Add(meter.Unstamped, 1)
					measured++
					bytes += int64(len(r.Value) + len(r.Key))
				}
			case !due.Before(c.From):
				shard.Record(meter.EndToEnd, now.Sub(due))
				measured++
				bytes += int64(len(r.Value) + len(r.Key))
			}
		}
		c.received.Add(n)
		if measured > 0 && c.Alone {
			c.Meter.Done(now)
		}
		c.Meter.Add(meter.Consumed, measured)
		c.Meter.Add(meter.ConsumedBytes, bytes)
	}
}
