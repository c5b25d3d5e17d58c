package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// saramaClient drives github.com/IBM/sarama, with the newest requests it knows.
type saramaClient struct{}

var saramaCodecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func (saramaClient) about() about {
	return about{client: "sarama " + version("github.com/IBM/sarama"), codecs: allCodecs}
}

func (saramaClient) config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	return c
}

func (s saramaClient) produce(addr, topic, codec string, records []record) error {
	compression, ok := saramaCodecs[codec]
	if !ok {
		return fmt.Errorf("sarama has no codec %q", codec)
	}
	c := s.config()
	c.Producer.Compression = compression
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Idempotent, c.Net.MaxOpenRequests = true, 1
	c.Producer.Return.Successes = true
	p, err := sarama.NewAsyncProducer([]string{addr}, c)
	if err != nil {
		return err
	}
	go func() {
		for _, r := range records {
			m := &sarama.ProducerMessage{Topic: topic}
			if r.key != nil {
				m.Key = sarama.ByteEncoder(r.key)
			}
			if r.value != nil {
				m.Value = sarama.ByteEncoder(r.value)
			}
			for _, h := range r.headers {
				m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(h.name), Value: h.value})
			}
			p.Input() <- m
		}
	}()
	for range records {
		select {
		case <-p.Successes():
		case err := <-p.Errors():
			return err
		}
	}
	return p.Close()
}

func (saramaClient) take(out *sink, at time.Time, m *sarama.ConsumerMessage) {
	r := record{key: m.Key, value: m.Value}
	for _, h := range m.Headers {
		r.headers = append(r.headers, header{string(h.Key), h.Value})
	}
	out.add(at, m.Partition, m.Offset, r)
}

func (s saramaClient) consume(ctx context.Context, addr, topic string, out *sink) error {
	consumer, err := sarama.NewConsumer([]string{addr}, s.config())
	if err != nil {
		return err
	}
	partitions, err := consumer.Partitions(topic)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer func() { wg.Wait(); consumer.Close() }()
	for _, p := range partitions {
		from, err := consumer.ConsumePartition(topic, p, sarama.OffsetOldest)
		if err != nil {
			return err
		}
		wg.Go(func() {
			defer from.Close()
			for {
				select {
				case m := <-from.Messages():
					s.take(out, time.Now(), m)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return nil
}

func (s saramaClient) group(ctx context.Context, addr, topic, group string, out *sink) error {
	c := s.config()
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Interval = commitEvery
	c.Consumer.Group.Heartbeat.Interval = heartbeatEvery
	c.Consumer.Group.Session.Timeout = sessionTimeout
	c.Consumer.Return.Errors = true
	g, err := sarama.NewConsumerGroup([]string{addr}, group, c)
	if err != nil {
		return err
	}
	go func() {
		for err := range g.Errors() {
			if ctx.Err() == nil {
				out.mu.Lock()
				out.fail(err)
				out.mu.Unlock()
			}
		}
	}()
	for ctx.Err() == nil {
		if err := g.Consume(ctx, []string{topic}, &saramaMember{s, out}); err != nil && ctx.Err() == nil {
			return errors.Join(err, g.Close())
		}
	}
	return g.Close()
}

// saramaMember is what Sarama calls during one generation of the group.
type saramaMember struct {
	saramaClient
	out *sink
}

func (*saramaMember) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*saramaMember) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (s *saramaMember) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case m, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			s.take(s.out, time.Now(), m)
			session.MarkMessage(m, "")
		case <-session.Context().Done():
			return nil
		}
	}
}
