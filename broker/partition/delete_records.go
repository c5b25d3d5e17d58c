package partition

import (
	"tailrace/broker/logdir"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// ToHighWatermark as the offset of DeleteRecords deletes all that consumers have seen (DeleteRecordsRequest).
const ToHighWatermark = wire.Offset(-1)

// DeleteRecords raises the log start to an offset, at most to the high watermark, and returns the low watermark: the
// log start of the replica that has the lowest. Readers see it at once, fetches that wait read again; the files of
// whole segments follow with the next retention. It is durable when the directory has saved its checkpoints.
//
// POLICY_VIOLATION: the topic is only compacted, and what is deleted from the front would be a key's only record.
func (p *Partition) DeleteRecords(to wire.Offset) (low wire.Offset, code errcode.Code) {
	if code := p.serveable(); code != errcode.None {
		return -1, code
	}
	cfg := p.config.Load()
	if cfg.Rules.Compacted && !cfg.Log.Delete {
		return -1, errcode.PolicyViolation
	}
	highWatermark := p.HighWatermark()
	if to == ToHighWatermark {
		to = highWatermark
	}
	if to < 0 || to > highWatermark {
		return -1, errcode.OffsetOutOfRange
	}
	p.mu.Lock()
	was := p.log.Start()
	if err := p.log.SetStart(to); err != nil { // truncated meanwhile
		p.mu.Unlock()
		return -1, errcode.OffsetOutOfRange
	}
	low = p.log.Start()
	var ready readyList
	if low > was {
		p.epochs.truncateStart(low)
		p.wake(1<<30, &ready)
	}
	p.mu.Unlock()
	ready.run()
	if low > was {
		p.dir.Touch()
	}
	return low, errcode.None
}

// Dir is the log directory that the partition lies in.
func (p *Partition) Dir() *logdir.Dir { return p.dir }
