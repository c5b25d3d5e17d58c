package clean

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"tailrace/batch"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/wire"
)

func TestNewestOfEachKeyStays(t *testing.T) {
	for _, c := range codecs {
		t.Run(c.String(), func(t *testing.T) {
			l := open(t, newFS(t), segment.Options{})
			o := batch.Options{Codec: c, LeaderEpoch: 4}
			put(t, l, o, startMs, rec{"a", "1"}, rec{"b", "1"}, rec{"c", "1"})
			put(t, l, o, startMs, rec{"a", "2"})
			must(t, l.Roll())
			put(t, l, o, startMs, rec{"b", "2"}, rec{"", "keyless"})
			must(t, l.Roll())
			put(t, l, o, startMs, rec{"c", "9"}) // active: it counts for nothing yet
			if to := run(t, l, 0, options(startMs)); to != 6 {
				t.Errorf("clean up to %d", to)
			}
			mustBe(t, l, "[2:c=1 3:a=2 4:b=2 6:c=9]")
			if got := fmt.Sprint(batches(t, l)); got != "[0-2×1 3-3×1 4-5×1 6-6×1]" {
				t.Errorf("batches %s", got)
			}
			if s := l.Segments(); len(s) != 2 || s[0].Base != 0 || s[1].Base != 6 {
				t.Errorf("segments %v: two should have become one", s)
			}
			must(t, l.Batches(0, func(b segment.Batch, _ vfs.Pos) error {
				if b.Codec() != c || b.LeaderEpoch() != 4 || b.MaxTimestamp() != startMs {
					t.Errorf("batch at %d: codec %v, epoch %d, time %d", b.BaseOffset(), b.Codec(), b.LeaderEpoch(), b.MaxTimestamp())
				}
				return nil
			}))
			must(t, l.Close())
		})
	}
}

// TestUntouchedBatchesStayAsTheyAre byte for byte.
func TestUntouchedBatchesStayAsTheyAre(t *testing.T) {
	l := open(t, newFS(t), segment.Options{})
	put(t, l, batch.Options{Codec: 1, Level: 9}, startMs-5, rec{"a", strings.Repeat("1", 90)}, rec{"b", "1"})
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"c", "9"})
	raw := func() (all []byte) {
		must(t, l.Batches(0, func(b segment.Batch, _ vfs.Pos) error { all = append(all, b...); return nil }))
		return all
	}
	before := raw()
	if to := run(t, l, 0, options(startMs)); to != 2 {
		t.Fatalf("clean up to %d", to)
	}
	if !bytes.Equal(before, raw()) {
		t.Error("a batch of which nothing goes was changed")
	}
}

func TestTombstonesGoWhenTheirTimeHasCome(t *testing.T) {
	l := open(t, newFS(t), segment.Options{})
	o := batch.Options{Codec: 4}
	dirty := func() {
		must(t, l.Roll())
		put(t, l, o, startMs, rec{"x", "dirt"})
		must(t, l.Roll())
		put(t, l, o, startMs, rec{"x", "active"})
	}
	put(t, l, o, startMs, rec{"a", "1"}, rec{"b", "1"})
	put(t, l, o, startMs-7, rec{"a", ""}, rec{"c", "1"})
	dirty()
	to := run(t, l, 0, options(startMs))
	mustBe(t, l, "[1:b=1 2:a 3:c=1 4:x=dirt 5:x=active]")
	var w batch.Walker
	var r batch.Record
	must(t, l.Batches(2, func(b segment.Batch, _ vfs.Pos) error {
		ms, ok := b.DeleteHorizon()
		if want := b.BaseOffset() == 2; ok != want || ok && ms != startMs+1000 {
			t.Errorf("batch at %d: delete horizon %v, %d", b.BaseOffset(), ok, ms-startMs)
		}
		for w.Reset(b, 0); w.Next(&r); {
			want := int64(startMs)
			if b.BaseOffset() == 2 {
				want -= 7
			}
			if r.TimestampMs != want {
				t.Errorf("record %d has the time %d", r.Offset, r.TimestampMs)
			}
		}
		return w.Err()
	}))
	dirty()
	to = run(t, l, to, options(startMs+999))
	mustBe(t, l, "[1:b=1 2:a 3:c=1 6:x=dirt 7:x=active]")
	dirty()
	run(t, l, to, options(startMs+1000))
	mustBe(t, l, "[1:b=1 3:c=1 8:x=dirt 9:x=active]")
}

