package segment

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"tailrace/batch"
	"tailrace/index"
	"tailrace/vfs"
	"tailrace/wire"
)

// AppendAborted adds an aborted transaction to the index of the segment that holds its last offset, the abort
// marker's, which must have been appended. One call at a time. Transactions come in the order of their markers; one
// that is there already is left alone, so that replaying is harmless. After an unclean stop Open drops those whose
// marker it had to check: the owner, who sees the same batches, adds them again.
func (l *Log) AppendAborted(a index.Aborted) error {
	c := *l.chain.Load()
	i := c.find(a.Last)
	if i < 0 || a.Last >= l.End() {
		return fmt.Errorf("BUG: %s: aborted transaction with a marker at %d, outside the log", l.dir, a.Last)
	}
	s := c[i]
	all, err := l.aborted(s)
	if err == nil && (len(all) == 0 || all[len(all)-1].Last < a.Last) {
		l.names.Lock()
		if err = index.AppendAborted(l.fs, l.path(s.base, txnSuffix), len(all), a); err == nil {
			all = append(all, a) // readers of the shorter list do not see what is behind its end
			s.txn.Store(&all)
			s.hasTxn.Store(true)
		}
		l.names.Unlock()
	}
	if err != nil {
		return l.failure("noting an aborted transaction", err)
	}
	l.mu.Lock()
	l.markUnsynced(s)
	l.dirDirty = true
	tell := l.markDirty()
	l.mu.Unlock()
	if tell {
		l.onDirty()
	}
	return nil
}

// Aborted appends to dst the aborted transactions that touch [from, to), ordered by first offset. It allocates nothing
// while there are none, or dst has room.
func (l *Log) Aborted(dst []index.Aborted, from, to wire.Offset) ([]index.Aborted, error) {
	c := *l.chain.Load()
	n := len(dst)
segments:
	for i := max(c.find(from), 0); i < len(c); i++ {
		if !c[i].hasTxn.Load() {
			continue
		}
		all, err := l.aborted(c[i])
		if err != nil {
			return dst, err
		}
		for _, a := range all {
			if a.Last >= from && a.First < to {
				dst = append(dst, a)
			}
			if a.LastStable >= to {
				break segments // whatever was aborted later began above to
			}
		}
	}
	slices.SortFunc(dst[n:], func(a, b index.Aborted) int { return cmp.Compare(a.First, b.First) })
	return dst, nil
}

// aborted is the entries of s, read once and built anew from the log if the file is damaged.
func (l *Log) aborted(s *seg) ([]index.Aborted, error) {
	if p := s.txn.Load(); p != nil {
		return *p, nil
	}
	l.names.Lock()
	all, err := l.readAborted(s)
	l.names.Unlock()
	var damaged *index.DamagedError
	if !errors.As(err, &damaged) {
		return all, err
	}
	l.warn("index damaged: rebuilt from the log", "file", damaged.File, "reason", damaged.Reason)
	if all, err = l.findAborted(s); err != nil {
		return nil, err
	}
	l.names.Lock()
	defer l.names.Unlock()
	if s.dead {
		return all, nil
	}
	if err = index.CutAborted(l.fs, damaged.File, 0); err == nil {
		for i, a := range all {
			if err = index.AppendAborted(l.fs, damaged.File, i, a); err != nil {
				return nil, l.failure("rebuilding an index", err)
			}
		}
		s.txn.Store(&all)
	}
	return all, l.failure("rebuilding an index", err)
}

// readAborted reads the file of s. Under names.
func (l *Log) readAborted(s *seg) ([]index.Aborted, error) {
	if !s.hasTxn.Load() || s.dead {
		return nil, nil
	}
	all, err := index.ReadAborted(l.fs, l.fileOf(s, txnSuffix), s.base)
	if err = ignoreMissing(err); err == nil {
		s.txn.Store(&all)
	}
	return all, err
}

// findAborted derives the entries of s from the batches of the log: the transactions that an abort marker in s ends.
func (l *Log) findAborted(s *seg) ([]index.Aborted, error) {
	var found []index.Aborted
	c := *l.chain.Load()
	bound := c.bound(c.find(s.base))
	open := map[int64]wire.Offset{} // first offset of each producer's transaction
	err := l.Batches(l.Start(), func(b Batch, _ vfs.Pos) error {
		pid, base := b.ProducerID(), b.BaseOffset()
		first, begun := open[pid]
		switch {
		case base >= bound:
			return errStop
		case !b.IsTransactional():
		case !b.IsControl():
			if !begun {
				open[pid] = base
			}
		case begun:
			delete(open, pid)
			if base >= s.base && isAbort(b) {
				stable := base + 1
				for _, o := range open {
					stable = min(stable, o)
				}
				found = append(found, index.Aborted{ProducerID: pid, First: first, Last: base, LastStable: stable})
			}
		}
		return nil
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return found, err
}

var errStop = errors.New("stop")

// isAbort tells whether a control batch is an abort marker: its record's key is version int16, then type int16 = 0.
func isAbort(b Batch) bool {
	var w batch.Walker
	var r batch.Record
	w.Reset(b, 0)
	return w.Next(&r) && len(r.Key) >= 4 && binary.BigEndian.Uint16(r.Key[2:]) == 0
}

// cutAborted drops the entries of s whose marker is at or above end. Under names.
func (l *Log) cutAborted(s *seg, end wire.Offset) error {
	all, err := l.readAborted(s)
	var damaged *index.DamagedError
	if err != nil && !errors.As(err, &damaged) {
		return err
	}
	n := len(all)
	if i := slices.IndexFunc(all, func(a index.Aborted) bool { return a.Last >= end }); i >= 0 {
		n = i
	}
	if n == len(all) && err == nil {
		return nil
	}
	all = all[:n:n]
	s.txn.Store(&all)
	return index.CutAborted(l.fs, l.path(s.base, txnSuffix), n)
}
