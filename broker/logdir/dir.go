package logdir

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"tailrace/vfs"
	"tailrace/wire"
)

// Options says how to open a log directory.
type Options struct {
	FS        vfs.FS
	Path      string
	ClusterID string // of the broker; "" takes the one found, or makes one
	NodeID    int32
	Parallel  int // fdatasync calls at once
	Logger    *slog.Logger
	// OnOffline is told once that the directory failed and is out of use.
	OnOffline func(d *Dir, err error)
	Schedule  Schedule
	// ReserveFreeBytes is the room below which produce is refused.
	ReserveFreeBytes int64
	// Adopted says that the metadata log of Kafka's that lies here was taken over: it is left alone.
	Adopted bool
}

// Member is a partition whose log lies in the directory.
type Member interface {
	// Checkpoints returns the durable end, the log start and the high
	// watermark, to be remembered.
	Checkpoints() (recovery, start, highWatermark wire.Offset)
	// Housekeep rests an unused log and drops files whose time has come;
	// retain asks for retention as well.
	Housekeep(nowMs int64, retain bool)
}

// Known is what the checkpoints remember of a partition. Zero is safe: check
// everything, start at the first file, wait for the log end.
type Known struct {
	RecoveryPoint, LogStart, HighWatermark wire.Offset
	HasLogStart                            bool
}

// Found is a partition directory that lies in the log directory.
type Found struct {
	Key
	Path string
	ID   wire.TopicID // zero where partition.metadata is missing
}

// Dir is an open, locked log directory.
type Dir struct {
	Rounds *Rounds

	o        Options
	identity Identity
	lock     io.Closer
	whole    *vfs.FSSyncer // of the file system; open from before the first write
	cp       *checkpoints
	side     *sidecar

	clean        bool
	sameBoot     bool
	failedBefore bool
	doubtful     bool // the recovery points are damaged
	brokerEpoch  int64

	mu      sync.Mutex
	members map[Key]Member
	carried offsetSet // as read at open, of partitions that are no members (yet)
	cleaned Offsets   // up to where partitions were compacted
	// cleanedStale: the file does not hold what cleaned does.
	cleanedStale bool
	closing      []func() error // what waits for the producer memory to be saved
	shut         map[Key]bool   // partitions that lie here and could not be opened
	offline      atomic.Pointer[error]

	cleaning sync.Mutex  // held by the one who writes cleaned; before mu
	low      atomic.Bool // on space

	keep keeper
}

// Open locks a log directory and reads what it remembers. An empty or missing
// directory is made into one. Damaged checkpoints cost one warning each and a
// longer recovery.
func Open(o Options) (*Dir, error) {
	d := &Dir{o: o, members: map[Key]Member{}, shut: map[Key]bool{}}
	if err := makeDir(o.FS, o.Path); err != nil {
		return nil, fmt.Errorf("log directory %s cannot be made: %w", o.Path, err)
	}
	lock, err := o.FS.Lock(filepath.Join(o.Path, LockFile))
	if err != nil {
		return nil, lockError(o.Path, err)
	}
	d.lock = lock
	if d.whole, err = vfs.NewFSSyncer(o.FS, o.Path); err == nil {
		err = d.load()
	}
	if err != nil {
		d.giveUp()
		return nil, err
	}
	d.Rounds = NewRounds(o.Parallel, d.Fail)
	d.Rounds.whole.sync = d.whole.Sync
	d.keep.start(d, o.Schedule)
	return d, nil
}

