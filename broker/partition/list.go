package partition

import (
	"tailrace/segment"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// ListOffset answers one partition of ListOffsets. ts is a timestamp in ms or
// one of Kafka's special ones:
//
//	-1 the end (high watermark, or last stable offset)   -2 the log start
//	-3 the record with the largest timestamp             -4 the earliest local record
//	-5 the last tiered record, -6 the earliest one not yet tiered: nothing is tiered, so unknown
//
// What is not found is offset -1, timestamp -1, epoch -1.
func (p *Partition) ListOffset(ts int64, committed bool, current wire.LeaderEpoch) (segment.Stamp, errcode.Code) {
	none := segment.Stamp{Offset: -1, Timestamp: -1, Epoch: wire.NoLeaderEpoch}
	if code := p.serveable(); code != errcode.None {
		return none, code
	}
	if code := p.CheckEpoch(current); code != errcode.None {
		return none, code
	}
	limit := p.HighWatermark()
	if committed {
		limit = p.LastStable()
	}
	var found segment.Stamp
	var ok bool
	var err error
	switch ts {
	case -1:
		return segment.Stamp{Offset: limit, Timestamp: -1, Epoch: p.epochAt(limit)}, errcode.None
	case -2, -4:
		start := p.log.Start()
		return segment.Stamp{Offset: start, Timestamp: -1, Epoch: p.epochAt(start)}, errcode.None
	case -5, -6:
		return none, errcode.None
	case -3:
		found, ok, err = p.log.MaxTimestamp(limit)
	default:
		found, ok, err = p.log.OffsetForTimestamp(ts, limit)
	}
	if err != nil {
		return none, p.readFailed(err)
	}
	if !ok {
		return none, errcode.None
	}
	return found, errcode.None
}

// epochAt is the epoch of the record at off, or of the last record when off is
// the end.
func (p *Partition) epochAt(off wire.Offset) wire.LeaderEpoch {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epochs.at(off)
}
