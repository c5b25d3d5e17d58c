package logdir

import (
	"errors"
	"math"
	"sync"
	"time"

	"tailrace/segment/clean"
	"tailrace/wire"
)

// Cleanable is a Member whose log can be compacted.
type Cleanable interface {
	Member
	// CleanDebt tells what there is to clean, given where the last cleaning has ended. It is asked often.
	CleanDebt(nowMs int64, cleaned wire.Offset) clean.Debt
	// Clean does it and tells up to where the log is clean now; ok is false if nothing was done. Errors are dealt with
	// there.
	Clean(d clean.Debt, w *CleanWork) (to wire.Offset, ok bool)
}

// CleanWork is what a cleaning may use.
type CleanWork struct {
	NowMs       int64
	KeyBytes    int64
	KeyLoad     float64
	BufferBytes int
	// Spend is told of bytes that are read or written, and waits as the limit on them demands. After Stop it fails
	// with ErrCleanerStopped.
	Spend func(bytes int) error
}

// CleanerOptions are the settings of a Cleaner, with Kafka's names.
type CleanerOptions struct {
	Threads        int           // log.cleaner.threads
	DedupeBytes    int64         // log.cleaner.dedupe.buffer.size, over all threads
	DedupeLoad     float64       // log.cleaner.io.buffer.load.factor
	BufferBytes    int           // log.cleaner.io.buffer.size, over all threads
	BytesPerSecond float64       // log.cleaner.io.max.bytes.per.second, over all threads
	Backoff        time.Duration // log.cleaner.backoff.ms
}

// ErrCleanerStopped ends a cleaning when the broker stops.
var ErrCleanerStopped = errors.New("the cleaner is stopping")

// Cleaner compacts the logs of some directories, the dirtiest first, with a few goroutines. It ends with Stop.
type Cleaner struct {
	o    CleanerOptions
	dirs []*Dir
	quit chan struct{}
	done sync.WaitGroup
	pace pace

	mu   sync.Mutex // before Dir.mu
	busy map[Cleanable]bool
}

// StartCleaner begins to clean.
func StartCleaner(dirs []*Dir, o CleanerOptions) *Cleaner {
	c := &Cleaner{o: o, dirs: dirs, quit: make(chan struct{}), busy: map[Cleanable]bool{}}
	c.pace.perSecond = o.BytesPerSecond
	for range o.Threads {
		c.done.Go(c.run)
	}
	return c
}

// Stop ends cleanings that are under way, without their effect, and waits for them.
func (c *Cleaner) Stop() {
	close(c.quit)
	c.done.Wait()
}

// run cleans as long as there is something to clean, and then looks again after a while.
func (c *Cleaner) run() {
	for {
		pause := max(c.o.Backoff, least)
		if c.cleanOne() {
			pause = 0
		}
		select {
		case <-c.quit:
			return
		case <-time.After(pause):
		}
	}
}

// dirty is a log that is due.
type dirty struct {
	dir  *Dir
	key  Key
	log  Cleanable
	debt clean.Debt
}

// cleanOne cleans the dirtiest log, if there is any.
func (c *Cleaner) cleanOne() bool {
	now := time.Now().UnixMilli()
	d, found := c.take(now)
	if !found {
		return false
	}
	n := max(c.o.Threads, 1)
	to, ok := d.log.Clean(d.debt, &CleanWork{
		NowMs: now, KeyBytes: c.o.DedupeBytes / int64(n), KeyLoad: c.o.DedupeLoad, BufferBytes: c.o.BufferBytes / n / 2,
		Spend: func(n int) error { return c.pace.spend(n, c.quit) },
	})
	if ok {
		d.dir.noteCleaned(d.key, d.log, to)
	}
	c.mu.Lock()
	delete(c.busy, d.log)
	c.mu.Unlock()
	return ok
}

// take chooses the log with the largest share of dirty bytes (grabFilthiestCompactedLog of Kafka).
func (c *Cleaner) take(nowMs int64) (best dirty, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, dir := range c.dirs {
		if dir.Offline() != nil {
			continue
		}
		for _, m := range dir.snapshotMembers() {
			log, ok := m.m.(Cleanable)
			if !ok || c.busy[log] {
				continue
			}
			debt := log.CleanDebt(nowMs, dir.Cleaned(m.k))
			if debt.Due && (!found || debt.Ratio() > best.debt.Ratio()) {
				best, found = dirty{dir, m.k, log, debt}, true
			}
		}
	}
	if found {
		c.busy[best.log] = true
	}
	return best, found
}

// pace makes those who spend bytes wait, so that together they stay below a rate.
type pace struct {
	perSecond float64

	mu   sync.Mutex
	free time.Time // when what was spent so far is paid for
}

// least is the shortest wait that is worth a timer.
const least = 20 * time.Millisecond

func (p *pace) spend(bytes int, quit <-chan struct{}) error {
	select {
	case <-quit:
		return ErrCleanerStopped
	default:
	}
	cost := float64(bytes) / p.perSecond * float64(time.Second)
	if !(cost >= 1) { // less than a nanosecond: there is no limit
		return nil
	}
	p.mu.Lock()
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(min(cost, float64(math.MaxInt64/4))))
	wait := p.free.Sub(now)
	p.mu.Unlock()
	if wait < least {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-quit:
		return ErrCleanerStopped
	case <-timer.C:
		return nil
	}
}
