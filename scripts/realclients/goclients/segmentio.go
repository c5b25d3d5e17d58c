package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// segmentio drives github.com/segmentio/kafka-go.
type segmentio struct{}

var segmentioCodecs = map[string]kafka.Compression{
	"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

func (segmentio) about() about {
	// Its Reader hands out all empty bytes as nil.
	return about{client: "kafka-go " + version("github.com/segmentio/kafka-go"), codecs: allCodecs,
		lacks: []string{"consume:empty-key", "consume:empty-value", "consume:empty-header"}}
}

func (segmentio) produce(addr, topic, codec string, records []record) error {
	compression, ok := segmentioCodecs[codec]
	if !ok {
		return fmt.Errorf("kafka-go has no codec %q", codec)
	}
	// By default a batch that is not full waits a second.
	w := &kafka.Writer{Addr: kafka.TCP(addr), Topic: topic, RequiredAcks: kafka.RequireAll, Compression: compression,
		BatchSize: 1000, BatchTimeout: 10 * time.Millisecond}
	const atOnce = 20_000
	for len(records) > 0 {
		n := min(atOnce, len(records))
		messages := make([]kafka.Message, n)
		for i, r := range records[:n] {
			messages[i] = kafka.Message{Key: r.key, Value: r.value}
			for _, h := range r.headers {
				messages[i].Headers = append(messages[i].Headers, kafka.Header{Key: h.name, Value: h.value})
			}
		}
		if err := w.WriteMessages(context.Background(), messages...); err != nil {
			return errors.Join(err, w.Close())
		}
		records = records[n:]
	}
	return w.Close()
}

func (segmentio) take(out *sink, m kafka.Message) {
	r := record{key: m.Key, value: m.Value}
	for _, h := range m.Headers {
		r.headers = append(r.headers, header{h.Key, h.Value})
	}
	out.add(time.Now(), int32(m.Partition), m.Offset, r)
}

func (s segmentio) consume(ctx context.Context, addr, topic string, out *sink) error {
	conn, err := kafka.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	partitions, err := conn.ReadPartitions(topic)
	if err = errors.Join(err, conn.Close()); err != nil {
		return err
	}
	var wg sync.WaitGroup
	failed := make([]error, len(partitions))
	for i, p := range partitions {
		wg.Go(func() {
			// Close waits for the fetch that is under way: by default that has 10 s.
			reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: topic, Partition: p.ID,
				MaxBytes: 10 << 20, MaxWait: time.Second})
			defer reader.Close()
			for ctx.Err() == nil {
				m, err := reader.ReadMessage(ctx)
				if err != nil {
					failed[i] = err
					return
				}
				s.take(out, m)
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}

func (s segmentio) group(ctx context.Context, addr, topic, group string, out *sink) error {
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: topic, GroupID: group,
		MaxBytes: 10 << 20, MaxWait: time.Second, StartOffset: kafka.FirstOffset, CommitInterval: commitEvery,
		HeartbeatInterval: heartbeatEvery, SessionTimeout: sessionTimeout})
	for ctx.Err() == nil {
		m, err := reader.ReadMessage(ctx)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			return errors.Join(err, reader.Close())
		}
		s.take(out, m)
	}
	return reader.Close()
}
