package logdir

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

type member struct{ recovery, start, hw wire.Offset }

func (m *member) Checkpoints() (recovery, start, hw wire.Offset) { return m.recovery, m.start, m.hw }
func (m *member) Housekeep(int64, bool)                          {}

func open(t *testing.T, fsys vfs.FS, log *bytes.Buffer) *Dir {
	t.Helper()
	d, err := Open(Options{
		FS: fsys, Path: "/data/log", NodeID: 1, Parallel: 4,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDirectoryRemembers(t *testing.T) {
	fsys, k := faultfs.New(), Key{"orders", 3}
	var log bytes.Buffer
	d := open(t, fsys, &log)
	id := d.Identity()
	if len(id.ClusterID) != 22 || len(id.DirectoryID) != 22 || d.Clean() {
		t.Fatalf("new directory: %+v, clean %v", id, d.Clean())
	}
	path, err := d.CreatePartition(k, wire.TopicID{1})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Settle(path); err != nil {
		t.Fatal(err)
	}
	d.Add(k, &member{10, 5, 12})
	ran := false
	d.KeepOlderBatches(k, []byte("older"), func() error {
		saved, err := vfs.ReadFile(fsys, "/data/log/"+producersFile)
		ran = err == nil && bytes.Contains(saved, []byte("older"))
		return nil
	})
	if err := d.Close(true, 77); err != nil {
		t.Fatal(err)
	}
	if !ran {
		t.Fatal("what follows the producer memory did not run, or before it was saved")
	}

	d = open(t, fsys, &log)
	if d.Identity() != id || !d.Clean() || d.BrokerEpoch() != 77 {
		t.Fatalf("after a clean stop: %+v clean %v epoch %d", d.Identity(), d.Clean(), d.BrokerEpoch())
	}
	if got := d.Known(k); got != (Known{RecoveryPoint: 10, LogStart: 5, HasLogStart: true, HighWatermark: 12}) {
		t.Fatalf("remembered %+v", got)
	}
	if string(d.OlderBatches(k)) != "older" {
		t.Fatalf("older batches: %q", d.OlderBatches(k))
	}
	found, err := d.Partitions()
	if err != nil || len(found) != 1 || found[0].Key != k || found[0].ID != (wire.TopicID{1}) {
		t.Fatalf("found %+v, %v", found, err)
	}
	// Not closed: a kill. The next start is not clean, and the marker is gone.
	crashed := fsys.CrashClone(nil)
	d.Close(false, 0)
	d = open(t, crashed, &log)
	defer d.Close(false, 0)
	if d.Clean() {
		t.Fatal("a killed broker left a clean directory")
	}
	if log.Len() > 0 {
		t.Fatalf("warned of a healthy directory: %s", &log)
	}
}

// TestNewPartitionHasNoPast makes a partition whose name another one had: its
// offsets are remembered nowhere, not even after a kill, and its files do not
// show up.
func TestNewPartitionHasNoPast(t *testing.T) {
	for _, dropped := range []bool{true, false} { // false: a crash came before the old directory was dropped
		fsys, k := faultfs.New(), Key{"orders", 3}
		var log bytes.Buffer
		d := open(t, fsys, &log)
		path, err := d.CreatePartition(k, wire.TopicID{1})
		if err != nil {
			t.Fatal(err)
		}
		if err := vfs.WriteFileAtomic(fsys, filepath.Join(path, "00000000000000000000.log"), nil); err != nil {
			t.Fatal(err)
		}
		d.Add(k, &member{10, 5, 12})
		if err := d.writeCheckpoints(true); err != nil {
			t.Fatal(err)
		}
		if dropped {
			if _, err := d.Drop(k, path); err != nil {
				t.Fatal(err)
			}
		} else {
			d.Close(false, 0)
			d = open(t, fsys, &log)
		}
		if path, err = d.CreatePartition(k, wire.TopicID{2}); err != nil {
			t.Fatal(err)
		}
		if _, err := fsys.Stat(filepath.Join(path, "00000000000000000000.log")); err == nil {
			t.Errorf("dropped %v: a file of the old partition lies in the new one", dropped)
		}
		d.Close(false, 0)
		d = open(t, fsys, &log)
		if got := d.Known(k); got != (Known{}) {
			t.Errorf("dropped %v: of the new partition is remembered %+v", dropped, got)
		}
		if found, _ := d.Partitions(); len(found) != 1 || found[0].ID != (wire.TopicID{2}) {
			t.Errorf("dropped %v: found %+v", dropped, found)
		}
		d.Close(false, 0)
	}
}

func TestDamagedCheckpointIsNoticed(t *testing.T) {
	for _, name := range []string{RecoveryPointFile, LogStartFile, HighWatermarkFile, producersFile} {
		fsys := faultfs.New()
		var log bytes.Buffer
		d := open(t, fsys, &log)
		d.Add(Key{"t", 0}, &member{100, 0, 100})
		d.KeepOlderBatches(Key{"t", 0}, []byte("12345678"), func() error { return nil })
		if err := d.Close(true, 1); err != nil {
			t.Fatal(err)
		}
		data, err := vfs.ReadFile(fsys, filepath.Join("/data/log", name))
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-2] ^= 1 // "100" becomes "101": it still parses
		if err := vfs.WriteFileAtomic(fsys, filepath.Join("/data/log", name), data); err != nil {
			t.Fatal(err)
		}
		d = open(t, fsys, &log)
		if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), name) {
			t.Errorf("%s: %d warnings: %s", name, n, &log)
		}
		if name == RecoveryPointFile && (d.Clean() || d.Known(Key{"t", 0}).RecoveryPoint != 0) {
			t.Errorf("a damaged recovery point was believed")
		}
		d.Close(false, 0)
	}
}

