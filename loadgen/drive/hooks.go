package drive

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/loadgen/meter"
)

// Hooks counts what the client made of the plan: batches and their bytes before and after compression. What is written
// in the warm-up does not count.
type Hooks struct {
	Meter *meter.Meter
	From  time.Time
}

var _ kgo.HookProduceBatchWritten = Hooks{}

// OnProduceBatchWritten implements kgo.HookProduceBatchWritten.
func (h Hooks) OnProduceBatchWritten(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.ProduceBatchMetrics) {
	if time.Now().Before(h.From) {
		return
	}
	h.Meter.Add(meter.Batches, 1)
	h.Meter.Add(meter.BatchRecs, int64(m.NumRecords))
	h.Meter.Add(meter.BatchBytes, int64(m.UncompressedBytes))
	h.Meter.Add(meter.WireBytes, int64(m.CompressedBytes))
}
