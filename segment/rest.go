package segment

import (
	"errors"
	"os"
)

// Rest syncs and trims the files and closes all of them; the next use opens what it needs. Spans that are out stay
// valid.
func (l *Log) Rest() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := l.syncIfDirty(); err != nil {
		return err
	}
	l.work.Lock()
	defer l.work.Unlock()
	l.quiesce()
	defer l.mu.Unlock()
	if l.closed.Load() {
		return nil
	}
	return l.rest()
}

func (l *Log) syncIfDirty() error {
	l.mu.Lock()
	clean := l.closed.Load() || !l.dirty && !l.dirDirty && len(l.unsynced) == 0
	l.mu.Unlock()
	if clean {
		return nil
	}
	_, err := l.sync()
	return err
}

// quiesce does all jobs and takes mu while there is none left that a segment's files depend on. Under work.
func (l *Log) quiesce() {
	for {
		l.runJobs()
		l.mu.Lock()
		if len(l.finishing) == 0 && (l.w == nil || l.w.unsettled == "") || l.closed.Load() {
			return
		}
		l.mu.Unlock()
	}
}

// rest trims and closes everything. Under work and mu, after quiesce.
func (l *Log) rest() error {
	err := errors.Join(l.retire(), l.dropNext())
	l.names.Lock()
	defer l.names.Unlock()
	for _, s := range *l.chain.Load() {
		err = errors.Join(err, l.trimStale(s))
		l.letGo(s.h.Swap(nil))
		s.txn.Store(nil)
	}
	l.hints.Store(nil)
	return err
}

// retire ends the writing of the active segment and trims its files. Under work and mu.
func (l *Log) retire() error {
	w := l.w
	if w == nil {
		return nil
	}
	err := w.release()
	if w.dirty {
		l.markUnsynced(w.seg)
	}
	l.w = nil
	l.names.Lock()
	old := w.seg.h.Swap(nil)
	w.seg.stale = w.seg.stale || err != nil
	l.names.Unlock()
	l.letGo(old)
	return l.failure("trimming the active segment", err)
}

// dropNext removes the prepared segment. Under work and mu.
func (l *Log) dropNext() error {
	w := l.next
	if w == nil {
		return nil
	}
	l.next = nil
	files, maps := w.holds()
	l.budget.add(l, -files, -maps)
	return l.dropPrepared(w)
}

// trimStale cuts what a file holds beyond its segment. Under names.
func (l *Log) trimStale(s *seg) error {
	if !s.stale || s.dead {
		return nil
	}
	f, err := l.openFile(l.path(s.base, logSuffix), os.O_RDWR)
	if err != nil {
		return err
	}
	if err = f.Truncate(s.size()); err == nil {
		err = f.SyncData() // a power cut must not bring back half of it
	}
	if err = errors.Join(err, f.Close()); err == nil {
		s.stale = false
	}
	return l.failure("trimming", err)
}

// Close syncs, trims and ends the log. Afterwards it may be opened with Clean and RecoveryPoint = End, which still
// tells. A log whose sync failed is closed as it is, and the error returned.
func (l *Log) Close() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.work.Lock()
	l.quiesce()
	if l.closed.Load() {
		l.mu.Unlock()
		l.work.Unlock()
		return nil
	}
	if w := l.w; w != nil {
		l.markUnsynced(w.seg) // what it had reserved goes, and so must the size
	}
	l.closing = true
	failed := l.failed
	var err error
	if failed == nil {
		err = l.rest()
	}
	l.mu.Unlock()
	l.work.Unlock()
	if err == nil && failed == nil {
		err = l.syncIfDirty()
	}
	l.Discard()
	return errors.Join(failed, err)
}

// Discard ends the log without trimming or syncing anything, for a directory that the owner is about to remove.
func (l *Log) Discard() {
	l.work.Lock()
	defer l.work.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed.Store(true)
	if w := l.next; w != nil {
		l.next = nil
		files, maps := w.holds()
		l.budget.add(l, -files, -maps)
		_ = w.discard() // empty files of no name
	}
	l.w, l.finishing, l.unsynced = nil, nil, nil
	l.names.Lock()
	defer l.names.Unlock()
	for _, s := range *l.chain.Load() {
		l.letGo(s.h.Swap(nil))
	}
	l.hints.Store(nil)
}

// repair rebuilds the index of s after a reader using h found that it does not lead to the batches it names.
func (l *Log) repair(s *seg, h *handle, cause error) error {
	l.work.Lock()
	defer l.work.Unlock()
	l.quiesce()
	defer l.mu.Unlock()
	if l.closed.Load() {
		return ErrClosed
	}
	if h != nil && s.h.Load() != h {
		return nil // somebody else was faster
	}
	if l.w != nil && l.w.seg == s {
		if err := l.retire(); err != nil {
			return err
		}
	}
	l.names.Lock()
	defer l.names.Unlock()
	if s.dead {
		return nil
	}
	l.letGo(s.h.Swap(nil))
	f, err := l.openFile(l.path(s.base, logSuffix), os.O_RDONLY)
	if err != nil {
		return l.readError(s, err)
	}
	return errors.Join(l.rebuild(s, f, cause), f.Close())
}
