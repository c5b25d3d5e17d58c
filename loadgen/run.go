package loadgen

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/loadgen/drive"
	"tailrace/loadgen/machine"
	"tailrace/loadgen/meter"
	"tailrace/loadgen/payload"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// Options are what a run is given besides its plan.
type Options struct {
	Command  []string            // the command line, for the report
	Version  string              // of this program
	Own      func() (Own, error) // starts a broker when the plan names none
	Bare     func() (Own, error) // instead: starts a bare loop, which takes raw produce requests and knows nothing else
	Progress func(Progress)      // told once a second and at each step; nil: nobody wants to know
	Dir      string              // where the report will lie: its file system is probed
	Machine  *machine.Machine    // of an earlier run: it is not probed again
}

// Own is a broker that the lab has started.
type Own struct {
	Address string
	PID     int
	Dir     string // where its data lies
	Stop    func() error
}

// Progress is how far a run is.
type Progress struct {
	Step     string        // what is being done
	Elapsed  time.Duration // of the schedule
	Of       time.Duration
	Warming  bool
	Interval *meter.Interval // the second that is over, when measuring
	Broker   result.SecondCost
	Self     result.SecondCost
}

// run is one run under way.
type run struct {
	o      Options
	p      *plan.Plan
	r      *result.Run
	target *target
	meter  *meter.Meter
	from   time.Time

	mu       sync.Mutex
	troubles map[string]int64
	stopped  time.Time // when the run was interrupted; zero: it was not
}

// Run does what the plan says and returns what came out. When ctx is done it stops early, and the result is marked as
// partial. An error means that there is no result.
func Run(ctx context.Context, p *plan.Plan, o Options) (*result.Run, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	defer drive.Reserve(p)()
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	id := [4]byte{}
	for i := range id {
		id[i] = byte(rand.Uint32())
	}
	u := &run{o: o, p: p, troubles: map[string]int64{}, r: &result.Run{
		ID:       hex.EncodeToString(id[:]),
		Versions: map[string]string{"loadgen": o.Version, "client": clientVersion()},
	}}
	for _, word := range o.Command {
		u.r.Command = append(u.r.Command, result.Veil(word))
	}
	u.r.SetPlan(p)
	t, err := u.reach(ctx)
	if err != nil {
		return nil, err
	}
	u.target = t
	defer t.close()
	u.probe()
	if err := t.makeTopic(ctx, u.r.ID); err != nil {
		return nil, err
	}
	err = u.load(ctx)
	if derr := t.dropTopic(); derr != nil && err == nil {
		u.warn("the topic %s could not be deleted: %v", t.topic, derr)
	}
	if err != nil {
		return nil, err
	}
	u.judge()
	return u.r, nil
}

func (u *run) warn(format string, args ...any) {
	u.r.Verdict.Warnings = append(u.r.Verdict.Warnings, fmt.Sprintf(format, args...))
}

// probe describes the machine before it is loaded.
func (u *run) probe() {
	if u.o.Machine != nil {
		u.r.Machine = *u.o.Machine
		return
	}
	dir := u.o.Dir
	if u.target.own != nil {
		dir = u.target.own.Dir
	}
	if dir == "" {
		dir = "."
	}
	u.o.Progress(Progress{Step: "probing the machine"})
	u.r.Machine = machine.Here(dir)
	if probe, err := machine.ProbeFsync(dir); err == nil {
		u.r.Machine.Fsync = probe
	} else {
		u.warn("the cost of a synced write could not be measured: %v", err)
	}
}

// trouble counts what went wrong, by its text. It is told from many goroutines.
func (u *run) trouble(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.troubles[err.Error()]++
}

// load puts the load on and measures it.
func (u *run) load(ctx context.Context) error {
	source, err := payload.NewSource(u.p)
	if err != nil {
		return err
	}
	schedule := drive.NewSchedule(u.p)
	start := time.Now().Add(startDelay)
	u.from = start.Add(schedule.Warmup())
	stamper := payload.NewStamper(uint16(rand.Uint32()), time.Now().Add(-time.Minute))
	u.meter = meter.New(start, u.p.Producers+u.p.Consumers)
	way, err := u.rawWay(ctx)
	if err != nil {
		return err
	}
	consuming, err := u.consume(ctx, stamper, way)
	if err != nil {
		return err
	}
	load, done, err := u.producing(schedule, stamper, source, way)
	if err != nil {
		consuming.Stop()
		return err
	}
	u.r.Started, u.r.Topic = start, u.target.topic
	watch := u.watch(schedule)
	defer context.AfterFunc(ctx, u.stop)()
	err = u.await(ctx, load, consuming, schedule)
	consuming.Stop()
	done()
	if werr := watch(); werr != nil {
		return werr
	}
	if err != nil {
		u.warn("%v", err)
	}
	if ctx.Err() != nil {
		u.r.Partial, u.r.Interrupted = true, "it was interrupted"
	}
	u.r.Errors = u.troubles
	u.r.Totals.OverrunMs = ms(load.Overrun())
	u.r.Totals.Seconds = max(0, (u.meter.Last() - schedule.Warmup()).Seconds())
	return u.r.Summarize()
}

