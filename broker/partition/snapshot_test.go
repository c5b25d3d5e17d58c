package partition

import (
	"bytes"
	"log/slog"
	"testing"

	"tailrace/broker/logdir"
	"tailrace/segment"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

// openNew opens a partition in a log directory of its own, in memory.
func openNew(t *testing.T) *Partition {
	t.Helper()
	key := logdir.Key{Topic: "t", Partition: 0}
	logger := slog.New(slog.DiscardHandler)
	dir, err := logdir.Open(logdir.Options{FS: faultfs.New(), Path: "/log", NodeID: 1, Parallel: 1, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	path, err := dir.CreatePartition(key, wire.TopicID{1})
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(Options{Dir: dir, Key: key, ID: wire.TopicID{1}, Path: path, Fresh: true, Logger: logger,
		Config: &Config{Log: segment.Config{SegmentBytes: 1 << 20, IndexBytes: 1 << 20, IndexIntervalBytes: 4096}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := dir.Close(true, 0); err != nil {
			t.Error(err)
		}
	})
	return p
}

// TestOlderSnapshotComesLate: two rolls in a row leave two snapshots to two
// goroutines. The older one must not put older batches beside the newer one.
func TestOlderSnapshotComesLate(t *testing.T) {
	p := openNew(t)
	if err := p.storeSnapshot(20, []byte("newer"), []byte("newer memory")); err != nil {
		t.Fatal(err)
	}
	if err := p.storeSnapshot(10, []byte("older"), []byte("older memory")); err != nil {
		t.Fatal(err)
	}
	if got := p.dir.OlderBatches(p.key); !bytes.Equal(got, []byte("newer memory")) {
		t.Errorf("the directory remembers %q", got)
	}
}
