package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

func newFaultFS(t testing.TB) *faultfs.FS {
	t.Helper()
	fsys := faultfs.New()
	must(t, fsys.Mkdir("/log", 0o755))
	must(t, fsys.SyncDir("/"))
	return fsys
}

func TestAppendReadReopen(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		o := Options{FS: fsys, Dir: dir}
		l := open(t, o)
		all := appendN(t, l, 200)
		mustHold(t, l, all)
		if len(l.Segments()) < 5 {
			t.Fatalf("%d segments", len(l.Segments()))
		}
		end, err := l.Sync()
		must(t, err)
		if end != l.End() || l.DurableEnd() != end {
			t.Fatalf("synced to %d of %d", end, l.End())
		}
		must(t, l.Rest())
		mustHold(t, l, all)
		all = append(all, appendN(t, l, 20)...)
		mustHold(t, l, all)
		must(t, l.Close())
		if err := l.Append(all[0].bytes, all[0].appended(false)); !errors.Is(err, ErrClosed) {
			t.Fatalf("append after close: %v", err)
		}
		o.Clean, o.RecoveryPoint = true, l.End()
		o.Warn = func(msg string, args ...any) { t.Errorf("warned: %s %v", msg, args) }
		l, rec, err := openWith(o)
		must(t, err)
		if rec.Scanned != 0 || len(rec.Trimmed)+len(rec.Truncated)+len(rec.Removed)+len(rec.Rebuilt) != 0 {
			t.Errorf("a clean open recovered %+v", rec)
		}
		mustHold(t, l, all)
		all = append(all, appendN(t, l, 20)...)
		mustHold(t, l, all)
		must(t, l.Close())
	})
}

func TestReadRules(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		l := open(t, Options{FS: fsys, Dir: dir, LogStart: 100})
		all := appendN(t, l, 120)
		for round := range 2 {
			for i, m := range all {
				for off := m.base; off <= m.last(); off++ {
					checkRead(t, l, all[i:], off)
				}
			}
			if round == 0 {
				must(t, l.Rest())
			}
		}
		for _, off := range []wire.Offset{0, 99, l.End() + 1} {
			if _, err := l.Read(off, 100, l.End(), true); !errors.Is(err, ErrOutOfRange) {
				t.Errorf("read at %d: %v", off, err)
			}
		}
		r, err := l.Read(l.End(), 100, l.End(), true)
		must(t, err)
		if r.Span.N != 0 || r.Next != l.End() {
			t.Errorf("read at the end gives %+v", r)
		}
		must(t, l.SetStart(105))
		if _, err := l.Read(104, 100, l.End(), true); !errors.Is(err, ErrOutOfRange) {
			t.Errorf("read below the start: %v", err)
		}
	})
}

// checkRead reads at off, which lies in all[0], with several bounds.
func checkRead(t *testing.T, l *Log, all []made, off wire.Offset) {
	t.Helper()
	for _, max := range []int{0, 1, len(all[0].bytes), len(all[0].bytes) + 1, 700, 3000, 1 << 20} {
		for _, limit := range []wire.Offset{l.End(), all[0].base + 1, all[min(len(all)-1, 3)].base, math.MaxInt64} {
			for _, minOne := range []bool{false, true} {
				r, err := l.Read(off, max, limit, minOne)
				must(t, err)
				got := content(t, r)
				if limit <= off {
					if len(got) != 0 {
						t.Fatalf("read at %d with limit %d gives %d bytes", off, limit, len(got))
					}
					continue
				}
				whole, n := joined(all), 0
				if !bytes.HasPrefix(whole, got) {
					t.Fatalf("read at %d gives other bytes", off)
				}
				size := 0
				for _, m := range all {
					if size == len(got) {
						break
					}
					size, n = size+len(m.bytes), n+1
				}
				switch {
				case size != len(got):
					t.Fatalf("read at %d of %d bytes cuts a batch", off, max)
				case n == 0 && (minOne || max >= len(all[0].bytes)):
					t.Fatalf("read at %d of %d bytes (%v) gives nothing", off, max, minOne)
				case len(got) > max && !(minOne && n == 1):
					t.Fatalf("read at %d of %d bytes gives %d", off, max, len(got))
				case n > 0 && all[n-1].base >= limit:
					t.Fatalf("read at %d goes beyond the limit %d", off, limit)
				case n > 0 && r.Next != all[n-1].next() || n == 0 && r.Next != off:
					t.Fatalf("read at %d of %d batches goes on at %d", off, n, r.Next)
				case n > 0 && r.First > all[0].base:
					t.Fatalf("read at %d begins at %d", off, r.First)
				}
				if n > 0 && n < len(all) && size+len(all[n].bytes) <= max && all[n].base < limit && !isBase(l, all[n].base) {
					t.Fatalf("read at %d of %d bytes, limit %d, stops after %d batches, %d bytes", off, max, limit, n, size)
				}
			}
		}
	}
}

