package faultfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// content is what a file holds, "-" when there is none.
func content(t testing.TB, f *faultfs.FS, name string) string {
	t.Helper()
	b, err := vfs.ReadFile(f, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	must(t, err)
	return string(b)
}

func write(t testing.TB, file vfs.File, text string, pos int64) {
	t.Helper()
	_, err := file.WriteAt([]byte(text), pos)
	must(t, err)
}

// outcomes collects what clones show.
func outcomes(f *faultfs.FS, show func(c *faultfs.FS) string) []string {
	var seen []string
	for seed := range uint64(300) {
		if s := show(f.CrashClone(dice(seed))); !slices.Contains(seen, s) {
			seen = append(seen, s)
		}
	}
	slices.Sort(seen)
	return seen
}

func wantOutcomes(t *testing.T, f *faultfs.FS, show func(c *faultfs.FS) string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := outcomes(f, show); !slices.Equal(got, want) {
		t.Fatalf("crash clones show %q, want %q", got, want)
	}
}

func TestWhatSyncMakesDurable(t *testing.T) {
	f := faultfs.New()
	must(t, f.Mkdir("/d", 0o755))
	file := open(t, f, "/d/f")
	write(t, file, "old", 0)
	must(t, file.SyncData())
	show := func(c *faultfs.FS) string { return content(t, c, "/d/f") }
	wantOutcomes(t, f, show, "-", "old") // synced, but its entry is not
	must(t, f.SyncDir("/d"))
	wantOutcomes(t, f, show, "-", "old") // nor is its directory's
	must(t, f.SyncDir("/"))
	wantOutcomes(t, f, show, "old")

	write(t, file, "new and longer", 0)
	if got := show(f.CrashClone(nil)); got != "old" {
		t.Fatalf("without dice a clone holds %q", got)
	}
	got := outcomes(f, show)
	for _, want := range []string{"old", "new", "new and longer", "old" + strings.Repeat("\x00", 11)} {
		if !slices.Contains(got, want) {
			t.Errorf("no clone holds %q: %q", want, got)
		}
	}
	must(t, f.SyncFS("/"))
	wantOutcomes(t, f, show, "new and longer")
	must(t, f.RemoveAll("/d"))
	wantOutcomes(t, f, show, "-", "new and longer")
}

func TestRenameIsDurableAfterSyncDir(t *testing.T) {
	f := faultfs.New()
	must(t, f.Mkdir("/d", 0o755))
	for _, name := range []string{"/a", "/b"} {
		write(t, open(t, f, name), "was "+name, 0)
	}
	must(t, f.SyncFS("/"))
	show := func(c *faultfs.FS) string {
		return content(t, c, "/a") + "," + content(t, c, "/b") + "," + content(t, c, "/d/c")
	}
	must(t, f.Rename("/a", "/b"))
	wantOutcomes(t, f, show, "was /a,was /b,-", "-,was /a,-")
	must(t, f.Rename("/b", "/d/c"))
	wantOutcomes(t, f, show, "was /a,was /b,-", "-,was /a,-", "-,-,was /a")
	must(t, f.SyncDir("/")) // a move is durable when both directories are
	wantOutcomes(t, f, show, "-,was /a,-", "-,-,was /a")
	must(t, f.SyncDir("/d"))
	wantOutcomes(t, f, show, "-,-,was /a")
}

func TestFailedSyncLosesForGood(t *testing.T) {
	f := faultfs.New()
	file := open(t, f, "f")
	write(t, file, strings.Repeat("a", 1024), 0)
	must(t, f.SyncFS("/"))
	write(t, file, strings.Repeat("b", 1024), 0)
	f.FailNth(1, syscall.EIO, faultfs.SyncData)
	mustBe(t, file.SyncData(), syscall.EIO)
	must(t, file.SyncData())                      // succeeds, and means nothing
	write(t, file, strings.Repeat("c", 512), 512) // makes the sector dirty again
	must(t, file.SyncData())
	if got := content(t, f, "f"); got != strings.Repeat("b", 512)+strings.Repeat("c", 512) {
		t.Errorf("a read before the crash shows %.1q…", got)
	}
	wantOutcomes(t, f, func(c *faultfs.FS) string { return content(t, c, "f") },
		strings.Repeat("a", 512)+strings.Repeat("c", 512))

	open(t, f, "lost")
	f.FailNth(1, syscall.EIO, faultfs.SyncDir)
	mustBe(t, f.SyncDir("/"), syscall.EIO)
	must(t, f.SyncDir("/"))
	wantOutcomes(t, f, func(c *faultfs.FS) string { return content(t, c, "lost") }, "-")
}

func TestCrashTearsStoresBySector(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(100) {
		f := faultfs.New()
		f.Seed(seed)
		_, m := reserved(t, f, "f", 4096)
		f.CrashAtOp(f.Ops() + 1)
		mustBe(t, m.WriteAt(bytes.Repeat([]byte{'x'}, 1536), 256), faultfs.ErrCrashed)
		mustBe(t, m.WriteAt([]byte("later"), 0), faultfs.ErrCrashed)
		got := content(t, f, "f")
		state := ""
		for at := 256; at < 1792; at = at/512*512 + 512 {
			part := got[at:min(at/512*512+512, 1792)]
			switch strings.Count(part, "x") {
			case 0:
				state += "."
			case len(part):
				state += "x"
			default:
				t.Fatalf("a sector is torn: %q", part)
			}
		}
		seen[state] = true
	}
	if len(seen) != 16 {
		t.Errorf("of 16 ways to tear four sectors %d were seen", len(seen))
	}
}

// A clone forgets reservations that were not synced, so recovery must not trust them.
func TestReservationsNeedASync(t *testing.T) {
	f := faultfs.New()
	f.SetCapacity(1 << 20)
	file := open(t, f, "f")
	must(t, f.SyncDir("/"))
	must(t, file.Allocate(0, 1<<16))
	used := func(c *faultfs.FS) int64 {
		u, err := c.Usage("/")
		must(t, err)
		return u.TotalBytes - u.FreeBytes
	}
	if n := used(f.CrashClone(nil)); n != 0 {
		t.Errorf("%d bytes reserved without a sync", n)
	}
	must(t, file.SyncData())
	if n := used(f.CrashClone(nil)); n != 1<<16 {
		t.Errorf("%d bytes reserved after a sync", n)
	}
}

// Whatever happens to one file, each sector of it after a crash holds what it held at one of the moments since the
// last sync, and the size lies between those it had.
func TestFileAfterACrash(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := faultfs.New()
		file, m := reserved(t, f, "f", 2048)
		must(t, f.SyncFS("/"))
		moments := []string{content(t, f, "f")}
		for i := range rapid.IntRange(1, 20).Draw(rt, "steps") {
			mark := bytes.Repeat([]byte{byte('a' + i)}, rapid.IntRange(1, 1500).Draw(rt, "length"))
			at := rapid.IntRange(0, 3000).Draw(rt, "at")
			switch rapid.IntRange(0, 4).Draw(rt, "kind") {
			case 0, 1:
				write(t, file, string(mark), int64(at))
			case 2:
				_ = m.WriteAt(mark, vfs.Pos(at)) // refused when it lies outside
			case 3:
				must(t, file.Truncate(int64(at)))
			case 4:
				must(t, file.SyncData())
				moments = nil
			}
			moments = append(moments, content(t, f, "f"))
		}
		after := content(t, f.CrashClone(dice(rapid.Uint64().Draw(rt, "dice"))), "f")
		checkSectors(rt, after, moments)
		checkSectors(rt, content(t, f.CrashClone(nil), "f"), moments[:1])
	})
}

