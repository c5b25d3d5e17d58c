package clean

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tailrace/batch"
	"tailrace/segment"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

// history is what a crash test has done to a log.
type history struct {
	all     []found
	durable wire.Offset
	cleaned wire.Offset
}

// upTo is what the records below end add up to.
func (h *history) upTo(end wire.Offset) map[string]string {
	n := 0
	for n < len(h.all) && h.all[n].offset < end {
		n++
	}
	return newest(h.all[:n])
}

// play writes few keys, many of them deleted again, and cleans in between, until something fails.
func play(fsys *faultfs.FS, h *history) error {
	l, _, err := segment.Open(segment.Options{FS: fsys, Dir: "/log", Config: logConfig(),
		Now: func() int64 { return startMs }})
	if err != nil {
		return err
	}
	if _, err := l.Sync(); err != nil { // the name of the first file
		return err
	}
	dice := rand.New(rand.NewPCG(3, 3))
	for round := range 5 {
		for i := range 10 {
			if err := playBatch(l, h, dice); err != nil {
				return err
			}
			if i%4 == 3 {
				if err := l.Roll(); err != nil {
					return err
				}
			}
			if i == 5 || i == 9 && round%2 == 0 {
				if h.durable, err = l.Sync(); err != nil {
					return err
				}
			}
		}
		if err := playClean(l, h, round); err != nil {
			return err
		}
		if _, err := l.Purge(startMs); err != nil {
			return err
		}
	}
	return l.Close()
}

func playBatch(l *segment.Log, h *history, dice *rand.Rand) error {
	var b batch.Builder
	c := codecs[dice.IntN(2)*3]
	b.Reset(batch.Options{BaseOffset: l.End(), Codec: c, Level: 1,
		Producer: &batch.Producer{ID: int64(dice.IntN(3)), Sequence: int32(l.End())}})
	if c == 0 {
		b.Reset(batch.Options{BaseOffset: l.End()})
	}
	var now []found
	for i := range 1 + dice.IntN(3) {
		r := found{offset: l.End() + wire.Offset(i), key: fmt.Sprint("k", dice.IntN(7)), tombstone: dice.IntN(3) == 0}
		if r.tombstone {
			b.Append(startMs, []byte(r.key), nil)
		} else {
			r.value = fmt.Sprint("v", r.offset)
			b.Append(startMs, []byte(r.key), []byte(r.value))
		}
		now = append(now, r)
	}
	v, err := b.Build()
	if err != nil {
		return err
	}
	h.all = append(h.all, now...) // whether it fails or not: what is there is told by the end of the log
	return store(l, v)
}

// playClean drops tombstones in the second cleaning that meets them.
func playClean(l *segment.Log, h *history, round int) error {
	o := options(startMs + int64(round))
	o.DeleteRetentionMs = 1
	o.SegmentBytes = 1800
	o.Producers = map[int64]Producer{1: {Last: l.End() - 1}}
	d, err := Measure(l, &o.Config, h.cleaned, l.End(), o.NowMs)
	if err != nil || !d.Due {
		return err
	}
	res, err := Clean(l, d, o)
	if err == nil {
		h.cleaned = res.To
	}
	return err
}

// TestCrashAtEveryOperation: whatever operation a kill or a power cut meets, the log opens and adds up to what was
// written up to its end: no newest value is lost, no deleted key is back.
func TestCrashAtEveryOperation(t *testing.T) {
	fsys := newFS(t)
	opened := fsys.Ops() + 2 // and the log's first file is there and synced
	var h history
	must(t, play(fsys, &h))
	ops := fsys.Ops()
	if ops-opened < 300 || h.cleaned == 0 {
		t.Fatalf("the script has only %d operations", ops-opened)
	}
	for n := opened + 1; n <= ops; n++ {
		fsys := newFS(t)
		fsys.Seed(uint64(n))
		fsys.CrashAtOp(n)
		var h history
		err := play(fsys, &h)
		if err == nil || !fsys.Crashed() {
			t.Fatalf("operation %d was not reached", n)
		}
		seeds := uint64(3)
		if strings.Contains(err.Error(), "replacing segments") {
			seeds = 48 // many renames are under way: there are many ways to keep some of them
		}
		for seed := range seeds {
			survives(t, fsys.CrashClone(rand.New(rand.NewPCG(seed, uint64(n)))), n, h, true)
		}
		survives(t, fsys.CrashClone(nil), n, h, true)
		fsys.Restart()
		survives(t, fsys, n, h, false)
	}
}

