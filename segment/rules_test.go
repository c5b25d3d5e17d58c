package segment

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

// put appends a batch with the given timestamp at the given time.
func put(t testing.TB, l *Log, ts, nowMs int64, payload int) made {
	t.Helper()
	m := makeBatch(l.End(), 1, ts, payload)
	a := m.appended(false)
	a.AppendTimeMs = nowMs
	must(t, l.Append(m.bytes, a))
	return m
}

func TestWhenASegmentRolls(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(c *Config)
		tss    []int64 // of 40-byte batches
		bases  []wire.Offset
	}{
		{"size", func(c *Config) { c.SegmentBytes = 250 }, []int64{1, 2, 3, 4, 5}, []wire.Offset{0, 2, 4}},
		{"time of the batches", func(c *Config) { c.SegmentMs = 10 },
			[]int64{100, 105, 110, 111, 105, 122}, []wire.Offset{0, 3, 5}},
		{"no time", func(c *Config) { c.SegmentMs = 0 }, []int64{0, 1 << 40}, []wire.Offset{0}},
		{"index full", func(c *Config) { c.IndexBytes, c.IndexIntervalBytes = 0, 0 },
			slices.Repeat([]int64{5}, 600), []wire.Offset{0, 513}},
		{"time index full", func(c *Config) { c.IndexBytes, c.IndexIntervalBytes, c.SegmentBytes = 0, 0, 1<<20 },
			ascending(400), []wire.Offset{0, 341}},
	} {
		cfg := testConfig()
		cfg.SegmentBytes = 1 << 20
		c.change(cfg)
		l := open(t, Options{FS: newFaultFS(t), Dir: "/log", Config: cfg})
		var rolled []wire.Offset
		l.onRoll = func(base wire.Offset) { rolled = append(rolled, base) }
		for _, ts := range c.tss {
			put(t, l, ts, startMs, 40)
		}
		var bases []wire.Offset
		for _, s := range l.Segments() {
			bases = append(bases, s.Base)
		}
		if !slices.Equal(bases, c.bases) || !slices.Equal(rolled, c.bases[1:]) {
			t.Errorf("%s: segments begin at %v, rolled at %v, want %v", c.name, bases, rolled, c.bases)
		}
		must(t, l.Close())
	}
}

func ascending(n int) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = int64(i)
	}
	return all
}

// TestOffsetsLeap: relative offsets must fit into an int32, whatever a leader sends.
func TestOffsetsLeap(t *testing.T) {
	l := open(t, Options{FS: newFaultFS(t), Dir: "/log"})
	var all []made
	for _, base := range []wire.Offset{0, 1<<31 - 2, 1<<31 + 5, 1 << 40} {
		m := makeBatch(base, 2, startMs, 30)
		must(t, l.Append(m.bytes, m.appended(false)))
		all = append(all, m)
	}
	mustHold(t, l, all)
	for _, m := range all {
		r, err := l.Read(m.base+1, 1, l.End(), true)
		must(t, err)
		if !bytes.Equal(content(t, r), m.bytes) {
			t.Errorf("read at %d gives something else", m.base+1)
		}
	}
	must(t, l.Close())
	l = open(t, Options{FS: l.fs, Dir: "/log", Clean: true, RecoveryPoint: l.End()})
	mustHold(t, l, all)
}

