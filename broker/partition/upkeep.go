package partition

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"tailrace/vfs"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// writeEpochs replaces leader-epoch-checkpoint. On a full disk it removes the
// file instead: recovery then reads the epochs out of the log, while an old
// file would hide the newest. They stay to be written.
func (p *Partition) writeEpochs(text []byte) error {
	fsys, name := p.dir.FS(), filepath.Join(p.path, epochFile)
	err := vfs.WriteFileAtomic(fsys, name, text)
	if err == nil {
		return nil
	}
	p.mu.Lock()
	p.epochs.dirty = true
	p.mu.Unlock()
	if !isFull(err) {
		return err
	}
	p.reportFull(err)
	if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fsys.SyncDir(p.path)
}

// rolled is called by the log, under mu, when a new segment begins at base and
// before anything is in it: the producer state is that of the log's end at
// base, which is what Kafka snapshots here. The writing happens elsewhere.
func (p *Partition) rolled(base wire.Offset) {
	p.snapshotLater(base)
	p.dir.Rounds.Request(p.ticket)
}

// snapshotLater captures the producer state and writes it in the background.
// Called with mu held.
func (p *Partition) snapshotLater(end wire.Offset) {
	data, older := p.producers.encodeSnapshot(), p.producers.encodeOlder(p.ID)
	p.snapshotEnd = end
	p.background.Go(func() {
		if err := p.storeSnapshot(end, data, older); err != nil {
			p.snapshotFailed(err)
		}
	})
}

// storeSnapshot writes the directory's producer memory first: with the older
// batches but without the snapshot nothing is wrong, the other way round four
// batches would be forgotten. One that comes after a newer one is left out: its
// older batches do not lead up to the newer one's.
func (p *Partition) storeSnapshot(end wire.Offset, data, older []byte) error {
	p.storing.Lock()
	defer p.storing.Unlock()
	if p.dead.Load() || end < p.stored {
		return nil
	}
	p.stored = end
	if older != nil || p.dir.OlderBatches(p.key) != nil {
		if err := p.dir.SaveOlderBatches(p.key, older); err != nil {
			return err
		}
	}
	return writeSnapshot(p.dir.FS(), snapshotName(p.path, end), data)
}

// snapshotFailed: without the snapshot recovery reads more of the log, so a
// full disk is no reason to give the directory up.
func (p *Partition) snapshotFailed(err error) {
	if p.dead.Load() {
		return
	}
	if isFull(err) {
		p.reportFull(err)
		return
	}
	p.dir.Fail(err)
}

// Housekeep implements logdir.Member.
func (p *Partition) Housekeep(nowMs int64, retain bool) {
	if p.dead.Load() || p.dir.Offline() != nil {
		return
	}
	cfg := p.config.Load()
	if retain {
		if err := p.retain(nowMs, cfg); err != nil {
			p.keepFailed(err)
			return
		}
	}
	if _, err := p.log.Purge(nowMs); err != nil {
		p.keepFailed(err)
		return
	}
	if cfg.IdleCloseMs > 0 && nowMs-p.log.LastUse() >= cfg.IdleCloseMs {
		if err := p.log.Rest(); err != nil {
			p.keepFailed(err)
		}
	}
}

func (p *Partition) keepFailed(err error) {
	if isFull(err) {
		p.reportFull(err)
		return
	}
	if !p.dead.Load() && !p.damaged(err) {
		p.dir.Fail(err)
	}
}

func (p *Partition) retain(nowMs int64, cfg *Config) error {
	p.mu.Lock()
	p.producers.expire(nowMs, cfg.ProducerExpiryMs)
	p.mu.Unlock()
	dropped, err := p.log.Retain(nowMs, p.HighWatermark())
	if len(dropped) == 0 {
		return err
	}
	for _, d := range dropped {
		p.logger.Debug("segment dropped", "topic", p.Topic, "partition", p.Index,
			"base", int64(d.Base), "bytes", d.Bytes, "reason", d.Reason)
	}
	p.mu.Lock()
	p.epochs.truncateStart(p.log.Start())
	var data, older []byte
	end := p.log.End()
	unknown := p.snapshotEnd < p.log.Start() && len(p.producers.byID) > 0
	if unknown {
		data, older = p.producers.encodeSnapshot(), p.producers.encodeOlder(p.ID)
		p.snapshotEnd = end
	}
	p.mu.Unlock()
	p.dir.Touch()
	if unknown {
		// What the newest snapshot does not know of stood in the records that
		// have gone: all segments went, also the one that was written.
		if err := p.storeSnapshot(end, data, older); err != nil {
			p.snapshotFailed(err)
		}
	}
	return errors.Join(err, p.dropSnapshots())
}

// dropSnapshots removes snapshots of dropped segments. The newest stays.
func (p *Partition) dropSnapshots() error {
	first := p.log.Start()
	if s := p.log.Segments(); len(s) > 0 {
		first = s[0].Base
	}
	offsets, err := snapshots(p.dir.FS(), p.path)
	if err != nil || len(offsets) == 0 {
		return err
	}
	offsets = offsets[:len(offsets)-1]
	for _, off := range slices.DeleteFunc(offsets, func(o wire.Offset) bool { return o >= first }) {
		if err := p.removeSnapshot(off); err != nil {
			return err
		}
	}
	return nil
}

// removeSnapshot takes a missing file for removed: retention and compaction look for old ones at the same time.
func (p *Partition) removeSnapshot(at wire.Offset) error {
	err := p.dir.FS().Remove(snapshotName(p.path, at))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Close stops serving and leaves the directory as a clean stop should: synced
// and trimmed. The snapshot at the log end is written when the directory is
// closed.
func (p *Partition) Close() error {
	if !p.dead.CompareAndSwap(false, true) {
		return nil
	}
	p.background.Wait()
	if err := p.log.Close(); err != nil {
		if !isFull(err) {
			p.dir.Fail(err) // a sync that failed: the next start must know
		}
		return err
	}
	p.mu.Lock()
	end := p.log.End()
	p.durableEnd.Store(int64(end))
	data, older := p.producers.encodeSnapshot(), p.producers.encodeOlder(p.ID)
	known := p.snapshotEnd
	text, dirty := p.epochs.encode(), p.epochs.dirty
	p.mu.Unlock()
	if dirty {
		if err := p.writeEpochs(text); err != nil {
			return err
		}
	}
	p.completeAcks(errcode.None)
	// The order is that of storeSnapshot; the directory saves its memory once
	// for all partitions.
	p.dir.KeepOlderBatches(p.key, older, func() error {
		if end == known {
			return nil
		}
		return writeSnapshot(p.dir.FS(), snapshotName(p.path, end), data)
	})
	return nil
}

// Delete ends the partition and takes its directory out of the way. The
// returned function removes the files.
func (p *Partition) Delete() (remove func() error, err error) {
	p.Retire()
	p.background.Wait()
	p.log.Discard()
	return p.dir.Drop(p.key, p.path)
}