// TestCrashWhileASwapIsCompleted: a start that finishes an exchange of segments may itself be cut off anywhere.
func TestCrashWhileASwapIsCompleted(t *testing.T) {
	fsys := newFS(t)
	opened := fsys.Ops() + 2
	var h history
	must(t, play(fsys, &h))
	ops, swaps := fsys.Ops(), 0
	for n := opened + 1; n <= ops; n++ {
		fsys := newFS(t)
		fsys.CrashAtOp(n)
		var h history
		if err := play(fsys, &h); err == nil {
			t.Fatal("no crash")
		}
		fsys.Restart()
		if !hasSwap(t, fsys) {
			continue
		}
		swaps++
		again(t, fsys, n, h)
	}
	if swaps < 5 {
		t.Errorf("only %d crashes left segments to be exchanged", swaps)
	}
}

func hasSwap(t *testing.T, fsys *faultfs.FS) bool {
	t.Helper()
	entries, err := fsys.ReadDir("/log")
	must(t, err)
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return strings.HasSuffix(e.Name(), ".log.swap") })
}

// again crashes the start that follows a crash, at each of its operations, and looks at what a third one finds.
func again(t *testing.T, fsys *faultfs.FS, n int, h history) {
	t.Helper()
	must(t, fsys.SyncFS("/")) // what is there is durable: the second crash is to be the only one
	for op := 1; ; op++ {
		second := fsys.CrashClone(nil)
		second.Seed(uint64(op))
		second.CrashAtOp(second.Ops() + op)
		l, _, err := segment.Open(segment.Options{FS: second, Dir: "/log", Config: logConfig(), PowerLoss: true,
			RecoveryPoint: h.durable, Now: func() int64 { return startMs }})
		if err == nil {
			l.Discard()
			return
		}
		for seed := range uint64(6) {
			survives(t, second.CrashClone(rand.New(rand.NewPCG(seed, uint64(op)))), n, h, true)
		}
	}
}

func survives(t *testing.T, fsys *faultfs.FS, n int, h history, powerLoss bool) {
	t.Helper()
	if _, err := fsys.Stat("/log"); err != nil {
		return
	}
	o := segment.Options{PowerLoss: powerLoss, RecoveryPoint: h.durable, Warn: func(string, ...any) {}}
	l := open(t, fsys, o)
	end := l.End()
	if end < h.durable || end < h.cleaned {
		t.Fatalf("operation %d, power loss %v: the log ends at %d; %d was durable, %d cleaned", n, powerLoss, end, h.durable,
			h.cleaned)
	}
	check := func(when string) {
		t.Helper()
		if got, want := show(newest(records(t, l))), show(h.upTo(end)); got != want {
			t.Fatalf("operation %d, power loss %v: %s the log from %d up to %d (durable %d, cleaned %d) adds up to\n%s, "+
				"want\n%s", n, powerLoss, when, l.Start(), end, h.durable, h.cleaned, got, want)
		}
	}
	check("at once")
	if n%4 != 0 {
		l.Discard()
		return
	}
	must(t, l.Roll())
	if _, err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	must(t, playClean(l, &h, 100))
	check("after another cleaning")
	must(t, l.Close())
	l = open(t, fsys, segment.Options{Clean: true, RecoveryPoint: end})
	check("after a clean stop")
	l.Discard()
}

// TestErrorAtEveryOperation: an operation that fails ends the cleaning at most. What readers see is right all the time,
// and so is what a start finds.
func TestErrorAtEveryOperation(t *testing.T) {
	fsys := newFS(t)
	opened := fsys.Ops()
	var h history
	must(t, play(fsys, &h))
	ops := fsys.Ops() - opened
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC} {
		for n := 1; n <= ops; n++ {
			fsys := newFS(t)
			fsys.Seed(uint64(n))
			fsys.FailNth(n, fault)
			var h history
			if err := play(fsys, &h); err != nil && !errors.Is(err, fault) {
				t.Fatalf("operation %d fails with %v, the script with %v", n, fault, err)
			}
			fsys.Restart()
			survives(t, fsys, n, h, false)
		}
	}
}
