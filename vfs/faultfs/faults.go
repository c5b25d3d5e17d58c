package faultfs

import (
	"errors"
	"math/rand/v2"
)

// Op is a kind of operation that changes something durable.
type Op uint8

// The kinds. Opening a file counts as Create when it creates it, as Truncate when O_TRUNC empties it.
const (
	Write Op = iota
	MapStore
	Truncate
	Allocate
	SyncData
	Sync
	SyncDir
	SyncFS
	Rename
	Create
	Mkdir
	Remove
)

var opNames = [...]string{"write", "mapstore", "truncate", "allocate", "syncdata", "sync", "syncdir", "syncfs",
	"rename", "create", "mkdir", "remove"}

// String is the operation's name in lower case.
func (o Op) String() string { return opNames[o] }

// ErrCrashed is the error of every operation from the crash on.
var ErrCrashed = errors.New("faultfs: crashed")

// Seed changes which parts of a broken operation are applied; they follow from the seed and the operation's number.
func (f *FS) Seed(seed uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seed = seed
}

// Ops is how many operations have been counted so far.
func (f *FS) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// FailNth makes the n-th operation from now on (1 is the next) of the given kinds, or of any kind when none is given,
// fail with err. A failing write or mapped store may have stored some of its first sectors; a failing sync loses what
// it should have made durable; nothing else leaves a trace. Rules add up.
func (f *FS) FailNth(n int, err error, ops ...Op) { f.addRule(n, n, err, ops) }

// FailFrom is FailNth for the n-th and all later ones: a broken disk.
func (f *FS) FailFrom(n int, err error, ops ...Op) { f.addRule(n, int(^uint(0)>>1), err, ops) }

// ClearFaults forgets all rules of FailNth and FailFrom: the disk is well again.
func (f *FS) ClearFaults() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// Injected is how many operations rules have made fail.
func (f *FS) Injected() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.injected
}

// CrashAtOp makes operation number n, as Ops counts them (the first is 1), and all later ones fail with ErrCrashed.
// Operation n itself is applied, or not, or in part: any of its sectors. Reads go on. 0 takes it back.
func (f *FS) CrashAtOp(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashAt = n
}

// Crashed tells whether the operation of CrashAtOp has come.
func (f *FS) Crashed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.crashed
}

// Restart is the end of the process without the end of the machine (kill -9): everything done is still there, synced
// or not, but open files fail with ErrCrashed, locks are gone, and so are the faults and the crash.
func (f *FS) Restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.life++
	f.crashed, f.crashAt, f.rules = false, 0, nil
	clear(f.locks)
	for n := range f.open {
		delete(f.open, n)
		f.freeIfGone(n)
	}
}

// SetCapacity sets the size of the disk. Blocks of 4 KiB count, entries do not. Less than what is in use is allowed.
func (f *FS) SetCapacity(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.capacity = bytes
}

type rule struct {
	ops         []Op
	first, last int
	seen        int
	err         error
}

func (f *FS) addRule(first, last int, err error, ops []Op) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &rule{ops: ops, first: first, last: last, err: err})
}

func (r *rule) hits(op Op) bool {
	wanted := len(r.ops) == 0
	for _, o := range r.ops {
		wanted = wanted || o == op
	}
	if !wanted {
		return false
	}
	r.seen++
	return r.first <= r.seen && r.seen <= r.last
}

// fate is what becomes of one operation: it is applied, or fails, or is the one that a crash meets. One that comes
// after a crash fails without dice.
type fate struct {
	err   error
	crash bool
	dice  *rand.Rand
}

// step counts an operation that would otherwise succeed and decides its fate.
func (f *FS) step(op Op) fate {
	if f.crashed {
		return fate{err: ErrCrashed}
	}
	f.ops++
	dice := func() *rand.Rand { return rand.New(rand.NewPCG(f.seed, uint64(f.ops))) }
	if f.crashAt > 0 && f.ops >= f.crashAt {
		f.crashed = true
		return fate{err: ErrCrashed, crash: true, dice: dice()}
	}
	var failed error
	for _, r := range f.rules {
		if r.hits(op) && failed == nil {
			failed = r.err
		}
	}
	if failed == nil {
		return fate{}
	}
	f.injected++
	return fate{err: failed, dice: dice()}
}

// whole tells whether an operation of one piece is applied.
func (t fate) whole() bool {
	return t.err == nil || t.crash && t.dice.IntN(2) == 0
}

// failed tells of an operation that failed by itself, as opposed to one in or after a crash.
func (t fate) failed() bool { return t.err != nil && t.dice != nil && !t.crash }

// takes tells, piece by piece, which of n pieces are applied: a crash tears anywhere, a failure leaves a prefix.
func (t fate) takes(n int) func(i int) bool {
	switch {
	case t.err == nil:
		return func(int) bool { return true }
	case t.dice == nil:
		return func(int) bool { return false }
	case t.crash:
		return func(int) bool { return t.dice.IntN(2) == 0 }
	}
	cut := t.dice.IntN(n + 1)
	return func(i int) bool { return i < cut }
}
