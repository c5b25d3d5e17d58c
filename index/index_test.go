package index_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"

	"tailrace/index"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// disks runs a test on the real file system and on faultfs.
func disks(t *testing.T, f func(t *testing.T, fsys vfs.FS, dir string)) {
	t.Run("os", func(t *testing.T) { f(t, vfs.OS, t.TempDir()) })
	t.Run("faultfs", func(t *testing.T) { f(t, faultfs.New(), "/") })
}

func TestBytesAreKafkas(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := filepath.Join(dir, "x")
		x, err := index.OpenOffsets(fsys, name, 1000, 10<<20)
		must(t, err)
		must(t, x.Append(index.OffsetEntry{Offset: 1009, Pos: 4200}))
		must(t, x.Append(index.OffsetEntry{Offset: 1000 + 1<<31 - 1, Pos: 1<<31 - 1}))
		must(t, x.Trim())
		must(t, x.Close())
		expect(t, fsys, name, "00000009 00001068 7fffffff 7fffffff")

		y, err := index.OpenTimes(fsys, name+"t", 1000, 10<<20)
		must(t, err)
		must(t, y.Append(index.TimeEntry{Timestamp: 1700000000000, Offset: 1009}))
		must(t, y.Append(index.TimeEntry{Timestamp: 1700000000000, Offset: 1010})) // not above: no entry
		must(t, y.Append(index.TimeEntry{Timestamp: 1700000000001, Offset: 1011}))
		must(t, y.Trim())
		must(t, y.Close())
		expect(t, fsys, name+"t", "0000018bcfe56800 00000009 0000018bcfe56801 0000000b")

		a := index.Aborted{ProducerID: 7, First: 1001, Last: 1005, LastStable: 1006}
		must(t, index.AppendAborted(fsys, name+"x", 0, a))
		expect(t, fsys, name+"x", "0000 0000000000000007 00000000000003e9 00000000000003ed 00000000000003ee")
	})
}

func expect(t *testing.T, fsys vfs.FS, name, want string) {
	t.Helper()
	b, err := vfs.ReadFile(fsys, name)
	must(t, err)
	if got := hex.EncodeToString(b); got != strings.ReplaceAll(want, " ", "") {
		t.Fatalf("%s holds %s, want %s", name, got, want)
	}
}

// fill appends n entries with random gaps and returns them.
func fill(t *testing.T, x *index.Offsets, n int, dice *rand.Rand) []index.OffsetEntry {
	t.Helper()
	var all []index.OffsetEntry
	e := index.OffsetEntry{Offset: 50, Pos: 0}
	for range n {
		e.Offset += wire.Offset(1 + dice.IntN(30))
		e.Pos += vfs.Pos(1 + dice.IntN(9000))
		must(t, x.Append(e))
		all = append(all, e)
	}
	return all
}

func TestLookups(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		dice := rand.New(rand.NewPCG(1, 2))
		for _, n := range []int{0, 1, 2, 63, 64, 65, 500, 5000} {
			name := filepath.Join(dir, "x")
			_ = fsys.Remove(name)
			w, err := index.OpenOffsets(fsys, name, 50, 1<<20)
			must(t, err)
			all := fill(t, w, n, dice)
			lookup(t, w, all, dice)
			must(t, w.Trim())
			must(t, w.Close())
			r, err := index.ReadOffsets(fsys, name, 50)
			must(t, err)
			lookup(t, r, all, dice)
			must(t, r.Close())
			w, err = index.OpenOffsets(fsys, name, 50, 1<<20)
			must(t, err)
			if w.Len() != n {
				t.Fatalf("%d entries after reopening, want %d", w.Len(), n)
			}
			must(t, w.Close())
		}
	})
}

func lookup(t *testing.T, x *index.Offsets, all []index.OffsetEntry, dice *rand.Rand) {
	t.Helper()
	for range 300 {
		off, pos := wire.Offset(45+dice.IntN(20*len(all)+20)), vfs.Pos(dice.IntN(5000*len(all)+10))
		i := sort.Search(len(all), func(i int) bool { return all[i].Offset > off })
		e, ok, err := x.Floor(off)
		must(t, err)
		if ok != (i > 0) || ok && e != all[i-1] {
			t.Fatalf("floor of %d among %d is %v, %v", off, len(all), e, ok)
		}
		i = sort.Search(len(all), func(i int) bool { return all[i].Pos > pos })
		e, ok, err = x.FloorPos(pos)
		must(t, err)
		if ok != (i > 0) || ok && e != all[i-1] {
			t.Fatalf("floor of position %d among %d is %v, %v", pos, len(all), e, ok)
		}
	}
}

