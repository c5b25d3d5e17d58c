package segment

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

// TestKillCostsTheEndOfTheLog: a start after a kill runs the last CheckBytes through the CRC, not all that was never
// synced, and does not even read the rest if the batches are large. After a power loss it reads everything.
func TestKillCostsTheEndOfTheLog(t *testing.T) {
	const total = 100 << 20
	for _, c := range []struct {
		name  string
		bytes int // of a batch
		reads int64
	}{
		{"64 KiB", 64 << 10, DefaultCheckBytes + 8<<20},
		{"1 MiB", 1 << 20, DefaultCheckBytes + 8<<20},
		{"1 KiB", 1 << 10, total + 4<<20},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := testConfig()
			config.SegmentBytes, config.IndexIntervalBytes = 48<<20, 4096
			fsys, dir := &faultfs.Counting{FS: vfs.OS}, t.TempDir()
			o := Options{FS: fsys, Dir: dir, Config: config}
			l := open(t, o)
			m := makeBatch(0, 1, startMs, c.bytes-61)
			for ; l.Size() < total; m.base++ {
				batchAt(m.bytes, m.base)
				must(t, l.Append(m.bytes, m.appended(false)))
			}
			end := l.End()
			l.Discard()
			fsys.Read.Store(0)
			next := wire.Offset(0)
			o.OnBatch = func(b Batch) {
				if b.BaseOffset() != next {
					t.Fatalf("shown %d, want %d", b.BaseOffset(), next)
				}
				next++
			}
			l, rec, err := openWith(o)
			must(t, err)
			if l.End() != end || next != end {
				t.Fatalf("the log ends at %d, shown to %d, want %d", l.End(), next, end)
			}
			if most := int64(DefaultCheckBytes + 4*c.bytes); rec.Scanned > most || rec.Scanned < DefaultCheckBytes-2<<20 {
				t.Errorf("%d bytes were held against their CRC, want %d at most", rec.Scanned, most)
			}
			if rec.Scanned+rec.Believed != total {
				t.Errorf("checked %d and believed %d of %d bytes", rec.Scanned, rec.Believed, total)
			}
			if n := fsys.Read.Load(); n > c.reads {
				t.Errorf("%d bytes were read, want %d at most", n, c.reads)
			}
			r, err := l.Read(end/2, 1, end, true)
			must(t, err)
			batchAt(m.bytes, end/2)
			if !bytes.Equal(content(t, r), m.bytes) {
				t.Error("the middle cannot be read")
			}
			l.Discard()
			o.OnBatch, o.PowerLoss = nil, true
			l, rec, err = openWith(o)
			must(t, err)
			if rec.Scanned != total || rec.Believed != 0 {
				t.Errorf("after a power loss %d bytes were checked, %d believed", rec.Scanned, rec.Believed)
			}
			l.Discard()
		})
	}
}

// TestTornBatchIsFoundByItsHeader: whatever part of the last batch the kill has left, and whatever lies behind it (a
// reserve, what an append that failed has left), it is cut and nothing else is, though all is believed.
func TestTornBatchIsFoundByItsHeader(t *testing.T) {
	files, all := small(t, 8, testConfig())
	raw := files[first+logSuffix]
	last := all[7]
	at := len(raw) - len(last.bytes)
	dice := rand.New(rand.NewPCG(3, 3))
	noise := make([]byte, 3000)
	for i := range noise {
		noise[i] = byte(dice.Uint32())
	}
	for name, behind := range map[string][]byte{"nothing": nil, "a reserve": make([]byte, 9000), "noise": noise} {
		torn := map[string][]byte{"header only": make([]byte, len(last.bytes)), "no header": slices.Clone(last.bytes)}
		copy(torn["header only"], last.bytes[:61])
		clear(torn["no header"][:61])
		for i, what := range []string{"one half", "other half", "holes", "more holes"} {
			b := slices.Clone(last.bytes)
			for j := range b {
				if i < 2 && j%128/64 == i || i >= 2 && dice.IntN(3) == 0 {
					b[j] = 0
				}
			}
			torn[what] = b
		}
		for what, b := range torn {
			files[first+logSuffix] = slices.Concat(raw[:at], b, behind)
			l, rec, err := openWith(Options{FS: lay(t, files), Dir: "/log", CheckBytes: 1})
			if err != nil || l.End() != last.base || len(rec.Truncated) != 1 {
				t.Fatalf("%s and %s behind: %v, %+v", what, name, err, rec)
			}
			mustHold(t, l, all[:7])
			l.Discard()
		}
	}
}

// TestHeadersAreThoseOfTheBatches: Headers shows what Held does, without the records, but for markers.
func TestHeadersAreThoseOfTheBatches(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		l := open(t, Options{FS: fsys, Dir: dir})
		for i := range 120 {
			m := makeBatch(l.End(), 1+i%4, startMs, []int{0, 60, 700, 3900}[i%4])
			if i%7 == 3 {
				m.bytes[22] |= 0x30 // a marker
				sum(m.bytes)
			}
			must(t, l.Append(m.bytes, m.appended(false)))
		}
		var held []Batch
		var places []vfs.Pos
		must(t, l.Held(20, func(b Batch, pos vfs.Pos) error {
			held, places = append(held, slices.Clone(b)), append(places, pos)
			return nil
		}))
		n := 0
		must(t, l.Headers(20, func(b Batch, pos vfs.Pos) error {
			want := held[n]
			if !want.IsControl() {
				want = want[:61]
			}
			if !bytes.Equal(b, want) || pos != places[n] {
				t.Fatalf("batch %d at %d: %d bytes at %d", n, places[n], len(b), pos)
			}
			n++
			return nil
		}))
		if n != len(held) || n < 100 {
			t.Errorf("%d headers of %d batches", n, len(held))
		}
		must(t, l.Close())
	})
}

// TestBadMarkerIsNotBelieved: a marker's record is needed, so its CRC is looked at also where others are believed.
func TestBadMarkerIsNotBelieved(t *testing.T) {
	for _, marker := range []bool{true, false} {
		fsys := newFaultFS(t)
		l := open(t, Options{FS: fsys, Dir: "/log"})
		for i := range 9 {
			m := makeBatch(l.End(), 1, startMs, 100)
			if i == 4 && marker {
				m.bytes[22] |= 0x30
				sum(m.bytes)
			}
			if i == 4 {
				m.bytes[90] ^= 1
			}
			must(t, l.Append(m.bytes, m.appended(false)))
		}
		if err := l.Headers(0, func(Batch, vfs.Pos) error { return nil }); isCorrupt(err) != marker {
			t.Errorf("headers, the damage is in a marker %v: %v", marker, err)
		}
		l.Discard()
		if _, _, err := openWith(Options{FS: fsys, Dir: "/log", CheckBytes: 1}); isCorrupt(err) != marker {
			t.Errorf("the damage is in a marker %v: %v", marker, err)
		}
	}
}
