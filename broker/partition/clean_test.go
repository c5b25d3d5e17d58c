package partition

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strings"
	"testing"

	"tailrace/batch"
	"tailrace/broker/logdir"
	"tailrace/segment"
	"tailrace/segment/clean"
	"tailrace/vfs"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

func compacted(t *testing.T) *Partition {
	t.Helper()
	return leading(t, func(c *Config) {
		c.Rules.Compacted = true
		c.Clean = &clean.Config{MaxLagMs: math.MaxInt64, DeleteRetentionMs: 1000}
	})
}

// keyed is a batch of one record; id -1 is no idempotent producer.
func keyed(t *testing.T, id int64, sequence int32, key, value string) []byte {
	t.Helper()
	var b batch.Builder
	o := batch.Options{LeaderEpoch: -1}
	if id >= 0 {
		o.Producer = &batch.Producer{ID: id, Sequence: sequence}
	}
	b.Reset(o)
	b.Append(1_700_000_000_000, []byte(key), []byte(value))
	v, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte(nil), v...)
}

func work() *logdir.CleanWork {
	free := func(int) error { return nil }
	return &logdir.CleanWork{NowMs: 1_700_000_000_000, KeyBytes: 1 << 20, KeyLoad: 0.9, Spend: free}
}

// cleanedTo cleans what there is to clean.
func cleanedTo(t *testing.T, p *Partition) wire.Offset {
	t.Helper()
	d := p.CleanDebt(work().NowMs, p.dir.Cleaned(p.key))
	if !d.Due {
		return -1
	}
	to, ok := p.Clean(d, work())
	if !ok {
		return -2
	}
	return to
}