func TestTimeLookups(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := filepath.Join(dir, "x")
		w, err := index.OpenTimes(fsys, name, 0, 1<<20)
		must(t, err)
		for i := range 1000 {
			must(t, w.Append(index.TimeEntry{Timestamp: 1e12 + int64(i)*10, Offset: wire.Offset(i)}))
		}
		for _, i := range []int{0, 1, 500, 999} {
			for d := range int64(10) {
				e, ok, err := w.Floor(1e12 + int64(i)*10 + d)
				must(t, err)
				if !ok || e.Offset != wire.Offset(i) {
					t.Fatalf("floor is %v, want offset %d", e, i)
				}
			}
		}
		if _, ok, err := w.Floor(1e12 - 1); ok || err != nil {
			t.Fatal("an entry before the first")
		}
		last, err := w.Last()
		must(t, err)
		if last.Offset != 999 {
			t.Fatalf("last is %v", last)
		}
		must(t, w.Trim())
		must(t, w.Close())
		r, err := index.ReadTimes(fsys, name, 0)
		must(t, err)
		if again, err := r.Last(); err != nil || again != last {
			t.Fatalf("last after reopening is %v, %v", again, err)
		}
		must(t, r.Close())
	})
}

// A kill leaves the reserve; the next writer finds the entries and takes the zeros away.
func TestKillLeavesZeros(t *testing.T) {
	fsys := faultfs.New()
	x, err := index.OpenOffsets(fsys, "x", 0, 1<<20)
	must(t, err)
	all := fill(t, x, 700, rand.New(rand.NewPCG(1, 1)))
	fsys.Restart()
	x, err = index.OpenOffsets(fsys, "x", 0, 1<<20)
	must(t, err)
	if x.Len() != 700 {
		t.Fatalf("%d entries, want 700", x.Len())
	}
	next := index.OffsetEntry{Offset: all[699].Offset + 1, Pos: all[699].Pos + 1}
	must(t, x.Append(next))
	must(t, x.Trim())
	if info, _ := fsys.Stat("x"); info.Size() != 701*8 {
		t.Fatalf("%d bytes after trimming", info.Size())
	}
	must(t, x.Cut(3))
	must(t, x.Append(index.OffsetEntry{Offset: all[2].Offset + 1, Pos: all[2].Pos + 1}))
}

func TestDisorderIsDamage(t *testing.T) {
	entries := "00000009 00001000 00000019 00002000 00000029 00003000"
	for _, bad := range []string{
		"00000009 00001000 00000009 00002000 00000029 00003000", // offset does not ascend
		"00000009 00001000 00000019 00001000 00000029 00003000", // position does not
		"00000009 00001000 80000019 00002000 00000029 00003000", // negative
		"00000009 00001000 00000000 00000000 00000029 00003000", // a hole
		entries + "000000",
	} {
		fsys := faultfs.New()
		raw, err := hex.DecodeString(strings.ReplaceAll(bad, " ", ""))
		must(t, err)
		write(t, fsys, "x", raw)
		x, err := index.OpenOffsets(fsys, "x", 0, 1<<20)
		var damage *index.DamagedError
		if bad == entries+"000000" {
			must(t, err) // zeros behind the entries are a reserve
			if x.Len() != 3 {
				t.Errorf("%d entries", x.Len())
			}
			_, err = index.ReadOffsets(fsys, "x", 0) // but not in a complete one
		}
		if !errors.As(err, &damage) {
			t.Errorf("%s opens with %v", bad, err)
		}
	}
}

func write(t testing.TB, fsys vfs.FS, name string, b []byte) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	must(t, err)
	_, err = f.WriteAt(b, 0)
	must(t, err)
	must(t, f.Close())
}

func TestFullAndNoSpace(t *testing.T) {
	fsys := faultfs.New()
	x, err := index.OpenOffsets(fsys, "x", 0, 8192)
	must(t, err)
	fsys.SetCapacity(4096)
	e := index.OffsetEntry{}
	for range 512 {
		e.Offset, e.Pos = e.Offset+1, e.Pos+1
		must(t, x.Append(e))
	}
	e.Offset, e.Pos = e.Offset+1, e.Pos+1
	if x.HasRoom() {
		t.Fatal("room on a full disk")
	}
	if err := x.Append(e); !errors.Is(err, syscall.ENOSPC) || x.Len() != 512 {
		t.Fatalf("append on a full disk: %v, %d entries", err, x.Len())
	}
	fsys.SetCapacity(1 << 20)
	for x.Len() < 1024 {
		must(t, x.Append(e))
		e.Offset, e.Pos = e.Offset+1, e.Pos+1
	}
	if err := x.Append(e); !errors.Is(err, index.ErrFull) || !x.Full() {
		t.Fatalf("append to a full index: %v", err)
	}
}

