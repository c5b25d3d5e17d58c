package segment

import (
	"errors"
	"os"
	"slices"

	"tailrace/wire"
)

// How a run of segments is replaced by one, at the example of three. Each arrow is a sync of the directory; a line is a
// set of renames of which a crash may leave any part.
//
//	made     09223372036854775806.log.cleaned, synced; 000.log, 300.log, 612.log
//	swap     .cleaned -> 000.log.swap, the log file last            |
//	         -------------------------------------------------------+--> from here on the new one is the log
//	doom     000.log, 300.log, 612.log -> .deleted
//	         -->
//	place    000.log.swap -> 000.log
//	         -->
//
// A start drops what is .cleaned or .deleted. If it finds a log file that is .swap, it removes the files that lie in
// its range of offsets and gives it its name; index files without one are dropped, and made anew where they are
// needed. That is what Kafka does at start, too.
//
// The sync between doom and place is what Kafka lacks: without it a power cut might bring back 300.log beside the new
// 000.log, and with it records whose tombstones are gone.

// swap makes the replacement, whose files are complete and synced, a part of the log. After an error before the first
// sync of the directory nothing has happened; after a later one the log takes no more appends.
func (r *Replacement) swap() error {
	l := r.l
	l.work.Lock()
	defer l.work.Unlock()
	l.quiesce()
	err := l.usable()
	if err == nil && r.find() < 0 {
		err = ErrOvertaken
	}
	l.mu.Unlock()
	if err != nil {
		return err
	}
	if err := r.toSwap(); err != nil {
		return err
	}
	s := r.publish()
	l.replacing = false
	nowMs := l.now()
	for _, old := range r.old {
		if err == nil {
			err = l.doom(old, nowMs)
		}
	}
	if err == nil {
		err = l.fs.SyncDir(l.dir)
	}
	if err == nil {
		err = l.placeSwapped(s)
	}
	if err == nil {
		err = l.fs.SyncDir(l.dir)
	}
	if err != nil {
		return l.poison(l.failure("replacing segments", err))
	}
	return nil
}

// find is the place of the old segments in the chain, -1 if they are no longer there, or Truncate has cut one, which
// leaves it in its place. Under work.
func (r *Replacement) find() int {
	c := *r.l.chain.Load()
	i := slices.Index(c, r.old[0])
	if i < 0 || i+len(r.old) >= len(c) || !slices.Equal(c[i:i+len(r.old)], r.old) || r.cuts != r.l.cuts {
		return -1
	}
	return i
}

// toSwap renames the files to the name under which a start completes them. Under work.
func (r *Replacement) toSwap() error {
	l := r.l
	order := [...]string{indexSuffix, timeSuffix, txnSuffix, logSuffix} // with the last one it counts
	var err error
	for _, suffix := range order {
		from, to := l.path(replacementNumber, suffix)+cleanedSuffix, l.path(r.base, suffix)+swapSuffix
		switch {
		case err != nil:
		case suffix == logSuffix:
			err = l.place(from, to)
		default:
			err = l.rename(from, to)
		}
	}
	if err == nil {
		if err = l.fs.SyncDir(l.dir); err != nil {
			return l.poison(l.failure("replacing segments", err))
		}
		return nil
	}
	for _, suffix := range order[:3] {
		err = errors.Join(err, l.remove(l.path(r.base, suffix)+swapSuffix))
	}
	return l.failure("replacing segments", err)
}

// publish puts the new segment in the place of the old ones. Under work.
func (r *Replacement) publish() *seg {
	l := r.l
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &seg{
		base: r.base, checked: true, swapped: true, dated: true, maxTs: r.x.maxTs, maxTsAt: r.x.maxTsAt,
		wroteMs: r.old[len(r.old)-1].wroteMs,
	}
	s.setEnds(r.pos, r.next)
	if len(r.aborted) > 0 {
		s.txn.Store(&r.aborted)
		s.hasTxn.Store(true)
	}
	c, i := *l.chain.Load(), r.find()
	l.publishInstead(c, i, i+len(r.old), s)
	return s
}

func (l *Log) publishInstead(c chain, from, to int, s *seg) {
	l.publish(slices.Concat(c[:from], chain{s}, c[to:]))
	l.hints.Store(nil)
}

// placeSwapped gives the files of a replacement their own names. Under work.
func (l *Log) placeSwapped(s *seg) error {
	l.names.Lock()
	defer l.names.Unlock()
	for _, suffix := range suffixes[1:] {
		name := l.path(s.base, suffix)
		if err := l.rename(name+swapSuffix, name); err != nil {
			return err
		}
	}
	name := l.path(s.base, logSuffix)
	if err := l.place(name+swapSuffix, name); err != nil {
		return err
	}
	s.swapped = false
	return nil
}

// completeSwaps finishes replacements that a stop broke off. A log file that is ".swap" is whole and synced; the ones
// whose offsets it covers go, for good before it takes its name.
func (op *opening) completeSwaps(entries []os.DirEntry, found map[wire.Offset]*files) error {
	whole := map[wire.Offset]bool{}
	for _, e := range entries {
		base, suffix, condition, ok := parseName(e.Name())
		if !ok || condition != swapSuffix || suffix != logSuffix {
			continue
		}
		whole[base] = true
		next, err := op.endOf(op.l.path(base, suffix)+swapSuffix, base)
		if err != nil {
			return err
		}
		for b, f := range found {
			if b >= base && b < next {
				if err := op.dropFiles(b, f); err != nil {
					return err
				}
			}
		}
	}
	if err := op.FS.SyncDir(op.Dir); err != nil {
		return err
	}
	for _, suffix := range [...]string{indexSuffix, timeSuffix, txnSuffix, logSuffix} {
		for _, e := range entries {
			base, s, condition, ok := parseName(e.Name())
			if !ok || s != suffix || condition != swapSuffix {
				continue
			}
			name := op.l.path(base, suffix)
			err := error(nil)
			if whole[base] {
				err = op.l.place(name+swapSuffix, name)
			} else {
				err = op.drop(name + swapSuffix)
			}
			if err != nil {
				return err
			}
		}
	}
	return op.FS.SyncDir(op.Dir)
}

func (op *opening) dropFiles(base wire.Offset, f *files) error {
	for _, name := range append(f.indexes, op.l.path(base, logSuffix)) {
		if err := op.drop(name); err != nil {
			return err
		}
	}
	return nil
}

// endOf is the offset behind the last batch of a log file that is known to be whole.
func (op *opening) endOf(name string, base wire.Offset) (wire.Offset, error) {
	f, err := op.l.openFile(name, os.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	w := walks.Get().(*walk)
	w.file, w.n = f, 0
	defer w.release()
	next := base + 1
	for pos := int64(0); pos < size; {
		h, err := w.header(op.l, &seg{base: base}, pos, size)
		if err != nil {
			return 0, err
		}
		pos, next = pos+h.size, h.next()
	}
	return next, nil
}
