package segment

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"syscall"

	"tailrace/batch"
	"tailrace/vfs"
	"tailrace/wire"
)

// Batch is the bytes of one record batch, header included.
type Batch = batch.View

// Log is the log of one partition.
//
// Locks, in the order in which they nest:
//
//	syncing  one Sync at a time; Truncate and Close keep it out
//	work     one piece of structural work at a time: helper jobs, roll on demand, truncate, retain, rest, close
//	mu       the append path: the writer, the end of the chain, what is unsynced
//	extend   (in writer) the reserve of the active segment's files
//	names    files by name: open on demand, rename, remove
//
// Readers take none of them while the files they need are open.
type Log struct {
	fs         vfs.FS
	dir        string
	config     atomic.Pointer[Config]
	now        func() int64
	budget     *Files
	background func(func())
	onDirty    func()
	onRoll     func(wire.Offset)
	warn       func(msg string, args ...any)
	tendFn     func() // tend, bound once
	mapBelow   int
	jitter     uint32 // how much of SegmentJitterMs this log takes, as a fraction of 2^32

	// What readers see.
	chain   atomic.Pointer[chain]
	start   atomic.Int64
	durable atomic.Int64
	lastUse atomic.Int64
	hints   atomic.Pointer[hints]
	closed  atomic.Bool

	syncing sync.Mutex

	work      sync.Mutex
	doomed    []doomed // files that wait for Purge
	replacing bool     // a Replacement is being made
	cuts      int      // how often Truncate has made a segment shorter

	mu        sync.Mutex
	w         *writer   // nil at rest
	next      *writer   // the prepared segment, without one
	finishing []*writer // of segments that were rolled, to be trimmed
	unsynced  []*seg    // with files that were changed since the last Sync, the active one aside if it has a writer
	dirDirty  bool      // entries of dir were changed since the last Sync
	dirty     bool      // there is anything to sync, and OnDirty was told
	tending   bool      // a helper job is on its way
	closing   bool      // Close has begun
	failed    error     // a sync failed: nothing is appended any more

	names sync.Mutex
}

// Appended says what the batch given to Append holds; the caller has validated and stamped it.
type Appended struct {
	Base, Last   wire.Offset // first and last offset in the batch; Base is at or above End
	MaxTimestamp int64       // the batch's maximal timestamp in ms, -1 for none
	AppendTimeMs int64       // now
	// Sync says that somebody waits for this batch to reach the disk. It then goes by pwrite, because a sync that runs
	// at the same time makes stores through a mapping slow.
	Sync bool
}

// Result is what Read found.
type Result struct {
	Span  vfs.Span    // whole batches; the caller owns its reference. Empty at the end of the log
	First wire.Offset // at most the first offset in Span
	Next  wire.Offset // where to go on reading
}

// Stamp is a record found by its timestamp.
type Stamp struct {
	Offset    wire.Offset
	Timestamp int64
	Epoch     wire.LeaderEpoch
}

// Info describes a segment.
type Info struct {
	Base  wire.Offset
	Bytes int64
}

// Start is the log start offset: reads below it are out of range.
func (l *Log) Start() wire.Offset { return wire.Offset(l.start.Load()) }

// End is the offset that the next record gets.
func (l *Log) End() wire.Offset {
	_, end := l.chain.Load().active().ends()
	return end
}

// DurableEnd is the offset below which everything survives a power cut.
func (l *Log) DurableEnd() wire.Offset { return wire.Offset(l.durable.Load()) }

// Size is the bytes of all batches.
func (l *Log) Size() int64 { return l.chain.Load().bytes() }

// Segments lists the segments, oldest first.
func (l *Log) Segments() []Info {
	c := *l.chain.Load()
	all := make([]Info, 0, len(c))
	for _, s := range c {
		all = append(all, Info{Base: s.base, Bytes: s.size()})
	}
	return all
}

// SetConfig changes the configuration. The active segment keeps the size it was mapped with.
func (l *Log) SetConfig(c *Config) { l.config.Store(c) }

// LastUse is when the log was last appended to or read, in ms since 1970.
func (l *Log) LastUse() int64 { return l.lastUse.Load() }

// used notes a use without making the cache line bounce between readers.
func (l *Log) used(ms int64) {
	if l.lastUse.Load() < ms {
		l.lastUse.Store(ms)
	}
}

// publish replaces the chain. Under mu.
func (l *Log) publish(c chain) { l.chain.Store(&c) }

// usable is the error of a log that takes no appends. Under mu.
func (l *Log) usable() error {
	if l.closed.Load() {
		return ErrClosed
	}
	return l.failed
}

// poison makes every later append and sync fail: what the kernel could not write is gone, and it says so only once.
func (l *Log) poison(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = err
	}
	return l.failed
}

// failure wraps the error of an operation on the log's files.
func (l *Log) failure(doing string, err error) error {
	if err == nil {
		return nil
	}
	if noSpace(err) {
		return fmt.Errorf("%s: %s: %w (%w)", l.dir, doing, ErrNoSpace, err)
	}
	return fmt.Errorf("%s: %s: %w", l.dir, doing, err)
}

func noSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// markDirty notes that there is something to sync and tells whether OnDirty is to be called. Under mu.
func (l *Log) markDirty() (tell bool) {
	tell = !l.dirty && l.onDirty != nil
	l.dirty = true
	return tell
}

// markUnsynced puts a segment on the list of the next Sync. Under mu.
func (l *Log) markUnsynced(s *seg) {
	if !s.unsynced {
		s.unsynced = true
		l.unsynced = append(l.unsynced, s)
	}
}

const maxSegmentBytes = math.MaxInt32 // positions in the index are int32
