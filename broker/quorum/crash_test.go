package quorum

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"tailrace/broker/metadata"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

// ledger is what a client remembers of a history: the image's content after each proposal, in order.
type ledger struct {
	model  *metadata.Image
	states []string // states[i]: after i proposals
	acked  int      // so many of them, from the first on, were answered with success
}

func newLedger() *ledger {
	img, _, _ := metadata.Empty().Apply(0, 0, metadata.Bootstrap()...)
	return &ledger{model: img, states: []string{content(metadata.Empty()), content(img)}, acked: 0}
}

// script is the fixed history of the crash tests: creations, changes and removals over three lives of the log, with
// snapshots and trimming in each. It stops at the first error.
func (l *ledger) script(fsys vfs.FS, w *warnings) error {
	n := 0
	for range 3 {
		log, err := OpenSingle(options(fsys, w))
		if err != nil {
			return err
		}
		l.acked = max(l.acked, 1)
		for range 8 {
			n++
			if err := l.propose(log, n); err != nil {
				return errors.Join(err, log.Close())
			}
		}
		if err := log.Close(); err != nil {
			return err
		}
	}
	return nil
}

// propose proposes step number n and keeps the book.
func (l *ledger) propose(log Log, n int) error {
	records := newTopic(n)
	switch {
	case n%5 == 0 && l.model.TopicByID(topicID(n-2)) != nil:
		records = []metadata.Record{&metadata.RemoveTopicRecord{ID: topicID(n - 2)}}
	case n%7 == 0:
		records = []metadata.Record{&metadata.ProducerIDsRecord{BrokerID: 1, Next: l.model.NextProducerID() + 1000}}
	}
	next, _, err := l.model.Apply(l.model.Offset+1, 1, records...)
	if err != nil {
		panic(err)
	}
	l.model = next
	l.states = append(l.states, content(next))
	if err := propose(log, records...); err != nil {
		return err
	}
	l.acked = len(l.states) - 1
	return nil
}

// check says what is wrong with an image that was found after a crash: it must be a state that the history went
// through, with everything acknowledged in it.
func (l *ledger) check(img *metadata.Image) error {
	for i := len(l.states) - 1; i >= 0; i-- {
		if l.states[i] == content(img) {
			if i < l.acked {
				return fmt.Errorf("the image after %d proposals was found, but %d were acknowledged", i, l.acked)
			}
			return nil
		}
	}
	return errors.New("an image was found that never was")
}

// survive opens what a crash left, twice, and goes on working with it.
func (l *ledger) survive(fsys vfs.FS) error {
	for i := range 2 {
		log, err := OpenSingle(options(fsys, new(warnings)))
		if err != nil {
			return err
		}
		img := log.Image()
		if i == 0 {
			err = l.check(img)
		} else if img.TopicByName("after-the-crash") == nil {
			err = errors.New("what was acknowledged after the crash is gone")
		}
		if i == 0 && err == nil {
			err = propose(log, &metadata.TopicRecord{Name: "after-the-crash", ID: topicID(9999)})
		}
		if err := errors.Join(err, log.Close()); err != nil {
			return err
		}
	}
	return nil
}

func opsOfScript(t *testing.T) int {
	t.Helper()
	fsys := faultfs.New()
	if err := newLedger().script(fsys, new(warnings)); err != nil {
		t.Fatal(err)
	}
	return fsys.Ops()
}

// TestCrashAtEveryOperation cuts the power at each durable operation of the script, in several ways each, and kills the
// process there as well.
func TestCrashAtEveryOperation(t *testing.T) {
	total := opsOfScript(t)
	if total < 150 {
		t.Errorf("the script has only %d operations", total)
	}
	for n := 1; n <= total; n++ {
		for seed := range uint64(4) {
			fsys := faultfs.New()
			fsys.Seed(seed)
			fsys.CrashAtOp(n)
			l := newLedger()
			if err := l.script(fsys, new(warnings)); !errors.Is(err, faultfs.ErrCrashed) && n < total {
				t.Fatalf("operation %d: the script ended with %v", n, err)
			}
			clone := fsys.CrashClone(rand.New(rand.NewPCG(seed, uint64(n))))
			if err := l.survive(clone); err != nil {
				t.Fatalf("power cut at operation %d, seed %d: %v", n, seed, err)
			}
			fsys.Restart()
			if err := l.survive(fsys); err != nil {
				t.Fatalf("kill at operation %d, seed %d: %v", n, seed, err)
			}
			log := open(t, fsys.CrashClone(rand.New(rand.NewPCG(seed, uint64(n)))))
			if log.Image().TopicByName("after-the-crash") == nil {
				t.Fatalf("kill at operation %d, seed %d, power cut later: what was acknowledged is gone", n, seed)
			}
			closeLog(t, log)
		}
	}
}

