package quorum

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tailrace/broker/metadata"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

// TestFullDisk: creations are refused with a retriable error, the rest goes on out of the reserve, a restart needs no
// space, and creations come back with the space.
func TestFullDisk(t *testing.T) {
	fsys, w := faultfs.New(), new(warnings)
	o := options(fsys, w)
	o.SnapshotRecords = 1 << 20
	l := openWith(t, o)
	if err := propose(l, newTopic(2)...); err != nil {
		t.Fatal(err)
	}
	use, err := fsys.Usage(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	full := use.TotalBytes - use.FreeBytes
	fsys.SetCapacity(full)
	n := 10
	for ; l.store.reserve && n < 10_000; n++ { // fill the last block; the write that meets the end takes the reserve
		if err := propose(l, newTopic(n)...); err != nil {
			t.Fatal(err)
		}
	}
	created := l.Image().TopicCount()
	for range 3 {
		if err := propose(l, newTopic(n)...); !errors.Is(err, ErrNoSpace) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("creation on a full disk: %v", err)
		}
	}
	if told := w.take(); len(told) != 1 || !strings.Contains(told[0], "reserve") {
		t.Errorf("told %q", told)
	}
	fsys.SetCapacity(full - 1<<19) // others have taken half of the reserve's blocks
	for i := range 200 {
		if err := propose(l, &metadata.ProducerIDsRecord{BrokerID: 1, Next: int64(i+1) * 1000}); err != nil {
			t.Fatalf("a block of producer ids on a full disk: %v", err)
		}
	}
	closeLog(t, l)
	l = openWith(t, o)
	if l.LeaderEpoch() != 2 || l.Image().TopicCount() != created || l.Image().NextProducerID() != 200_000 {
		t.Errorf("after a restart on a full disk: term %d, %d topics", l.LeaderEpoch(), l.Image().TopicCount())
	}
	if err := propose(l, newTopic(n)...); !errors.Is(err, ErrNoSpace) {
		t.Errorf("creation after it: %v", err)
	}
	fsys.SetCapacity(1 << 30)
	if err := propose(l, newTopic(n)...); err != nil {
		t.Errorf("creation with space again: %v", err)
	}
	closeLog(t, l)
}

// TestReserveIsTakenAgain: a reserve that was given up is taken again soon after there is space, with nobody asking.
func TestReserveIsTakenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys, w := faultfs.New(), new(warnings)
		l := openWith(t, options(fsys, w))
		reserved := func() bool {
			synctest.Wait() // the log's goroutine owns it
			return l.store.reserve
		}
		fsys.SetCapacity(0)
		for n := int64(1); reserved() && n < 10_000; n++ {
			_ = propose(l, &metadata.ProducerIDsRecord{BrokerID: 1, Next: n * 1000})
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		told := slices.DeleteFunc(w.take(), func(text string) bool { return !strings.Contains(text, "reserve") })
		if has := reserved(); has || len(told) != 1 {
			t.Errorf("a reserve on a full disk: %v; told %q", has, told)
		}
		fsys.SetCapacity(1 << 30)
		time.Sleep(2 * time.Second)
		if !reserved() {
			t.Error("no reserve 2 s after space came back")
		}
		closeLog(t, l)
	})
}

// TestNoSpaceAtAll: without a reserve a proposal fails alone, and the log goes on when there is space.
func TestNoSpaceAtAll(t *testing.T) {
	fsys := faultfs.New()
	l := open(t, fsys)
	fsys.SetCapacity(0)
	l.store.reserve = false
	huge := strings.Repeat("x", 1<<16)
	topic := metadata.Resource{Type: metadata.ResourceTopic, Name: "t"}
	big := &metadata.ConfigRecord{Resource: topic, Name: "k", Value: &huge}
	offset := l.Image().Offset
	for range 2 {
		if err := propose(l, big); !errors.Is(err, ErrNoSpace) {
			t.Fatalf("on a full disk: %v", err)
		}
	}
	if l.Image().Offset != offset {
		t.Error("the image went on")
	}
	fsys.SetCapacity(1 << 30)
	if err := propose(l, big); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	l = open(t, fsys)
	if l.Image().Config(topic)["k"] != huge {
		t.Error("what was acknowledged is gone")
	}
	closeLog(t, l)
}