// makeDir makes a log directory so that it is still there after a power cut: what is synced in it would be lost with
// it. The directories above are synced as well until it has its identity, because an earlier start may have made them
// and then failed.
func makeDir(fsys vfs.FS, path string) error {
	if err := fsys.MkdirAll(path, 0o755); err != nil {
		return err
	}
	if _, err := fsys.Stat(filepath.Join(path, MetaFile)); err == nil {
		return nil
	}
	for dir := path; dir != filepath.Dir(dir); {
		dir = filepath.Dir(dir)
		// Directories that this user may not read were not made by this user.
		if err := fsys.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

// giveUp lets go of the directory. Nothing durable depends on it.
func (d *Dir) giveUp() {
	if d.whole != nil {
		_ = d.whole.Close()
	}
	_ = d.lock.Close()
}

func lockError(path string, err error) error {
	var held *vfs.LockedError
	switch {
	case errors.As(err, &held) && held.PID > 0:
		return fmt.Errorf("log directory %s is in use by process %d: stop it, or give another --data", path, held.PID)
	case errors.As(err, &held):
		return fmt.Errorf("log directory %s is in use by another process: stop it, or give another --data", path)
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, errReadOnly):
		return fmt.Errorf("log directory %s is not writable: %w; "+
			"give its owner write permission or another --data", path, err)
	}
	return fmt.Errorf("log directory %s cannot be locked: %w", path, err)
}

func (d *Dir) load() error {
	if _, err := d.o.FS.Stat(filepath.Join(d.o.Path, MetadataLogName)); err == nil && !d.o.Adopted {
		return fmt.Errorf("log directory %s was written by Apache Kafka (%s is there): "+
			"adopt it first with `tailrace storage adopt --log-dir %s`", d.o.Path, MetadataLogName, d.o.Path)
	}
	if err := d.loadIdentity(); err != nil {
		return err
	}
	var err error
	if d.clean, d.brokerEpoch, err = takeCleanStop(d.o.FS, d.o.Path); err != nil {
		return fmt.Errorf("log directory %s: clean-stop marker: %w", d.o.Path, err)
	}
	mark := CurrentBootMark(d.o.FS, d.o.Path)
	was := readBootMark(d.o.FS, d.o.Path)
	d.sameBoot = mark != "" && mark == was
	d.failedBefore = was == failedMark
	d.cp = openCheckpoints(d.o.FS, d.o.Path)
	d.carried = offsetSet{
		d.readCheckpoint(RecoveryPointFile, "recovery checks every record of the last segments"),
		d.readCheckpoint(LogStartFile, "logs start at their first file"),
		d.readCheckpoint(HighWatermarkFile, "high watermarks start at the log start and rise with the log end"),
	}
	d.cleaned = d.readCheckpoint(CleanerFile, "compacted logs are cleaned from their start again")
	d.keep.written = d.carried.clone()
	if d.side, err = openSidecar(d.o.FS, d.o.Path); err != nil {
		d.o.Logger.Warn("producer memory is damaged: retries older than the last batch of a producer are not recognised",
			"error", err)
	}
	return nil
}

func (d *Dir) readCheckpoint(name, consequence string) Offsets {
	o, err := d.cp.read(name)
	if err == nil {
		return o
	}
	d.o.Logger.Warn("checkpoint is damaged and rebuilt", "error", err, "consequence", consequence)
	if name == RecoveryPointFile {
		d.clean, d.doubtful = false, true // with no recovery point nothing of a clean stop can be believed
	}
	return Offsets{}
}

func (d *Dir) loadIdentity() error {
	id, err := readIdentity(d.o.FS, d.o.Path)
	if errors.Is(err, fs.ErrNotExist) {
		id = Identity{ClusterID: d.o.ClusterID, NodeID: d.o.NodeID, DirectoryID: NewUUID()}
		if id.ClusterID == "" {
			id.ClusterID = NewUUID()
		}
		d.identity = id
		return writeIdentity(d.o.FS, d.o.Path, id)
	}
	if err != nil {
		return err
	}
	if d.o.ClusterID != "" && id.ClusterID != d.o.ClusterID {
		return fmt.Errorf("log directory %s belongs to cluster %s, this broker to %s: give the directory of this cluster",
			d.o.Path, id.ClusterID, d.o.ClusterID)
	}
	if id.NodeID != d.o.NodeID {
		return fmt.Errorf("log directory %s belongs to node %d, node.id is %d: set node.id=%d or give another directory",
			d.o.Path, id.NodeID, d.o.NodeID, id.NodeID)
	}
	if id.DirectoryID == "" {
		id.DirectoryID = NewUUID()
		if err := writeIdentity(d.o.FS, d.o.Path, id); err != nil {
			return err
		}
	}
	d.identity = id
	return nil
}

// NewUUID makes a random id as Kafka prints one: 22 characters, never with a
// leading dash, which command lines take for a flag.
func NewUUID() string {
	for {
		var b [16]byte
		rand.Read(b[:])
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
		if s := base64.RawURLEncoding.EncodeToString(b[:]); s[0] != '-' {
			return s
		}
	}
}

// Path is where the directory lies.
func (d *Dir) Path() string { return d.o.Path }

// FS is the file system that holds the directory.
func (d *Dir) FS() vfs.FS { return d.o.FS }

// Identity is what meta.properties says.
func (d *Dir) Identity() Identity { return d.identity }

// Clean reports whether the directory was left by a clean stop.
func (d *Dir) Clean() bool { return d.clean }

// SameBoot reports whether the page cache that the directory was written
// through is still the present one.
func (d *Dir) SameBoot() bool { return d.sameBoot }

// Believed reports whether the logs are as the last process left them, up to the
// write that a kill may have broken off: the page cache has survived, nothing
// failed, and what the directory remembers of them is sound.
func (d *Dir) Believed() bool { return d.sameBoot && !d.failedBefore && !d.doubtful }

// Recovered says that every log of the directory that can be recovered was, and
// that what follows from lost log ends is recorded: from now on a kill loses
// nothing while the kernel lives. It is not said earlier, because a start that
// is killed in the middle of its recovery must leave the next one as wary.
func (d *Dir) Recovered() error {
	if d.sameBoot {
		return nil
	}
	mark := CurrentBootMark(d.o.FS, d.o.Path)
	if err := writeBootMark(d.o.FS, d.o.Path, mark); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("log directory %s: %w", d.o.Path, err)
	}
	return nil
}