func TestOneBrokerADirectory(t *testing.T) {
	fsys := faultfs.New()
	var log bytes.Buffer
	d := open(t, fsys, &log)
	defer d.Close(false, 0)
	_, err := Open(Options{FS: fsys, Path: "/data/log", NodeID: 1, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("second open: %v", err)
	}
}

func TestForeignDirectoriesAreRefused(t *testing.T) {
	fsys := faultfs.New()
	var log bytes.Buffer
	open(t, fsys, &log).Close(true, 0)
	for _, o := range []Options{{NodeID: 2}, {NodeID: 1, ClusterID: "AAAAAAAAAAAAAAAAAAAAAA"}} {
		o.FS, o.Path, o.Logger = fsys, "/data/log", slog.New(slog.DiscardHandler)
		if _, err := Open(o); err == nil {
			t.Errorf("node %d cluster %q was let in", o.NodeID, o.ClusterID)
		}
	}
	if err := fsys.MkdirAll("/data/log/"+MetadataLogName, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Options{FS: fsys, Path: "/data/log", NodeID: 1, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "storage adopt") {
		t.Errorf("Kafka's directory: %v", err)
	}
}

func TestPartitionNames(t *testing.T) {
	for name, want := range map[string]string{
		"orders-3": "orders 3", "a-b-0": "a-b 0", "-1": "", "x-": "", "x": "", "x-01": "", "x--1": "x- 1",
		"t-0.0123456789abcdef0123456789abcdef-delete": "", "t-1.00-future": "", "t-2.00-stray": "",
		"my-delete-5": "my-delete 5",
	} {
		topic, p, ok := ParsePartitionDir(name)
		got := ""
		if ok {
			got = topic + " " + strings.TrimPrefix(PartitionDir("", p), "-")
		}
		if got != want {
			t.Errorf("%q parsed as %q, want %q", name, got, want)
		}
	}
}

func FuzzCheckpoint(f *testing.F) {
	f.Add([]byte("0\n2\norders 0 1812\norders 1 99\n"))
	f.Add([]byte("0\n0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseOffsets(data)
		if err != nil {
			return
		}
		back, err := parseOffsets(appendOffsets(nil, o))
		if err != nil || !maps.Equal(o, back) {
			t.Fatalf("%q read as %v, written and read as %v (%v)", data, o, back, err)
		}
	})
}

// fakeLog counts syncs; a sync makes durable what was appended before it.
type fakeLog struct {
	appended, durable, answered atomic.Int64
	running                     atomic.Int32
	err                         error
	synced                      func()
}

func (l *fakeLog) SyncNow() error {
	if l.running.Add(1) != 1 {
		panic("two syncs of one log at once")
	}
	defer l.running.Add(-1)
	if l.err != nil {
		return l.err
	}
	l.durable.Store(l.appended.Load())
	return nil
}

func (l *fakeLog) Synced(err error) {
	if err == nil {
		l.answered.Store(l.durable.Load())
	}
	l.synced()
}

func TestRoundsAnswerEveryRequest(t *testing.T) {
	r := NewRounds(3, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			done := make(chan struct{}, 1)
			l := &fakeLog{synced: func() {
				select {
				case done <- struct{}{}:
				default:
				}
			}}
			ticket := NewTicket(l)
			for range 500 {
				want := l.appended.Add(1)
				r.Request(ticket)
				for l.answered.Load() < want {
					<-done
				}
			}
		})
	}
	wg.Wait()
	r.Close()
	if rounds, logs := r.Counts(); rounds == 0 || logs < rounds {
		t.Fatalf("%d rounds synced %d logs", rounds, logs)
	}
}

