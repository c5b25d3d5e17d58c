package broker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestFranzGo: a client with nothing configured creates, produces (idempotent, acks=all), reads, lists and deletes.
func TestFranzGo(t *testing.T) {
	n := serve(t)
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	topic := fresh(t)
	client := newFranz(t, n.addr, kgo.DefaultProduceTopic(topic), kgo.ConsumeTopics(topic))
	admin := kadm.NewClient(client)
	configs := map[string]*string{"compression.type": kadm.StringPtr("zstd")}
	if _, err := admin.CreateTopic(ctx, 4, 1, configs, topic); err != nil {
		t.Fatal(err)
	}
	const count = 5000
	for i := range count {
		r := &kgo.Record{Key: fmt.Appendf(nil, "key %d", i%97), Value: fmt.Appendf(nil, "value %d", i)}
		if i%5 == 0 {
			r.Value, r.Headers = nil, []kgo.RecordHeader{{Key: "h", Value: []byte("1")}}
		}
		client.Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Errorf("produce: %v", err)
			}
		})
	}
	if err := client.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	last := map[string]int64{} // offsets of one key rise, in one partition
	nulls := 0
	for read := 0; read < count; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d records: %v", read, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			read++
			if before, ok := last[string(r.Key)]; ok && r.Offset <= before {
				t.Errorf("key %s: offset %d after %d", r.Key, r.Offset, before)
			}
			last[string(r.Key)] = r.Offset
			if r.Value == nil && len(r.Headers) == 1 {
				nulls++
			}
		})
	}
	if nulls != count/5 {
		t.Errorf("%d null values with a header, want %d", nulls, count/5)
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	ends.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	if sum != count {
		t.Errorf("end offsets sum up to %d, want %d", sum, count)
	}
	if r, err := admin.DeleteTopic(ctx, topic); err != nil || r.Err != nil {
		t.Errorf("delete: %v %v", err, r.Err)
	}
}

func newFranz(t testing.TB, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(addr))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// TestFranzGoTransaction: a transactional producer fails at once, long before its own time-outs.
func TestFranzGoTransaction(t *testing.T) {
	n := start(t)
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	dial(t, n.addr).create("t", 1)
	client := newFranz(t, n.addr, kgo.TransactionalID("txn"), kgo.DefaultProduceTopic("t"), kgo.RetryTimeout(time.Hour))
	err := client.BeginTransaction()
	if err == nil {
		err = client.ProduceSync(ctx, kgo.StringRecord("x")).FirstErr()
	}
	if !errors.Is(err, kerr.UnsupportedVersion) || ctx.Err() != nil {
		t.Errorf("a transactional produce: %v, want an error at once", err)
	}
}
