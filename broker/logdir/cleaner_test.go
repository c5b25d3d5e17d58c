package logdir

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tailrace/segment/clean"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

// dirtyLog is a member that owes a debt until it is cleaned.
type dirtyLog struct {
	member
	once   sync.Once
	debt   clean.Debt
	fails  bool
	begun  chan struct{} // told of a cleaning, which then spends bytes for ever
	order  *[]string
	name   string
	result error
}

func (l *dirtyLog) CleanDebt(_ int64, cleaned wire.Offset) clean.Debt {
	if cleaned >= l.debt.To {
		return clean.Debt{}
	}
	return l.debt
}

func (l *dirtyLog) Clean(d clean.Debt, w *CleanWork) (wire.Offset, bool) {
	if l.begun != nil {
		l.once.Do(func() { close(l.begun) })
		for l.result == nil {
			l.result = w.Spend(1000)
		}
		return 0, false
	}
	*l.order = append(*l.order, l.name)
	return d.To, !l.fails
}

func owes(dirty, to int64) clean.Debt {
	return clean.Debt{To: wire.Offset(to), CleanBytes: 100 - dirty, DirtyBytes: dirty, Due: true}
}

// TestDirtiestFirst: the log with the largest share of dirty bytes is cleaned first, all of them in the end, each once;
// and how far is remembered.
func TestDirtiestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := faultfs.New()
		d := open(t, fsys, new(bytes.Buffer))
		var order []string
		for i, dirty := range []int64{10, 60, 30} {
			name := fmt.Sprint("t", i)
			d.Add(Key{name, 0}, &dirtyLog{debt: owes(dirty, 40+int64(i)), order: &order, name: name})
		}
		d.Add(Key{"plain", 0}, &member{})
		c := StartCleaner([]*Dir{d}, CleanerOptions{Threads: 1, Backoff: time.Second, BytesPerSecond: math.MaxFloat64})
		synctest.Wait()
		time.Sleep(10 * time.Second)
		c.Stop()
		if got := strings.Join(order, " "); got != "t1 t2 t0" {
			t.Errorf("cleaned %s", got)
		}
		if err := d.Close(true, 0); err != nil {
			t.Fatal(err)
		}
		text, err := ReadCheckpoint(fsys, "/data/log/"+CleanerFile)
		if err != nil || fmt.Sprint(text) != "map[{t0 0}:40 {t1 0}:41 {t2 0}:42]" {
			t.Errorf("checkpoint %v, %v", text, err)
		}
		d = open(t, fsys, new(bytes.Buffer))
		if at := d.Cleaned(Key{"t1", 0}); at != 41 {
			t.Errorf("after a restart t1 is clean up to %d", at)
		}
		if err := d.Close(true, 0); err != nil {
			t.Fatal(err)
		}
	})
}

// TestStopEndsACleaning that is waiting for its share of the disk.
func TestStopEndsACleaning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, faultfs.New(), new(bytes.Buffer))
		log := &dirtyLog{debt: owes(50, 9), begun: make(chan struct{})}
		d.Add(Key{"t", 0}, log)
		c := StartCleaner([]*Dir{d}, CleanerOptions{Threads: 2, Backoff: time.Second, BytesPerSecond: 1})
		<-log.begun
		c.Stop()
		if !errors.Is(log.result, ErrCleanerStopped) || d.Cleaned(Key{"t", 0}) != 0 {
			t.Errorf("the cleaning ended with %v, up to %d", log.result, d.Cleaned(Key{"t", 0}))
		}
		if err := d.Close(true, 0); err != nil {
			t.Fatal(err)
		}
	})
}

// TestPace: what is spent takes its time, whoever spends it.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{perSecond: 1000}
		from := time.Now()
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for range 50 {
					if err := p.spend(100, nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if took := time.Since(from); took < 9900*time.Millisecond || took > 10*time.Second {
			t.Errorf("10,000 bytes at 1000 a second took %v", took)
		}
		p.perSecond = math.MaxFloat64
		from = time.Now()
		if err := p.spend(1<<30, nil); err != nil || time.Since(from) != 0 {
			t.Errorf("without a limit a GiB took %v, %v", time.Since(from), err)
		}
	})
}

