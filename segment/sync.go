package segment

import (
	"errors"
	"fmt"
	"os"

	"tailrace/wire"
)

// Sync makes everything appended before the call durable and returns the offset up to which that is so. It may run
// beside Append and Read. After a failure every later Append and Sync fails with the same error.
//
// Of the active segment only the log file is synced: its indexes can be rebuilt. A sealed one is synced with its
// indexes, because below the recovery point they are believed.
func (l *Log) Sync() (wire.Offset, error) {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	return l.sync()
}

// sync is Sync. Under syncing.
func (l *Log) sync() (wire.Offset, error) {
	p, err := l.captureUnsynced()
	if err != nil {
		return l.DurableEnd(), err
	}
	return l.synced(p.end, l.syncFiles(p.sealed, p.active, p.dir))
}

// PendingSync is what BeginSync found to be made durable.
type PendingSync struct {
	end    wire.Offset
	sealed []*seg
	active *handle
	dir    bool
}

// BeginSync and EndSync are Sync for many logs of one file system at once: between the two, which must come in pairs,
// the caller syncs the whole file system (vfs.FS.SyncFS), which covers every file and directory entry of the log.
// EndSync is told the outcome. With many logs that costs a fraction of syncing each file: the journal is committed
// once.
func (l *Log) BeginSync() (PendingSync, error) {
	l.syncing.Lock()
	p, err := l.captureUnsynced()
	if err != nil {
		l.syncing.Unlock()
	}
	return p, err
}

// EndSync is the second half of BeginSync.
func (l *Log) EndSync(p PendingSync, err error) (wire.Offset, error) {
	defer l.syncing.Unlock()
	if p.active != nil {
		p.active.ref.Release()
	}
	return l.synced(p.end, err)
}

// captureUnsynced takes over what is to be synced. Under syncing.
func (l *Log) captureUnsynced() (PendingSync, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return PendingSync{}, err
	}
	p := PendingSync{end: l.End(), sealed: l.unsynced, dir: l.dirDirty}
	for _, s := range p.sealed {
		s.unsynced = false
	}
	l.unsynced, l.dirDirty, l.dirty = nil, false, false
	if l.w != nil && l.w.dirty {
		l.w.dirty = false
		p.active = l.w.h
		p.active.ref.Acquire()
	}
	return p, nil
}

// synced publishes the outcome of a sync.
func (l *Log) synced(end wire.Offset, err error) (wire.Offset, error) {
	if err != nil {
		return l.DurableEnd(), l.poison(fmt.Errorf("%s: sync failed, nothing more is written here: %w", l.dir, err))
	}
	l.durable.Store(int64(end))
	return end, nil
}

func (l *Log) syncFiles(sealed []*seg, active *handle, dir bool) error {
	var err error
	if active != nil {
		err = active.ref.File().SyncData()
		active.ref.Release()
	}
	for _, s := range sealed {
		if err == nil {
			err = l.syncSealed(s)
		}
	}
	if err == nil && dir {
		err = l.fs.SyncDir(l.dir)
	}
	return err
}

func (l *Log) syncSealed(s *seg) error {
	h, err := l.acquire(s)
	if errors.Is(err, errGone) {
		return nil // retention was faster
	}
	if err != nil {
		return err
	}
	err = h.ref.File().SyncData()
	h.ref.Release()
	for _, suffix := range suffixes[1:] {
		if err == nil && (suffix != txnSuffix || s.hasTxn.Load()) {
			err = l.syncNamed(l.path(s.base, suffix))
		}
	}
	return err
}

// syncNamed syncs a file that need not be there.
func (l *Log) syncNamed(name string) error {
	l.names.Lock()
	f, err := l.openFile(name, os.O_RDWR)
	l.names.Unlock()
	if err != nil {
		return ignoreMissing(err)
	}
	return errors.Join(f.SyncData(), f.Close())
}
