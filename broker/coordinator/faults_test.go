package coordinator

import (
	"fmt"
	"maps"
	"strconv"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tailrace/vfs/faultfs"
	"tailrace/wire/errcode"
)

// promise is what the answers of a run bind the log to: for each key the values that it may hold.
type promise map[string][]string

// begun notes a put that was sent: its value may count from now on.
func (p promise) begun(key, value string) { p[key] = append(p[key], value) }

// done notes that it was answered: nothing older counts any more.
func (p promise) done(key, value string) {
	for i, v := range p[key] {
		if v == value {
			p[key] = p[key][i:]
			return
		}
	}
}

// broken says where values do not keep the promise. "" stands for a key that nothing was ever answered for.
func (p promise) broken(values map[string]string) error {
	for key, may := range p {
		ok := false
		for _, v := range may {
			ok = ok || values[key] == v
		}
		if !ok {
			return fmt.Errorf("%s has %q, it may have one of %q", key, values[key], may)
		}
	}
	return nil
}

// script puts and gets, several at a time, and lets the shard recover where it can. What it may expect of the log
// afterwards is in p.
func (s *shelf) script(p promise) {
	for round := range 12 {
		var calls []*call
		var keys []string
		for i := range 3 {
			key, value := keyOf(i), fmt.Sprintf("%d-%d", round, i)
			if p[key] == nil {
				p.begun(key, "")
			}
			p.begun(key, value)
			calls, keys = append(calls, s.put(key, value)), append(keys, key)
		}
		for i, c := range calls {
			if c.wait(); c.code == errcode.None {
				p.done(keys[i], c.value)
			}
		}
		if round%4 == 3 {
			time.Sleep(10 * time.Second) // a failed shard loads again, housekeeping runs
		}
	}
}

// scriptOps is how many operations the script is.
func scriptOps(t *testing.T) (n int) {
	inBubble(t, func(t *testing.T) {
		s := openShelf(t, faultfs.New())
		s.c.Lead(s.p)
		before := s.fs.Ops()
		p := promise{}
		s.script(p)
		if err := p.broken(s.current()); err != nil {
			t.Error(err)
		}
		if n = s.fs.Ops() - before; n < 20 {
			t.Errorf("the script is only %d operations", n)
		}
		s.close()
	})
	return n
}

// TestCrashAtEachOperation: whatever operation the process dies or the power fails at, what was answered is there
// afterwards.
func TestCrashAtEachOperation(t *testing.T) {
	for n := range 2 * scriptOps(t) {
		inBubble(t, func(t *testing.T) {
			fsys := faultfs.New()
			s := openShelf(t, fsys)
			s.c.Lead(s.p)
			fsys.Seed(uint64(n))
			fsys.CrashAtOp(fsys.Ops() + 1 + n/2)
			p := promise{}
			s.script(p)
			s.survived(s.crash(n%2 == 0), p, n/2)
		})
	}
}

// survived opens what is left and holds it against the promise.
func (s *shelf) survived(fsys *faultfs.FS, p promise, n int) {
	s.t.Helper()
	again := openShelf(s.t, fsys)
	again.c.Lead(again.p)
	again.loaded()
	if err := p.broken(again.current()); err != nil {
		s.t.Errorf("operation %d: %v", n, err)
	}
	if !maps.Equal(again.current(), again.replayed()) {
		s.t.Errorf("operation %d: the shard has %v, a replay gives %v", n, again.current(), again.replayed())
	}
	again.close()
}

