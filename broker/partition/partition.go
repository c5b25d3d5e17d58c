package partition

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"tailrace/batch"
	"tailrace/broker/logdir"
	"tailrace/segment"
	"tailrace/segment/clean"
	"tailrace/wire"
)

// FlushMode is tailrace.flush.before.ack.
type FlushMode int8

// The modes: whether acks=all waits for this replica's disk.
const (
	FlushAuto   FlushMode = iota // while the in-sync set has one member
	FlushAlways                  // always
	FlushNever                   // Kafka's behaviour
)

// Config is what a topic's settings mean to a partition. It is immutable;
// Reconfigure swaps it whole.
type Config struct {
	Rules             batch.Rules
	Log               segment.Config
	Clean             *clean.Config // nil: cleanup.policy does not have compact
	Flush             FlushMode
	FlushMessages     int64 // flush.messages
	FlushMs           int64 // flush.ms
	MinInsyncReplicas int
	ProducerExpiryMs  int64
	IdleCloseMs       int64 // unused for so long, a log gives up descriptors and mappings
}

// Partition is one replica of a partition, led by this broker or not.
type Partition struct {
	Topic string
	ID    wire.TopicID
	Index int32

	key    logdir.Key
	dir    *logdir.Dir
	path   string
	log    *segment.Log
	ticket *logdir.Ticket
	logger *slog.Logger
	config atomic.Pointer[Config]

	highWatermark atomic.Int64
	lastStable    atomic.Int64
	durableEnd    atomic.Int64
	leaderEpoch   atomic.Int32
	leader        atomic.Bool
	soleInSync    atomic.Bool // the committed ISR is this broker alone
	replicas      atomic.Int32
	dead          atomic.Bool // deleted or closed
	broken        atomic.Bool // damage keeps the log from being synced
	damageTold    atomic.Int64
	uncleanable   atomic.Bool  // damage was met by a cleaning
	cleanAfterMs  atomic.Int64 // no cleaning before
	openTxn       wire.Offset  // first offset of the transactions that were open at the start; set once

	mu          sync.Mutex // order of appends; guards what follows
	epochs      epochs
	producers   producers
	fetches     *FetchWaiter
	fresh       bool // the directory is not yet durable
	unflushed   int64
	flushTimer  bool
	snapshotEnd wire.Offset // of the newest snapshot
	replay      replay      // of use to Open only

	// syncing is what BeginSync found, for EndSync. Rounds never overlap.
	syncing []segment.PendingSync

	ackMu sync.Mutex // after mu
	acks  ackQueue

	background sync.WaitGroup // snapshot writers
	storing    sync.Mutex     // held by one of them; before nothing
	stored     wire.Offset    // the newest snapshot that was begun to be written
}

// Config returns the settings in force.
func (p *Partition) Config() *Config { return p.config.Load() }

// Reconfigure puts new settings in force.
func (p *Partition) Reconfigure(c *Config) {
	p.config.Store(c)
	p.log.SetConfig(&c.Log)
}

// Lead makes this broker the leader in the given epoch. replicas is how many
// the partition has; sole says that the committed in-sync set has one member.
func (p *Partition) Lead(epoch wire.LeaderEpoch, replicas int, sole bool) {
	p.mu.Lock()
	p.replicas.Store(int32(replicas))
	p.leaderEpoch.Store(int32(epoch))
	p.soleInSync.Store(sole)
	p.leader.Store(true)
	if epoch > 0 {
		// As Kafka's makeLeader. Epoch 0 begins with the first record: ten thousand new partitions need no file each.
		p.epochs.assign(epoch, p.log.End())
	}
	var ready readyList
	if sole {
		p.advance(0, &ready)
	}
	p.mu.Unlock()
	ready.run()
}

// LeaderEpoch returns the partition's current leader epoch.
func (p *Partition) LeaderEpoch() wire.LeaderEpoch { return wire.LeaderEpoch(p.leaderEpoch.Load()) }

// LogStart is the first offset that can be read.
func (p *Partition) LogStart() wire.Offset { return p.log.Start() }

// LogEnd is the offset that the next record gets.
func (p *Partition) LogEnd() wire.Offset { return p.log.End() }

// HighWatermark is the end of what consumers see.
func (p *Partition) HighWatermark() wire.Offset { return wire.Offset(p.highWatermark.Load()) }

// LastStable is the end of what read_committed consumers see.
func (p *Partition) LastStable() wire.Offset { return wire.Offset(p.lastStable.Load()) }

// DurableEnd is the end of what is synced here.
func (p *Partition) DurableEnd() wire.Offset { return wire.Offset(p.durableEnd.Load()) }

// SizeBytes is the logical size of the log.
func (p *Partition) SizeBytes() int64 { return p.log.Size() }

// Path is the partition's directory.
func (p *Partition) Path() string { return p.path }

// advance moves the high watermark of a sole in-sync replica to the log end,
// and with it the last stable offset. Called with mu held.
func (p *Partition) advance(bytes int, ready *readyList) {
	end := int64(p.log.End())
	if end <= p.highWatermark.Load() {
		return
	}
	p.highWatermark.Store(end)
	p.lastStable.Store(end)
	if p.fetches != nil {
		p.wake(bytes, ready)
	}
	p.dir.Touch()
}

// Checkpoints implements logdir.Member. The recovery point may lie below the
// log start, unlike Kafka's: records that were deleted before they were synced
// are no damage if a power cut takes them.
func (p *Partition) Checkpoints() (recovery, start, highWatermark wire.Offset) {
	return wire.Offset(p.durableEnd.Load()), p.log.Start(), wire.Offset(p.highWatermark.Load())
}
