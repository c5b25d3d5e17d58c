package partition

import (
	"testing"

	"tailrace/batch"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// woken is a fetch that waits for more than there will ever be.
type woken struct{ ready int }

func (w *woken) Wake(bytes int) bool { return bytes >= 1<<30 }
func (w *woken) Ready()              { w.ready++ }

func TestDeleteRecords(t *testing.T) {
	p := leading(t, nil)
	var a Appender
	for range 4 {
		appended(t, p, &a, one(t, -1, 0), 1)
	}
	before := p.Read(ReadRequest{Offset: 1, MaxBytes: 1, CurrentLeaderEpoch: -1, LastFetchedEpoch: -1})
	before.Span.Release()
	var early, late FetchWaiter
	var waits, tooLate woken
	if !p.ParkFetch(&early, &waits, before.Visible) {
		t.Fatal("a fetch cannot park")
	}
	for _, c := range []struct {
		to, low wire.Offset
		want    errcode.Code
	}{
		{2, 2, errcode.None}, {1, 2, errcode.None}, {5, -1, errcode.OffsetOutOfRange}, {-2, -1, errcode.OffsetOutOfRange},
		{ToHighWatermark, 4, errcode.None},
	} {
		if low, code := p.DeleteRecords(c.to); low != c.low || code != c.want {
			t.Errorf("delete up to %d: %d %v, want %d %v", c.to, low, code, c.low, c.want)
		}
	}
	if waits.ready != 2 { // it stays linked until it unparks itself
		t.Errorf("the fetch that waits was told %d times, want once for each of two moves", waits.ready)
	}
	if p.ParkFetch(&late, &tooLate, before.Visible) {
		t.Error("a fetch that read before the log start moved may park as if it had not")
	}
	if _, start, _ := p.Checkpoints(); start != 4 || p.LogStart() != 4 {
		t.Errorf("the log starts at %d, checkpointed as %d, want 4", p.LogStart(), start)
	}
	compacted := *p.Config()
	compacted.Rules.Compacted, compacted.Log.Delete = true, false
	p.Reconfigure(&compacted)
	if _, code := p.DeleteRecords(0); code != errcode.PolicyViolation {
		t.Errorf("delete from a compacted topic: %v", code)
	}
	early.Unpark()
	p.Retire()
	if _, code := p.DeleteRecords(0); code != errcode.NotLeaderOrFollower {
		t.Errorf("delete from a partition that is gone: %v", code)
	}
}

// TestEpochsOfALogThatBeginsInsideABatch: the first epoch begins with the log, not with the batch, and is believed.
func TestEpochsOfALogThatBeginsInsideABatch(t *testing.T) {
	p := leading(t, nil)
	var a Appender
	var b batch.Builder
	b.Reset(batch.Options{LeaderEpoch: -1})
	for range 3 {
		b.Append(1_700_000_000_000, nil, []byte("v"))
	}
	v, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	appended(t, p, &a, v, 1)
	if low, code := p.DeleteRecords(1); low != 1 || code != errcode.None {
		t.Fatalf("delete up to 1: %d %v", low, code)
	}
	if !p.epochsMatch(1, p.log.End()) {
		t.Errorf("the epochs %v do not match the log", p.epochs.list)
	}
	p.epochs.list[0].epoch++
	if p.epochsMatch(1, p.log.End()) {
		t.Errorf("the wrong epochs %v match the log", p.epochs.list)
	}
	p.epochs.list[0].epoch--
}