// TestProducersKeepTheirLastBatch: an empty one, so that a restart knows the sequence.
func TestProducersKeepTheirLastBatch(t *testing.T) {
	l := open(t, newFS(t), segment.Options{})
	by := func(id int64, seq int32) batch.Options {
		return batch.Options{Producer: &batch.Producer{ID: id, Epoch: 3, Sequence: seq}}
	}
	put(t, l, by(7, 0), startMs, rec{"a", "1"})
	put(t, l, by(7, 1), startMs-4, rec{"a", "2"}, rec{"a", "3"})
	put(t, l, by(8, 0), startMs, rec{"a", "4"})
	put(t, l, batch.Options{}, startMs, rec{"a", "5"})
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"b", "1"})
	o := options(startMs)
	o.Producers = map[int64]Producer{7: {Last: 2, Epoch: 3}} // 8 has expired
	run(t, l, 0, o)
	mustBe(t, l, "[4:a=5 5:b=1]")
	if got := fmt.Sprint(batches(t, l)); got != "[1-2×0 4-4×1 5-5×1]" {
		t.Errorf("batches %s", got)
	}
	must(t, l.Batches(0, func(b segment.Batch, _ vfs.Pos) error {
		if b.Count() == 0 && (b.ProducerID() != 7 || b.ProducerEpoch() != 3 || b.BaseSequence() != 1 ||
			b.LastSequence() != 2 || b.MaxTimestamp() != startMs-4 || len(b) != batch.HeaderSize) {
			t.Errorf("the empty batch is %x", []byte(b))
		}
		return nil
	}))
	// What is in no record is found by no time, and the search ends.
	if st, ok, err := l.OffsetForTimestamp(startMs-4, l.End()); err != nil || !ok || st.Offset != 4 {
		t.Errorf("offset for timestamp: %v %v %v", st, ok, err)
	}
	if st, ok, err := l.MaxTimestamp(l.End()); err != nil || !ok || st.Offset != 4 {
		t.Errorf("max timestamp: %v %v %v", st, ok, err)
	}
}

// TestSegmentsAdjoin: the last batch of what is made stays, if only as an empty one, until a later one follows it.
func TestSegmentsAdjoin(t *testing.T) {
	l := open(t, newFS(t), segment.Options{})
	put(t, l, batch.Options{}, startMs, rec{"b", "1"})
	put(t, l, batch.Options{}, startMs, rec{"a", "1"}, rec{"", "x"})
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"a", "2"})
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"a", "3"})
	o := options(startMs)
	o.SegmentBytes = 1 // nothing is joined
	to := run(t, l, 0, o)
	if got := fmt.Sprint(batches(t, l)); got != "[0-0×1 1-2×0 3-3×1 4-4×1]" {
		t.Errorf("batches %s", got)
	}
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"a", "4"})
	run(t, l, to, options(startMs))
	if got := fmt.Sprint(batches(t, l)); got != "[0-0×1 4-4×1 5-5×1]" {
		t.Errorf("batches %s", got)
	}
}

// TestFullTableGoesOnLater: with room for two keys the cleaning takes several passes, each of them right.
func TestFullTableGoesOnLater(t *testing.T) {
	l := open(t, newFS(t), segment.Options{})
	for i := range 12 {
		put(t, l, batch.Options{}, startMs, rec{fmt.Sprint("k", i%5), fmt.Sprint(i)})
	}
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"end", "1"})
	want := show(newest(records(t, l)))
	o := options(startMs)
	o.KeyBytes = 3 * slotBytes // 2 keys
	to, passes := wire.Offset(0), 0
	for ; to < 12; passes++ {
		before := to
		if to = run(t, l, to, o); to <= before || passes > 12 {
			t.Fatalf("pass %d goes from %d to %d", passes, before, to)
		}
		if got := show(newest(records(t, l))); got != want {
			t.Fatalf("after pass %d: %s, want %s", passes, got, want)
		}
	}
	if all := records(t, l); passes < 3 || len(all) != 6 {
		t.Errorf("after %d passes: %v", passes, all)
	}
	put(t, l, batch.Options{}, startMs, rec{"x", "1"}, rec{"y", "1"}, rec{"z", "1"})
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"end", "2"})
	var many *TooManyKeysError
	_, err := l.Sync()
	must(t, err)
	for range 5 { // up to the large batch
		d, err := Measure(l, &o.Config, to, l.End(), startMs)
		must(t, err)
		res, err := Clean(l, d, o)
		if to = res.To; errors.As(err, &many) {
			break
		}
	}
	if many == nil || many.At != 13 {
		t.Errorf("a batch of more keys than the table takes: %v", many)
	}
}