func TestNothingIsSyncedAfterAFailure(t *testing.T) {
	failed := make(chan error, 2)
	r := NewRounds(1, func(err error) { failed <- err })
	defer r.Close()
	told := make(chan struct{}, 8)
	note := func() { told <- struct{}{} }
	bad, good := &fakeLog{err: errors.New("EIO"), synced: note}, &fakeLog{synced: note}
	r.Request(NewTicket(bad))
	<-told
	if err := <-failed; err.Error() != "EIO" {
		t.Fatal(err)
	}
	good.appended.Store(5)
	r.Request(NewTicket(good))
	<-told
	if good.durable.Load() != 0 {
		t.Fatal("synced after a failed sync")
	}
}

// TestProducerMemoryIsSavedByMany: partitions roll at the same time, and each
// must find its own bytes saved when its call returns.
func TestProducerMemoryIsSavedByMany(t *testing.T) {
	fsys := faultfs.New()
	var log bytes.Buffer
	d := open(t, fsys, &log)
	var all sync.WaitGroup
	for p := range int32(16) {
		all.Go(func() {
			for i := range 20 {
				want := fmt.Appendf(nil, "<%d:%d>", p, i)
				if err := d.SaveOlderBatches(Key{"t", p}, want); err != nil {
					t.Error(err)
				}
				saved, err := vfs.ReadFile(fsys, "/data/log/"+producersFile)
				if err != nil || !bytes.Contains(saved, want) {
					t.Errorf("%s is not saved: %v", want, err)
				}
			}
		})
	}
	all.Wait()
	d.Close(false, 0)
}

// TestNewDirectoryIsDurable: what was synced in a log directory is not lost with it in a power cut.
func TestNewDirectoryIsDurable(t *testing.T) {
	fsys := faultfs.New()
	var log bytes.Buffer
	d := open(t, fsys, &log)
	path, err := d.CreatePartition(Key{"orders", 0}, wire.TopicID{1})
	if err == nil {
		err = d.Settle(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	after := fsys.CrashClone(nil)
	if _, err := after.Stat(path + "/" + PartitionMetadataFile); err != nil {
		t.Errorf("after a power cut: %v", err)
	}
	if err := d.Close(true, 0); err != nil {
		t.Error(err)
	}
}
