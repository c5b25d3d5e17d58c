package broker

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"tailrace/vfs/faultfs"
)

// crashSeed is TAILRACE_TEST_SEED, or the time.
func crashSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano() & 0xffffff)
	if text := os.Getenv("TAILRACE_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("TAILRACE_TEST_SEED: %v", err)
		}
	}
	t.Logf("TAILRACE_TEST_SEED=%d", seed)
	return seed
}

// TestScriptRuns runs the script on a disk without faults, and again what it
// left.
func TestScriptRuns(t *testing.T) {
	fsys := faultfs.New()
	s := &script{m: newModel(), w: &warnings{}, fsys: fsys}
	err := inBubble(t, func() error { return errors.Join(s.run(), survive(fsys, s.m, false)) })
	if err != nil {
		t.Fatalf("%v\nlogged:\n%s", err, s.w)
	}
	if lines := s.w.all(); len(lines) > 0 {
		t.Errorf("a healthy broker logged:\n%s", s.w)
	}
	t.Logf("%d operations", fsys.Ops())
	if fsys.Ops() < 500 {
		t.Errorf("the script has only %d operations", fsys.Ops())
	}
}

// scriptOps is how many operations the script has.
func scriptOps(t *testing.T) int {
	t.Helper()
	fsys := faultfs.New()
	s := &script{m: newModel(), w: &warnings{}, fsys: fsys}
	if err := inBubble(t, s.run); err != nil {
		t.Fatalf("%v\nlogged:\n%s", err, s.w)
	}
	return fsys.Ops()
}

// afterCrash is what a power cut leaves, or the end of the process alone.
func afterCrash(fsys *faultfs.FS, power bool, r *rand.Rand) *faultfs.FS {
	if power {
		return fsys.CrashClone(r)
	}
	fsys.Restart()
	return fsys
}

// TestCrashAtEveryOperation cuts the power, or kills the process, at each
// operation of the script.
func TestCrashAtEveryOperation(t *testing.T) {
	seed, total := crashSeed(t), scriptOps(t)
	for n := 1; n <= total && !t.Failed(); n++ {
		for _, power := range []bool{true, false} {
			fsys := faultfs.New()
			fsys.Seed(seed + uint64(n))
			fsys.CrashAtOp(n)
			s := &script{m: newModel(), w: &warnings{}, fsys: fsys}
			err := inBubble(t, func() error {
				if err := s.run(); err == nil && fsys.Crashed() {
					return errors.New("the script ended well in spite of the crash")
				}
				r := rand.New(rand.NewPCG(seed, uint64(n)))
				left := afterCrash(fsys, power, r)
				if r.IntN(2) == 0 { // and once more, while what is left is being opened
					left.CrashAtOp(left.Ops() + 1 + r.IntN(60))
					if h, err := openHouse(left, &warnings{}); err == nil {
						h.leave()
					}
					left = afterCrash(left, power, r)
				}
				return survive(left, s.m, power)
			})
			if err != nil {
				t.Errorf("operation %d of %d, power cut %v: %v", n, total, power, err)
			}
		}
	}
}

// TestFailureOfEveryOperation lets each operation of the script fail once, as
// a dying disk does and as a full one does, and cuts the power or kills the
// process when the script is over.
func TestFailureOfEveryOperation(t *testing.T) {
	rows := []struct {
		name string
		err  error
		ops  []faultfs.Op
	}{
		{"disk error", syscall.EIO, nil},
		{"full disk", syscall.ENOSPC, []faultfs.Op{faultfs.Write, faultfs.Allocate, faultfs.Create, faultfs.Mkdir}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			seed := crashSeed(t)
			for n := 1; !t.Failed(); n++ {
				fsys := faultfs.New()
				fsys.Seed(seed + uint64(n))
				fsys.FailNth(n, row.err, row.ops...)
				full := row.err == syscall.ENOSPC
				s := &script{m: newModel(), w: &warnings{}, fsys: fsys, full: full}
				err := inBubble(t, func() error {
					if err := s.run(); full && err != nil {
						return errors.Join(errors.New("one refusal for want of space ended the script"), err)
					}
					fsys.ClearFaults()
					power := n%2 == 0
					return survive(afterCrash(fsys, power, rand.New(rand.NewPCG(seed, uint64(n)))), s.m, power)
				})
				if err != nil {
					t.Errorf("operation %d: %v\nlogged before:\n%s", n, err, s.w)
				}
				if fsys.Injected() == 0 && !t.Failed() {
					t.Logf("%d operations failed", n-1)
					return
				}
			}
		})
	}
}

// TestFailedSyncIsRemembered lets each sync of the script fail once, starts the
// broker again on the same machine, and cuts the power afterwards. The kernel
// takes what it failed to write for written, and shows it: whoever believes
// that acknowledges what the disk has not.
func TestFailedSyncIsRemembered(t *testing.T) {
	seed := crashSeed(t)
	for n := 1; !t.Failed(); n++ {
		fsys := faultfs.New()
		fsys.Seed(seed + uint64(n))
		fsys.FailNth(n, syscall.EIO, faultfs.SyncData, faultfs.Sync, faultfs.SyncFS)
		s := &script{m: newModel(), w: &warnings{}, fsys: fsys}
		err := inBubble(t, func() error {
			_ = s.run()
			fsys.Restart()
			if err := survive(fsys, s.m, false); err != nil {
				return err
			}
			return survive(fsys.CrashClone(rand.New(rand.NewPCG(seed, uint64(n)))), s.m, true)
		})
		if err != nil {
			t.Errorf("sync %d: %v\nlogged before:\n%s", n, err, s.w)
		}
		if fsys.Injected() == 0 && !t.Failed() {
			t.Logf("%d syncs failed", n-1)
			return
		}
	}
}