func TestWhenACleaningIsDue(t *testing.T) {
	l := open(t, newFS(t), segment.Options{})
	for i := range 4 { // 0-1, 2-3, 4-5, 6-7; active 8
		put(t, l, batch.Options{}, startMs+int64(i)*1000, rec{"a", "1"}, rec{"b", "1"})
		must(t, l.Roll())
	}
	put(t, l, batch.Options{}, startMs, rec{"end", "1"})
	if d, err := Measure(l, &Config{MaxLagMs: math.MaxInt64}, 0, 9, 0); err != nil || d.Due {
		t.Errorf("before a sync: %+v, %v", d, err)
	}
	_, err := l.Sync()
	must(t, err)
	lag500 := func(c *Config) { c.MinDirtyRatio, c.MaxLagMs = 1, 500 }
	for _, c := range []struct {
		name                 string
		change               func(c *Config)
		cleaned, stable      wire.Offset
		now                  int64
		from, to             wire.Offset
		cleanSegs, dirtySegs int64
		due                  bool
	}{
		{"never cleaned", func(*Config) {}, 0, 9, 0, 0, 8, 0, 4, true},
		{"half clean", func(c *Config) { c.MinDirtyRatio = 0.49 }, 4, 9, 0, 4, 8, 2, 2, true},
		{"too clean", func(c *Config) { c.MinDirtyRatio = 0.5 }, 4, 9, 0, 4, 8, 2, 2, false},
		{"inside a segment", func(*Config) {}, 5, 9, 0, 5, 8, 3, 2, true},
		{"all clean", func(*Config) {}, 8, 9, 0, 8, 8, 4, 0, false},
		{"below the last stable offset", func(*Config) {}, 0, 5, 0, 0, 4, 0, 2, true},
		{"beyond the end", func(*Config) {}, 10, 9, 0, 0, 8, 0, 4, true},
		{"min lag", func(c *Config) { c.MinLagMs = 500 }, 0, 9, startMs + 1500, 0, 4, 0, 2, true},
		{"min lag over all", func(c *Config) { c.MinLagMs = 500 }, 0, 9, startMs, 0, 0, 0, 0, false},
		{"max lag not over", lag500, 0, 9, startMs + 500, 0, 8, 0, 4, false},
		{"max lag over", lag500, 0, 9, startMs + 501, 0, 8, 0, 4, true},
		{"max lag of the clean part", lag500, 4, 9, startMs + 2500, 4, 8, 2, 2, false},
	} {
		cfg := Config{MaxLagMs: math.MaxInt64}
		c.change(&cfg)
		d, err := Measure(l, &cfg, c.cleaned, c.stable, c.now)
		must(t, err)
		size := l.Sealed()[0].Bytes
		want := Debt{From: c.from, To: c.to, CleanBytes: c.cleanSegs * size, DirtyBytes: c.dirtySegs * size, Due: c.due}
		if d != want {
			t.Errorf("%s: %+v, want %+v", c.name, d, want)
		}
	}
	must(t, l.SetStart(3))
	if d, err := Measure(l, &Config{MaxLagMs: math.MaxInt64}, 1, 9, 0); err != nil || d.From != 3 {
		t.Errorf("a log start above the cleaned part: %+v, %v", d, err)
	}
}