func rolled(t *testing.T, p *Partition) {
	t.Helper()
	if err := p.log.Roll(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.log.Sync(); err != nil {
		t.Fatal(err)
	}
}

func held(t *testing.T, p *Partition) string {
	t.Helper()
	var list []string
	var w batch.Walker
	var r batch.Record
	err := p.log.Batches(p.log.Start(), func(b segment.Batch, _ vfs.Pos) error {
		for w.Reset(b, 0); w.Next(&r); {
			list = append(list, fmt.Sprintf("%d:%s=%s", r.Offset, r.Key, r.Value))
		}
		return w.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, " ")
}

// TestIdempotenceSurvivesCompaction: after a restart that has lost every snapshot, the log alone tells where each
// producer was, although its last record is gone.
func TestIdempotenceSurvivesCompaction(t *testing.T) {
	p := compacted(t)
	var a Appender
	for i := range int32(4) {
		appended(t, p, &a, keyed(t, 5, i, "a", fmt.Sprint(i)), 1)
	}
	appended(t, p, &a, keyed(t, -1, 0, "a", "newest"), 1)
	rolled(t, p)
	appended(t, p, &a, keyed(t, -1, 0, "b", "1"), 1)
	if to := cleanedTo(t, p); to != 5 {
		t.Fatalf("clean up to %d", to)
	}
	if got := held(t, p); got != "4:a=newest 5:b=1" {
		t.Errorf("the log holds %s", got)
	}
	p.mu.Lock()
	p.producers.reset()
	p.producers.byID = nil
	p.mu.Unlock()
	offsets, err := snapshots(p.dir.FS(), p.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range offsets {
		if err := p.dir.FS().Remove(snapshotName(p.path, off)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.recoverProducers(p.log.Start(), p.log.End()); err != nil {
		t.Fatal(err)
	}
	if r := p.Append(&a, keyed(t, 5, 3, "a", "3"), 1, 1_700_000_000_000); r.Code != errcode.None || r.BaseOffset != 3 {
		t.Errorf("a retry of the last batch: %v at %d", r.Code, r.BaseOffset)
	}
	if r := p.Append(&a, keyed(t, 5, 9, "a", "9"), 1, 1_700_000_000_000); r.Code != errcode.OutOfOrderSequenceNumber {
		t.Errorf("a batch too far: %v", r.Code)
	}
	if r := p.Append(&a, keyed(t, 5, 4, "a", "4"), 1, 1_700_000_000_000); r.Code != errcode.None || r.BaseOffset != 6 {
		t.Errorf("the next batch: %v at %d", r.Code, r.BaseOffset)
	}
}

// TestEpochsSurviveCompaction: the batch with which an epoch began may go; the checkpoint is believed all the same.
func TestEpochsSurviveCompaction(t *testing.T) {
	p := compacted(t)
	var a Appender
	for epoch := range 3 {
		p.Lead(wire.LeaderEpoch(epoch), 1, true)
		appended(t, p, &a, keyed(t, -1, 0, "a", fmt.Sprint(epoch)), 1)
		appended(t, p, &a, keyed(t, -1, 0, fmt.Sprint("k", epoch), "1"), 1)
	}
	rolled(t, p)
	appended(t, p, &a, keyed(t, -1, 0, "b", "1"), 1)
	if to := cleanedTo(t, p); to != 6 {
		t.Fatalf("clean up to %d", to)
	}
	if got := held(t, p); got != "1:k0=1 3:k1=1 4:a=2 5:k2=1 6:b=1" {
		t.Errorf("the log holds %s", got)
	}
	want := fmt.Sprint(p.epochs.list)
	if !p.epochsMatch(0, p.log.End()) {
		t.Errorf("the epochs %s do not match the log", want)
	}
	p.epochs.list[2].start-- // 3: but the batch there is of epoch 1
	if p.epochsMatch(0, p.log.End()) {
		t.Error("epochs that are wrong match the log")
	}
	p.epochs.list[2].start++
}

// TestSnapshotsOfJoinedSegmentsGo, the newest aside.
func TestSnapshotsOfJoinedSegmentsGo(t *testing.T) {
	p := compacted(t)
	for i := range 3 {
		var a Appender
		appended(t, p, &a, keyed(t, 7, int32(i), "a", "1"), 1)
		rolled(t, p)
		p.mu.Lock()
		p.snapshotLater(p.log.End())
		p.mu.Unlock()
		p.background.Wait()
	}
	var a Appender
	appended(t, p, &a, keyed(t, 7, 3, "a", "1"), 1)
	if to := cleanedTo(t, p); to != 3 {
		t.Fatalf("clean up to %d", to)
	}
	offsets, err := snapshots(p.dir.FS(), p.path)
	if err != nil || fmt.Sprint(offsets) != "[3]" {
		t.Errorf("snapshots at %v, %v", offsets, err)
	}
}

// TestDamageMakesUncleanable: one warning, nothing is deleted, and the partition is left in peace from then on.
func TestDamageMakesUncleanable(t *testing.T) {
	p := compacted(t)
	var text bytes.Buffer
	p.logger = slog.New(slog.NewTextHandler(&text, nil))
	var a Appender
	for i := range 3 {
		appended(t, p, &a, keyed(t, -1, 0, "a", fmt.Sprint(i)), 1)
	}
	rolled(t, p)
	f, err := p.dir.FS().OpenFile(p.path+"/00000000000000000000.log", os.O_RDWR, 0)
	if err == nil {
		_, err = f.WriteAt([]byte{0x55}, p.log.Size()-1)
	}
	if err != nil {
		t.Fatal(err)
	}
	size := p.log.Size()
	if to := cleanedTo(t, p); to != -2 {
		t.Errorf("clean up to %d", to)
	}
	if to := cleanedTo(t, p); to != -1 {
		t.Errorf("after the damage was met there is something to clean: %d", to)
	}
	warning := "log is not compacted any more until the broker is started again"
	if n := strings.Count(text.String(), warning); n != 1 || strings.Count(text.String(), "\n") != 1 {
		t.Errorf("%d warnings:\n%s", n, &text)
	}
	if p.log.Size() != size || p.dir.Offline() != nil {
		t.Errorf("%d of %d bytes are left, offline: %v", p.log.Size(), size, p.dir.Offline())
	}
}

// TestReplacementThatDoesNotFit: tombstones that get a delete horizon make batches longer, in the end longer than a
// segment may be. That is no failure of the disk, and does not take the other partitions of the directory.
func TestReplacementThatDoesNotFit(t *testing.T) {
	p := compacted(t)
	p.cleanFailed(fmt.Errorf("replacement at 0: %w", segment.ErrUnfit), 0)
	if p.dir.Offline() != nil || !p.uncleanable.Load() {
		t.Errorf("uncleanable: %v, the directory: %v", p.uncleanable.Load(), p.dir.Offline())
	}
}

// TestWhatIsNotCleaned: a topic that is not compacted, an open transaction that a snapshot tells of, a deleted
// partition.
func TestWhatIsNotCleaned(t *testing.T) {
	p := compacted(t)
	var a Appender
	for i := range 4 {
		appended(t, p, &a, keyed(t, -1, 0, "a", fmt.Sprint(i)), 1)
		rolled(t, p)
	}
	debt := func() clean.Debt { return p.CleanDebt(1_700_000_000_000, 0) }
	if d := debt(); !d.Due || d.To != 4 {
		t.Errorf("debt %+v", d)
	}
	p.openTxn = 2
	if d := debt(); d.To != 2 {
		t.Errorf("with a transaction open from 2 on: %+v", d)
	}
	p.openTxn = math.MaxInt64
	c := *p.Config()
	d := debt()
	c.Clean = nil
	p.Reconfigure(&c)
	if d := debt(); d.Due {
		t.Errorf("of a topic that is not compacted: %+v", d)
	}
	if to, ok := p.Clean(d, work()); ok {
		t.Errorf("a topic that is no longer compacted is clean up to %d", to)
	}
	c.Clean = &clean.Config{MaxLagMs: math.MaxInt64}
	p.Reconfigure(&c)
	d = debt()
	p.Retire()
	if _, ok := p.Clean(d, work()); ok || p.dir.Offline() != nil || debt().Due {
		t.Errorf("a deleted partition was cleaned: %v, offline: %v", ok, p.dir.Offline())
	}
	p.dead.Store(false)
}

// TestCompactAndDelete: a topic with both policies loses old segments as well, the compacted ones by the time of the
// records that are left, and what retention has taken is not asked for again.
func TestCompactAndDelete(t *testing.T) {
	p := compacted(t)
	c := *p.Config()
	c.Log.Delete, c.Log.RetentionMs, c.Log.RetentionBytes = true, 1000, -1
	p.Reconfigure(&c)
	const at = 1_700_000_000_000
	var a Appender
	put := func(ts int64, key, value string) {
		t.Helper()
		var b batch.Builder
		b.Reset(batch.Options{LeaderEpoch: -1})
		b.Append(ts, []byte(key), []byte(value))
		v, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		if r := p.Append(&a, append([]byte(nil), v...), 1, at+2000); r.Code != errcode.None {
			t.Fatalf("append: %v", r.Code)
		}
	}
	put(at, "a", "1")
	put(at, "b", "1")
	rolled(t, p)
	put(at+900, "a", "2")
	rolled(t, p)
	put(at+900, "c", "1")
	if to := cleanedTo(t, p); to != 3 {
		t.Fatalf("clean up to %d", to)
	}
	if got := held(t, p); got != "1:b=1 2:a=2 3:c=1" {
		t.Errorf("the log holds %s", got)
	}
	p.Housekeep(at+1900, true)
	if got := held(t, p); got != "1:b=1 2:a=2 3:c=1" {
		t.Errorf("retention came too early: the log holds %s", got)
	}
	p.Housekeep(at+1901, true)
	if got := held(t, p); got != "" || p.LogStart() != 4 {
		t.Errorf("after retention the log begins at %d and holds %s", p.LogStart(), got)
	}
	if d := p.CleanDebt(at+1901, 3); d.Due || d.From != 4 {
		t.Errorf("debt %+v", d)
	}
}
