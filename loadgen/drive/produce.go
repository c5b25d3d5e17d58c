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
	"tailrace/loadgen/plan"
)

// Producing is a load of records through a client library.
type Producing struct {
	Plan     *plan.Plan
	Schedule Schedule
	Meter    *meter.Meter
	Stamper  *payload.Stamper
	Source   *payload.Source
	Topic    string
	Clients  []*kgo.Client // one a producer, made with Options
	Taps     []*Tap        // of each client's connections
	Trouble  func(error)   // told each kind of error; called from many goroutines

	from time.Time // measured from here on
	end  time.Time // full speed: until here
	left atomic.Int64

	acked   atomic.Int64
	overrun atomic.Int64
}

// maxPacers bounds the threads that sleep for the schedule.
const maxPacers = 8

// drainWithin bounds the wait for answers after the last record.
const drainWithin = 30 * time.Second

// Run sends the schedule and waits for the answers. When ctx is done it stops sending and still waits for what is on
// its way.
func (p *Producing) Run(ctx context.Context) error {
	p.from = p.Meter.Start().Add(p.Schedule.Warmup())
	p.end = p.Meter.Start().Add(p.Schedule.End())
	if p.left.Store(p.Plan.Records); p.Plan.Records == 0 {
		p.left.Store(1 << 62)
	}
	lanes := make([]*lane, len(p.Clients))
	for i, c := range p.Clients {
		lanes[i] = p.newLane(i, c)
	}
	var wg sync.WaitGroup
	if p.Schedule.Full() {
		for _, l := range lanes {
			wg.Go(func() { l.full(ctx) })
		}
	} else {
		pacers := pacersFor(len(lanes))
		for i := range pacers {
			wg.Go(func() { p.pace(ctx, lanes, i, pacers) })
		}
	}
	wg.Wait()
	return p.drain(lanes)
}

// Acked is how many records were acknowledged, the warm-up's included.
func (p *Producing) Acked() int64 { return p.acked.Load() }

// Overrun is how late the last record was that the schedule held: how far the load was behind at its end.
func (p *Producing) Overrun() time.Duration { return time.Duration(p.overrun.Load()) }

func (p *Producing) drain(lanes []*lane) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(lanes))
	for i, l := range lanes {
		wg.Go(func() {
			l.commit(ctx)
			errs[i] = l.client.Flush(ctx)
			if errs[i] != nil {
				_ = l.client.AbortBufferedRecords(context.Background())
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// pace sends every of-th record, beginning with the which-th, and spreads them over its lanes in turn.
func (p *Producing) pace(ctx context.Context, lanes []*lane, which, of int) {
	sleep := newPacer()
	defer sleep.close()
	start := p.Meter.Start()
	at := which
	for i := int64(which); i < p.Schedule.Records(); i += int64(of) {
		due := start.Add(p.Schedule.At(i))
		if !sleep.until(ctx, due) {
			return
		}
		lanes[at].send(ctx, sleep, due)
		if at += of; at >= len(lanes) {
			at = which
		}
	}
}

// pacersFor is how many pacers serve so many lanes: a divisor, so that every lane gets the same rate.
func pacersFor(lanes int) int {
	for n := min(lanes, maxPacers); n > 1; n-- {
		if lanes%n == 0 {
			return n
		}
	}
	return 1
}