func TestGroups(t *testing.T) {
	l := open(t, newFS(t), segment.Options{})
	for range 6 {
		put(t, l, batch.Options{}, startMs, rec{"a", strings.Repeat("x", 100)})
		must(t, l.Roll())
	}
	size := l.Sealed()[0].Bytes
	for _, c := range []struct {
		to    wire.Offset
		bytes int64
		want  string
	}{
		{6, 1 << 30, "[{0 6}]"},
		{6, 2 * size, "[{0 2} {2 4} {4 6}]"},
		{6, 2*size - 1, "[{0 1} {1 2} {2 3} {3 4} {4 5} {5 6}]"},
		{5, 4 * size, "[{0 4} {4 5}]"},
		{0, 1 << 30, "[]"},
	} {
		if got := fmt.Sprint(groups(l, c.to, c.bytes, 1<<20)); got != c.want {
			t.Errorf("up to %d, %d bytes: %s, want %s", c.to, c.bytes, got, c.want)
		}
	}
	// Offsets further apart than an int32 holds do not go together.
	far := build(t, batch.Options{BaseOffset: 6 + 1<<31}, startMs, rec{"a", "1"})
	must(t, store(l, far))
	must(t, l.Roll())
	if got := groups(l, math.MaxInt64, 1<<30, 1<<20); len(got) != 2 || got[0].next <= 5 {
		t.Errorf("groups %v", got)
	}
}

// TestRetentionInBetween: who takes a segment away while it is rewritten wins.
func TestRetentionInBetween(t *testing.T) {
	for _, how := range []string{"retain", "truncate", "close", "stop"} {
		fsys := newFS(t)
		l := open(t, fsys, segment.Options{})
		for i := range 3 {
			put(t, l, batch.Options{}, startMs, rec{"a", fmt.Sprint(i)})
			must(t, l.Roll())
		}
		put(t, l, batch.Options{}, startMs, rec{"b", "1"})
		o := options(startMs)
		stop := errors.New("stop")
		spent := 0
		o.Spend = func(n int) error {
			if spent++; spent != 5 { // three batches for the keys: the second of the rewriting
				return nil
			}
			switch how {
			case "retain":
				must(t, l.SetStart(2))
				_, err := l.Retain(startMs, 4)
				return err
			case "truncate":
				return l.Truncate(1)
			case "close":
				return l.Close()
			}
			return stop
		}
		_, err := l.Sync()
		must(t, err)
		d, err := Measure(l, &o.Config, 0, 4, startMs)
		must(t, err)
		_, err = Clean(l, d, o)
		want := map[string]error{"retain": segment.ErrOvertaken, "truncate": segment.ErrOvertaken,
			"close": segment.ErrClosed, "stop": stop}[how]
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", how, err, want)
		}
		if how == "close" {
			continue
		}
		mustBe(t, l, map[string]string{"retain": "[2:a=2 3:b=1]", "truncate": "[0:a=0]",
			"stop": "[0:a=0 1:a=1 2:a=2 3:b=1]"}[how])
		entries, err := fsys.ReadDir("/log")
		must(t, err)
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "92233720368547758") {
				t.Errorf("%s: %s is left", how, e.Name())
			}
		}
	}
}

// TestDamageEndsTheCleaning and replaces nothing.
func TestDamageEndsTheCleaning(t *testing.T) {
	fsys := newFS(t)
	l := open(t, fsys, segment.Options{})
	put(t, l, batch.Options{}, startMs, rec{"a", "1"})
	v := build(t, batch.Options{BaseOffset: 1, Codec: 1}, startMs, rec{"a", "2"}, rec{"b", "2"})
	copy(v[batch.HeaderSize:], "this is not what gzip writes")
	v.SetLogAppendTime(startMs) // a CRC that is right
	must(t, store(l, v))
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"a", "3"})
	o := options(startMs)
	_, err := l.Sync()
	must(t, err)
	d, err := Measure(l, &o.Config, 0, 4, startMs)
	must(t, err)
	var bad *DamagedError
	if _, err = Clean(l, d, o); !errors.As(err, &bad) || bad.At != 1 {
		t.Errorf("records that cannot be read: %v", err)
	}
	f, err := fsys.OpenFile("/log/00000000000000000000.log", 2, 0)
	must(t, err)
	_, err = f.WriteAt([]byte{0x55}, 40)
	must(t, err)
	var corrupt *segment.CorruptError
	if _, err = Clean(l, d, o); !errors.As(err, &corrupt) {
		t.Errorf("a wrong CRC: %v", err)
	}
	if len(l.Segments()) != 2 || l.End() != 4 {
		t.Errorf("something was replaced: %v", l.Segments())
	}
}
