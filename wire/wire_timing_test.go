package wire_test

import (
	"testing"

	"tailrace/wire"
	"tailrace/wire/errcode"
)

// BenchmarkProduce is the codec's share of one produced batch: header, check, walk and reply.
func BenchmarkProduce(b *testing.B) {
	topics := []wire.ProduceData{{
		Name: "orders", ID: wire.TopicID{1}, Partitions: []wire.ProducePartition{{Records: make([]byte, 1024)}},
	}}
	h := wire.RequestHeader{Key: wire.KeyProduce, Version: wire.MaxProduce, ClientID: []byte("client")}
	frame := wire.AppendRequestHeader(nil, &h)
	frame = wire.AppendProduceRequest(frame, h.Version, &wire.ProduceHead{Acks: 1, TimeoutMs: 30000}, topics)
	var (
		q   wire.ProduceRequest
		w   wire.ProduceWriter
		t   wire.ProduceTopic
		p   wire.ProducePartition
		buf = make([]byte, 0, 1024)
	)
	b.ReportAllocs()
	for b.Loop() {
		h, body, err := wire.ParseRequestHeader(frame)
		if err != nil || q.Parse(h.Version, body) != nil {
			b.Fatal(err)
		}
		out := wire.AppendResponseHeader(buf, h.Key, h.Version, h.CorrelationID)
		out = w.Begin(out, h.Version, q.Topics)
		for q.NextTopic(&t) {
			out = w.Topic(out, t.Name, t.ID, t.Partitions)
			for q.NextPartition(&p) {
				out, _ = w.Partition(out, &wire.ProduceResult{Index: p.Index, LogAppendTimeMs: -1})
			}
			out = w.EndTopic(out)
		}
		w.End(out, 0, nil)
	}
}

// BenchmarkFetch is the codec's share of one fetch of 100 partitions, ten of which have records.
func BenchmarkFetch(b *testing.B) {
	topics := []wire.FetchData{{ID: wire.TopicID{1}, Partitions: make([]wire.FetchPartition, 100)}}
	for i := range topics[0].Partitions {
		topics[0].Partitions[i] = wire.FetchPartition{Index: int32(i), HighWatermark: wire.HighWatermarkUnsupported}
	}
	body := wire.AppendFetchRequest(nil, wire.MaxFetch, &wire.FetchHead{ReplicaID: -1, ReplicaEpoch: -1}, topics, nil)
	var (
		q   wire.FetchRequest
		w   wire.FetchWriter
		t   wire.FetchTopic
		p   wire.FetchPartition
		buf = make([]byte, 0, 16384)
	)
	b.ReportAllocs()
	for b.Loop() {
		if err := q.Parse(wire.MaxFetch, body); err != nil {
			b.Fatal(err)
		}
		out := w.Begin(buf, wire.MaxFetch, 0, errcode.None, 0, q.Topics)
		for q.NextTopic(&t) {
			out = w.Topic(out, t.Name, t.ID, t.Partitions)
			for q.NextPartition(&p) {
				res := wire.FetchResult{Index: p.Index, PreferredReplica: -1}
				out = w.AfterRecords(w.Partition(out, &res), &res)
			}
			out = w.EndTopic(out)
		}
		w.End(out, nil)
	}
}