func TestRetention(t *testing.T) {
	const day = 86_400_000
	for _, c := range []struct {
		name    string
		change  func(c *Config)
		upTo    wire.Offset
		start   wire.Offset
		dropped string
		left    int
	}{
		{"nothing", func(*Config) {}, 100, 0, "", 5},
		{"time", func(c *Config) { c.RetentionMs = 5 * day / 2 }, 100, 0, "time time", 3},
		{"time, all of it", func(c *Config) { c.RetentionMs = 1 }, 100, 0, "time time time time time", 1},
		{"time, but compacted", func(c *Config) { c.RetentionMs, c.Delete = 1, false }, 100, 0, "", 5},
		{"time, below the high watermark", func(c *Config) { c.RetentionMs = 1 }, 4, 0, "time time", 3},
		{"size", func(c *Config) { c.RetentionBytes = 450 }, 100, 0, "size size", 3},
		{"size, exactly", func(c *Config) { c.RetentionBytes = 1010 }, 100, 0, "", 5},
		{"log start", func(c *Config) { c.Delete = false }, 100, 5, "log start log start", 3},
	} {
		cfg := testConfig()
		cfg.SegmentBytes = 250
		c.change(cfg)
		fsys := newFaultFS(t)
		l := open(t, Options{FS: fsys, Dir: "/log", Config: cfg})
		for i := range 10 { // two in a segment, a segment a day; the third claims to come from the year 2100
			ts := int64(startMs + i/2*day)
			if i == 4 {
				ts = 4_102_444_800_000
			}
			put(t, l, ts, int64(startMs+i/2*day), 40)
		}
		for rested := range 2 {
			if rested == 1 {
				must(t, l.Rest())
			}
			must(t, l.SetStart(c.start))
			dropped, err := l.Retain(startMs+4*day+day/2, c.upTo)
			must(t, err)
			var reasons []string
			for _, d := range dropped {
				reasons = append(reasons, d.Reason)
			}
			if got := strings.Join(reasons, " "); rested == 0 && got != c.dropped || rested == 1 && got != "" {
				t.Errorf("%s: dropped for %q, want %q", c.name, got, c.dropped)
			}
		}
		if s := l.Segments(); len(s) != c.left || l.Start() < s[0].Base || l.End() != 10 {
			t.Errorf("%s: segments %v are left of [%d, %d)", c.name, s, l.Start(), l.End())
		}
		deletedFiles := func() (n int) {
			for name := range files0(t, fsys) {
				if strings.HasSuffix(name, ".log.deleted") {
					n++
				}
			}
			return n
		}
		if n := deletedFiles(); n != len(strings.Fields(strings.ReplaceAll(c.dropped, "log start", "start"))) {
			t.Errorf("%s: %d deleted files", c.name, n)
		}
		cfg.FileDeleteDelayMs = 1000
		if waiting, err := l.Purge(l.now() + 999); err != nil || waiting != (c.dropped != "") {
			t.Errorf("%s: waiting %v, %v", c.name, waiting, err)
		}
		waiting, err := l.Purge(startMs + 5*day)
		if must(t, err); waiting || deletedFiles() != 0 {
			t.Errorf("%s: files are still there", c.name)
		}
	}
}

// TestTruncateLeavesTheFile: bytes that may be on their way to a client stay as they are until they have had the time.
func TestTruncateLeavesTheFile(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		c := testConfig()
		c.SegmentBytes, c.FileDeleteDelayMs = 1<<20, 60_000
		l := open(t, Options{FS: fsys, Dir: dir, Config: c})
		all := appendN(t, l, 30)
		sent, err := l.Read(0, 1<<20, l.End(), true)
		must(t, err)
		must(t, l.Truncate(all[21].base+1)) // inside the batch: all of it goes
		if l.End() != all[21].base {
			t.Fatalf("end is %d, want %d", l.End(), all[21].base)
		}
		all, gone := all[:21], joined(all[21:])
		all = append(all[:21:21], appendN(t, l, 5)...)
		mustHold(t, l, all)
		held := make([]byte, sent.Span.N)
		if _, err := sent.Span.ReadAt(held, 0); err != nil || !bytes.Equal(held, append(joined(all[:21]), gone...)) {
			t.Fatalf("the span that was out before has changed (%v)", err)
		}
		name := l.path(0, logSuffix)
		whole, err := vfs.ReadFile(fsys, name)
		must(t, err)
		if !bytes.HasPrefix(whole, held) {
			t.Fatal("the file was cut or overwritten")
		}
		sent.Span.Release()
		_, err = l.Purge(startMs + 60_000)
		must(t, err)
		if info, _ := fsys.Stat(name); info.Size() != int64(len(joined(all[:21]))) {
			t.Fatalf("the file has %d bytes after the delay", info.Size())
		}
		mustHold(t, l, all)
		must(t, l.Close())
	})
}

