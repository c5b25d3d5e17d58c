package partition

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"

	"tailrace/batch"
	"tailrace/broker/logdir"
	"tailrace/segment"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// lives is a partition that is killed and started again.
type lives struct {
	t    *testing.T
	disk *faultfs.FS
	fsys *faultfs.Counting // of log files, over disk
	dir  *logdir.Dir
	p    *Partition
	a    Appender
	seq  map[int64]int32
}

const segmentBytes = 24 << 20

func (l *lives) start() {
	t, logger, key := l.t, slog.New(slog.DiscardHandler), logdir.Key{Topic: "t"}
	t.Helper()
	var err error
	l.dir, err = logdir.Open(logdir.Options{FS: l.fsys, Path: "/log", NodeID: 1, Parallel: 1, Logger: logger,
		Schedule: logdir.Schedule{Checkpoint: time.Hour}}) // recovery points are remembered when the test says so
	if err != nil {
		t.Fatal(err)
	}
	path := "/log/t-0"
	if _, err := l.fsys.Stat(path); err != nil {
		if path, err = l.dir.CreatePartition(key, wire.TopicID{1}); err != nil {
			t.Fatal(err)
		}
	}
	c := &Config{Log: segment.Config{SegmentBytes: segmentBytes, IndexBytes: 1 << 20, IndexIntervalBytes: 4096}}
	c.Rules = batch.Rules{FromClient: true, MaxMessageBytes: 1 << 21, BeforeMaxMs: 1 << 60, AfterMaxMs: 1 << 60,
		MaxInflatedBytes: 1 << 21}
	c.Rules.Compression.Producer = true
	c.Flush, c.FlushMessages, c.FlushMs = FlushNever, 1<<60, 1<<60
	l.p, err = Open(Options{Dir: l.dir, Key: key, ID: wire.TopicID{1}, Path: path, Logger: logger, Config: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.dir.Recovered(); err != nil {
		t.Fatal(err)
	}
	l.p.Lead(3, 1, true)
}

// kill leaves the checkpoints as they are, and the rest as the kernel has it.
func (l *lives) kill() {
	l.p.Abandon()
	l.dir.Close(false, 0)
	l.disk.Restart()
	l.fsys.Read.Store(0)
}

// write appends batches of half a MiB by a producer, -1 for none.
func (l *lives) write(id int64, n int) {
	l.t.Helper()
	for range n {
		var b batch.Builder
		o := batch.Options{LeaderEpoch: -1}
		if id >= 0 {
			o.Producer = &batch.Producer{ID: id, Sequence: l.seq[id]}
			l.seq[id]++
		}
		b.Reset(o)
		b.Append(1_700_000_000_000, nil, bytes.Repeat([]byte{7}, 1<<19))
		v, err := b.Build()
		if err != nil {
			l.t.Fatal(err)
		}
		if r := l.p.Append(&l.a, bytes.Clone(v), 1, 1_700_000_000_000); r.Code != errcode.None {
			l.t.Fatalf("append: %v %s", r.Code, r.Message)
		}
	}
}

// mustKnow: the next batch of a producer fits, one too far does not, and a
// retry of the last one is recognised.
func (l *lives) mustKnow(when string, id int64) {
	l.t.Helper()
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	last := l.seq[id] - 1
	if dup, code := l.p.producers.check(header(id, 0, last, 1, 0)); dup == nil || code != errcode.None {
		l.t.Errorf("%s: a retry of producer %d: %v", when, id, code)
	}
	if _, code := l.p.producers.check(header(id, 0, last+2, 1, 0)); code != errcode.OutOfOrderSequenceNumber {
		l.t.Errorf("%s: a gap of producer %d: %v", when, id, code)
	}
	if got := l.p.epochs.latest(); got != 3 {
		l.t.Errorf("%s: latest leader epoch is %d", when, got)
	}
}

// TestReplayAfterAKill: producers and epochs are what they were, and the log is
// not read in full for them, wherever snapshot and recovery point lie.
func TestReplayAfterAKill(t *testing.T) {
	disk := faultfs.New()
	l := &lives{t: t, disk: disk, fsys: &faultfs.Counting{FS: disk, Suffix: ".log"}, seq: map[int64]int32{}}
	l.start()
	read := int64(0)
	synced := false
	again := func(when string, most int64) {
		t.Helper()
		end := l.p.LogEnd()
		l.kill()
		l.start()
		read = l.fsys.Read.Load()
		if got := l.p.LogEnd(); got != end {
			t.Fatalf("%s: the log ends at %d, not %d", when, got, end)
		}
		if p := l.p.replay.point; (p > 0) != synced {
			t.Errorf("%s: the recovery point is %d", when, p)
		}
		if read > most {
			t.Errorf("%s: %d bytes were read of %d, want %d at most", when, read, l.p.SizeBytes(), most)
		}
		for id := range l.seq {
			l.mustKnow(when, id)
		}
	}
	// A MiB more than must be checked: the last batch of each segment, headers, what is read ahead.
	const most = segment.DefaultCheckBytes + 3<<20
	l.write(5, 3)
	l.write(-1, 40)
	l.write(6, 2)
	again("no snapshot, nothing synced", most)
	l.write(7, 2)
	l.write(-1, 60) // rolls
	l.p.background.Wait()
	if l.p.snapshotEnd == 0 {
		t.Fatal("no snapshot was written")
	}
	l.write(5, 2)
	again("a snapshot, nothing synced", most)
	if err := errors.Join(l.p.SyncNow(), l.dir.SaveCheckpoints()); err != nil {
		t.Fatal(err)
	}
	synced = true
	l.write(8, 1)
	again("a snapshot below what was synced", most)
	offsets, err := snapshots(l.fsys, l.p.path)
	if err != nil || len(offsets) == 0 {
		t.Fatalf("%d snapshots, %v", len(offsets), err)
	}
	for _, off := range offsets {
		if err := l.fsys.Remove(snapshotName(l.p.path, off)); err != nil {
			t.Fatal(err)
		}
	}
	again("synced, no snapshot", most)
	var other producers
	other.note(header(5, 0, 70, 1, l.p.LogEnd()), 0)
	if err := writeSnapshot(l.fsys, snapshotName(l.p.path, l.p.LogEnd()+5), other.encodeSnapshot()); err != nil {
		t.Fatal(err)
	}
	again("a snapshot of a longer log", most)
	l.disk = l.disk.CrashClone(nil)
	l.fsys.FS = l.disk
	l.start()
	if n := l.fsys.Read.Load() - read; n < l.p.SizeBytes()/2 {
		t.Errorf("after a power loss only %d bytes were read", n)
	}
	l.kill()
}
