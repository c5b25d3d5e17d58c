//go:build plant_lost_batch

package partition

import (
	"sync/atomic"

	"tailrace/batch"
	"tailrace/segment"
)

// plantAt is which append of an idempotent producer with acks=1 is dropped.
// The first ones are spared, so that the loss lies among what a busy broker
// has.
const plantAt = 100

var plantCount atomic.Int64

// store, in this build, acknowledges one batch in each life of the process
// without keeping it, and logs which. It serves to prove that the crash test
// finds a loss, and nothing else.
func (p *Partition) store(v batch.View, acks int16, a segment.Appended) error {
	if acks != 1 || v.ProducerID() < 0 || plantCount.Add(1) != plantAt {
		return p.log.Append(v, a)
	}
	p.logger.Warn("planted: a batch is acknowledged and not kept", "topic", p.Topic, "partition", p.Index,
		"base", int64(v.BaseOffset()), "last", int64(v.LastOffset()))
	return nil
}
