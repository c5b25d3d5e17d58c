package segment

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"

	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

// step is one step of the fixed script: what it does to a log, and to the state that must survive a crash.
type step struct {
	name string
	do   func(l *Log) error
	then func(s state) state
}

// state is what a log holds, as its owner knows it.
type state struct {
	all        []made
	start, end wire.Offset
	durable    wire.Offset
}

// crashScript rolls, syncs, truncates, retains and rests its way through more than 500 file operations.
func crashScript() []step {
	var steps []step
	add := func(name string, do func(l *Log) error, then func(s state) state) {
		steps = append(steps, step{name, do, then})
	}
	dice := rand.New(rand.NewPCG(7, 7))
	var end wire.Offset
	var bases []wire.Offset
	appendSome := func(n int) {
		for range n {
			m := makeBatch(end, 1+dice.IntN(4), startMs+int64(end), 20+dice.IntN(700))
			sync := dice.IntN(3) == 0
			add("append", func(l *Log) error { return l.Append(m.bytes, m.appended(sync)) }, func(s state) state {
				s.all, s.end = append(s.all[:len(s.all):len(s.all)], m), m.next()
				return s
			})
			bases, end = append(bases, m.base), m.next()
		}
	}
	syncNow := func() {
		add("sync", func(l *Log) error { _, err := l.Sync(); return err }, func(s state) state {
			s.durable = s.end
			return s
		})
	}
	truncate := func(back int) {
		to := bases[len(bases)-back]
		bases, end = bases[:len(bases)-back], to
		add("truncate", func(l *Log) error { return l.Truncate(to) }, func(s state) state {
			s.all, s.end, s.durable = s.all[:len(s.all)-back], to, min(s.durable, to)
			return s
		})
	}
	plain := func(name string, do func(l *Log) error) { add(name, do, func(s state) state { return s }) }
	retain := func(keep int64) {
		add("retain", func(l *Log) error {
			c := *testConfig()
			c.RetentionBytes = keep
			l.SetConfig(&c)
			_, err := l.Retain(startMs, l.End())
			return err
		}, func(s state) state { return s })
	}
	for round := range 3 {
		appendSome(9)
		syncNow()
		appendSome(14)
		if round%2 == 0 {
			plain("rest", (*Log).Rest)
		}
		appendSome(6)
		plain("roll", (*Log).Roll)
		appendSome(4)
		truncate(1 + round*2)
		appendSome(3)
		syncNow()
		appendSome(5)
		truncate(2)
		retain(9000)
		plain("purge", func(l *Log) error { _, err := l.Purge(startMs); return err })
	}
	return steps
}

// play runs the script on fsys until a step fails. before is the state at the last success, after what the failed step
// would have made of it.
func play(fsys *faultfs.FS, steps []step) (l *Log, before, after state, failed error) {
	l, _, err := openWith(Options{FS: fsys, Dir: "/log"})
	if err != nil {
		return nil, before, before, err
	}
	for _, st := range steps {
		after = st.then(before)
		if err := st.do(l); err != nil {
			after.start = max(before.start, l.Start())
			return l, before, after, err
		}
		before = after
		before.start = l.Start()
	}
	return l, before, before, nil
}

// TestCrashAtEveryOperation stops the script at each of its file operations, which itself may be done, undone or torn,
// both by a kill (what was written stays) and by a power cut (of what was not synced, anything may be missing).
func TestCrashAtEveryOperation(t *testing.T) {
	steps := crashScript()
	fsys := newFaultFS(t)
	opened := fsys.Ops()
	if _, _, _, err := play(fsys, steps); err != nil {
		t.Fatal(err)
	}
	ops := fsys.Ops()
	if ops-opened < 500 {
		t.Fatalf("the script has only %d operations", ops-opened)
	}
	for n := opened + 1; n <= ops; n++ {
		fsys := newFaultFS(t)
		fsys.Seed(uint64(n))
		fsys.CrashAtOp(n)
		_, before, after, _ := play(fsys, steps)
		if !fsys.Crashed() {
			t.Fatalf("operation %d was not reached", n)
		}
		for seed := range uint64(3) {
			clone := fsys.CrashClone(rand.New(rand.NewPCG(seed, uint64(n))))
			mustSurvive(t, clone, n, before, after, true)
		}
		mustSurvive(t, fsys.CrashClone(nil), n, before, after, true)
		fsys.Restart()
		mustSurvive(t, fsys, n, before, after, false)
	}
}

