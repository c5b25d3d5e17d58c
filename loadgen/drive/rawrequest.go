package drive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"tailrace/batch"
	"tailrace/batch/codec"
	"tailrace/loadgen/payload"
	"tailrace/loadgen/plan"
	"tailrace/wire"
)

// rawRequest is a prebuilt produce request with one batch. It may be changed when the write of it has returned.
type rawRequest struct {
	frame []byte
	batch batch.View   // within frame
	patch *batch.Patch // of the stamp; nil: it is sent as it is
	bytes int          // keys and values
	plain int          // bytes of the batch before compression
}

// stamp gives the batch its due moment, in its first record: a reader needs no more of it than that.
func (q *rawRequest) stamp(s *payload.Stamper, due time.Time) {
	if q.patch != nil {
		q.patch.Put(q.batch, s.Stamp(due))
	}
}

// build makes the request of a lane: a batch of as many records as fit in the first lane, and as many in the others,
// whose keys may be longer: the schedule wants one number.
func (r *Raw) build(partition, lane int) (*rawRequest, error) {
	id, ok := codec.Parse(r.Plan.Compression.Name)
	if !ok {
		return nil, fmt.Errorf("no codec for compression %s", r.Plan.Compression)
	}
	level := r.Plan.Compression.Level
	if level == 0 {
		level = codec.DefaultLevel(id)
	}
	var b batch.Builder
	b.Reset(batch.Options{LeaderEpoch: -1, Codec: id, Level: level})
	maker, now := r.Source.Maker(lane), time.Now().UnixMilli()
	q := &rawRequest{}
	const overhead = 16 // of a record around key and value, at most
	count, stampAt := 0, 0
	for total := batch.HeaderSize; r.records == 0 || count < r.records; count++ {
		key, value := maker.Key(nil), maker.Value(nil)
		total += len(key) + len(value) + overhead
		if r.records == 0 && count > 0 && total > int(r.Plan.BatchSize) {
			break
		}
		b.Append(now, key, value)
		q.bytes += len(key) + len(value)
		if count == 0 && r.Stamper != nil && id == codec.None && len(value) >= plan.StampBytes {
			stampAt = b.Size() - 1 - len(value) // only the number of headers, which is 0, follows a value
		}
	}
	q.plain = b.Size()
	v, err := b.Build()
	if err != nil {
		return nil, err
	}
	if stampAt > 0 {
		if q.patch, err = batch.NewPatch(v, stampAt); err != nil {
			return nil, err
		}
	}
	r.records = count
	q.wrap(r, partition, v)
	return q, nil
}

// wrap makes the frame around a batch.
func (q *rawRequest) wrap(r *Raw, partition int, v batch.View) {
	h := wire.RequestHeader{Key: wire.KeyProduce, Version: rawVersion, CorrelationID: 1, ClientID: []byte("loadgen")}
	frame := wire.AppendRequestHeader(make([]byte, 4), &h)
	frame = wire.AppendProduceRequest(frame, rawVersion, &wire.ProduceHead{Acks: int16(r.Plan.Acks), TimeoutMs: 30_000},
		[]wire.ProduceData{{Name: r.Topic, Partitions: []wire.ProducePartition{{Index: int32(partition), Records: v}}}})
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	at := bytes.LastIndex(frame, v)
	q.frame, q.batch = frame, batch.View(frame[at:at+len(v)])
}
