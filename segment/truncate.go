package segment

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"tailrace/wire"
)

// How a log is truncated. Bytes that may have been handed to a socket are never overwritten, nor is a file cut while
// they may still be on their way: the socket queue holds the pages themselves, and a cut zeroes the rest of its last
// page. So the file that holds the new end is left alone, and the log goes on in a new one:
//
//	before   000...000.log [ 0 .. 9 | 10 .. 19 | 20 .. 29 ]      000...030.log [ 30 .. 39 ]
//	Truncate(20)
//	after    000...000.log [ 0 .. 9 | 10 .. 19 ] ( 20 .. 29 )    000...020.log [ ]      000...030.log.deleted
//
// The empty file at 20 is the mark: what a segment holds at or above the next one's base is not part of the log. Every
// open knows that rule. The bytes in ( ) are cut off FileDeleteDelayMs later, at rest, at Close or at the next start.
//
// The order is: later segments go, newest first, and the directory is synced after each; the new file comes; the
// directory is synced. A power cut in between leaves a log that ends where it did before, or earlier, without a gap.

// Truncate removes every batch that holds an offset at or above to; End becomes to, or the base offset of the batch
// that holds to. The caller checkpoints its recovery point, lowered to End, before it appends again. An error may
// leave the log truncated for readers and closed for appends.
func (l *Log) Truncate(to wire.Offset) error {
	return l.rearrange(func() error {
		if to >= l.End() {
			return nil
		}
		c := *l.chain.Load()
		i := c.find(to)
		if i < 0 {
			return l.replaceAll(to)
		}
		return l.truncate(c, i, to)
	})
}

// TruncateFullyAndStartAt removes everything; Start and End become off.
func (l *Log) TruncateFullyAndStartAt(off wire.Offset) error {
	return l.rearrange(func() error { return l.replaceAll(off) })
}

// rearrange runs f with no writer and every other use but reading kept out. Under syncing, work and mu.
func (l *Log) rearrange(f func() error) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.work.Lock()
	defer l.work.Unlock()
	l.quiesce()
	err := l.usable()
	var tell bool
	if err == nil {
		if err = f(); err == nil {
			tell = l.markDirty()
		}
	}
	l.mu.Unlock()
	if tell {
		l.onDirty()
	}
	return l.failure("truncating", err)
}

// replaceAll removes all segments and begins one at off.
func (l *Log) replaceAll(off wire.Offset) error {
	if err := l.retire(); err != nil {
		return err
	}
	return l.cutChain(nil, *l.chain.Load(), off, off)
}

// truncate cuts at to, which lies in segment i or behind its last batch.
func (l *Log) truncate(c chain, i int, to wire.Offset) error {
	s := c[i]
	pos, end, err := l.truncationPoint(s, to)
	if err != nil {
		return err
	}
	if err := l.retire(); err != nil {
		return err
	}
	start := min(l.Start(), end)
	if pos == 0 && i > 0 && end > s.base {
		// What the segment before holds beyond s.base must not come back: an empty s stays as the mark.
		return l.cutChain(c[:i], c[i:], start, s.base, end)
	}
	if pos == 0 {
		return l.cutChain(c[:i], c[i:], start, end)
	}
	if pos < s.size() {
		// What is cut away must be known for what it is after a power cut: whole batches, not the torn end of one.
		if err := l.syncSealed(s); err != nil {
			return l.fail(err)
		}
		if err := l.cutIndexes(s, pos, end); err != nil {
			return err
		}
		l.names.Lock()
		s.stale = true
		s.setEnds(pos, end)
		old := s.h.Swap(nil)
		l.names.Unlock()
		l.letGo(old)
		l.cuts++
		l.doomed = append(l.doomed, doomed{stale: s, atMs: l.now()})
	}
	return l.cutChain(c[:i+1], c[i+1:], start, end)
}

// truncationPoint is the position in s of the first batch that ends at or above to, and the end of the log without it.
func (l *Log) truncationPoint(s *seg, to wire.Offset) (pos int64, end wire.Offset, err error) {
	if to <= s.base {
		return 0, to, nil
	}
	h, err := l.acquire(s)
	if isDamaged(err) {
		return 0, 0, fmt.Errorf("%s: %w", l.dir, err)
	}
	if err != nil {
		return 0, 0, err
	}
	defer h.ref.Release()
	r := reader{l: l, from: to, s: s, h: h, size: s.size(), end: l.boundOf(s)}
	pos, first, err := r.locate()
	if r.w != nil {
		r.w.release()
	}
	if isDamaged(err) { // the index is of no help: go from the first batch on
		r.w, r.h = nil, &handle{ref: h.ref}
		r.h.hotFrom.Store(neverHot)
		pos, first, err = r.locate()
		if r.w != nil {
			r.w.release()
		}
	}
	return pos, min(to, first), err
}

