package clean

import (
	"encoding/binary"
	"fmt"
	"testing"

	"tailrace/batch"
	"tailrace/index"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/wire"
)

// endTxn appends a transaction marker.
func endTxn(t *testing.T, l *segment.Log, pid int64, epoch int16, kind uint16) {
	t.Helper()
	o := batch.Options{BaseOffset: l.End(), Transactional: true, Control: true,
		Producer: &batch.Producer{ID: pid, Epoch: epoch, Sequence: -1}}
	key := binary.BigEndian.AppendUint16([]byte{0, 0}, kind)
	must(t, store(l, build(t, o, startMs, rec{string(key), "\x00\x00\x00\x00\x00\x00"})))
}

func aborted(t *testing.T, l *segment.Log, pid int64, first, last wire.Offset) {
	t.Helper()
	must(t, l.AppendAborted(index.Aborted{ProducerID: pid, First: first, Last: last, LastStable: last + 1}))
}

// TestTransactions: aborted records go and never stand for their key; markers go after their records, when the time for
// which readers may still need them is over.
func TestTransactions(t *testing.T) {
	fsys := newFS(t)
	l := open(t, fsys, segment.Options{})
	in := func(pid int64, seq int32) batch.Options {
		return batch.Options{Transactional: true, Producer: &batch.Producer{ID: pid, Epoch: 1, Sequence: seq}}
	}
	put(t, l, in(1, 0), startMs, rec{"a", "committed"}, rec{"b", "old"})
	put(t, l, in(2, 0), startMs, rec{"a", "aborted"})
	endTxn(t, l, 1, 1, commitMarker) // 3
	put(t, l, batch.Options{}, startMs, rec{"b", "new"})
	endTxn(t, l, 2, 1, abortMarker) // 5
	aborted(t, l, 2, 2, 5)
	must(t, l.Roll())
	put(t, l, in(2, 1), startMs, rec{"c", "aborted too"})
	endTxn(t, l, 2, 1, abortMarker) // 7
	aborted(t, l, 2, 6, 7)
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"end", "1"})

	o := options(startMs)
	o.SegmentBytes = 1
	to := run(t, l, 0, o)
	mustBe(t, l, "[0:a=committed 4:b=new 8:end=1]")
	if got := fmt.Sprint(batches(t, l)); got != "[0-1×1 3-3×1 4-4×1 5-5×1 7-7×1 8-8×1]" {
		t.Errorf("batches %s", got)
	}
	list, err := l.Aborted(nil, 0, l.End())
	must(t, err)
	if len(list) != 2 { // their records were met
		t.Errorf("aborted transactions %v", list)
	}
	again := func(nowMs int64) {
		put(t, l, batch.Options{}, startMs, rec{"end", "1"})
		must(t, l.Roll())
		put(t, l, batch.Options{}, startMs, rec{"end", "1"})
		o.NowMs = nowMs
		to = run(t, l, to, o)
	}
	again(startMs + 10) // the abort markers have outlived their records: from now on they wait
	if got := fmt.Sprint(batches(t, l)[:5]); got != "[0-1×1 3-3×1 4-4×1 5-5×1 7-7×1]" {
		t.Errorf("batches %s", got)
	}
	if list, err = l.Aborted(nil, 0, l.End()); err != nil || len(list) != 0 {
		t.Errorf("aborted transactions %v, %v", list, err)
	}
	again(startMs + 1009)
	if got := fmt.Sprint(batches(t, l)[:5]); got != "[0-1×1 3-3×1 4-4×1 5-5×1 7-7×1]" {
		t.Errorf("batches %s", got)
	}
	again(startMs + 1010)
	if got := fmt.Sprint(batches(t, l)[:5]); got != "[0-1×1 3-3×1 4-4×1 5-5×0 7-7×0]" {
		t.Errorf("batches %s", got) // the last of their segments
	}
	o.SegmentBytes = 5000
	again(startMs + 1011)
	if got := fmt.Sprint(batches(t, l)[:3]); got != "[0-1×1 3-3×1 4-4×1]" {
		t.Errorf("batches %s", got)
	}
	must(t, l.Close())
	l = open(t, fsys, segment.Options{Clean: true, RecoveryPoint: l.End()})
	if got := show(newest(records(t, l))); got != "[a=committed b=new end=1]" {
		t.Errorf("newest %s", got)
	}
}

// TestCommitMarkerWaitsForItsRecords which are superseded one by one.
func TestCommitMarkerWaitsForItsRecords(t *testing.T) {
	l := open(t, newFS(t), segment.Options{})
	put(t, l, batch.Options{Transactional: true, Producer: &batch.Producer{ID: 1}}, startMs, rec{"a", "1"})
	endTxn(t, l, 1, 0, commitMarker)
	put(t, l, batch.Options{}, startMs, rec{"b", "1"})
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"a", "2"})
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"end", "1"})
	to := run(t, l, 0, options(startMs)) // its record goes only now
	horizon := func() (at int64, has, there bool) {
		must(t, l.Batches(0, func(b segment.Batch, _ vfs.Pos) error {
			if b.IsControl() {
				at, has = b.DeleteHorizon()
				there = true
			}
			return nil
		}))
		return at, has, there
	}
	if _, has, there := horizon(); has || !there {
		t.Errorf("after the cleaning that removes its record, the marker is there: %v, has a horizon: %v", there, has)
	}
	for i, want := range []bool{true, false} {
		put(t, l, batch.Options{}, startMs, rec{"end", "2"})
		must(t, l.Roll())
		put(t, l, batch.Options{}, startMs, rec{"end", "3"})
		to = run(t, l, to, options(startMs+int64(i)*1000))
		if _, has, there := horizon(); there != want || has != want {
			t.Errorf("cleaning %d: the marker is there: %v, has a horizon: %v", i+2, there, has)
		}
	}
}

// TestAbortedOnceCommittedLater: a transaction that was aborted in the clean part says nothing of what its producer
// commits in the dirty one. Else a tombstone there would not count, but go in the end, and its key come back.
func TestAbortedOnceCommittedLater(t *testing.T) {
	l := open(t, newFS(t), segment.Options{})
	txn := func(seq int32) batch.Options {
		return batch.Options{Transactional: true, Producer: &batch.Producer{ID: 1, Sequence: seq}}
	}
	put(t, l, batch.Options{}, startMs, rec{"a", "old"})
	put(t, l, txn(0), startMs, rec{"x", "aborted"})
	endTxn(t, l, 1, 0, abortMarker) // 2
	aborted(t, l, 1, 1, 2)
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"end", "1"})
	to := run(t, l, 0, options(startMs))
	put(t, l, batch.Options{}, startMs, rec{"b", "kept"})
	put(t, l, txn(1), startMs, rec{"b", "aborted as well"})
	endTxn(t, l, 1, 0, abortMarker) // 6
	aborted(t, l, 1, 5, 6)
	put(t, l, txn(2), startMs, rec{"a", ""})
	endTxn(t, l, 1, 0, commitMarker)
	for i := range 3 {
		must(t, l.Roll())
		put(t, l, batch.Options{}, startMs, rec{"end", "2"})
		to = run(t, l, to, options(startMs+int64(i)*2000))
	}
	if got := newest(records(t, l))["a"]; got != "" {
		t.Errorf("a was deleted and is %q again", got)
	}
	if got := newest(records(t, l))["b"]; got != "kept" {
		t.Errorf("b is %q, although what came later was aborted", got)
	}
}
