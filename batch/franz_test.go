package batch

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch/codec"
	"tailrace/wire/errcode"
)

// franzRecords are what the franz-go tests send: keys, values, headers, and nulls of each.
func franzRecords() []*kgo.Record {
	var rs []*kgo.Record
	for i := range 500 {
		r := &kgo.Record{Topic: "t", Timestamp: time.UnixMilli(now + int64(i%7))}
		if i%3 != 0 {
			r.Key = fmt.Appendf(nil, "key-%d", i)
		}
		if i%5 != 0 {
			r.Value = bytes.Repeat(fmt.Appendf(nil, "value %d,", i), i%30)
		}
		if i%4 == 0 {
			r.Headers = []kgo.RecordHeader{{Key: "h", Value: fmt.Appendf(nil, "%d", i)}, {Key: "", Value: nil}}
		}
		rs = append(rs, r)
	}
	return rs
}

// TestProducedByFranzGo captures what the franz-go client really puts on the wire for each codec.
func TestProducedByFranzGo(t *testing.T) {
	for id, c := range map[codec.ID]kgo.CompressionCodec{
		codec.None: kgo.NoCompression(), codec.Gzip: kgo.GzipCompression(), codec.Snappy: kgo.SnappyCompression(),
		codec.LZ4: kgo.Lz4Compression(), codec.Zstd: kgo.ZstdCompression(),
	} {
		records := franzRecords()
		var v Validator
		var w Walker
		var r Record
		seen := 0
		for _, b := range captured(t, c, records) {
			view, rest, code := Next(b)
			if code != errcode.None || len(rest) != 0 {
				t.Fatalf("%s: %v, %d bytes left", id, code, len(rest))
			}
			got := v.Validate(bytes.Clone(view), &clientRules, now)
			if got.Code != errcode.None || !bytes.Equal(got.Batch, view) || view.Codec() != id {
				t.Fatalf("%s: %v %q, codec %s", id, got.Code, got.Message, view.Codec())
			}
			for w.Reset(view, 0); w.Next(&r); seen++ {
				want := records[seen]
				if !same(r.Key, want.Key) || !same(r.Value, want.Value) || r.TimestampMs != want.Timestamp.UnixMilli() ||
					len(r.Headers) != len(want.Headers) {
					t.Fatalf("%s: record %d is %+v", id, seen, r)
				}
			}
			if w.Err() != nil {
				t.Fatal(w.Err())
			}
		}
		if seen != len(records) {
			t.Errorf("%s: %d of %d records arrived", id, seen, len(records))
		}
	}
}

// captured produces the records with a franz-go client to a fake cluster and returns the batches it sent, in order.
func captured(t *testing.T, c kgo.CompressionCodec, records []*kgo.Record) (batches [][]byte) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	var mu sync.Mutex
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			for _, p := range topic.Partitions {
				batches = append(batches, bytes.Clone(p.Records))
			}
		}
		return nil, nil, false
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ProducerBatchCompression(c),
		kgo.MaxProduceRequestsInflightPerBroker(1), kgo.ProducerLinger(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	return batches
}

// TestReadByFranzGo lets the franz-go consumer read what we build and what we rewrite.
func TestReadByFranzGo(t *testing.T) {
	var v Validator
	for id := codec.None; id.Known(); id++ {
		rewritten := v.Validate(bytes.Clone(javaBatch(t, codec.None)), with(func(r *Rules) {
			r.Compression = codec.Policy{ID: id, Level: codec.DefaultLevel(id)}
		}), now).Batch
		for _, b := range []View{builtLikeJava(t, id), rewritten} {
			b = bytes.Clone(b)
			b.SetBaseOffset(1000)
			b.SetLeaderEpoch(5)
			fetched := &kmsg.FetchResponseTopicPartition{RecordBatches: b}
			got, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: "t"}, fetched,
				kgo.DefaultDecompressor(), nil)
			if got.Err != nil || len(got.Records) != javaRecords {
				t.Fatalf("%s: %d records, %v", id, len(got.Records), got.Err)
			}
			for i, r := range got.Records {
				ts, key, value, headers := javaRecord(i)
				if r.Offset != int64(1000+i) || r.LeaderEpoch != 5 || r.Timestamp.UnixMilli() != ts ||
					!same(r.Key, key) || !same(r.Value, value) || len(r.Headers) != len(headers) {
					t.Fatalf("%s: record %d is %+v", id, i, r)
				}
			}
		}
	}
}