// stop notes that nothing is offered from now on; what is on its way is still waited for.
func (u *run) stop() {
	u.mu.Lock()
	u.stopped = time.Now()
	u.mu.Unlock()
}

// load is the producing side of a run.
type load interface {
	Run(ctx context.Context) error
	Acked() int64
	Overrun() time.Duration
}

// reading is the consuming side of a run.
type reading interface {
	Received() int64
	Stop()
}

// producing makes the producing side: a client library's producers, or raw connections. done closes what it opened.
func (u *run) producing(s drive.Schedule, stamper *payload.Stamper, source *payload.Source, way *rawWay) (
	l load, done func(), err error,
) {
	if u.p.Raw {
		return u.rawLoad(s, stamper, source, way), func() {}, nil
	}
	producers, taps, err := u.producers()
	done = func() {
		for _, c := range producers {
			c.Close()
		}
	}
	return &drive.Producing{
		Plan: u.p, Schedule: s, Meter: u.meter, Stamper: stamper, Source: source, Topic: u.target.topic,
		Clients: producers, Taps: taps, Trouble: u.trouble,
	}, done, err
}

// startDelay lets consumers and threads be there when the first record is due.
const startDelay = 300 * time.Millisecond

// await runs the producers to their end, and the consumers until they have what was acknowledged.
func (u *run) await(ctx context.Context, load load, consuming reading, s drive.Schedule) error {
	if u.p.Producers == 0 {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(u.meter.Start().Add(s.End()))):
		}
		return nil
	}
	err := load.Run(ctx)
	want := load.Acked() * int64(u.readers())
	for last, since := consuming.Received(), time.Now(); consuming.Received() < want; time.Sleep(5 * time.Millisecond) {
		if now := consuming.Received(); now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) > consumersStall {
			return errors.Join(err, fmt.Errorf("consumers got %d of %d acknowledged records, and nothing more for %v",
				last, want, consumersStall))
		}
	}
	return err
}

// consumersStall is how long consumers may get nothing before the run ends without the rest.
const consumersStall = 10 * time.Second

// readers is how many times each record is read.
func (u *run) readers() int {
	if u.p.Group {
		return min(1, u.p.Consumers)
	}
	return u.p.Consumers
}

func (u *run) producers() (list []*kgo.Client, taps []*drive.Tap, err error) {
	hooks := drive.Hooks{Meter: u.meter, From: u.from}
	for i := range u.p.Producers {
		tap := &drive.Tap{Meter: u.meter, From: u.from}
		opts := append(drive.Options(u.p), kgo.WithHooks(hooks), kgo.Dialer(tap.Dial(u.target.link.Dial)))
		if u.p.TxnInterval > 0 {
			opts = append(opts, kgo.TransactionalID(fmt.Sprintf("loadgen-%s-%d", u.r.ID, i)))
		}
		c, err := u.target.client(opts...)
		if err != nil {
			return list, taps, err
		}
		list, taps = append(list, c), append(taps, tap)
	}
	return list, taps, nil
}

// consume starts the consumers, at the end of what the topic holds now.
func (u *run) consume(ctx context.Context, stamper *payload.Stamper, way *rawWay) (reading, error) {
	if u.p.Raw {
		c := u.rawReading(stamper, way)
		return c, c.Start(ctx)
	}
	c := &drive.Consuming{Meter: u.meter, Stamper: stamper, From: u.from, Trouble: u.trouble,
		Alone: u.p.Producers == 0}
	for range u.p.Consumers {
		opts, err := u.target.consumerOptions(ctx, u.p, "loadgen-"+u.r.ID)
		if err != nil {
			return nil, err
		}
		client, err := u.target.client(opts...)
		if err != nil {
			return nil, err
		}
		c.Clients = append(c.Clients, client)
	}
	c.Start(ctx)
	return c, nil
}