func checkSectors(t *rapid.T, after string, moments []string) {
	low, high := len(moments[0]), 0
	for _, m := range moments {
		low, high = min(low, len(m)), max(high, len(m))
	}
	if len(after) < low || len(after) > high {
		t.Fatalf("the size is %d, it was %d to %d", len(after), low, high)
	}
	sector := func(s string, at, end int) string {
		s += strings.Repeat("\x00", max(0, end-len(s)))
		return s[at:end]
	}
	for at := 0; at < len(after); at += 512 {
		end := min(at+512, len(after))
		if !slices.ContainsFunc(moments, func(m string) bool { return sector(m, at, end) == after[at:end] }) {
			t.Fatalf("bytes [%d, %d) were never %q", at, end, after[at:end])
		}
	}
}

// Whatever happens to the names of a directory, a crash shows under each name what stood there at one of the moments
// since the last SyncDir, and a file whose entry was durable is not lost by being renamed.
func TestNamesAfterACrash(t *testing.T) {
	names := []string{"a", "b", "c", "d"}
	rapid.Check(t, func(rt *rapid.T) {
		f := faultfs.New()
		state := func(f *faultfs.FS) []string {
			var all []string
			for _, name := range names {
				all = append(all, content(t, f, name))
			}
			return all
		}
		moments := [][]string{state(f)}
		gone := map[string]bool{"-": true} // removed or replaced since the last SyncDir
		for i := range rapid.IntRange(1, 20).Draw(rt, "steps") {
			name := rapid.SampledFrom(names).Draw(rt, "name")
			other := rapid.SampledFrom(names).Draw(rt, "other")
			switch rapid.IntRange(0, 4).Draw(rt, "kind") {
			case 0, 1:
				if content(t, f, name) == "-" {
					file := open(t, f, name)
					write(t, file, fmt.Sprint("file ", i), 0)
					must(t, file.SyncData())
				}
			case 2:
				if replaced := content(t, f, other); f.Rename(name, other) == nil && name != other {
					gone[replaced] = true
				}
			case 3:
				gone[content(t, f, name)] = true
				_ = f.Remove(name)
			case 4:
				must(t, f.SyncDir("."))
				moments, gone = nil, map[string]bool{"-": true}
			}
			moments = append(moments, state(f))
		}
		after := state(f.CrashClone(dice(rapid.Uint64().Draw(rt, "dice"))))
		checkNames(rt, after, moments, gone)
		if got := state(f.CrashClone(nil)); !slices.Equal(got, moments[0]) {
			rt.Fatalf("the durable names are %q, want %q", got, moments[0])
		}
	})
}