// TestFailureOfEveryOperation makes each durable operation fail once; then the process is killed, started again on the
// same page cache, and only then the power goes: what the second life acknowledged, or showed, must be there.
func TestFailureOfEveryOperation(t *testing.T) {
	total := opsOfScript(t)
	for _, failure := range []error{syscall.EIO, syscall.ENOSPC} {
		for n := 1; n <= total; n++ {
			fsys := faultfs.New()
			fsys.Seed(uint64(n))
			fsys.FailNth(n, failure)
			l := newLedger()
			err := l.script(fsys, new(warnings))
			if err != nil && !errors.Is(err, failure) {
				t.Fatalf("%v at operation %d: %v", failure, n, err)
			}
			fsys.Restart()
			log, err := OpenSingle(options(fsys, new(warnings)))
			if err != nil {
				t.Fatalf("%v at operation %d, opened again: %v", failure, n, err)
			}
			if err := l.check(log.Image()); err != nil {
				t.Fatalf("%v at operation %d: %v", failure, n, err)
			}
			if err := propose(log, &metadata.TopicRecord{Name: "after-the-failure", ID: topicID(9999)}); err != nil {
				t.Fatalf("%v at operation %d, a proposal later: %v", failure, n, err)
			}
			shown := log.Image()
			clone := fsys.CrashClone(rand.New(rand.NewPCG(1, uint64(n))))
			closeLog(t, log)
			log, err = OpenSingle(options(clone, new(warnings)))
			if err != nil {
				t.Fatalf("%v at operation %d, after the power cut: %v", failure, n, err)
			}
			if content(log.Image()) != content(shown) {
				t.Fatalf("%v at operation %d: what was shown after the restart was not on disk", failure, n)
			}
			closeLog(t, log)
		}
	}
}

// kill ends a log as kill -9 does: its goroutine goes, but nothing reaches the disk on the way.
func kill(fsys *faultfs.FS, l *Single) {
	fsys.CrashAtOp(fsys.Ops() + 1)
	_ = l.Close()
	fsys.Restart()
}