func TestAborted(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := filepath.Join(dir, "x.txnindex")
		a := index.Aborted{ProducerID: 1, First: 12, Last: 14, LastStable: 15}
		b := index.Aborted{ProducerID: 2, First: 10, Last: 20, LastStable: 21}
		must(t, index.AppendAborted(fsys, name, 0, a))
		must(t, index.AppendAborted(fsys, name, 1, b))
		f, err := fsys.OpenFile(name, os.O_RDWR, 0)
		must(t, err)
		_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, 33), 68) // torn
		must(t, err)
		must(t, f.Close())
		all, err := index.ReadAborted(fsys, name, 10)
		must(t, err)
		if len(all) != 2 || all[0] != a || all[1] != b {
			t.Fatalf("read %v", all)
		}
		must(t, index.CutAborted(fsys, name, 1))
		all, err = index.ReadAborted(fsys, name, 10)
		must(t, err)
		if len(all) != 1 || all[0] != a {
			t.Fatalf("read %v after the cut", all)
		}
		var damage *index.DamagedError
		if all, err = index.ReadAborted(fsys, name, 15); !errors.As(err, &damage) || len(all) != 0 {
			t.Fatalf("an entry before the segment: %v, %v", all, err)
		}
	})
}

func TestNoAllocations(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		if fsys != vfs.OS {
			return // memory grows there
		}
		name := filepath.Join(dir, "x")
		x, err := index.OpenOffsets(fsys, name, 0, 10<<20)
		must(t, err)
		e := index.OffsetEntry{}
		if n := testing.AllocsPerRun(5000, func() {
			e.Offset, e.Pos = e.Offset+1, e.Pos+10
			must(t, x.Append(e))
			_, _, err := x.Floor(e.Offset / 2)
			must(t, err)
			_, _, err = x.FloorPos(e.Pos / 2)
			must(t, err)
		}); n != 0 {
			t.Errorf("%v allocations while writing", n)
		}
		must(t, x.Trim())
		must(t, x.Close())
		x, err = index.ReadOffsets(fsys, name, 0)
		must(t, err)
		if n := testing.AllocsPerRun(5000, func() {
			_, _, err := x.Floor(e.Offset / 3)
			must(t, err)
		}); n != 0 {
			t.Errorf("%v allocations while reading", n)
		}
		must(t, x.Close())
	})
}

// FuzzIndexOpen: no bytes make an index panic, and whatever opens can be searched and appended to.
func FuzzIndexOpen(f *testing.F) {
	f.Add([]byte{}, int64(3))
	f.Add(bytes.Repeat([]byte{0, 0, 0, 9, 0, 0, 16, 0}, 3), int64(9))
	f.Add(append(bytes.Repeat([]byte{0, 0, 0, 1}, 6), make([]byte, 100)...), int64(1))
	f.Fuzz(func(t *testing.T, data []byte, want int64) {
		fsys := faultfs.New()
		write(t, fsys, "x", data)
		if x, err := index.OpenOffsets(fsys, "x", 5, 4096); err == nil {
			last, err := x.Last()
			must(t, err)
			if e, ok, err := x.Floor(wire.Offset(want)); err != nil || ok && e.Offset > wire.Offset(want) {
				t.Fatalf("floor of %d is %v, %v", want, e, err)
			}
			if !x.Full() && last.Offset < 1<<30 && last.Pos < 1<<30 {
				must(t, x.Append(index.OffsetEntry{Offset: last.Offset + 6, Pos: last.Pos + 1}))
			}
		}
		if x, err := index.ReadOffsets(fsys, "x", 5); err == nil {
			_, _, err = x.FloorPos(vfs.Pos(want))
			must(t, err)
		}
		if x, err := index.OpenTimes(fsys, "x", 5, 4096); err == nil {
			_, _, err = x.Floor(want)
			must(t, err)
		}
		if x, err := index.ReadTimes(fsys, "x", 5); err == nil {
			_, _, err = x.Floor(want)
			must(t, err)
		}
		_, _ = index.ReadAborted(fsys, "x", 5)
	})
}
