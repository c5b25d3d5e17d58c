package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tailrace/batch"
	"tailrace/index"
	"tailrace/vfs"
	"tailrace/wire"
)

// How a log is checked after an unclean stop:
//
//	       base                recovery point      CheckBytes before the end
//	-------+-------------------+-------------------+-------------------+-------+
//	earlier| headers only      | after a kill:     | every batch: CRC, | bad   |
//	not    | from the last     | headers only      | bounds, order     |       |
//	read   | index entry below | (see believe.go)  |                   |       |
//	-------+-------------------+-------------------+-------------------+-------+
//
// What lies below the recovery point was synced. If it is bad it is damage: the log does not open. Above it, what is
// bad may be the write that the stop broke off. It is cut away
//
//	after a kill        if it is zeros (a reserve), or if no good batch follows: then it was the last one. The page cache
//	                    survives a kill, so a bad batch with good ones after it was damaged in some other way.
//	after a power loss  always, with everything after it: unsynced writes reach the disk in any order. A segment that
//	                    begins above the end of the one before it follows a write that was lost, and goes too; not
//	                    where the log was compacted, because segments that Kafka has compacted need not adjoin.
//
// The indexes of the segments from the recovery point on are completed on the way, after a power loss made anew.
func (op *opening) recover() error {
	first := max(op.c.find(op.RecoveryPoint), 0)
	behind := op.c[first:].bytes()
	for i := first; i < len(op.c); i++ {
		s := op.c[i]
		behind -= s.size()
		end, cut, err := op.scan(i, i == first, op.believed(s.size(), behind))
		if err != nil {
			return err
		}
		s.setEnds(s.size(), end)
		if end > op.RecoveryPoint {
			op.l.markUnsynced(s)
		}
		bound := op.c.bound(i)
		gap := op.PowerLoss && i+1 < len(op.c) && end < bound && max(op.RecoveryPoint, op.Cleaned) < bound
		if gap && !cut {
			op.reportGap(i+1, end)
		}
		if cut || gap {
			return op.dropFrom(i + 1)
		}
	}
	return nil
}

// reportGap notes the loss of segment i and all later ones.
func (op *opening) reportGap(i int, end wire.Offset) {
	lost := op.c[i:]
	if bytes := lost.bytes(); bytes > 0 {
		op.rec.Truncated = append(op.rec.Truncated, Cut{File: op.l.path(lost[0].base, logSuffix), Bytes: bytes,
			Reason: fmt.Sprintf("it begins above offset %d, where the segment before it ends: a write was lost", end)})
	}
}

// check is the checking of one segment.
type check struct {
	op    *opening
	s     *seg
	bound wire.Offset
	file  vfs.File
	x     indexer
	noIdx bool // the disk is too full for an index: it is left to a better day
	sc    *scanner
	look  *walk

	believed int64 // what begins below this position may be believed by its header
	head     [batch.HeaderSize]byte

	pos  int64
	size int64
	next wire.Offset
}

// scan checks segment i. end is its end offset; cut says that nothing after it may stay.
func (op *opening) scan(i int, holdsPoint bool, believed int64) (end wire.Offset, cut bool, err error) {
	s := op.c[i]
	k := check{op: op, s: s, bound: op.c.bound(i), size: s.size(), next: s.base, believed: believed}
	if k.size == 0 {
		return s.base, false, nil
	}
	if k.file, err = op.l.openFile(op.l.path(s.base, logSuffix), os.O_RDWR); err != nil {
		return 0, false, err
	}
	k.sc, k.look = newScanner(k.file), walks.Get().(*walk)
	k.look.file, k.look.n = k.file, 0
	defer func() {
		k.sc.release()
		k.look.release()
		err = errors.Join(err, k.closeIndex(), k.file.Close())
	}()
	if err := k.openIndex(holdsPoint && !op.PowerLoss); err != nil {
		return 0, false, err
	}
	wrong, err := k.run()
	if err != nil {
		return 0, false, err
	}
	if k.pos < k.size {
		if cut, err = k.judge(i, wrong); err != nil {
			return 0, false, err
		}
	}
	s.tail.Store(uint64(uint32(k.pos)))
	s.checked = true
	if !k.noIdx {
		err = k.forgive(k.x.finish())
		s.dated, s.maxTs, s.maxTsAt = true, k.x.maxTs, k.x.maxTsAt
	}
	return k.next, cut, errors.Join(err, op.l.cutAborted(s, op.RecoveryPoint))
}

// openIndex opens the indexes, and with keep goes on from the last entry below the recovery point.
func (k *check) openIndex(keep bool) error {
	l, flag := k.op.l, os.O_TRUNC
	if keep {
		flag = 0
	}
	var err error
	if k.x, err = l.openIndexer(k.s.base, "", flag); err == nil && keep {
		if err = k.resume(); isDamaged(err) {
			_ = k.x.close()
		}
	}
	if isDamaged(err) && !errors.Is(err, fs.ErrNotExist) {
		name := l.path(k.s.base, indexSuffix)
		k.op.rec.Rebuilt = append(k.op.rec.Rebuilt, name)
		k.op.Warn("index damaged: rebuilt from the log", "file", name, "reason", err)
		k.pos, k.next = 0, k.s.base
		k.x, err = l.openIndexer(k.s.base, "", os.O_TRUNC)
	}
	return err
}

