package logdir

import (
	"bytes"
	"errors"
	"testing"

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
