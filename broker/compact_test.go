package broker_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestCompactedTopicShrinks: of some MiB of records for a hundred keys, little is left but the newest of each; a
// consumer from the beginning reads that, in order; and so it is after a restart.
func TestCompactedTopicShrinks(t *testing.T) {
	n := start(t, "log.cleaner.backoff.ms=50", "log.cleaner.threads=2")
	topic := fresh(t)
	client := newFranz(t, n.addr, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchMaxBytes(100_000),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	configs := map[string]*string{}
	for k, v := range map[string]string{"cleanup.policy": "compact", "segment.bytes": "1048576", "compression.type": "lz4",
		"min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "0", "file.delete.delay.ms": "0"} {
		configs[k] = &v
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*answerWithin)
	defer cancel()
	if _, err := kadm.NewClient(client).CreateTopic(ctx, 1, 1, configs, topic); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	written := 0
	write := func(records int) {
		t.Helper()
		for range records {
			value := make([]byte, 1000)
			for i := range value {
				value[i] = byte('a' + rand.IntN(26))
			}
			r := &kgo.Record{Key: fmt.Appendf(nil, "key %d", rand.IntN(100)), Value: value}
			if rand.IntN(20) == 0 {
				r.Value = nil
				delete(want, string(r.Key))
			} else {
				want[string(r.Key)] = string(value)
			}
			written++
			client.Produce(ctx, r, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Errorf("produce: %v", err)
				}
			})
		}
		if err := client.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(n.dir, "log", topic+"-0")
	write(8000)
	for bytes := int64(1 << 40); bytes > 3<<20; { // an active segment, and one that was cleaned
		write(500)
		time.Sleep(20 * time.Millisecond)
		if bytes = logBytes(t, dir); ctx.Err() != nil {
			t.Fatalf("%d bytes of %d records of 1000 bytes are left", bytes, written)
		}
	}
	for range 2 {
		got, read := readNewest(t, n.addr, topic)
		if !maps.Equal(got, want) {
			t.Errorf("%d keys are read, %d were written", len(got), len(want))
		}
		if read > written/2 {
			t.Errorf("%d records of %d are left", read, written)
		}
		n.stop(t)
		n.open(t)
	}
	if text := n.log.String(); strings.Contains(text, "level=WARN") || strings.Contains(text, "level=ERROR") {
		t.Errorf("the broker's log is not quiet:\n%s", text)
	}
}

func logBytes(t *testing.T, dir string) (sum int64) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// readNewest reads a topic of one partition from its beginning to its end.
func readNewest(t *testing.T, addr, topic string) (newest map[string]string, records int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*answerWithin)
	defer cancel()
	from := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}
	client := newFranz(t, addr, kgo.ConsumePartitions(from))
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup(topic, 0)
	newest = map[string]string{}
	for last := int64(-1); last < end.Offset-1; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d: %v", last, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset <= last {
				t.Errorf("offset %d follows %d", r.Offset, last)
			}
			last = r.Offset
			records++
			if r.Value == nil {
				delete(newest, string(r.Key))
			} else {
				newest[string(r.Key)] = string(r.Value)
			}
		})
	}
	client.Close()
	return newest, records
}