func checkNames(t *rapid.T, after []string, moments [][]string, gone map[string]bool) {
	seen := map[string]bool{}
	for i, got := range after {
		if !slices.ContainsFunc(moments, func(m []string) bool { return m[i] == got }) && got != "" {
			t.Fatalf("name %d never stood for %q", i, got)
		}
		if seen[got] && got != "-" {
			t.Fatalf("%q has two names", got)
		}
		seen[got] = true
	}
	for _, durable := range moments[0] {
		if !gone[durable] && !seen[durable] {
			t.Fatalf("%q was durable and was lost: %q", durable, after)
		}
	}
}

// WriteFileAtomic, crashed at each operation and failed at each: old or new, and new once it has returned nil.
func TestWriteFileAtomicAtEveryPoint(t *testing.T) {
	before, after := strings.Repeat("old", 500), strings.Repeat("new!", 300)
	fresh := func() *faultfs.FS {
		f := faultfs.New()
		must(t, vfs.WriteFileAtomic(f, "f", []byte(before)))
		return f
	}
	for n := 1; ; n++ {
		crashing, failing := fresh(), fresh()
		crashing.CrashAtOp(crashing.Ops() + n)
		failing.FailNth(n, syscall.EIO)
		for name, f := range map[string]*faultfs.FS{"crash": crashing, "failure": failing} {
			err := vfs.WriteFileAtomic(f, "f", []byte(after))
			for seed := range uint64(50) {
				got := content(t, f.CrashClone(dice(seed)), "f")
				if got != after && (err == nil || got != before) {
					t.Fatalf("%s at operation %d (%v) leaves %.20q…", name, n, err, got)
				}
			}
			if got := content(t, f.CrashClone(nil), "f"); err == nil && got != after {
				t.Fatalf("returned nil and lost the new content: %.20q…", got)
			}
		}
		if !crashing.Crashed() && failing.Injected() == 0 {
			if n < 6 {
				t.Fatalf("only %d operations were counted", n-1)
			}
			return
		}
	}
}
