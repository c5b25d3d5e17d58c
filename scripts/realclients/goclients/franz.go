package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// franz drives github.com/twmb/franz-go.
type franz struct{}

var franzCodecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func (franz) about() about {
	return about{client: "franz-go " + version("github.com/twmb/franz-go"), codecs: allCodecs}
}

func (franz) produce(addr, topic, codec string, records []record) error {
	compression, ok := franzCodecs[codec]
	if !ok {
		return fmt.Errorf("franz-go has no codec %q", codec)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(compression))
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	for _, r := range records {
		out := &kgo.Record{Key: r.key, Value: r.value}
		for _, h := range r.headers {
			out.Headers = append(out.Headers, kgo.RecordHeader{Key: h.name, Value: h.value})
		}
		cl.Produce(ctx, out, func(_ *kgo.Record, err error) {
			if err != nil {
				cancel(err)
			}
		})
	}
	if err := cl.Flush(ctx); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	return context.Cause(ctx)
}

func (f franz) consume(ctx context.Context, addr, topic string, out *sink) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer cl.Close()
	return f.poll(ctx, cl, out)
}

func (f franz) group(ctx context.Context, addr, topic, group string, out *sink) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AutoCommitInterval(commitEvery),
		kgo.SessionTimeout(sessionTimeout), kgo.HeartbeatInterval(heartbeatEvery), kgo.BlockRebalanceOnPoll())
	if err != nil {
		return err
	}
	if err := f.poll(ctx, cl, out); err != nil {
		cl.CloseAllowingRebalance()
		return err
	}
	// What was polled is written; this commits it, which Close alone would only do for what was polled before.
	err = cl.CommitUncommittedOffsets(context.Background())
	cl.CloseAllowingRebalance()
	return err
}

func (franz) poll(ctx context.Context, cl *kgo.Client, out *sink) error {
	for {
		fetches := cl.PollFetches(ctx)
		at := time.Now()
		fetches.EachRecord(func(r *kgo.Record) {
			mine := record{key: r.Key, value: r.Value}
			for _, h := range r.Headers {
				mine.headers = append(mine.headers, header{h.Key, h.Value})
			}
			out.add(at, r.Partition, r.Offset, mine)
		})
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err(); err != nil {
			return err
		}
		cl.AllowRebalance()
	}
}
