package segment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"tailrace/vfs"
	"tailrace/wire"
)

// threeSegments makes a log of three batches in sealed segments at 0, 2 and 4, and an active one at 6.
func threeSegments(t testing.TB, fsys vfs.FS, dir string) (*Log, []made) {
	t.Helper()
	l := open(t, Options{FS: fsys, Dir: dir})
	var all []made
	for i := range 4 {
		m := makeBatch(l.End(), 2, startMs+int64(i), 100)
		must(t, l.Append(m.bytes, m.appended(false)))
		all = append(all, m)
		if i < 3 {
			must(t, l.Roll())
		}
	}
	_, err := l.Sync()
	must(t, err)
	return l, all
}

// TestReplace: one segment takes the place of three; a reader that holds a span of the old ones keeps its bytes, also
// when their files are unlinked.
func TestReplace(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		l, all := threeSegments(t, fsys, dir)
		held, err := l.Read(2, 1000, l.End(), true)
		must(t, err)
		r, err := l.Replace(0, 6, 0)
		must(t, err)
		if _, err := l.Replace(0, 6, 0); err == nil || !strings.HasPrefix(err.Error(), "BUG: ") {
			t.Errorf("a second replacement: %v", err)
		}
		n := 0
		must(t, r.Batches(func(b Batch, last bool) error {
			if last != (n == 2) || !bytes.Equal(b, all[n].bytes) {
				t.Errorf("batch %d is the last: %v", n, last)
			}
			if n++; n == 2 {
				return nil // it goes
			}
			return r.Append(b)
		}))
		if err := r.Append(all[0].bytes); !errors.Is(err, ErrUnfit) {
			t.Errorf("a batch out of order: %v", err)
		}
		mustHold(t, l, all)
		must(t, r.Commit())
		r.Abort()
		want := []made{all[0], all[2], all[3]}
		mustHold(t, l, want)
		if got := fmt.Sprint(l.Segments()); got != fmt.Sprint([]Info{{0, 322}, {6, 161}}) {
			t.Errorf("segments %s", got)
		}
		if res, err := l.Read(2, 1000, l.End(), true); err != nil || res.Next != 6 {
			t.Errorf("a read where the batch is gone: %+v, %v", res, err)
		} else {
			res.Span.Release()
		}
		_, err = l.Purge(startMs)
		must(t, err)
		if got := content(t, held); !bytes.Equal(got, all[1].bytes) {
			t.Errorf("the span that was held has %d other bytes", len(got))
		}
		entries, err := fsys.ReadDir(dir)
		must(t, err)
		for _, e := range entries {
			if _, _, condition, ok := parseName(e.Name()); !ok || condition != "" {
				t.Errorf("%s is left", e.Name())
			}
		}
		if _, err := l.Replace(2, 6, 0); !errors.Is(err, ErrOvertaken) {
			t.Errorf("a replacement of what is gone: %v", err)
		}
		must(t, l.Close())
		l = open(t, Options{FS: fsys, Dir: dir, Clean: true, RecoveryPoint: l.End()})
		mustHold(t, l, want)
		must(t, l.Close())
	})
}

