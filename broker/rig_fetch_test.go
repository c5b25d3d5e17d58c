package broker_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch"
	"tailrace/wire/errcode"
)

// at is one partition of a fetch.
type at struct {
	partition int32
	offset    int64
	max       int32 // 0: 1 MiB
}

// fetchRequest asks for partitions of one topic, without waiting and without a session.
func fetchRequest(version int16, topic string, id [16]byte, parts ...at) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxWaitMillis, req.MinBytes, req.MaxBytes = version, 0, 1, 50<<20
	req.SessionEpoch = -1
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = topic, id
	for _, a := range parts {
		t.Partitions = append(t.Partitions, fetchPart(a))
	}
	if len(parts) > 0 {
		req.Topics = append(req.Topics, t)
	}
	return req
}

func fetchPart(a at) kmsg.FetchRequestTopicPartition {
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = a.partition, a.offset, a.max
	if a.max == 0 {
		p.PartitionMaxBytes = 1 << 20
	}
	return p
}

// fetch reads one partition from an offset, now.
func (p *peer) fetch(topic string, a at) kmsg.FetchResponseTopicPartition {
	p.t.Helper()
	return p.fetched(fetchRequest(12, topic, [16]byte{}, a))
}

// fetched sends a fetch of one partition and returns that partition of the answer.
func (p *peer) fetched(req *kmsg.FetchRequest) kmsg.FetchResponseTopicPartition {
	p.t.Helper()
	r := ask[*kmsg.FetchResponse](p, req)
	if r.ErrorCode != 0 || len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 1 {
		p.t.Fatalf("fetch answered %v with %d topics, want one partition", errcode.Code(r.ErrorCode), len(r.Topics))
	}
	return r.Topics[0].Partitions[0]
}

// batches splits fetched bytes into whole batches whose checksums hold. A cut-off batch at the end is left out, as
// clients do.
func batches(t testing.TB, records []byte) []batch.View {
	t.Helper()
	var list []batch.View
	for len(records) > 0 {
		v, rest, code := batch.Next(records)
		if code != errcode.None {
			break
		}
		if v.CRC() != v.ComputeCRC() {
			t.Fatalf("batch at offset %d has CRC %08x, its bytes %08x", v.BaseOffset(), v.CRC(), v.ComputeCRC())
		}
		list, records = append(list, v), rest
	}
	return list
}

// got is a record as it was read.
type got struct {
	offset, ms int64
	key, value []byte
	headers    []batch.Header
}

// unpack reads the records of fetched bytes.
func unpack(t testing.TB, records []byte) []got {
	t.Helper()
	var list []got
	var w batch.Walker
	var r batch.Record
	for _, v := range batches(t, records) {
		for w.Reset(v, 0); w.Next(&r); {
			g := got{int64(r.Offset), r.TimestampMs, clone(r.Key), clone(r.Value), nil}
			for _, h := range r.Headers {
				g.headers = append(g.headers, batch.Header{Key: clone(h.Key), Value: clone(h.Value)})
			}
			list = append(list, g)
		}
		if err := w.Err(); err != nil {
			t.Fatalf("batch at offset %d: %v", v.BaseOffset(), err)
		}
	}
	return list
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

// values are the values of the records in fetched bytes.
func values(t testing.TB, records []byte) []string {
	t.Helper()
	var list []string
	for _, g := range unpack(t, records) {
		list = append(list, string(g.value))
	}
	return list
}