// TestCleanedIsForgotten: with the partition, with a log that was cut, and never noted for another one of the name.
func TestCleanedIsForgotten(t *testing.T) {
	fsys, log := faultfs.New(), new(bytes.Buffer)
	d := open(t, fsys, log)
	k := Key{"t", 0}
	old := &member{}
	d.Add(k, old)
	set := func(m Member, to wire.Offset) {
		t.Helper()
		if err := d.setCleaned(k, m, to); err != nil {
			t.Fatal(err)
		}
	}
	stored := func() string {
		o, err := ReadCheckpoint(fsys, "/data/log/"+CleanerFile)
		return fmt.Sprint(o, err)
	}
	set(old, 50)
	if got := stored(); got != "map[{t 0}:50] <nil>" {
		t.Errorf("checkpoint %s", got)
	}
	for end, want := range map[wire.Offset]string{50: "map[{t 0}:50] <nil>", 49: "map[] <nil>"} {
		set(old, 50)
		if err := d.LimitCleaned(k, end); err != nil || stored() != want {
			t.Errorf("a log that ends at %d: %s, %v", end, stored(), err)
		}
	}
	set(old, 70)
	if err := LowerRecoveryPoint(fsys, "/data/log", k, 60); err != nil || stored() != "map[{t 0}:60] <nil>" {
		t.Errorf("a log cut by hand: %s, %v", stored(), err)
	}
	fsys.FailNth(1, syscall.ENOSPC)
	if _, err := d.CreatePartition(k, wire.TopicID{7}); err == nil {
		t.Error("a partition was made although the checkpoint still speaks of another")
	}
	path, err := d.CreatePartition(k, wire.TopicID{7})
	if err != nil || d.Cleaned(k) != 0 || stored() != "map[] <nil>" {
		t.Errorf("a new partition at %s: %s, %v", path, stored(), err)
	}
	d.Add(k, &member{})
	set(old, 90) // a cleaning of the deleted one ends late
	if d.Cleaned(k) != 0 {
		t.Errorf("the new partition is clean up to %d", d.Cleaned(k))
	}
	if err := d.Close(true, 0); err != nil {
		t.Fatal(err)
	}
	f, err := fsys.OpenFile("/data/log/"+CleanerFile, os.O_RDWR, 0)
	if err == nil {
		_, err = f.WriteAt([]byte("9"), 2)
	}
	if err != nil {
		t.Fatal(err)
	}
	d = open(t, fsys, log)
	if d.Cleaned(k) != 0 || !strings.Contains(log.String(), "compacted logs are cleaned from their start again") {
		t.Errorf("a damaged checkpoint: %d, log:\n%s", d.Cleaned(k), log)
	}
	if err := d.Close(true, 0); err != nil {
		t.Fatal(err)
	}
}

// TestCleanedOfADroppedPartition goes with the next write, whoever asks for it, at the latest with a clean stop.
func TestCleanedOfADroppedPartition(t *testing.T) {
	fsys := faultfs.New()
	d := open(t, fsys, new(bytes.Buffer))
	k, m := Key{"u", 1}, &member{}
	path, err := d.CreatePartition(k, wire.TopicID{8})
	if err != nil {
		t.Fatal(err)
	}
	d.Add(k, m)
	if err := d.setCleaned(k, m, 5); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Drop(k, path); err != nil || d.Cleaned(k) != 0 {
		t.Errorf("a dropped partition is clean up to %d, %v", d.Cleaned(k), err)
	}
	if o, err := ReadCheckpoint(fsys, "/data/log/"+CleanerFile); err != nil || o[k] != 5 {
		t.Errorf("dropping costs a write: %v, %v", o, err)
	}
	ask := func() error { return d.LimitCleaned(Key{"other", 0}, 0) }
	for _, write := range []func() error{ask, func() error { return d.Close(true, 0) }} {
		d.Add(k, m)
		if err := d.setCleaned(k, m, 5); err != nil {
			t.Fatal(err)
		}
		_, _ = d.Drop(k, path) // the directory is gone already
		if err := write(); err != nil {
			t.Fatal(err)
		}
		if o, err := ReadCheckpoint(fsys, "/data/log/"+CleanerFile); err != nil || len(o) != 0 {
			t.Errorf("checkpoint %v, %v", o, err)
		}
	}
}
