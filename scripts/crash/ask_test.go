//go:build realclients

package crash

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch"
)

// until waits for what must come within some seconds.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for began := time.Now(); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("not after 10 s: %s", what)
		}
	}
}

// dial connects to a broker.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// frameOf is a request as it goes over the wire.
func frameOf(req kmsg.Request, version int16) []byte {
	req.SetVersion(version)
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("crash")).AppendRequest(nil, req, 1)
}

// ask sends one request of a version without flexible headers in the answer and reads the answer.
func ask(t *testing.T, addr string, req kmsg.Request, version int16) kmsg.Response {
	t.Helper()
	conn := dial(t, addr)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := conn.Write(frameOf(req, version)); err != nil {
		t.Fatal(err)
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		t.Fatalf("no answer to %s: %v", kmsg.NameForKey(req.Key()), err)
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(conn, body); err != nil {
		t.Fatal(err)
	}
	resp := req.ResponseKind()
	if err := resp.ReadFrom(body[4:]); err != nil {
		t.Fatal(err)
	}
	return resp
}

// produced is the answer for one partition.
type produced struct {
	code    error // of package kerr
	message string
	base    int64
}

// produce sends one batch of values.
func produce(t *testing.T, addr, topic string, partition int32, acks int16, values ...[]byte) produced {
	t.Helper()
	var b batch.Builder
	b.Reset(batch.Options{})
	for _, v := range values {
		b.Append(time.Now().UnixMilli(), nil, v)
	}
	records, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = acks, 10_000
	rt, rp := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	rp.Partition, rp.Records = partition, records
	rt.Topic, rt.Partitions = topic, append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	p := ask(t, addr, req, 8).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	out := produced{code: kerr.ErrorForCode(p.ErrorCode), base: p.BaseOffset}
	if p.ErrorMessage != nil {
		out.message = *p.ErrorMessage
	}
	return out
}

// fetch reads one partition from an offset on, as bytes.
func fetch(t *testing.T, addr, topic string, partition int32, offset int64) ([]byte, error) {
	t.Helper()
	resp := ask(t, addr, fetchRequest(topic, partition, offset), 11).(*kmsg.FetchResponse)
	p := resp.Topics[0].Partitions[0]
	return p.RecordBatches, kerr.ErrorForCode(p.ErrorCode)
}

func fetchRequest(topic string, partition int32, offset int64) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.SessionEpoch = 1<<20, -1
	rt, rp := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = partition, offset, 1<<20, -1
	rt.Topic, rt.Partitions = topic, append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return req
}

// newTopic makes a topic.
func newTopic(t *testing.T, addr, topic string, partitions int32) {
	t.Helper()
	c := newConsumer(t, addr)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	resp, err := kadm.NewClient(c).CreateTopic(ctx, partitions, 1, nil, topic)
	if err = errors.Join(err, resp.Err); err != nil {
		t.Fatal(err)
	}
}

func newConsumer(t *testing.T, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// consume reads n records of a partition from its start with a real client, or what it can before an error.
func consume(t *testing.T, addr, topic string, partition int32, n int) (values [][]byte, err error) {
	t.Helper()
	c := newConsumer(t, addr, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		topic: {partition: kgo.NewOffset().AtStart()},
	}))
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for len(values) < n {
		fetches := c.PollFetches(ctx)
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, r.Value) })
		if err := fetches.Err(); err != nil {
			return values, fmt.Errorf("after %d of %d records: %w", len(values), n, err)
		}
	}
	return values, nil
}
