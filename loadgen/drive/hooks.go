package drive

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/loadgen/meter"
)

// Hooks counts what the client made of the plan: batches, their bytes on the wire, produce requests. What is written in
// the warm-up does not count.
type Hooks struct {
	Meter *meter.Meter
	From  time.Time
}

var (
	_ kgo.HookProduceBatchWritten = Hooks{}
	_ kgo.HookBrokerE2E           = Hooks{}
)

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

// produceKey is the API key of Produce.
const produceKey = 0

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (h Hooks) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	if key == produceKey && e2e.Err() == nil && !time.Now().Before(h.From) {
		h.Meter.Add(meter.Requests, 1)
	}
}
