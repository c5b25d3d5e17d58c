package broker

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire/errcode"
)

// live opens a house in fsys; the test ends if it does not open.
func live(t *testing.T, fsys vfs.FS) *house {
	t.Helper()
	h, err := openHouse(fsys, &warnings{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// writes produces n batches of one producer.
func writes(t *testing.T, m *model, h *house, l *modelLog, pid int64, acks int16, n int) {
	t.Helper()
	for range n {
		if err := m.send(h, l, m.make(l, pid, acks)); err != nil {
			t.Fatal(err)
		}
	}
}

// flipAt changes a byte of a file.
func flipAt(t *testing.T, fsys vfs.FS, name string, at int64) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x55
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

const firstLog = "/00000000000000000000.log"

// TestDamageStaysWithItsPartition: damage at the end of a log that was closed
// in order is met at its first use. The others go on.
func TestDamageStaysWithItsPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys, m := faultfs.New(), newModel()
		h := live(t, fsys)
		if err := h.create("a", 2); err != nil {
			t.Fatal(err)
		}
		logs := newModelLogs("a", 2)
		writes(t, m, h, logs[0], -1, -1, 3)
		writes(t, m, h, logs[1], -1, -1, 3)
		p, _ := h.at("a", 0)
		path := p.Path()
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		flipAt(t, fsys, path+firstLog, 16) // the magic byte of the first batch
		h = live(t, fsys)
		defer h.leave()
		for range 2 {
			b := m.make(logs[0], -1, -1)
			if r, _ := h.produce("a", 0, b.bytes, -1); r.Code != errcode.KafkaStorageError {
				t.Errorf("produce to the damaged partition: %v", r.Code.Name())
			}
			if b = m.make(logs[1], -1, -1); b == nil {
				t.Fatal()
			}
			if r, _ := h.produce("a", 1, b.bytes, -1); r.Code != errcode.None {
				t.Errorf("produce to a healthy partition: %v", r.Code.Name())
			}
			time.Sleep(2 * houseRetainMs * time.Millisecond)
		}
		if err := h.dirs[0].Offline(); err != nil {
			t.Errorf("the damage of one partition took the directory: %v", err)
		}
	})
}

// TestDamagedPartitionOutlivesCleanStops: a partition that recovery refused is
// still refused after a clean stop, in which it had no part.
func TestDamagedPartitionOutlivesCleanStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys, m := faultfs.New(), newModel()
		h := live(t, fsys)
		if err := h.create("a", 2); err != nil {
			t.Fatal(err)
		}
		logs := newModelLogs("a", 2)
		writes(t, m, h, logs[0], -1, -1, 1)
		synced := int64(len(logs[0].sent[0].bytes))
		if err := h.stop(); err != nil { // with a snapshot of the producers at its end
			t.Fatal(err)
		}
		h = live(t, fsys)
		writes(t, m, h, logs[0], -1, 1, 2)
		p, _ := h.at("a", 0)
		path := p.Path()
		h.leave()
		flipAt(t, fsys, path+firstLog, synced+16)
		before, err := vfs.ReadFile(fsys, path+firstLog)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			h = live(t, fsys)
			r, _ := h.produce("a", 0, m.make(logs[0], -1, -1).bytes, -1)
			if r.Code != errcode.KafkaStorageError {
				t.Errorf("produce to the damaged partition: %v", r.Code.Name())
			}
			writes(t, m, h, logs[1], -1, -1, 1)
			if err := h.stop(); err != nil {
				t.Fatal(err)
			}
		}
		if after, err := vfs.ReadFile(fsys, path+firstLog); err != nil || string(after) != string(before) {
			t.Errorf("the damaged log was changed: %d bytes of %d, %v", len(after), len(before), err)
		}
	})
}

// TestDeletedTopicTakesItsDamagedPartition with it.
func TestDeletedTopicTakesItsDamagedPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys, m := faultfs.New(), newModel()
		h := live(t, fsys)
		if err := h.create("a", 1); err != nil {
			t.Fatal(err)
		}
		logs := newModelLogs("a", 1)
		writes(t, m, h, logs[0], -1, 1, 3)
		p, _ := h.at("a", 0)
		path := p.Path()
		h.leave()
		flipAt(t, fsys, path+firstLog, 16)
		h = live(t, fsys)
		if _, code := h.at("a", 0); code != errcode.KafkaStorageError {
			t.Fatalf("the damaged partition: %v", code.Name())
		}
		if err := h.drop("a"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		entries, err := fsys.ReadDir("/data/log")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() && strings.HasPrefix(e.Name(), "a-0") {
				t.Errorf("%s is still there", e.Name())
			}
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
		h = live(t, fsys)
		if !h.dirs[0].Clean() {
			t.Error("a partition that has gone keeps the directory from a clean stop")
		}
		h.leave()
	})
}

// TestRetentionKeepsProducers: when time takes every record of a partition, its
// producers go on all the same, also behind a kill.
func TestRetentionKeepsProducers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys, m := faultfs.New(), newModel()
		h := live(t, fsys)
		if err := h.create("a", 1); err != nil {
			t.Fatal(err)
		}
		l := newModelLogs("a", 1)[0]
		writes(t, m, h, l, 7, -1, 30)
		p, _ := h.at("a", 0)
		c := *p.Config()
		c.Log.RetentionMs, c.Log.Delete = 1000, true
		p.Reconfigure(&c)
		time.Sleep(5 * time.Minute)
		if p.LogStart() != p.LogEnd() || p.LogEnd() == 0 {
			t.Fatalf("the log still holds %d to %d", p.LogStart(), p.LogEnd())
		}
		end := p.LogEnd()
		h.leave()
		h = live(t, fsys)
		defer h.leave()
		last := l.sent[len(l.sent)-1]
		if r, _ := h.produce("a", 0, last.bytes, -1); r.Code != errcode.None || r.BaseOffset != last.base {
			t.Errorf("a retry: %v at %d, it was at %d", r.Code.Name(), r.BaseOffset, last.base)
		}
		writes(t, m, h, l, 7, -1, 1)
		if got := l.sent[len(l.sent)-1].base; got != end {
			t.Errorf("the next batch is at %d, want %d", got, end)
		}
	})
}
