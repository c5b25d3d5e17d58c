package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"tailrace/benchmarks/proc"
	"tailrace/benchmarks/rawclient"
	"tailrace/benchmarks/scenario"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// backlog is what a consumer that catches up has before it.
type backlog struct {
	s     *served
	topic string
	bytes int64
	fetch int
	cold  bool
	load  rawclient.Load // reads all of it, once a connection
	reads int64          // requests of one pass
}

// besideWindow is how long a load goes on beside catching up.
const besideWindow = 4 * time.Second

// catchUp is a driver: a backlog is read from its beginning, hot or cold, alone or beside a load whose response times
// are the figure then.
func catchUp(ctx context.Context, c *contest, s *served, r *scenario.Row, _ time.Duration) (
	values map[string]float64, note string, err error,
) {
	set := settingsOf(r)
	b := &backlog{s: s, bytes: set.bytes("data", "2GiB"), fetch: int(set.bytes("fetch", "1MiB")), cold: set.yes("cold")}
	beside := set.text("beside", "")
	if err := set.done(); err != nil {
		return nil, "", err
	}
	v := map[string]float64{}
	err = c.withTopic(s, r, 1, func(topic string) error {
		b.topic = topic
		if err := errors.Join(b.fill(), b.sync()); err != nil {
			return err
		}
		if beside == "" {
			return b.alone(v)
		}
		return c.beside(ctx, b, r, beside, v)
	})
	if err != nil {
		return nil, "", err
	}
	return v, "", s.memoryInto(v)
}

// fill writes the backlog, in batches of 64 KiB.
func (b *backlog) fill() error {
	batch := rawclient.NewBatch(64*kib, kib)
	each := max(1, b.fetch/len(batch.Bytes))
	b.reads = b.bytes / int64(each*len(batch.Bytes))
	fill := rawclient.Produce(b.topic, 1, 1, batch)
	fill.Addr, fill.Conns, fill.InFlight = b.s.addr, 1, 8
	if err := rawclient.Run(fill, b.reads*int64(each)); err != nil {
		return fmt.Errorf("fill %s: %w", b.topic, err)
	}
	frames := make([][]byte, b.reads)
	for i := range frames {
		frames[i] = rawclient.FetchFrame(b.topic, 0, int64(i*each*batch.Records), int32(b.fetch))
	}
	b.load = rawclient.Load{Addr: b.s.addr, Conns: 1, InFlight: 1, Check: rawclient.FetchCheck(b.topic, b.fetch)}
	b.load.Frames = func(int, int) [][]byte { return frames }
	return nil
}

// read reads all of it once. The time to make it cold is none of the figure.
func (b *backlog) read() (took, cpu time.Duration, err error) {
	if b.cold {
		if err := b.drop(); err != nil {
			return 0, 0, err
		}
	}
	before, err := b.s.process.CPU()
	if err != nil {
		return 0, 0, err
	}
	at := time.Now()
	if err := rawclient.Run(b.load, b.reads); err != nil {
		return 0, 0, err
	}
	took = time.Since(at)
	cpu, err = b.s.process.CPU()
	return took, cpu - before, err
}

// drop takes the topic's files out of the page cache, as a reboot or a week would, and checks that they are gone: the
// kernel drops only pages that are clean and that nobody has mapped, and says nothing of the others.
func (b *backlog) drop() error {
	const rest = 0.05 // that may stay, the tail that is written next
	err := b.s.eachSegment(b.topic, func(f *os.File) error {
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	})
	if err != nil {
		return err
	}
	kept, size, err := b.s.cached(b.topic)
	if err == nil && float64(kept) > rest*float64(size) {
		err = fmt.Errorf("%d of %d bytes of %s are still in the page cache", kept, size, b.topic)
	}
	return err
}

// sync writes the backlog to the disk: only clean pages can be dropped, and what is measured shares the disk with none
// of its bytes.
func (b *backlog) sync() error {
	return b.s.eachSegment(b.topic, func(f *os.File) error { return unix.Fdatasync(int(f.Fd())) })
}

func (b *backlog) moved() float64 { return float64(b.reads) * float64(b.fetch) }

func (b *backlog) alone(v map[string]float64) error {
	took, cpu, err := b.read()
	v["megabytesPerSecond"] = b.moved() / 1e6 / took.Seconds()
	v["cpuSecondsPerGB"] = cpu.Seconds() / (b.moved() / 1e9)
	return err
}

// beside measures a load without and with a consumer that catches up. The consumer begins again until the load is over.
func (c *contest) beside(ctx context.Context, b *backlog, r *scenario.Row, rate string, v map[string]float64) error {
	p := plan.Default()
	p.BootstrapServer, p.BrokerPID, p.Warmup = b.s.addr, b.s.process.PID(), leadIn
	p.Consumers, p.Raw, p.BatchSize, p.Acks, p.Duration = 0, true, 64*kib, plan.AcksLeader, besideWindow
	p.TopicConfig = durabilityKeys(b.s.system, r)
	if err := p.Set("rate", rate); err != nil {
		return err
	}
	quiet, err := runPlan(ctx, p.Clone())
	if err != nil {
		return err
	}
	loaded, failed := make(chan *result.Run, 1), make(chan error, 1)
	go func() {
		run, err := runPlan(ctx, p.Clone())
		failed <- err
		loaded <- run
	}()
	time.Sleep(2 * leadIn) // the load is on its way, and measured
	var took time.Duration
	passes := 0
	var readErr error
	for len(failed) == 0 && readErr == nil {
		var one time.Duration
		one, _, readErr = b.read()
		took += one
		passes++
	}
	if err := errors.Join(readErr, <-failed); err != nil {
		return err
	}
	with, _ := figures(<-loaded)
	without, _ := figures(quiet)
	for _, name := range []string{"responseP50Ms", "responseP99Ms", "responseP999Ms", "responseMaxMs"} {
		v[name] = with[name]
	}
	v["quietP99Ms"] = without["responseP99Ms"]
	v["megabytesPerSecond"] = b.moved() * float64(passes) / 1e6 / took.Seconds()
	return nil
}

// warmWithRecords warms a system whose rows are no warm-up themselves.
func (c *contest) warmWithRecords(_ context.Context, s *served, left time.Duration) error {
	batch := rawclient.NewBatch(16*kib, kib)
	return c.withTopic(s, &scenario.Row{Durability: scenario.PageCache}, 1, func(topic string) error {
		load, err := rawclient.FillAndFetch(s.addr, topic, batch, len(batch.Bytes))
		if err != nil {
			return err
		}
		load.Addr, load.Conns, load.InFlight = s.addr, 1, 1
		produce := rawclient.Produce(topic, 1, 1, batch)
		produce.Addr, produce.Conns, produce.InFlight = s.addr, 1, 2
		window := min(max(left, 0), warmWindow)
		return loadBoth(produce, load, s.process, window)
	})
}

// loadBoth runs two loads at once for a window.
func loadBoth(one, two rawclient.Load, server *proc.Process, window time.Duration) error {
	c, err := rawclient.Start(one)
	if err != nil {
		return err
	}
	_, err = rawclient.Measure(two, server, ramp, window)
	return errors.Join(err, c.Stop())
}
