package logdir

import (
	"errors"
	"maps"
	"syscall"

	"tailrace/wire"
)

// cleaner-offset-checkpoint has the form of the other checkpoints: for each compacted partition the offset below which
// its log was cleaned. It is written after each cleaning. Too low, or missing, costs another cleaning. Too high it must
// never be: what lies below it is believed to hold no key twice, and a tombstone there goes without a look at older
// records. So a log that ends below it, and a partition that is made anew, lose it before anything is written.

// Cleaned is the offset below which a partition was compacted, 0 if it is not known.
func (d *Dir) Cleaned(k Key) wire.Offset {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cleaned[k]
}

// setCleaned notes, for good, how far the log of a member was compacted. A partition that is no longer that member has
// nothing noted.
func (d *Dir) setCleaned(k Key, m Member, to wire.Offset) error {
	return d.changeCleaned(func() bool {
		if d.members[k] != m || d.cleaned[k] == to {
			return false
		}
		d.cleaned[k] = to
		return true
	})
}

// LimitCleaned forgets how far a log was compacted if it ends below that: it was cut, and what is appended now was
// never cleaned.
func (d *Dir) LimitCleaned(k Key, end wire.Offset) error {
	return d.changeCleaned(func() bool { return d.dropCleaned(k, end) })
}

// dropCleaned is called with mu held.
func (d *Dir) dropCleaned(k Key, end wire.Offset) bool {
	if d.cleaned[k] <= end {
		return false
	}
	delete(d.cleaned, k)
	return true
}

// changeCleaned applies a change, under mu, and writes the file if it is not what it should be: because of this change,
// or of an earlier one that could not be written.
func (d *Dir) changeCleaned(change func() bool) error {
	d.cleaning.Lock()
	defer d.cleaning.Unlock()
	d.mu.Lock()
	stale := change() || d.cleanedStale
	d.cleanedStale = false
	var now Offsets
	if stale {
		now = maps.Clone(d.cleaned)
	}
	d.mu.Unlock()
	if !stale {
		return nil
	}
	err := d.cp.write(CleanerFile, now)
	if err != nil {
		d.mu.Lock()
		d.cleanedStale = true
		d.mu.Unlock()
	}
	return err
}

// noteCleaned is setCleaned for the cleaner: a full disk passes, any other failure is one of the disk.
func (d *Dir) noteCleaned(k Key, m Member, to wire.Offset) {
	if err := d.setCleaned(k, m, to); err != nil && !errors.Is(err, syscall.ENOSPC) {
		d.Fail(err)
	}
}
