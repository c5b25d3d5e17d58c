package logdir

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Schedule says how often the keeper works.
type Schedule struct {
	Checkpoint    time.Duration // after a change; default 1 s
	HighWatermark time.Duration // replica.high.watermark.checkpoint.interval.ms; default 5 s
	Housekeep     time.Duration // resting and purging; default 10 s
	Retain        time.Duration // log.retention.check.interval.ms; default 5 min
}

// keeper is the goroutine of a Dir that writes checkpoints after a change and
// keeps house. With nothing to do it wakes once a Housekeep interval.
type keeper struct {
	dirty atomic.Bool
	wake  chan struct{}
	quit  chan struct{}
	done  chan struct{}

	mu      sync.Mutex // held while checkpoints are written; before Dir.mu
	written offsetSet  // what the files hold

	// The high watermark moves with every append and its checkpoint is only a
	// lower bound, so it is written less often.
	highWatermarkEvery time.Duration
	highWatermark      time.Time // when it was last written
}

func (k *keeper) start(d *Dir, s Schedule) {
	if s.Checkpoint <= 0 {
		s.Checkpoint = time.Second
	}
	if s.Housekeep <= 0 {
		s.Housekeep = 10 * time.Second
	}
	if s.Retain <= 0 {
		s.Retain = 5 * time.Minute
	}
	k.highWatermarkEvery = s.HighWatermark
	if k.highWatermarkEvery <= 0 {
		k.highWatermarkEvery = 5 * time.Second
	}
	d.measureSpace()
	k.wake, k.quit, k.done = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go d.keepHouse(s)
}

func (k *keeper) stop() {
	close(k.quit)
	<-k.done
}

// Touch says that an offset which is checkpointed has changed. It is cheap
// enough for every append.
func (d *Dir) Touch() {
	if d.keep.dirty.Load() || !d.keep.dirty.CompareAndSwap(false, true) {
		return
	}
	select {
	case d.keep.wake <- struct{}{}:
	default:
	}
}

func (d *Dir) keepHouse(s Schedule) {
	defer close(d.keep.done)
	house := time.NewTicker(min(s.Housekeep, s.Retain))
	defer house.Stop()
	var checkpoint <-chan time.Time
	retained := time.Now()
	for {
		select {
		case <-d.keep.quit:
			return
		case <-d.keep.wake:
			if checkpoint == nil {
				checkpoint = time.After(s.Checkpoint)
			}
		case <-checkpoint:
			checkpoint = nil
			if d.measureSpace() {
				checkpoint = time.After(s.Checkpoint) // full: look again soon
			}
			d.keep.dirty.Store(false) // before reading the offsets: a later change asks again
			if err := d.writeCheckpoints(false); err != nil {
				d.checkpointFailed(err)
			}
		case now := <-house.C:
			retain := now.Sub(retained) >= s.Retain
			if retain {
				retained = now
			}
			d.housekeep(now.UnixMilli(), retain)
			if d.measureSpace() && checkpoint == nil {
				checkpoint = time.After(s.Checkpoint)
			}
		}
	}
}

// checkpointFailed keeps a full disk from taking the directory: an old
// checkpoint only makes recovery longer. Any other failure is one of the disk.
func (d *Dir) checkpointFailed(err error) {
	if errors.Is(err, syscall.ENOSPC) {
		d.keep.dirty.Store(false)
		d.Touch()
		return
	}
	d.Fail(err)
}

func (d *Dir) housekeep(nowMs int64, retain bool) {
	for _, m := range d.snapshotMembers() {
		m.m.Housekeep(nowMs, retain)
	}
}

type keyed struct {
	k Key
	m Member
}

func (d *Dir) snapshotMembers() []keyed {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.listMembers()
}

// listMembers is called with mu held.
func (d *Dir) listMembers() []keyed {
	all := make([]keyed, 0, len(d.members))
	for k, m := range d.members {
		all = append(all, keyed{k, m})
	}
	return all
}

// SaveCheckpoints makes what the partitions would have remembered durable now.
func (d *Dir) SaveCheckpoints() error {
	if err := d.Offline(); err != nil {
		return err
	}
	err := d.writeCheckpoints(false)
	if err != nil {
		d.checkpointFailed(err)
	}
	return err
}

// writeCheckpoints replaces the files whose content changed. What belongs to
// partitions that are not served (offline, or unknown to the metadata) is
// carried over.
func (d *Dir) writeCheckpoints(all bool) error {
	d.keep.mu.Lock()
	defer d.keep.mu.Unlock()
	d.mu.Lock() // once for both: a partition that becomes a member stands in one of them
	members, now := d.listMembers(), d.carried.clone()
	d.mu.Unlock()
	for _, m := range members {
		now[0][m.k], now[1][m.k], now[2][m.k] = m.m.Checkpoints()
	}
	for i, name := range checkpointFiles {
		if !all && maps.Equal(now[i], d.keep.written[i]) {
			continue
		}
		if name == HighWatermarkFile {
			if !all && time.Since(d.keep.highWatermark) < d.keep.highWatermarkEvery {
				d.Touch()
				continue
			}
			d.keep.highWatermark = time.Now()
		}
		if err := d.cp.write(name, now[i]); err != nil {
			return err
		}
		d.keep.written[i] = now[i]
	}
	return nil
}

// forget makes sure that no checkpoint remembers a partition that is about to
// be made: a deleted topic of the same name may have left its offsets there,
// and a log held against those would look damaged.
func (d *Dir) forget(k Key) error {
	if err := d.LimitCleaned(k, 0); err != nil {
		return err
	}
	d.mu.Lock()
	d.carried.forget(k)
	d.mu.Unlock()
	d.keep.mu.Lock()
	remembered := d.keep.written.has(k)
	d.keep.mu.Unlock()
	if !remembered {
		return nil
	}
	return d.writeCheckpoints(true)
}
