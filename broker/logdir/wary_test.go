package logdir

import (
	"bytes"
	"errors"
	"testing"

	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

// TestKilledRecoveryLeavesTheNextWary: after a power cut every start is one
// after a power cut until a recovery has come to its end.
func TestKilledRecoveryLeavesTheNextWary(t *testing.T) {
	var log bytes.Buffer
	fsys := faultfs.New()
	d := open(t, fsys, &log)
	if d.SameBoot() {
		t.Fatal("a new directory was written through this page cache")
	}
	if err := d.Recovered(); err != nil {
		t.Fatal(err)
	}
	d.Close(false, 0)
	d = open(t, fsys, &log)
	if !d.SameBoot() {
		t.Fatal("a kill is taken for a power cut")
	}
	d.Close(false, 0)

	fsys = fsys.CrashClone(nil)
	for range 2 {
		d = open(t, fsys, &log)
		if d.SameBoot() {
			t.Fatal("a power cut is taken for a kill")
		}
		d.Close(false, 0) // killed in its recovery
	}
	d = open(t, fsys, &log)
	if err := d.Recovered(); err != nil {
		t.Fatal(err)
	}
	d.Close(false, 0)
	d = open(t, fsys, &log)
	defer d.Close(false, 0)
	if !d.SameBoot() {
		t.Fatal("a recovered directory is not believed")
	}
}

// waiting is a log whose syncs succeed.
type waiting struct{ told chan error }

func (w *waiting) SyncNow() error   { return nil }
func (w *waiting) Synced(err error) { w.told <- err }

// TestOfflineDirectoryAcknowledgesNothing, whatever took it offline.
func TestOfflineDirectoryAcknowledgesNothing(t *testing.T) {
	var log bytes.Buffer
	d := open(t, faultfs.New(), &log)
	defer d.Close(false, 0)
	w := &waiting{make(chan error, 1)}
	ticket := NewTicket(w)
	d.Rounds.Request(ticket)
	if err := <-w.told; err != nil {
		t.Fatal(err)
	}
	broken := errors.New("a checkpoint could not be synced")
	d.Fail(broken)
	d.Rounds.Request(ticket)
	if err := <-w.told; !errors.Is(err, broken) {
		t.Errorf("a waiter of an offline directory was told %v", err)
	}
}

// TestWhatIsBelieved: logs are believed by their headers only where nothing speaks against the page cache.
func TestWhatIsBelieved(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(d *Dir, fsys *faultfs.FS)
		want bool
	}{
		{"killed", func(*Dir, *faultfs.FS) {}, true},
		{"failed", func(d *Dir, _ *faultfs.FS) { d.Fail(errors.New("lost a page")) }, false},
		{"damaged recovery points", func(d *Dir, fsys *faultfs.FS) {
			if err := vfs.WriteFileAtomic(fsys, d.Path()+"/"+RecoveryPointFile, []byte("0\n1\nt 0 x\n")); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		var log bytes.Buffer
		fsys := faultfs.New()
		d := open(t, fsys, &log)
		if d.Believed() {
			t.Errorf("%s: a new directory is believed", c.name)
		}
		if err := d.Recovered(); err != nil {
			t.Fatal(err)
		}
		c.do(d, fsys)
		d.Close(false, 0)
		d = open(t, fsys, &log)
		if d.Believed() != c.want {
			t.Errorf("%s: believed is %v", c.name, d.Believed())
		}
		d.Close(false, 0)
	}
}