// TestRandomLives mixes restarts, kills and power cuts.
func TestRandomLives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fsys, l, n := faultfs.New(), newLedger(), 0
		for range rapid.IntRange(1, 6).Draw(t, "lives") {
			log, err := OpenSingle(options(fsys, new(warnings)))
			if err != nil {
				t.Fatal(err)
			}
			if l.acked = max(l.acked, 1); l.check(log.Image()) != nil {
				t.Fatal(l.check(log.Image()))
			}
			for range rapid.IntRange(0, 20).Draw(t, "steps") {
				n++
				if err := l.propose(log, n); err != nil {
					t.Fatal(err)
				}
			}
			end := rapid.IntRange(0, 2).Draw(t, "end")
			if end == 2 {
				clone := fsys.CrashClone(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
				_ = log.Close()
				fsys = clone
				continue
			}
			if end == 1 {
				kill(fsys, log)
			} else if err := log.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestFailedSyncIsTheEnd: nothing is acknowledged after it, and the image stays where it was.
func TestFailedSyncIsTheEnd(t *testing.T) {
	fsys := faultfs.New()
	o := options(fsys, new(warnings))
	told := 0
	o.Fatal = func(error) { told++ }
	l := openWith(t, o)
	before := content(l.Image())
	fsys.FailNth(1, syscall.EIO, faultfs.SyncData)
	var fatal *FatalError
	if err := propose(l, newTopic(1)...); !errors.As(err, &fatal) || !errors.Is(err, syscall.EIO) {
		t.Errorf("the proposal that met it: %v", err)
	}
	if err := propose(l, newTopic(2)...); !errors.As(err, &fatal) || told != 1 {
		t.Errorf("the one after: %v; told %d times", err, told)
	}
	if content(l.Image()) != before {
		t.Error("the image went on")
	}
	closeLog(t, l)
}

// damaged is a copy of a disk, after a kill, with a file changed.
func damaged(t *testing.T, fsys *faultfs.FS, name string, change func(b []byte) []byte) *faultfs.FS {
	t.Helper()
	fsys.Restart()
	clone := fsys.CrashClone(rand.New(rand.NewPCG(1, 1)))
	b, err := vfs.ReadFile(clone, name)
	if err == nil {
		err = vfs.WriteFileAtomic(clone, name, change(append([]byte(nil), b...)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return clone
}

// history makes a log with several terms, two snapshots, and records above them, closed in order or killed.
func history(t *testing.T, clean bool) (fsys *faultfs.FS, want string) {
	t.Helper()
	fsys = faultfs.New()
	for life := range 3 {
		o := options(fsys, new(warnings))
		o.SnapshotRecords = 12
		l := openWith(t, o)
		for i := range 7 {
			if err := propose(l, newTopic(life*100+i)...); err != nil {
				t.Fatal(err)
			}
		}
		want = content(l.Image())
		if life == 2 && !clean {
			kill(fsys, l)
			continue
		}
		closeLog(t, l)
	}
	return fsys, want
}

// TestDamageInTheLogIsRefused flips every byte of the last log file. It was closed in order, so all of it is known
// to be synced, and the only flip that may pass is none.
func TestDamageInTheLogIsRefused(t *testing.T) {
	fsys, want := history(t, true)
	logs := files(t, fsys, logSuffix)
	name := logs[len(logs)-1]
	whole, _ := vfs.ReadFile(fsys, name)
	for i := range whole {
		clone := damaged(t, fsys, name, func(b []byte) []byte { b[i] ^= 0x04; return b })
		w := new(warnings)
		l, err := OpenSingle(options(clone, w))
		if after, _ := vfs.ReadFile(clone, name); err != nil && len(after) != len(whole) {
			t.Fatalf("byte %d flipped: %d bytes of %d are left of what was refused", i, len(after), len(whole))
		}
		var corrupt *segment.CorruptError
		if errors.As(err, &corrupt) && corrupt.File == name && (int(corrupt.Pos) <= i || i >= 12 && i < 16) {
			continue
		}
		// A batch that is the only one of its term leaves its term without a witness but quorum-state.
		if err == nil && i >= 12 && i < 16 && len(w.take()) > 0 && content(l.Image()) == want {
			closeLog(t, l)
			continue
		}
		t.Errorf("byte %d flipped: %v", i, err)
		if err == nil {
			closeLog(t, l)
		}
	}
}

// TestOnlyAnUnsyncedTailIsCut damages the end of a log that was killed: the last batch is cut with a warning, a batch
// before it is refused, and so is the last one once it is marked as synced.
func TestOnlyAnUnsyncedTailIsCut(t *testing.T) {
	fsys, want := history(t, false)
	logs := files(t, fsys, logSuffix)
	name := logs[len(logs)-1]
	for _, cut := range []int{1, 20, 70} {
		w := new(warnings)
		clone := damaged(t, fsys, name, func(b []byte) []byte { return b[:len(b)-cut] })
		l, err := OpenSingle(options(clone, w))
		if err != nil {
			t.Fatalf("%d bytes short: %v", cut, err)
		}
		if got := w.take(); len(got) != 1 || !strings.Contains(got[0], name) || content(l.Image()) == want {
			t.Errorf("%d bytes short: told %q", cut, got)
		}
		closeLog(t, l)
	}
	for _, tail := range []string{"x", strings.Repeat("\x00", 4096)} {
		w := new(warnings)
		clone := damaged(t, fsys, name, func(b []byte) []byte { return append(b, tail...) })
		l := openWith(t, options(clone, w))
		if got := w.take(); len(got) != 1 || content(l.Image()) != want {
			t.Errorf("with %d bytes behind it: told %q", len(tail), got)
		}
		closeLog(t, l)
	}
	clone := damaged(t, fsys, name, func(b []byte) []byte { b[70]++; return b })
	if _, err := OpenSingle(options(clone, new(warnings))); !strings.Contains(fmt.Sprint(err), "an intact one follows") {
		t.Errorf("damage in the middle: %v", err)
	}
	if err := vfs.WriteFileAtomic(clone, filepath.Join(dataDir, syncedFile), formatSynced(9999)); err != nil {
		t.Fatal(err)
	}
	clone = damaged(t, clone, name, func(b []byte) []byte { b[70]--; return b })
	if _, err := OpenSingle(options(clone, new(warnings))); !strings.Contains(fmt.Sprint(err), "below 9999 was synced") {
		t.Errorf("a log that ends too early: %v", err)
	}
}

// TestDamagedHelpersAreRebuilt flips every byte of what can be made again from the rest.
func TestDamagedHelpersAreRebuilt(t *testing.T) {
	for _, clean := range []bool{true, false} {
		fsys, want := history(t, clean)
		snaps := files(t, fsys, snapSuffix)
		dir := filepath.Join(dataDir, topicDir)
		for _, name := range append(snaps, filepath.Join(dataDir, syncedFile), filepath.Join(dir, epochFile),
			filepath.Join(dir, stateFile)) {
			whole, err := vfs.ReadFile(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			step := 1
			if len(whole) > 200 { // a snapshot: a part of its bytes will do
				step = 5
			}
			for i := 0; i < len(whole); i += step {
				clone := damaged(t, fsys, name, func(b []byte) []byte { b[i] ^= 0x04; return b })
				w := new(warnings)
				l, err := OpenSingle(options(clone, w))
				if err != nil || content(l.Image()) != want {
					t.Fatalf("%s, byte %d flipped: %v", name, i, err)
				}
				told := w.take()
				if name == snaps[len(snaps)-1] && len(told) != 1 || len(told) > 1 {
					t.Fatalf("%s, byte %d flipped: told %q", name, i, told)
				}
				closeLog(t, l)
			}
		}
	}
}