// cutChain makes keep and empty segments at bases the log, and takes gone out of it. Readers see that at once.
func (l *Log) cutChain(keep, gone chain, start wire.Offset, bases ...wire.Offset) error {
	nowMs := l.now()
	c := slices.Clone(keep)
	for _, base := range bases {
		c = append(c, &seg{base: base, wroteMs: nowMs, checked: true})
	}
	l.publish(c)
	start, end := max(start, c[0].base), c.active().base
	l.start.Store(int64(start))
	if durable := l.durable.Load(); int64(end) < durable || start == end {
		l.durable.Store(int64(end))
	}
	l.hints.Store(nil)
	return l.fail(l.cutFiles(gone, bases, nowMs))
}

// cutFiles does to the directory what cutChain has done to the chain.
func (l *Log) cutFiles(gone chain, bases []wire.Offset, nowMs int64) error {
	for _, g := range slices.Backward(gone) {
		if err := l.doom(g, nowMs); err != nil {
			return err
		}
		// One by one, so that a power cut in between leaves no hole.
		if err := l.fs.SyncDir(l.dir); err != nil {
			return err
		}
	}
	for _, base := range bases {
		if err := l.createLog(base); err != nil {
			return err
		}
	}
	return l.fs.SyncDir(l.dir)
}

// fail ends all appending: the files are not what readers see, or a sync has failed. Under mu.
func (l *Log) fail(err error) error {
	if err != nil && l.failed == nil {
		l.failed = fmt.Errorf("%s: truncation failed, nothing more is written here: %w", l.dir, err)
	}
	return err
}

// createLog makes the log file of an empty segment. Its indexes come with the first append.
func (l *Log) createLog(base wire.Offset) error {
	f, err := l.openFile(l.path(base, logSuffix), os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	return f.Close()
}

// cutIndexes replaces the indexes of s by ones that end at position pos, offset end. The old files stay as they are for
// readers that are using them.
func (l *Log) cutIndexes(s *seg, pos int64, end wire.Offset) error {
	l.names.Lock()
	defer l.names.Unlock()
	f, err := l.openFile(l.path(s.base, logSuffix), os.O_RDONLY)
	if err != nil {
		return err
	}
	x, err := l.openIndexer(s.base, cleanedSuffix, os.O_TRUNC)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	part := &seg{base: s.base}
	part.tail.Store(uint64(uint32(pos)))
	err = l.indexHeaders(&x, part, f)
	if err == nil {
		err = x.finish()
	}
	s.maxTs, s.maxTsAt, s.dated = x.maxTs, x.maxTsAt, true
	if err = errors.Join(err, x.close(), f.Close()); err != nil {
		return err
	}
	if err := l.placeIndexes(s); err != nil {
		return err
	}
	l.markUnsynced(s)
	return l.cutAborted(s, end)
}

// doomed is work for Purge: the files of a segment that was taken out of the log, or the rest of one that was cut.
type doomed struct {
	base  wire.Offset
	stale *seg
	atMs  int64
}

// doom takes the files of s out of the log: from now on they bear names that a start drops. Under work.
func (l *Log) doom(s *seg, nowMs int64) error {
	l.names.Lock()
	defer l.names.Unlock()
	s.dead = true
	l.letGo(s.h.Swap(nil))
	for _, suffix := range suffixes {
		name := l.path(s.base, suffix)
		err := l.rename(name, name+deletedSuffix)
		if noSpace(err) {
			err = l.remove(name) // what makes room must not need any, not even for a longer name
		}
		if err != nil {
			return err
		}
	}
	l.doomed = append(l.doomed, doomed{base: s.base, atMs: nowMs})
	return nil
}

// Purge unlinks the files whose FileDeleteDelayMs is over and tells whether others are still waiting.
func (l *Log) Purge(nowMs int64) (waiting bool, err error) {
	l.work.Lock()
	defer l.work.Unlock()
	if l.closed.Load() {
		return false, nil
	}
	delay := l.config.Load().FileDeleteDelayMs
	for len(l.doomed) > 0 && nowMs-l.doomed[0].atMs >= delay {
		if err := l.purge(l.doomed[0]); err != nil {
			return true, err
		}
		l.doomed = l.doomed[1:]
	}
	return len(l.doomed) > 0, nil
}

func (l *Log) purge(d doomed) error {
	if d.stale != nil {
		l.names.Lock()
		defer l.names.Unlock()
		return l.trimStale(d.stale)
	}
	for _, suffix := range suffixes {
		if err := l.remove(l.path(d.base, suffix) + deletedSuffix); err != nil {
			return err
		}
	}
	return nil
}
