package segment

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tailrace/batch"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

// small makes a log of n batches in one segment and returns its files and batches.
func small(t testing.TB, n int, c *Config) (map[string][]byte, []made) {
	t.Helper()
	fsys := faultfs.New()
	must(t, fsys.Mkdir("/log", 0o755))
	l := open(t, Options{FS: fsys, Dir: "/log", Config: c})
	all := appendN(t, l, n)
	must(t, l.Close())
	return files0(t, fsys), all
}

func files0(t testing.TB, fsys vfs.FS) map[string][]byte {
	t.Helper()
	entries, err := fsys.ReadDir("/log")
	must(t, err)
	files := map[string][]byte{}
	for _, e := range entries {
		b, err := vfs.ReadFile(fsys, filepath.Join("/log", e.Name()))
		must(t, err)
		files[e.Name()] = b
	}
	return files
}

func lay(t testing.TB, files map[string][]byte) *faultfs.FS {
	t.Helper()
	fsys := faultfs.New()
	must(t, fsys.Mkdir("/log", 0o755))
	for name, data := range files {
		write(t, fsys, name, data)
	}
	return fsys
}

func write(t testing.TB, fsys vfs.FS, name string, data []byte) {
	t.Helper()
	f, err := fsys.OpenFile("/log/"+name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	must(t, err)
	if len(data) > 0 {
		_, err = f.WriteAt(data, 0)
		must(t, err)
	}
	must(t, f.Close())
}

const first = "00000000000000000000"

// TestEveryByteOfALogFlipped: whatever is damaged, nothing but the batches that were appended is served, unless the CRC
// tells the client; and where the recovery had to look, it noticed. What it believes by its header it need not notice,
// but for the last batch.
func TestEveryByteOfALogFlipped(t *testing.T) {
	files, all := small(t, 7, testConfig())
	end := all[len(all)-1].next()
	raw := slices.Clone(files[first+logSuffix])
	lastAt := len(raw) - len(all[len(all)-1].bytes)
	for at := range raw {
		for _, mask := range []byte{0x01, 0x80, 0xff} {
			flipped := slices.Clone(raw)
			flipped[at] ^= mask
			files[first+logSuffix] = flipped
			for _, point := range []wire.Offset{0, all[3].base, end} {
				for _, kind := range []string{"clean", "kill", "believed", "power"} {
					o := Options{FS: lay(t, files), Dir: "/log", RecoveryPoint: point,
						Clean: kind == "clean", PowerLoss: kind == "power"}
					if kind == "believed" {
						o.CheckBytes = 1
					}
					l, rec, err := openWith(o)
					noticed := err != nil || len(rec.Truncated) > 0
					if err != nil {
						if !isCorrupt(err) {
							t.Fatalf("byte %d, %s: %v", at, kind, err)
						}
						continue
					}
					got, err := readAll(l, l.Start(), 1)
					if err != nil && !isCorrupt(err) {
						t.Fatalf("byte %d, %s: %v", at, kind, err)
					}
					noticed = noticed || err != nil
					if !mayServe(got, raw) && !noticed {
						t.Fatalf("byte %d (^%x), %s from %d: wrong bytes are served (%+v)", at, mask, kind, point, rec)
					}
					looked := kind == "kill" || kind == "power" || kind == "believed" && at >= lastAt
					if point == 0 && looked && !noticed && !outsideCRC(all, at) {
						t.Fatalf("byte %d (^%x), %s: the recovery noticed nothing", at, mask, kind)
					}
					l.Discard()
				}
			}
		}
	}
}

// outsideCRC: the leader epoch can be changed unnoticed, and so can a base offset that still ascends.
func outsideCRC(all []made, at int) bool {
	for _, m := range all {
		if at < len(m.bytes) {
			return at < 8 || at >= 12 && at < 16
		}
		at -= len(m.bytes)
	}
	return false
}

// mayServe: got is a prefix of want but for bytes that the client will refuse or the CRC does not cover.
func mayServe(got, want []byte) bool {
	for len(got) > 0 {
		v, rest, code := batch.Next(got)
		if code != 0 || len(v) > len(want) {
			return false
		}
		if !bytes.Equal(v[16:], want[16:len(v)]) && v.ComputeCRC() == v.CRC() {
			return false
		}
		got, want = rest, want[len(v):]
	}
	return true
}

// TestEveryByteOfAnIndexFlipped: an index is a hint. Whatever it says, reads are right and nothing fails; what leads
// astray is rebuilt with one warning.
func TestEveryByteOfAnIndexFlipped(t *testing.T) {
	c := testConfig()
	c.SegmentBytes = 1 << 20
	files, all := small(t, 60, c)
	end := all[len(all)-1].next()
	for _, suffix := range []string{indexSuffix, timeSuffix} {
		raw := files[first+suffix]
		for at := range raw {
			for _, mask := range []byte{0x01, 0x10, 0xff} {
				flipped := slices.Clone(raw)
				flipped[at] ^= mask
				files[first+suffix] = flipped
				for _, clean := range []bool{true, false} {
					warned := 0
					l, _, err := openWith(Options{FS: lay(t, files), Dir: "/log", Config: c, Clean: clean, RecoveryPoint: end,
						Warn: func(string, ...any) { warned++ }})
					must(t, err)
					for i := 0; i < len(all); i += 7 {
						r, err := l.Read(all[i].base, 900, end, true)
						must(t, err)
						if !bytes.HasPrefix(joined(all[i:]), content(t, r)) {
							t.Fatalf("%s byte %d: wrong bytes at %d", suffix, at, all[i].base)
						}
					}
					all := append(all, appendN(t, l, 3)...)
					mustHold(t, l, all)
					if warned > 1 {
						t.Fatalf("%s byte %d: %d warnings", suffix, at, warned)
					}
					l.Discard()
				}
			}
		}
		files[first+suffix] = raw
	}
	for _, gone := range []string{indexSuffix, timeSuffix} {
		left := map[string][]byte{}
		for name, data := range files {
			if !strings.HasSuffix(name, gone) {
				left[name] = data
			}
		}
		l := open(t, Options{FS: lay(t, left), Dir: "/log", Config: c, Clean: true, RecoveryPoint: end})
		mustHold(t, l, all)
		mustHold(t, l, append(all, appendN(t, l, 3)...))
	}
}

// TestWhatIsATornTail is the rule of design: cut above the recovery point if nothing good follows, else refuse.
func TestWhatIsATornTail(t *testing.T) {
	files, all := small(t, 8, testConfig())
	raw := files[first+logSuffix]
	pos := func(i int) int { return len(joined(all[:i])) }
	last, end := all[7], all[7].next()
	bad := func(at int) []byte { b := slices.Clone(raw); b[at] ^= 1; return b }
	nested := append(slices.Clone(raw), makeBatch(end, 1, startMs, 2000).bytes...)
	inner := makeBatch(end+5, 1, startMs, 100).bytes
	copy(nested[len(raw)+100:], inner)
	clear(nested[len(raw)+1200:]) // torn: the end was not written
	for _, c := range []struct {
		name    string
		log     []byte
		point   wire.Offset
		power   bool
		end     wire.Offset // -1: refused
		trimmed bool        // nothing was lost
		unseen  bool        // where batches are believed by their headers, it is for others to find
	}{
		{name: "whole", log: raw, end: end},
		{name: "last batch bad", log: bad(len(raw) - 1), end: last.base},
		{name: "last header bad", log: bad(pos(7) + 9), end: last.base},
		{name: "half of the last batch", log: raw[:pos(7)+90], end: last.base},
		{name: "less than a header", log: raw[:pos(7)+11], end: last.base},
		{name: "a reserve behind", log: append(slices.Clone(raw), make([]byte, 9000)...), end: end, trimmed: true},
		{name: "torn, a reserve behind", log: append(raw[:pos(7)+100:pos(7)+100], make([]byte, 9000)...), end: last.base},
		{name: "last header bad, but synced", log: bad(pos(7) + 9), point: end, end: -1},
		{name: "zeros where synced batches were", log: append(raw[:pos(6):pos(6)], make([]byte, 500)...),
			point: end, end: -1},
		{name: "good batches behind", log: bad(pos(4) + 70), end: -1, unseen: true},
		{name: "good batches behind a bad length", log: bad(pos(4) + 10), end: -1},
		{name: "good batches behind, power lost", log: bad(pos(4) + 70), power: true, end: all[4].base},
		{name: "good batches behind, power lost, synced", log: bad(pos(4) + 9), point: all[5].base, power: true, end: -1},
		{name: "a batch inside a torn one", log: nested, end: end},
		{name: "noise behind", log: append(slices.Clone(raw), bytes.Repeat([]byte{2, 0, 0, 0, 60}, 300)...), end: end},
	} {
		files[first+logSuffix] = c.log
		var replayed []byte
		warned := 0
		o := Options{FS: lay(t, files), Dir: "/log", RecoveryPoint: c.point, PowerLoss: c.power,
			OnBatch: func(b Batch) { replayed = append(replayed, b...) }, Warn: func(string, ...any) { warned++ }}
		if !c.unseen {
			mustJudgeAlike(t, c.name, o, files, c.end)
		}
		l, rec, err := openWith(o)
		if c.end < 0 {
			var corrupt *CorruptError
			if !errors.As(err, &corrupt) || corrupt.File != "/log/"+first+logSuffix {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil || l.End() != c.end {
			t.Errorf("%s: %v, end %d", c.name, err, l.End())
			continue
		}
		if lost := len(c.log) != len(raw) || c.end != end; (len(rec.Truncated) > 0) != (lost && !c.trimmed) {
			t.Errorf("%s: recovered %+v", c.name, rec)
		}
		if !bytes.HasPrefix(raw, replayed) || len(replayed) == 0 {
			t.Errorf("%s: %d bytes were replayed", c.name, len(replayed))
		}
		n := slices.IndexFunc(all, func(m made) bool { return m.base >= c.end })
		if n < 0 {
			n = len(all)
		}
		mustHold(t, l, all[:n])
		l.Discard()
	}
}

// mustJudgeAlike: where headers are believed, what is wrong with the log is judged as where they are not.
func mustJudgeAlike(t *testing.T, name string, o Options, files map[string][]byte, end wire.Offset) {
	t.Helper()
	o.FS, o.CheckBytes, o.OnBatch = lay(t, files), 1, nil
	l, _, err := openWith(o)
	if isCorrupt(err) != (end < 0) || err == nil && l.End() != end {
		t.Errorf("%s, believed: %v", name, err)
	}
}

// TestLeftovers: what an unfinished roll, deletion or cleaning leaves is dropped, a finished cleaning is completed.
func TestLeftovers(t *testing.T) {
	files, all := small(t, 40, testConfig())
	var bases []string
	for name := range files {
		if base, ok := strings.CutSuffix(name, logSuffix); ok {
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	if len(bases) < 3 {
		t.Fatalf("only %d segments", len(bases))
	}
	junk := []byte("whatever it was")
	for _, name := range []string{"09223372036854775807.log.cleaned", "09223372036854775807.index.cleaned",
		first + ".log.deleted", first + ".timeindex.deleted", "00000000000000000777.index"} {
		files[name] = junk
	}
	files["leader-epoch-checkpoint"] = junk
	swap := bases[1] + logSuffix
	files[swap+".swap"] = files[swap]
	files[swap] = junk
	l, rec, err := openWith(Options{FS: lay(t, files), Dir: "/log"})
	must(t, err)
	mustHold(t, l, all)
	if len(rec.Removed) < 6 {
		t.Errorf("removed %v", rec.Removed)
	}
	must(t, l.Close())
	for name := range files0(t, l.fs) {
		if _, _, condition, ok := parseName(name); ok && condition != "" || name == "00000000000000000777.index" {
			t.Errorf("%s is still there", name)
		}
		delete(files, name)
	}
}