// Unopened says that a partition which lies here could not be opened. Until it
// is (Add) or is dropped, no stop is a clean one: that would vouch for its log.
func (d *Dir) Unopened(k Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut[k] = true
}

// FailedBefore reports whether the directory went out of use by an error when it
// was last open: then what the page cache shows may not be on the disk.
func (d *Dir) FailedBefore() bool { return d.failedBefore }

// BrokerEpoch is the epoch that the last clean stop recorded, or -1.
func (d *Dir) BrokerEpoch() int64 { return d.brokerEpoch }

// Known returns what the checkpoints remember of a partition.
func (d *Dir) Known(k Key) Known {
	d.mu.Lock()
	defer d.mu.Unlock()
	start, has := d.carried[1][k]
	return Known{RecoveryPoint: d.carried[0][k], LogStart: start, HasLogStart: has, HighWatermark: d.carried[2][k]}
}

// OlderBatches returns what tailrace-producers holds for a partition.
func (d *Dir) OlderBatches(k Key) []byte { return d.side.get(k) }

// SaveOlderBatches remembers bytes for a partition and makes them durable.
func (d *Dir) SaveOlderBatches(k Key, b []byte) error {
	d.side.set(k, b)
	return d.side.save()
}

// KeepOlderBatches remembers bytes for a partition until a clean Close saves
// them, for all partitions at once; then runs afterwards.
func (d *Dir) KeepOlderBatches(k Key, b []byte, then func() error) {
	d.side.set(k, b)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closing = append(d.closing, then)
}

// Partitions lists the partition directories.
func (d *Dir) Partitions() ([]Found, error) {
	entries, err := d.o.FS.ReadDir(d.o.Path)
	if err != nil {
		return nil, fmt.Errorf("log directory %s: %w", d.o.Path, err)
	}
	var found []Found
	for _, e := range entries {
		if !e.IsDir() || e.Name() == MetadataLogName {
			continue
		}
		path := filepath.Join(d.o.Path, e.Name())
		topic, p, ok := ParsePartitionDir(e.Name())
		if !ok {
			d.leftover(path)
			continue
		}
		id, err := readPartitionMetadata(d.o.FS, path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.o.Logger.Warn("partition.metadata is unreadable and rebuilt from the metadata log", "error", err)
		}
		found = append(found, Found{Key: Key{topic, p}, Path: path, ID: id})
	}
	return found, nil
}

// leftover finishes a deletion that a crash interrupted; any other unknown
// directory is left where it is.
func (d *Dir) leftover(path string) {
	if name := filepath.Base(path); len(name) > len(DeleteSuffix) && name[len(name)-len(DeleteSuffix):] == DeleteSuffix {
		if err := d.o.FS.RemoveAll(path); err != nil {
			d.o.Logger.Warn("deleted partition cannot be removed", "path", path, "error", err)
		}
		return
	}
	d.o.Logger.Warn("unknown directory in a log directory is left alone", "path", path)
}

// Offline returns the error that took the directory out of use, or nil.
func (d *Dir) Offline() error {
	if p := d.offline.Load(); p != nil {
		return *p
	}
	return nil
}

// Fail takes the directory out of use for good: after a failed write or sync
// the kernel may have dropped pages that it will not report again.
func (d *Dir) Fail(err error) {
	err = fmt.Errorf("log directory %s is offline: %w", d.o.Path, err)
	if !d.offline.CompareAndSwap(nil, &err) {
		return
	}
	if d.Rounds != nil {
		d.Rounds.fail(err) // nothing that waits is acknowledged any more
	}
	d.o.Logger.Error("log directory is offline until restart; check the disk",
		"dir", d.o.Path, "error", err)
	// The next start must not believe the page cache. If this cannot be
	// written either, the disk is beyond that.
	_ = writeBootMark(d.o.FS, d.o.Path, failedMark)
	if d.o.OnOffline != nil {
		d.o.OnOffline(d, err)
	}
}

// Close ends the goroutines and gives the directory up. After a clean stop
// (every member is trimmed and synced by the caller) the checkpoints and the
// clean-stop marker are written; no marker while there are partitions that could
// not be opened.
func (d *Dir) Close(clean bool, brokerEpoch int64) error {
	d.keep.stop()
	d.Rounds.Close()
	defer d.giveUp()
	if !clean || d.Offline() != nil {
		return nil
	}
	flush := d.changeCleaned(func() bool { return false }) // what was dropped since it was last written
	if err := errors.Join(flush, d.writeCheckpoints(true), d.side.save()); err != nil {
		return err
	}
	for _, then := range d.closing {
		if err := then(); err != nil {
			return err
		}
	}
	if len(d.shut) > 0 {
		d.o.Logger.Warn("partitions that could not be opened keep the stop from being a clean one: "+
			"the next start checks the ends of all logs", "dir", d.o.Path, "partitions", len(d.shut))
		return nil
	}
	return writeCleanStop(d.o.FS, d.o.Path, brokerEpoch)
}

const createFlags = os.O_RDWR | os.O_CREATE | os.O_TRUNC