func TestFullDisk(t *testing.T) {
	fsys := newFaultFS(t)
	l := open(t, Options{FS: fsys, Dir: "/log"})
	all := appendN(t, l, 20)
	for _, big := range []int{100, 3000} {
		fsys.SetCapacity(1)
		for range 500 {
			m := makeBatch(l.End(), 1, startMs, big)
			err := l.Append(m.bytes, m.appended(big > 1000))
			if err == nil { // there is still a reserve
				all = append(all, m)
				continue
			}
			if !errors.Is(err, ErrNoSpace) || !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("append on a full disk: %v", err)
			}
			mustHold(t, l, all)
		}
		fsys.SetCapacity(1 << 40)
		all = append(all, appendN(t, l, 30)...)
		mustHold(t, l, all)
	}
	_, err := l.Sync()
	must(t, err)
	fsys.SetCapacity(1)
	fsys.Restart()
	l, rec, err := openWith(Options{FS: fsys, Dir: "/log"})
	must(t, err)
	if len(rec.Truncated) > 0 {
		t.Errorf("recovered %+v", rec)
	}
	mustHold(t, l, all) // a start needs no space
	fsys.SetCapacity(1 << 40)
	mustHold(t, l, append(all, appendN(t, l, 30)...))
}

func TestFailedSyncPoisons(t *testing.T) {
	fsys := newFaultFS(t)
	told := 0
	l := open(t, Options{FS: fsys, Dir: "/log", OnDirty: func() { told++ }})
	all := appendN(t, l, 5)
	fsys.FailNth(1, syscall.EIO, faultfs.SyncData)
	_, err := l.Sync()
	_, again := l.Sync()
	m := makeBatch(l.End(), 1, startMs, 10)
	appended := l.Append(m.bytes, m.appended(false))
	for _, err := range []error{err, again, appended, l.Roll(), l.Truncate(0), l.Close()} {
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("after a failed sync: %v", err)
		}
	}
	if l.DurableEnd() != 0 || l.End() != all[4].next() || told != 1 {
		t.Errorf("durable %d, end %d, told %d times", l.DurableEnd(), l.End(), told)
	}
}

func TestFilesAreCounted(t *testing.T) {
	var budget Files
	now := int64(startMs)
	var logs []*Log
	for range 5 {
		l := open(t, Options{FS: newFaultFS(t), Dir: "/log", Budget: &budget, Now: func() int64 { return now }})
		now++
		m := makeBatch(0, 1, startMs, 10)
		must(t, l.Append(m.bytes, Appended{0, 0, startMs, now, false}))
		logs = append(logs, l)
	}
	if files, maps := budget.Open(); files != 15 || maps != 15 {
		t.Errorf("%d files, %d mappings", files, maps)
	}
	now++
	r, err := logs[0].Read(0, 100, 1, true)
	must(t, err)
	if cold := budget.Coldest(2); len(cold) != 2 || cold[0] != logs[1] || cold[1] != logs[2] {
		t.Error("the coldest logs are others")
	}
	for _, l := range logs {
		must(t, l.Rest())
	}
	if files, _ := budget.Open(); files != 3 || len(budget.Coldest(9)) != 1 {
		t.Errorf("%d files while a span is out", files)
	}
	r.Span.Release()
	for range 1000 {
		if files, maps := budget.Open(); files == 0 && maps == 0 {
			return
		}
	}
}

// TestAtRestALogIsSmall: a node holds 100,000 of them.
func TestAtRestALogIsSmall(t *testing.T) {
	dir, c := t.TempDir(), testConfig()
	l := open(t, Options{FS: vfs.OS, Dir: dir, Config: c})
	appendN(t, l, 5)
	must(t, l.Close())
	o := Options{FS: vfs.OS, Dir: dir, Config: c, Clean: true, RecoveryPoint: l.End()}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	logs := make([]*Log, 1000)
	before := heap()
	for i := range logs {
		logs[i] = open(t, o)
	}
	if each := (heap() - before) / int64(len(logs)); each > 1024 {
		t.Errorf("%d bytes for a log at rest", each)
	} else {
		t.Logf("%d bytes for a log at rest", each)
	}
	runtime.KeepAlive(logs)
}