// resume keeps the index entries of batches below the recovery point.
func (k *check) resume() error {
	n := k.x.offsets.Len()
	var e index.OffsetEntry
	var err error
	for ; n > 0; n-- {
		if e, err = k.x.offsets.At(n - 1); err != nil {
			return err
		}
		if e.Offset < k.op.RecoveryPoint && int64(e.Pos) < k.size {
			break
		}
	}
	if err := k.x.offsets.Cut(n); err != nil {
		return err
	}
	m := k.x.times.Len()
	for ; m > 0; m-- {
		t, err := k.x.times.At(m - 1)
		if err != nil {
			return err
		}
		if n > 0 && t.Offset <= e.Offset {
			break
		}
	}
	if err := k.x.times.Cut(m); err != nil {
		return err
	}
	if err := k.x.resume(); err != nil || n == 0 {
		return err
	}
	pos, next, err := k.op.l.lastEntry(k.s, k.look, k.x.offsets, k.size)
	if err != nil {
		return err
	}
	h, err := k.look.header(k.op.l, k.s, pos, k.size)
	if err == nil && h.maxTs > k.x.maxTs {
		err = misleading(k.x.offsets, e)
	}
	k.pos, k.next = pos, next
	return err
}

// run goes on from pos to the end of the file, or to the first batch that is not as it should be.
func (k *check) run() (wrong string, err error) {
	for k.pos < k.size {
		var h header
		var b batch.View
		h, b, wrong, err = k.batch()
		if err != nil || wrong != "" {
			return wrong, err
		}
		if !k.noIdx {
			if err := k.forgive(k.x.note(h, k.pos)); err != nil {
				return "", err
			}
		}
		if b != nil && k.op.Rewrite {
			if _, err := k.file.WriteAt(b, k.pos); err != nil {
				return "", err
			}
		}
		k.pos, k.next = k.pos+h.size, h.next()
		if b != nil && k.op.OnBatch != nil {
			k.op.OnBatch(b)
		}
	}
	return "", nil
}

// batch looks at the batch at pos: below the recovery point and in what is believed at its header, else at all of it. b
// is nil below the recovery point.
func (k *check) batch() (h header, b batch.View, wrong string, err error) {
	whole := k.next >= k.op.RecoveryPoint && k.pos >= k.believed
	if !whole {
		raw, err := k.sc.head(k.pos, k.size)
		if err != nil {
			return h, nil, "", err
		}
		if wrong = h.parse(raw, k.pos, k.size, k.s.base); wrong == "" && h.last >= k.op.RecoveryPoint {
			if b, err = k.believe(h, raw); err != nil {
				return h, nil, "", err
			}
			whole = b == nil
		}
	}
	if whole {
		b, h, wrong, err = k.sc.batch(k.pos, k.size, k.s.base)
		k.op.rec.Scanned += h.size
	}
	if err == nil {
		wrong = k.misplaced(h, wrong)
	}
	return h, b, wrong, err
}

// misplaced adds to what is wrong with a batch whether its offsets belong behind those before it.
func (k *check) misplaced(h header, wrong string) string {
	switch {
	case h.base >= k.bound:
		return stale
	case wrong == "" && h.base < k.next:
		return fmt.Sprintf("a batch with offsets %d to %d where %d should follow", h.base, h.last, k.next)
	}
	return wrong
}

// stale is what is wrong with batches that belong to a later segment: Truncate left them.
const stale = "batches that were truncated away"

// judge decides what the bad bytes at pos are, and cuts them off if it may. all says that later segments go as well.
func (k *check) judge(i int, wrong string) (all bool, err error) {
	op := k.op
	cut := Cut{File: k.file.Name(), Pos: vfs.Pos(k.pos), Bytes: k.size - k.pos, Reason: wrong}
	corrupt := &CorruptError{File: k.file.Name(), Pos: vfs.Pos(k.pos), Reason: wrong}
	if wrong == stale {
		op.rec.Trimmed = append(op.rec.Trimmed, cut)
		return false, k.cut()
	}
	zero, err := isZero(k.file, k.pos, k.size)
	if err != nil {
		return false, err
	}
	if zero {
		corrupt.Reason = "zeros where records should follow"
	}
	later := i+1 < len(op.c)
	switch {
	case k.next < op.RecoveryPoint:
		corrupt.Reason += fmt.Sprintf(", and everything below offset %d was synced", op.RecoveryPoint)
		return false, corrupt
	case zero && (!later || k.next == k.bound):
		cut.Reason = "reserved space"
		op.rec.Trimmed = append(op.rec.Trimmed, cut)
		return false, k.file.Truncate(k.pos)
	case !op.PowerLoss:
		where, found, err := op.follows(k, i)
		if err != nil {
			return false, err
		}
		if found {
			corrupt.Reason += ", but a good batch follows at " + where
			return false, corrupt
		}
	}
	op.rec.Truncated = append(op.rec.Truncated, cut)
	if !op.PowerLoss {
		// Behind it is nothing good that a power cut could bring back. A sync would write all that the file never had
		// written, before the first answer.
		return true, k.file.Truncate(k.pos)
	}
	return true, k.cut()
}

// cut removes what is bad, for good: synced, lest a power cut brings back a part of it among what is written there
// next.
func (k *check) cut() error {
	if err := k.file.Truncate(k.pos); err != nil {
		return err
	}
	return k.file.Sync()
}

// forgive takes a full disk, or an index that may not grow, as a reason to do without an index for now: a start must
// not need free space. The first use will build it.
func (k *check) forgive(err error) error {
	if errors.Is(err, index.ErrFull) {
		return nil
	}
	if !noSpace(err) {
		return err
	}
	k.noIdx = true
	return errors.Join(k.x.close(), k.op.l.remove(k.op.l.path(k.s.base, indexSuffix)),
		k.op.l.remove(k.op.l.path(k.s.base, timeSuffix)))
}

func (k *check) closeIndex() error {
	if k.noIdx || k.x.times == nil {
		return nil
	}
	return k.x.close()
}