// TestStartCompletesAReplacement whatever state of it a stop has left, as Kafka's would.
func TestStartCompletesAReplacement(t *testing.T) {
	rename := func(t *testing.T, fsys vfs.FS, base wire.Offset, from, to string) {
		t.Helper()
		for _, suffix := range []string{".log", ".index", ".timeindex"} {
			name := "/log/" + baseName(base) + suffix
			must(t, fsys.Rename(name+from, name+to))
		}
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T, fsys vfs.FS)
		want []int
	}{
		{"not yet swapped", func(t *testing.T, fsys vfs.FS) {
			write(t, fsys, baseName(0)+".index.swap", []byte("12345678"))
			write(t, fsys, "09223372036854775806.log.cleaned", []byte("x"))
		}, []int{0, 1, 2, 3}},
		{"the log file alone", func(t *testing.T, fsys vfs.FS) {
			write(t, fsys, baseName(0)+".log.swap", joined([]made{makeBatch(4, 2, startMs+2, 100)}))
		}, []int{2, 3}},
		{"old files half gone", func(t *testing.T, fsys vfs.FS) {
			write(t, fsys, baseName(0)+".log.swap", joined([]made{makeBatch(4, 2, startMs+2, 100)}))
			write(t, fsys, baseName(0)+".index.swap", nil)
			rename(t, fsys, 2, "", ".deleted")
		}, []int{2, 3}},
		{"up to the middle", func(t *testing.T, fsys vfs.FS) {
			write(t, fsys, baseName(0)+".log.swap", joined([]made{makeBatch(2, 2, startMs+1, 100)}))
		}, []int{1, 2, 3}},
	} {
		fsys := newFaultFS(t)
		l, all := threeSegments(t, fsys, "/log")
		must(t, l.Close())
		c.make(t, fsys)
		l, rec, err := openWith(Options{FS: fsys, Dir: "/log", Clean: true, RecoveryPoint: l.End()})
		must(t, err)
		var want []made
		for _, i := range c.want {
			want = append(want, all[i])
		}
		mustHold(t, l, want)
		if len(rec.Removed) == 0 {
			t.Errorf("%s: nothing was removed", c.name)
		}
		must(t, l.Close())
		for _, name := range []string{"/log/" + baseName(0) + ".index.swap", "/log/09223372036854775806.log.cleaned"} {
			if _, err := fsys.Stat(name); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %s is left: %v", c.name, name, err)
			}
		}
	}
}

// TestFullDiskEndsAReplacement and nothing else.
func TestFullDiskEndsAReplacement(t *testing.T) {
	fsys := newFaultFS(t)
	l, all := threeSegments(t, fsys, "/log")
	r, err := l.Replace(0, 6, 0)
	must(t, err)
	fsys.SetCapacity(1)
	err = r.Batches(func(b Batch, _ bool) error { return r.Append(b) })
	if err == nil {
		err = r.Commit()
	}
	r.Abort()
	if !errors.Is(err, ErrNoSpace) {
		t.Errorf("a full disk: %v", err)
	}
	fsys.SetCapacity(1 << 40)
	mustHold(t, l, all)
	m := makeBatch(l.End(), 1, startMs, 10)
	must(t, l.Append(m.bytes, m.appended(false)))
	r, err = l.Replace(0, 6, 0)
	must(t, err)
	must(t, r.Batches(func(b Batch, _ bool) error { return r.Append(b) }))
	must(t, r.Commit())
	mustHold(t, l, append(all, m))
}

// TestReplacementWithSmallIndexes: where segment.index.bytes was lowered, the indexes of a replacement have few
// entries, but the last one still tells the largest timestamp: retention goes by it.
func TestReplacementWithSmallIndexes(t *testing.T) {
	fsys := newFaultFS(t)
	c := *testConfig()
	c.SegmentBytes, c.IndexIntervalBytes = 1<<20, 100
	l := open(t, Options{FS: fsys, Dir: "/log", Config: &c})
	for i := range 1000 {
		m := makeBatch(l.End(), 1, startMs+int64(i), 100)
		must(t, l.Append(m.bytes, m.appended(false)))
	}
	must(t, l.Roll())
	small := c
	small.IndexBytes = 0
	l.SetConfig(&small)
	r, err := l.Replace(0, 1000, 0)
	must(t, err)
	must(t, r.Batches(func(b Batch, _ bool) error { return r.Append(b) }))
	must(t, r.Commit())
	must(t, l.Close())
	l = open(t, Options{FS: fsys, Dir: "/log", Config: &small, Clean: true, RecoveryPoint: l.End()})
	if ts, err := l.LargestTimestamp(0); err != nil || ts != startMs+999 {
		t.Errorf("the largest timestamp is %d, %v, want %d", ts, err, startMs+999)
	}
	must(t, l.Close())
}