func isBase(l *Log, off wire.Offset) bool {
	for _, s := range l.Segments() {
		if s.Base == off {
			return true
		}
	}
	return false
}

// TestLongReads are cut by the index first; the cut is exact all the same.
func TestLongReads(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		c := testConfig()
		c.SegmentBytes, c.IndexIntervalBytes = 1<<20, 1000
		l := open(t, Options{FS: fsys, Dir: dir, Config: c})
		all := appendN(t, l, 1000)
		dice := rand.New(rand.NewPCG(1, 1))
		for round := range 600 {
			if round == 300 {
				must(t, l.Rest())
			}
			i, n := dice.IntN(700), 40+dice.IntN(260)
			j := min(i+n, len(all))
			max := len(joined(all[i:j])) + dice.IntN(2)*dice.IntN(60)
			limit := l.End()
			if dice.IntN(2) == 0 {
				j = i + 20 + dice.IntN(n)
				limit, j = all[min(j, 999)].base, min(j, i+n)
			}
			r, err := l.Read(all[i].base, max, limit, dice.IntN(2) == 0)
			must(t, err)
			if got := content(t, r); !bytes.Equal(got, joined(all[i:j])) || r.Next != all[j-1].next() {
				t.Fatalf("read of %d bytes from batch %d gives %d, want %d; goes on at %d, want %d", max, i, len(got),
					len(joined(all[i:j])), r.Next, all[j-1].next())
			}
		}
	})
}

// TestIndexEntriesFollowKafkasRule computes the index files by the rule and compares them byte for byte, as they are
// written along with the log and as a recovery writes them.
func TestIndexEntriesFollowKafkasRule(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 3))
	c := testConfig()
	c.SegmentBytes, c.IndexIntervalBytes = 1<<20, 500
	l := open(t, Options{FS: newFaultFS(t), Dir: "/log", Config: c})
	var offsets, times []byte
	since, pos, maxTs, maxAt, noted := 0, 0, int64(-1), wire.Offset(0), int64(-1)
	addTime := func() {
		if maxTs > noted {
			times = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(times, uint64(maxTs)), uint32(maxAt))
			noted = maxTs
		}
	}
	for i := range 300 {
		m := makeBatch(l.End(), 1+dice.IntN(3), startMs+int64(i)+dice.Int64N(30), dice.IntN(400))
		must(t, l.Append(m.bytes, m.appended(i%3 == 0)))
		if m.ts > maxTs {
			maxTs, maxAt = m.ts, m.last()
		}
		if since > c.IndexIntervalBytes {
			offsets = binary.BigEndian.AppendUint32(offsets, uint32(m.last()))
			offsets = binary.BigEndian.AppendUint32(offsets, uint32(pos))
			addTime()
			since = 0
		}
		since, pos = since+len(m.bytes), pos+len(m.bytes)
	}
	addTime()
	must(t, l.Close())
	for _, o := range []Options{{Clean: true, RecoveryPoint: l.End()}, {RecoveryPoint: l.End() - 50}, {PowerLoss: true}} {
		o.FS, o.Dir, o.Config = l.fs, "/log", c
		again := open(t, o)
		must(t, again.Close())
		files := files0(t, l.fs)
		if got := files[first+indexSuffix]; !bytes.Equal(got, offsets) {
			t.Errorf("offset index is\n%x, want\n%x", got, offsets)
		}
		if got := files[first+timeSuffix]; !bytes.Equal(got, times) {
			t.Errorf("time index is\n%x, want\n%x", got, times)
		}
	}
}
