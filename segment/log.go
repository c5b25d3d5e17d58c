package segment

import (
	"tailrace/index"
	"tailrace/vfs"
	"tailrace/wire"
)

// Batch is the bytes of one record batch, header included.
type Batch = []byte

// Log is the log of one partition.
type Log struct{}

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

// Dropped is a segment that Retain took away.
type Dropped struct {
	Base, Next wire.Offset // its offsets: [Base, Next)
	Bytes      int64
	Reason     string // "time", "size" or "log start"
}

// Info describes a segment.
type Info struct {
	Base  wire.Offset
	Bytes int64
}

// Open opens the log in a directory, repairing what an unclean stop left. An empty directory becomes an empty log that
// starts at LogStart. Errors: *CorruptError for damage that must not be cut away; I/O errors, wrapped.
//
// With Clean set and RecoveryPoint at the end it costs one ReadDir and a Stat per segment.
func Open(o Options) (*Log, Recovered, error) { panic("skeleton") }

// Append writes one batch to the end of the log. b is not kept. It fails with ErrNoSpace, ErrClosed or a wrapped I/O
// error, and then nothing was appended. Allocates nothing. Appends of one log must not run at the same time with
// offsets that depend on each other: the caller serializes what it stamps.
func (l *Log) Append(b []byte, a Appended) error { panic("skeleton") }

// Read returns whole batches from the one that holds from on: at most maxBytes, unless minOne is set and the first
// batch alone is larger; never a batch whose base offset is at or above limit; never across a segment. At the end of
// the log, or of limit, the result is empty. Below Start or above End it is ErrOutOfRange. Allocates nothing.
func (l *Log) Read(from wire.Offset, maxBytes int, limit wire.Offset, minOne bool) (Result, error) {
	panic("skeleton")
}

// Start is the log start offset: reads below it are out of range.
func (l *Log) Start() wire.Offset { panic("skeleton") }

// End is the offset that the next record gets.
func (l *Log) End() wire.Offset { panic("skeleton") }

// DurableEnd is the offset below which everything survives a power cut.
func (l *Log) DurableEnd() wire.Offset { panic("skeleton") }

// Size is the bytes of all batches.
func (l *Log) Size() int64 { panic("skeleton") }

// Segments lists the segments, oldest first.
func (l *Log) Segments() []Info { panic("skeleton") }

// OffsetForTimestamp finds the first record at or above Start and below limit whose timestamp is at least ts.
func (l *Log) OffsetForTimestamp(ts int64, limit wire.Offset) (Stamp, bool, error) { panic("skeleton") }

// MaxTimestamp finds the record with the largest timestamp below limit; of several, the first.
func (l *Log) MaxTimestamp(limit wire.Offset) (Stamp, bool, error) { panic("skeleton") }

// Sync makes everything appended before the call durable and returns the offset up to which that is so. It may run
// beside Append and Read. After a failure every later Append and Sync fails with the same error.
func (l *Log) Sync() (wire.Offset, error) { panic("skeleton") }

// Roll starts a new segment, unless the active one is empty.
func (l *Log) Roll() error { panic("skeleton") }

// Truncate removes every batch that holds an offset at or above to; End becomes to, or the base offset of the batch
// that holds to. The caller checkpoints its recovery point, lowered to End, before it appends again.
func (l *Log) Truncate(to wire.Offset) error { panic("skeleton") }

// TruncateFullyAndStartAt removes everything; Start and End become off.
func (l *Log) TruncateFullyAndStartAt(off wire.Offset) error { panic("skeleton") }

// SetStart raises the log start offset, which may lie inside a batch. It is never lowered. Above End: ErrOutOfRange.
func (l *Log) SetStart(off wire.Offset) error { panic("skeleton") }

// Retain drops whole segments from the front: those below Start, and with Config.Delete those that are too old or too
// many. Nothing at or above upTo (the high watermark) goes. Start is raised before files go; files are renamed to
// ".deleted" and unlinked by Purge.
func (l *Log) Retain(nowMs int64, upTo wire.Offset) ([]Dropped, error) { panic("skeleton") }

// Purge unlinks the files whose FileDeleteDelayMs is over and tells whether others are still waiting.
func (l *Log) Purge(nowMs int64) (waiting bool, err error) { panic("skeleton") }

// Batches calls fn for each batch from the one that holds from on up to the end, in order, CRC checked. The bytes are
// valid during the call. An error of fn ends the walk and is returned.
func (l *Log) Batches(from wire.Offset, fn func(b Batch, pos vfs.Pos) error) error { panic("skeleton") }

// AppendAborted adds an aborted transaction to the index of the segment that holds its last offset.
func (l *Log) AppendAborted(a index.Aborted) error { panic("skeleton") }

// Aborted appends to dst the aborted transactions that touch [from, to), ordered by first offset.
func (l *Log) Aborted(dst []index.Aborted, from, to wire.Offset) ([]index.Aborted, error) {
	panic("skeleton")
}

// SetConfig changes the configuration. The active segment keeps the size it was mapped with.
func (l *Log) SetConfig(c *Config) { panic("skeleton") }

// LastUse is when the log was last appended to or read, in ms since 1970.
func (l *Log) LastUse() int64 { panic("skeleton") }

// Rest trims the files and closes all of them; the next use opens what it needs. Spans that are out stay valid.
func (l *Log) Rest() error { panic("skeleton") }

// Close syncs, rests and ends the log. Afterwards it may be opened with Clean and RecoveryPoint = End.
func (l *Log) Close() error { panic("skeleton") }

// Discard ends the log without trimming or syncing anything, for a directory that the owner is about to remove.
func (l *Log) Discard() { panic("skeleton") }