func TestDirectoriesThatAreRefused(t *testing.T) {
	dir := filepath.Join(dataDir, topicDir)
	write := func(fsys vfs.FS, name, text string) {
		if err := vfs.WriteFileAtomic(fsys, name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(fsys vfs.FS, names ...string) {
		for _, name := range names {
			if err := fsys.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		spoil func(fsys *faultfs.FS, o *Options)
		want  string
	}{
		"Kafka's own": {func(fsys *faultfs.FS, _ *Options) {
			remove(fsys, filepath.Join(dataDir, identityFile))
		}, "was written by Apache Kafka: run 'tailrace storage adopt'"},
		"another cluster": {func(_ *faultfs.FS, o *Options) { o.ClusterID = "other" },
			"node 1 in cluster cluster, but this is node 1 in cluster other"},
		"another node": {func(_ *faultfs.FS, o *Options) { o.NodeID = 2 }, "this is node 2"},
		"a later release": {func(fsys *faultfs.FS, _ *Options) {
			write(fsys, filepath.Join(dataDir, identityFile), `{"version":2}`)
		}, "later release"},
		"a damaged identity": {func(fsys *faultfs.FS, _ *Options) {
			write(fsys, filepath.Join(dataDir, identityFile), `{`)
		}, "restore the file"},
		"all removed": {func(fsys *faultfs.FS, _ *Options) {
			remove(fsys, append(files(t, fsys, logSuffix), files(t, fsys, snapSuffix)...)...)
		}, "the metadata was removed"},
		"the log removed": {func(fsys *faultfs.FS, _ *Options) {
			remove(fsys, files(t, fsys, logSuffix)...)
		}, "holds a snapshot but no log file"},
		"the newest file removed": {func(fsys *faultfs.FS, _ *Options) {
			logs := files(t, fsys, logSuffix)
			remove(fsys, logs[len(logs)-1])
		}, "was synced"},
		"a file in between removed": {func(fsys *faultfs.FS, _ *Options) {
			remove(fsys, append(files(t, fsys, snapSuffix)[1:], files(t, fsys, logSuffix)[1])...)
			write(fsys, logName(dir, 99), "")
		}, "restore the files in between"},
		"the oldest file removed": {func(fsys *faultfs.FS, _ *Options) {
			remove(fsys, append(files(t, fsys, snapSuffix), files(t, fsys, logSuffix)[0])...)
		}, "restore the older files"},
	} {
		t.Run(name, func(t *testing.T) {
			fsys, _ := history(t, true)
			o := options(fsys, new(warnings))
			c.spoil(fsys, &o)
			if l, err := OpenSingle(o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
				if err == nil {
					closeLog(t, l)
				}
			}
			// The lock must have been given up.
			lock, err := fsys.Lock(filepath.Join(dataDir, lockFile))
			if err != nil {
				t.Fatal(err)
			}
			_ = lock.Close()
		})
	}
}

func TestOnlyOneMayOpen(t *testing.T) {
	fsys := faultfs.New()
	if _, _, ok, err := Identity(fsys, dataDir); ok || err != nil {
		t.Errorf("an empty directory belongs to somebody: %v", err)
	}
	l := open(t, fsys)
	if cluster, node, ok, err := Identity(fsys, dataDir); cluster != "cluster" || node != 1 || !ok || err != nil {
		t.Errorf("the directory is said to be that of node %d in %q, %v, %v", node, cluster, ok, err)
	}
	var locked *vfs.LockedError
	if _, err := OpenSingle(options(fsys, new(warnings))); !errors.As(err, &locked) {
		t.Errorf("a second open: %v", err)
	}
	closeLog(t, l)
	closeLog(t, open(t, fsys))
}

// TestOnTheRealDisk is one life after another in real files, with a snapshot in between.
func TestOnTheRealDisk(t *testing.T) {
	w := new(warnings)
	o := options(vfs.OS, w)
	o.Dir = filepath.Join(t.TempDir(), "deep", "meta")
	for life := range 3 {
		l := openWith(t, o)
		if n := l.Image().TopicCount(); n != life*8 {
			t.Errorf("life %d begins with %d topics", life, n)
		}
		for i := range 8 {
			if err := propose(l, newTopic(life*8+i)...); err != nil {
				t.Fatal(err)
			}
		}
		closeLog(t, l)
	}
	if told := w.take(); len(told) != 0 {
		t.Errorf("told %q", told)
	}
}
