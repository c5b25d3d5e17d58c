package partition

import (
	"log/slog"
	"testing"

	"tailrace/batch"
	"tailrace/broker/logdir"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

// TestKafkaWasKilledAfterItsCleaner: its recovery point is older than its cleaning, and the cleaner left segments that
// do not adjoin. What looks like a lost write is none, and everything after it stays.
func TestKafkaWasKilledAfterItsCleaner(t *testing.T) {
	fsys := faultfs.New()
	if err := fsys.MkdirAll("/log/t-0", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, base := range map[string]wire.Offset{"00000000000000000000.log": 0, "00000000000000000006.log": 6} {
		b := keyed(t, -1, 0, "a", "1")
		batch.View(b).SetBaseOffset(base)
		batch.View(b).SetLeaderEpoch(0)
		if err := vfs.WriteFileAtomic(fsys, "/log/t-0/"+name, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := vfs.WriteFileAtomic(fsys, "/log/"+logdir.CleanerFile, []byte("0\n1\nt 0 6\n")); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	dir, err := logdir.Open(logdir.Options{FS: fsys, Path: "/log", NodeID: 1, Parallel: 1, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close(false, 0)
	p, err := Open(Options{Dir: dir, Key: logdir.Key{Topic: "t"}, ID: wire.TopicID{1}, Path: "/log/t-0", Logger: logger,
		Config: &Config{Log: segment.Config{SegmentBytes: 1 << 20, IndexBytes: 1 << 20, IndexIntervalBytes: 4096}}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := held(t, p); got != "0:a=1 6:a=1" {
		t.Errorf("the log holds %s", got)
	}
}
