package segment

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"tailrace/wire"
)

// Open opens the log in a directory, repairing what an unclean stop left. An empty directory becomes an empty log that
// starts at LogStart. Errors: *CorruptError for damage that must not be cut away; I/O errors, wrapped.
//
// With Clean set and RecoveryPoint at the end it costs one ReadDir and a Stat per segment.
func Open(o Options) (*Log, Recovered, error) {
	op := &opening{Options: o, l: newLog(o)}
	err := op.run()
	if err != nil {
		if !isCorrupt(err) {
			err = op.l.failure("opening the log", err)
		}
		return nil, op.rec, err
	}
	return op.l, op.rec, nil
}

func newLog(o Options) *Log {
	l := &Log{
		fs: o.FS, dir: o.Dir, now: o.Now, budget: o.Budget, background: o.Background,
		onDirty: o.OnDirty, onRoll: o.OnRoll, warn: o.Warn, mapBelow: o.MapBelow,
	}
	l.config.Store(o.Config)
	l.tendFn = l.tend
	if l.now == nil {
		l.now = func() int64 { return time.Now().UnixMilli() }
	}
	if l.warn == nil {
		l.warn = func(string, ...any) {}
	}
	if l.mapBelow == 0 {
		l.mapBelow = DefaultMapBelow
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(o.Dir))
	l.jitter = h.Sum32()
	return l
}

// opening is what Open keeps while it works.
type opening struct {
	Options
	l   *Log
	rec Recovered
	c   chain
}

func (op *opening) run() error {
	found, err := op.list()
	if err != nil {
		return err
	}
	if err := op.build(found); err != nil {
		return err
	}
	if len(op.c) == 0 {
		return op.create(op.LogStart)
	}
	last := op.c.active()
	switch {
	case op.Clean && last.size() == 0:
	case op.Clean && op.RecoveryPoint > last.base && op.RecoveryPoint-last.base <= 1<<31:
		// The clean stop wrote down where the log ends. Whether that is so is checked before the file is used.
		last.setEnds(last.size(), op.RecoveryPoint)
	default:
		if err := op.recover(); err != nil {
			return err
		}
		last = op.c.active()
	}
	_, end := last.ends()
	if op.LogStart > end {
		op.Warn("log lies below its start offset: begun anew", "dir", op.Dir, "end", int64(end), "start", int64(op.LogStart))
		if err := op.dropFrom(0); err != nil {
			return err
		}
		return op.create(op.LogStart)
	}
	if op.RecoveryPoint > end {
		op.Warn("log ends below its recovery point: synced records are missing, unless the log was truncated",
			"dir", op.Dir, "end", int64(end), "recovery_point", int64(op.RecoveryPoint))
	}
	op.finish(end)
	return nil
}

func (op *opening) finish(end wire.Offset) {
	l := op.l
	l.publish(op.c)
	l.start.Store(int64(max(op.LogStart, op.c[0].base)))
	l.durable.Store(int64(end))
	if !op.Clean {
		l.durable.Store(int64(min(end, op.RecoveryPoint)))
		l.dirDirty = true
	}
}

// create makes the log an empty one that starts at base.
func (op *opening) create(base wire.Offset) error {
	if err := op.l.createLog(base); err != nil {
		return err
	}
	op.c = chain{&seg{base: base, checked: true, wroteMs: op.l.now()}}
	op.finish(base)
	op.l.dirDirty = true
	return nil
}

// files is what a directory holds of one segment.
type files struct {
	log, txn bool
	size     int64
	wroteMs  int64
	indexes  []string
}

// list reads the directory, drops what a stop in mid-work has left, and completes what it had all but done.
func (op *opening) list() (map[wire.Offset]*files, error) {
	if op.Warn == nil {
		op.Warn = op.l.warn
	}
	entries, err := op.FS.ReadDir(op.Dir)
	if err != nil {
		return nil, err
	}
	found := map[wire.Offset]*files{}
	swaps := false
	for _, e := range entries {
		base, suffix, condition, ok := parseName(e.Name())
		switch {
		case !ok || e.IsDir():
			continue
		case condition == swapSuffix:
			swaps = true
			continue
		case condition != "":
			if err := op.drop(op.l.path(base, suffix) + condition); err != nil {
				return nil, err
			}
			continue
		}
		f := found[base]
		if f == nil {
			f = &files{}
			found[base] = f
		}
		switch suffix {
		case logSuffix:
			info, err := e.Info()
			if err != nil {
				return nil, err
			}
			f.log, f.size, f.wroteMs = true, info.Size(), info.ModTime().UnixMilli()
		case txnSuffix:
			f.txn = true
			fallthrough
		default:
			f.indexes = append(f.indexes, op.l.path(base, suffix))
		}
	}
	if swaps {
		if err := op.completeSwaps(entries, found); err != nil {
			return nil, err
		}
		return op.list()
	}
	return found, nil
}

func (op *opening) drop(name string) error {
	op.rec.Removed = append(op.rec.Removed, name)
	return op.l.remove(name)
}

// build makes the chain of what was found.
func (op *opening) build(found map[wire.Offset]*files) error {
	for _, base := range slices.Sorted(maps.Keys(found)) {
		f := found[base]
		if !f.log || f.size == 0 {
			if err := op.dropIndexes(f); err != nil {
				return err
			}
		}
		if !f.log {
			continue
		}
		if f.size > maxSegmentBytes {
			return &CorruptError{File: op.l.path(base, logSuffix), Pos: maxSegmentBytes,
				Reason: fmt.Sprintf("the file has %d bytes, but positions in a segment end at %d", f.size, maxSegmentBytes)}
		}
		s := &seg{base: base, wroteMs: f.wroteMs, checked: f.size == 0}
		s.tail.Store(uint64(f.size))
		s.hasTxn.Store(f.txn)
		op.c = append(op.c, s)
	}
	op.l.publish(op.c)
	return nil
}

// dropIndexes removes the indexes of a segment that has no log, or an empty one: but for empty files they are wrong.
func (op *opening) dropIndexes(f *files) error {
	for _, name := range f.indexes {
		info, err := op.FS.Stat(name)
		if err == nil && (!f.log || info.Size() > 0) {
			err = op.drop(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dropFrom removes segment i and all later ones, newest first.
func (op *opening) dropFrom(i int) error {
	if i >= len(op.c) {
		return nil
	}
	for _, s := range slices.Backward(op.c[i:]) {
		s.dead = true
		for _, suffix := range suffixes[1:] {
			if err := op.l.remove(op.l.path(s.base, suffix)); err != nil {
				return err
			}
		}
		if err := op.drop(op.l.path(s.base, logSuffix)); err != nil {
			return err
		}
	}
	op.c = op.c[:i:i]
	return op.FS.SyncDir(op.Dir)
}
