package partition

import (
	"errors"
	"math"

	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/wire"
)

// A start after an unclean stop learns of leader epochs and producers from the
// batches that the log shows while it is checked, so that they are read once:
//
//	        newest snapshot    recovery point
//	--------+------------------+-----------------------------+
//	        | a second walk    | shown by segment.Open       |
//	--------+------------------+-----------------------------+
//	                  newest snapshot (the common case: written at the last roll)
//
// With a snapshot below the recovery point, and after a clean stop without a
// good one, the log is walked a second time.

// replay is what Open was shown.
type replay struct {
	point wire.Offset // batches from here on are shown; beyond all offsets after a clean stop
	first wire.Offset // base of the first that was noted, -1 for none
}

// beginReplay gets ready for the batches that segment.Open shows.
func (p *Partition) beginReplay(point wire.Offset) error {
	p.replay = replay{point: math.MaxInt64, first: -1}
	if p.dir.Clean() {
		return nil
	}
	p.replay.point = point
	return p.loadSnapshot(math.MaxInt64)
}

// replayed takes in a batch that the log checked.
func (p *Partition) replayed(b segment.Batch) {
	base := b.BaseOffset()
	p.epochs.assign(b.LeaderEpoch(), base)
	if base < p.snapshotEnd {
		return
	}
	if p.replay.first < 0 {
		p.replay.first = base
	}
	p.producers.note(b, b.MaxTimestamp())
}

// sawAllFrom tells whether every batch from off on was shown.
func (p *Partition) sawAllFrom(off wire.Offset) bool { return p.replay.point <= off }

// replayedAll tells whether the producer state is complete: the snapshot is of
// this log, and what the log holds behind it was shown, and nothing else (a log
// that ended below its start offset was begun anew).
func (p *Partition) replayedAll(start, end wire.Offset) bool {
	first := p.firstHeld(start)
	return p.snapshotEnd <= end && p.sawAllFrom(max(p.snapshotEnd, first)) &&
		(p.replay.first < 0 || p.replay.first >= first)
}

// firstHeld is the first offset that the files hold, which may lie below start.
func (p *Partition) firstHeld(start wire.Offset) wire.Offset {
	if s := p.log.Segments(); len(s) > 0 {
		return s[0].Base
	}
	return start
}

// walk calls fn for each batch from the one that holds from on. What was
// believed by its headers when the log was opened is not read in full by this
// either: fn sees headers, but for control batches.
func (p *Partition) walk(from wire.Offset, fn func(b segment.Batch, pos vfs.Pos) error) error {
	if !p.dir.Clean() && p.dir.Believed() {
		return p.log.Headers(from, fn)
	}
	return p.log.Held(from, fn)
}

// recoverProducers loads the newest snapshot that the log still covers and
// replays what is behind it.
func (p *Partition) recoverProducers(start, end wire.Offset) error {
	p.producers.reset()
	if err := p.loadSnapshot(end); err != nil {
		return err
	}
	from := max(p.snapshotEnd, p.firstHeld(start))
	if from < start {
		if err := p.recallDeleted(from, start); err != nil {
			return err
		}
		from = start
	}
	if from >= end {
		return nil
	}
	return p.walk(from, func(b segment.Batch, _ vfs.Pos) error {
		if b.BaseOffset() >= from {
			p.producers.note(b, b.MaxTimestamp())
		}
		return nil
	})
}

// loadSnapshot reads the newest snapshot up to end, and adds the older batches
// that the directory remembers. Snapshots that are damaged, or of a log that
// was longer, go.
func (p *Partition) loadSnapshot(end wire.Offset) error {
	fsys := p.dir.FS()
	p.snapshotEnd = 0
	offsets, err := snapshots(fsys, p.path)
	if err != nil {
		return err
	}
	for i := len(offsets) - 1; i >= 0; i-- {
		name := snapshotName(p.path, offsets[i])
		if offsets[i] > end {
			_ = fsys.Remove(name) // it says nothing of this log
			continue
		}
		data, err := vfs.ReadFile(fsys, name)
		if err == nil {
			err = p.producers.decodeSnapshot(data)
		}
		if err == nil {
			p.snapshotEnd = offsets[i]
			p.producers.mergeOlder(p.ID, p.dir.OlderBatches(p.key))
			return nil
		}
		p.logger.Warn("producer snapshot is damaged and rebuilt from the log", "file", name, "error", err)
		p.producers.reset()
		_ = fsys.Remove(name)
	}
	return nil
}

// recallDeleted learns of producers from records that were deleted (the log
// start lies above them) and are still there: without them the next batch of a
// producer would seem to leave a gap. If they are damaged nothing is lost.
func (p *Partition) recallDeleted(from, start wire.Offset) error {
	stop := errors.New("stop")
	err := p.walk(from, func(b segment.Batch, _ vfs.Pos) error {
		if b.BaseOffset() >= start {
			return stop
		}
		if b.BaseOffset() >= from {
			p.producers.note(b, b.MaxTimestamp())
		}
		return nil
	})
	var bad *segment.CorruptError
	if errors.As(err, &bad) {
		p.logger.Warn("deleted records are damaged: their producers may be refused once",
			"topic", p.Topic, "partition", p.Index, "error", err)
		return nil
	}
	if errors.Is(err, stop) {
		return nil
	}
	return err
}