// mustSurvive opens what a crash has left and compares it with what may be there. After a kill as much as possible is
// believed by its header, or nothing.
func mustSurvive(t *testing.T, fsys *faultfs.FS, n int, before, after state, powerLoss bool) {
	t.Helper()
	if _, err := fsys.Stat("/log"); err != nil {
		return
	}
	o := Options{FS: fsys, Dir: "/log", RecoveryPoint: before.durable, LogStart: before.start, PowerLoss: powerLoss}
	if o.CheckBytes = 1; n%4 == 3 {
		o.CheckBytes = -1
	}
	l, rec, err := openWith(o)
	if err != nil {
		t.Fatalf("operation %d, power loss %v: %v", n, powerLoss, err)
	}
	least := min(before.end, after.end)
	if powerLoss {
		least = min(least, before.durable)
	}
	end := l.End()
	if end < least || end > max(before.end, after.end) {
		t.Fatalf("operation %d, power loss %v: end is %d, want %d to %d (%+v)", n, powerLoss, end, least,
			max(before.end, after.end), rec)
	}
	start := l.Start()
	if start > max(before.start, after.start) && !(powerLoss && before.durable <= before.start) {
		t.Fatalf("operation %d: start is %d, was %d", n, start, before.start)
	}
	if !isPrefix(l, before, start) && !isPrefix(l, after, start) {
		t.Fatalf("operation %d, power loss %v: the log holds something else from %d to %d; it was [%d, %d), then [%d, %d)",
			n, powerLoss, start, end, before.start, before.end, after.start, after.end)
	}
	// And it goes on.
	got, err := readAll(l, start, 4000)
	must(t, err)
	m := makeBatch(l.End(), 2, startMs, 100)
	must(t, l.Append(m.bytes, m.appended(false)))
	if !powerLoss {
		mustBringNothingBack(t, l, fsys, n, min(least, before.durable))
	}
	must(t, l.Close())
	o.RecoveryPoint, o.LogStart, o.Clean, o.PowerLoss = l.End(), start, true, false
	l, _, err = openWith(o)
	must(t, err)
	again, err := readAll(l, start, 1000)
	must(t, err)
	if !bytes.Equal(again, append(got, m.bytes...)) {
		t.Fatalf("operation %d: after a clean stop the log holds %d bytes, want %d", n, len(again), len(got)+len(m.bytes))
	}
	l.Discard()
}

// mustBringNothingBack cuts the power behind a start after a kill: what that has cut off does not show up again between
// or behind what was appended since.
func mustBringNothingBack(t *testing.T, l *Log, fsys *faultfs.FS, n int, durable wire.Offset) {
	t.Helper()
	for seed := range uint64(3) {
		clone := fsys.CrashClone(rand.New(rand.NewPCG(seed, uint64(n))))
		if _, err := clone.Stat("/log"); err != nil {
			continue
		}
		left := open(t, Options{FS: clone, Dir: "/log", RecoveryPoint: durable, LogStart: l.Start(), PowerLoss: true})
		got, err := readAll(left, left.Start(), 4000)
		must(t, err)
		want, err := readAll(l, left.Start(), 4000)
		must(t, err)
		if !bytes.HasPrefix(want, got) || left.End() < durable {
			t.Fatalf("operation %d: a power loss after a kill leaves %d bytes up to %d, durable was %d", n, len(got),
				left.End(), durable)
		}
		left.Discard()
	}
}

func isPrefix(l *Log, s state, start wire.Offset) bool {
	got, err := readAll(l, start, 4000)
	if err != nil {
		return false
	}
	var want []byte
	for _, m := range s.all {
		if m.last() >= start && m.last() < l.End() {
			want = append(want, m.bytes...)
		}
	}
	return bytes.Equal(got, want)
}

// TestErrorAtEveryOperation lets each file operation of the script fail once and goes on: readers never see anything
// but what was appended with success, and after a kill neither does a recovery, one batch aside whose append failed
// last.
func TestErrorAtEveryOperation(t *testing.T) {
	steps := crashScript()
	fsys := newFaultFS(t)
	opened := fsys.Ops()
	_, _, _, err := play(fsys, steps)
	must(t, err)
	total := fsys.Ops() - opened
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC} {
		for n := 1; n <= total; n++ {
			fsys := newFaultFS(t)
			fsys.Seed(uint64(n))
			fsys.FailNth(n, fault)
			failOnce(t, fsys, steps, n, fault)
		}
	}
}

func failOnce(t *testing.T, fsys *faultfs.FS, steps []step, n int, fault error) {
	t.Helper()
	l, now, after, err := play(fsys, steps)
	if l == nil {
		if !errors.Is(err, fault) {
			t.Fatalf("operation %d fails with %v, open with %v", n, fault, err)
		}
		return
	}
	if err != nil && !errors.Is(err, fault) {
		t.Fatalf("operation %d fails with %v, the step with %v", n, fault, err)
	}
	alike := isPrefix(l, now, l.Start()) && l.End() == now.end
	if !alike && !(isPrefix(l, after, l.Start()) && l.End() == after.end) {
		t.Fatalf("operation %d, %v: after %v the log holds something else", n, fault, err)
	}
	if alike {
		m := makeBatch(l.End(), 1, startMs, 10)
		err := l.Append(m.bytes, m.appended(false))
		_, syncErr := l.Sync()
		switch {
		case (err == nil) != (syncErr == nil):
			t.Fatalf("operation %d: append gives %v, sync %v", n, err, syncErr)
		case err == nil:
			now = state{all: append(now.all, m), start: l.Start(), end: m.next(), durable: m.next()}
			after = now
		case !errors.Is(err, fault):
			t.Fatalf("operation %d: a poisoned log says %v", n, err)
		}
	}
	fsys.Restart()
	mustSurvive(t, fsys, n, now, after, false)
}
