package segment

import (
	"tailrace/vfs"
	"tailrace/wire"
)

// Config is what a topic says about its log. Sizes are in bytes, times in milliseconds. It is immutable once given to
// Open or SetConfig, so that the logs of one topic share it.
type Config struct {
	SegmentBytes       int   // segment.bytes
	SegmentMs          int64 // segment.ms; 0 or less: no roll by time
	SegmentJitterMs    int64 // segment.jitter.ms: up to so much earlier, by the log's directory name
	IndexBytes         int   // segment.index.bytes
	IndexIntervalBytes int   // index.interval.bytes
	RetentionMs        int64 // retention.ms; negative: for ever
	RetentionBytes     int64 // retention.bytes; negative: no bound
	FileDeleteDelayMs  int64 // file.delete.delay.ms
	Delete             bool  // cleanup.policy has delete: RetentionMs and RetentionBytes count
	Preallocate        bool  // preallocate: reserve the whole segment at once
}

// Options is what Open needs. FS, Dir and Config must be given, everything else may be left out.
type Options struct {
	FS     vfs.FS
	Dir    string // the partition's directory, which must exist
	Config *Config

	// RecoveryPoint is the checkpointed durable end: everything below it was synced. After an unclean stop the log is
	// checked from here on.
	RecoveryPoint wire.Offset
	// LogStart is the checkpointed log start offset. The log starts there, or at its first segment if that is later.
	LogStart wire.Offset
	// Cleaned is the offset below which the log was compacted, by whichever broker: Kafka's cleaner leaves segments that
	// end below the next one's base, so that this is no sign of a lost write there.
	Cleaned wire.Offset
	// Clean says that the log was closed in order: its end is trusted and nothing is scanned.
	Clean bool
	// PowerLoss says that writes which were not synced may be missing in any order (the machine has restarted since the
	// log was last open). Then a bad batch at or above RecoveryPoint is cut together with all that follows, and indexes
	// from there on are not trusted. Without it nothing but the very last write can be incomplete, and a bad batch
	// with a good one after it is damage.
	PowerLoss bool
	// CheckBytes is how much of the log's end is read in full and held against its CRCs when only the process was killed
	// (neither PowerLoss nor Rewrite): of what lies before it, the headers are. 0 means DefaultCheckBytes, a negative
	// value that nothing is believed by its header.
	CheckBytes int64
	// Rewrite says that a sync of this log may have failed while it was last open. The kernel then takes pages for
	// written that the disk does not have, and another sync would not write them. So what is checked is written again.
	// It goes with PowerLoss, because such pages may have left the cache.
	Rewrite bool

	// MapBelow is the size from which on a batch is written by pwrite and not stored through the mapping. 0 means
	// DefaultMapBelow, a negative value never maps.
	MapBelow int
	// Now gives the time in milliseconds since 1970; nil means the clock of the machine. It is asked by what is not told
	// the time: Read, Roll, Truncate.
	Now func() int64
	// Budget counts the log's open files and mappings. nil: they are not counted.
	Budget *Files
	// Background runs work that must not delay an append: reserving ahead, preparing the next segment, trimming a full
	// one. At most one such job a log is outstanding. nil: the work is done by the append that made it necessary, after
	// the lock is given up.
	Background func(job func())
	// OnDirty is called, with no lock of the log held, when there is something to sync for the first time since a Sync.
	OnDirty func()
	// OnRoll is called by Append when it begins a new segment at base, before anything is in it: the owner's state is
	// that of the log's end at base. It runs inside Append and must not call the log.
	OnRoll func(base wire.Offset)
	// OnBatch is called by Open for each batch at or above RecoveryPoint that it had to check, in order. The bytes are
	// valid during the call. What was believed by its header comes as that, batch.HeaderSize bytes; control batches
	// come whole.
	OnBatch func(b Batch)
	// Warn is told what an operator should know: an index that had to be rebuilt, a tail that was cut.
	Warn func(msg string, args ...any)
}

// DefaultMapBelow is where pwrite overtakes a store through a mapping: see BenchmarkAppend, and count CPU time, not ns.
const DefaultMapBelow = 16<<10 + 1

// Recovered is what Open had to do.
type Recovered struct {
	Truncated []Cut    // damage at the end of the log, cut off
	Trimmed   []Cut    // reserved space and other leftovers of a stop in mid-work; nothing was lost
	Rebuilt   []string // indexes built anew from the log
	Removed   []string // files of an unfinished roll, deletion or cleaning
	Scanned   int64    // bytes of batches that were read in full and held against their CRC
	Believed  int64    // bytes of batches above the recovery point of which only the header was looked at
}

// Cut tells of bytes that Open removed from the end of a file.
type Cut struct {
	File   string
	Pos    vfs.Pos
	Bytes  int64
	Reason string
}