// TestFullDiskAtEachOperation: the operation fails as on a full disk, once. The shard comes back by itself, and what
// it has then is what a replay gives.
func TestFullDiskAtEachOperation(t *testing.T) {
	reloads := 0
	for n := range scriptOps(t) {
		inBubble(t, func(t *testing.T) {
			fsys := faultfs.New()
			s := openShelf(t, fsys)
			s.c.Lead(s.p)
			fsys.Seed(uint64(n))
			fsys.FailNth(n+1, syscall.ENOSPC, faultfs.Write, faultfs.MapStore, faultfs.Allocate, faultfs.Create)
			p := promise{}
			s.script(p)
			s.loaded()
			if err := p.broken(s.current()); err != nil {
				t.Errorf("operation %d: %v", n, err)
			}
			if !maps.Equal(s.current(), s.replayed()) {
				t.Errorf("operation %d: the shard has %v, a replay gives %v", n, s.current(), s.replayed())
			}
			reloads += len(s.made) - 1
			fsys.ClearFaults()
			s.close()
			s.survived(fsys, p, n)
		})
	}
	if reloads == 0 {
		t.Error("no shard was ever loaded again")
	}
	t.Logf("%d reloads", reloads)
}

// TestBrokenDiskAtEachOperation: the operation and all later ones fail. Every call is told, and what was answered is
// there when the disk is well again.
func TestBrokenDiskAtEachOperation(t *testing.T) {
	for n := range scriptOps(t) {
		inBubble(t, func(t *testing.T) {
			fsys := faultfs.New()
			s := openShelf(t, fsys)
			s.c.Lead(s.p)
			fsys.Seed(uint64(n))
			fsys.FailFrom(n+1, syscall.EIO)
			p := promise{}
			s.script(p)
			s.survived(s.crash(false), p, n)
		})
	}
}

// TestStateEqualsReplay over random histories: puts, gets, full disks that come and go, kills and clean stops. At every
// rest the shard has what a replay of its log gives, and the log has what was answered.
func TestStateEqualsReplay(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		inBubble(t, func(t *testing.T) {
			h := &history{t: t, fs: faultfs.New(), p: promise{}}
			h.open()
			for range rapid.IntRange(1, 40).Draw(r, "steps") {
				h.step(rapid.IntRange(0, 9).Draw(r, "kind"), rapid.IntRange(1, 20).Draw(r, "n"))
			}
			h.fs.ClearFaults()
			h.rest()
			h.s.close()
		})
	})
}

// history is one random run.
type history struct {
	t      *testing.T
	fs     *faultfs.FS
	s      *shelf
	p      promise
	serial int
	calls  []*call
	keys   []string
}

func (h *history) open() {
	h.s = openShelf(h.t, h.fs)
	h.s.c.Lead(h.s.p)
	h.s.loaded()
}

func (h *history) step(kind, n int) {
	switch kind {
	case 0:
		h.fs.FailNth(n, syscall.ENOSPC, faultfs.Write, faultfs.MapStore)
	case 1:
		h.rest()
	case 2:
		h.settle()
		h.fs.ClearFaults()
		h.rest()
		h.s.close()
		h.open()
	case 3:
		h.fs = h.s.crash(n%2 == 0)
		h.settle()
		h.open()
	case 4:
		h.calls = append(h.calls, h.s.get(keyOf(n)))
		h.keys = append(h.keys, "")
	default:
		for range n {
			h.serial++
			key, value := keyOf(h.serial*n%7), strconv.Itoa(h.serial)
			if h.p[key] == nil {
				h.p.begun(key, "")
			}
			h.p.begun(key, value)
			h.calls, h.keys = append(h.calls, h.s.put(key, value)), append(h.keys, key)
		}
	}
}

// settle waits for all calls.
func (h *history) settle() {
	h.t.Helper()
	for i, c := range h.calls {
		if c.wait(); c.code == errcode.None && h.keys[i] != "" {
			h.p.done(h.keys[i], c.value)
		}
	}
	h.calls, h.keys = nil, nil
}

// rest lets the shard come to rest, however often the disk fails it.
func (h *history) rest() {
	h.t.Helper()
	h.settle()
	time.Sleep(time.Minute)
	h.s.loaded()
	if err := h.p.broken(h.s.current()); err != nil {
		h.t.Error(err)
	}
	if !maps.Equal(h.s.current(), h.s.replayed()) {
		h.t.Errorf("the shard has %v, a replay gives %v", h.s.current(), h.s.replayed())
	}
}
