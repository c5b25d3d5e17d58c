package segment

import (
	"errors"
	"os"

	"tailrace/index"
	"tailrace/wire"
)

// indexer writes the offset and time index of one segment as its batches come, by Kafka's rule: when more than
// index.interval.bytes have gone by since the last entry, the next batch gets one in the offset index (its last offset
// and its position), and the time index gets the largest timestamp so far, if that has grown. So the first batch never
// has an entry. The append path, recovery and the rebuilding of an index all go through here.
type indexer struct {
	offsets  *index.Offsets
	times    *index.Times
	interval int64
	since    int64 // bytes since the batch of the last entry, that batch included
	maxTs    int64
	maxTsAt  wire.Offset
}

// openIndexer opens both indexes of the segment at base, under their names with condition added. flag is O_TRUNC or 0.
func (l *Log) openIndexer(base wire.Offset, condition string, flag int) (indexer, error) {
	c := l.config.Load()
	x := indexer{interval: int64(c.IndexIntervalBytes), maxTs: index.NoTimestamp, maxTsAt: base}
	offsets, times := l.path(base, indexSuffix)+condition, l.path(base, timeSuffix)+condition
	if flag&os.O_TRUNC != 0 {
		for _, name := range [...]string{offsets, times} {
			if err := l.remove(name); err != nil {
				return x, err
			}
		}
	}
	var err error
	if x.offsets, err = index.OpenOffsets(l.fs, offsets, base, c.IndexBytes); err != nil {
		return x, err
	}
	if x.times, err = index.OpenTimes(l.fs, times, base, c.IndexBytes); err != nil {
		return x, errors.Join(err, x.offsets.Close())
	}
	return x, nil
}

// full tells whether the segment must roll before another batch.
func (x *indexer) full() bool { return x.offsets.Full() || x.times.Full() }

// ready makes sure that note will not ask the file system for space.
func (x *indexer) ready() error {
	if x.since <= x.interval {
		return nil
	}
	return x.makeRoom()
}

func (x *indexer) makeRoom() error {
	if !x.offsets.HasRoom() {
		if err := x.offsets.Grow(); err != nil {
			return err
		}
	}
	if !x.times.HasRoom() {
		return x.times.Grow()
	}
	return nil
}

// note takes in the batch at pos. After an error nothing has changed. Full indexes (segment.index.bytes was lowered)
// get no more entries, but for the last one of the time index, for which there is room: the end of the segment is found
// by a longer walk, its largest timestamp is not.
func (x *indexer) note(h header, pos int64) error {
	maxTs, maxTsAt, since := x.maxTs, x.maxTsAt, x.since
	if h.maxTs > maxTs {
		maxTs, maxTsAt = h.maxTs, h.last
	}
	if since > x.interval && !x.full() {
		if err := x.entry(h.last, pos, maxTs, maxTsAt); err != nil {
			return err
		}
		since = 0
	}
	x.maxTs, x.maxTsAt, x.since = maxTs, maxTsAt, since+h.size
	return nil
}

func (x *indexer) entry(last wire.Offset, pos int64, maxTs int64, maxTsAt wire.Offset) error {
	n := x.offsets.Len()
	if err := x.offsets.Append(offsetEntry(last, pos)); err != nil {
		return err
	}
	if err := x.times.Append(index.TimeEntry{Timestamp: maxTs, Offset: maxTsAt}); err != nil {
		return errors.Join(err, x.offsets.Drop(n))
	}
	return nil
}

// finish adds the last entry of the time index and trims both files.
func (x *indexer) finish() error {
	err := x.times.Append(index.TimeEntry{Timestamp: x.maxTs, Offset: x.maxTsAt})
	return errors.Join(err, x.offsets.Trim(), x.times.Trim())
}

func (x *indexer) close() error { return errors.Join(x.offsets.Close(), x.times.Close()) }

// resume takes the state from the last entries of the files. since is then counted by noting the batches that follow
// the last entry, its own batch included.
func (x *indexer) resume() error {
	last, err := x.times.Last()
	x.maxTs, x.maxTsAt, x.since = last.Timestamp, last.Offset, 0
	return err
}
