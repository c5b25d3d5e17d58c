package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// confluent drives github.com/confluentinc/confluent-kafka-go, which is librdkafka by cgo.
type confluent struct{}

func (confluent) about() about {
	_, native := kafka.LibraryVersion()
	release := version("github.com/confluentinc/confluent-kafka-go/v2")
	return about{client: "confluent-kafka-go " + release + " (librdkafka " + native + ")", codecs: allCodecs}
}

func (confluent) produce(addr, topic, codec string, records []record) error {
	p, err := kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": addr, "enable.idempotence": true,
		"compression.codec": codec})
	if err != nil {
		return err
	}
	defer p.Close()
	acks := make(chan kafka.Event, 10_000)
	left, failed := len(records), make(chan error, 1)
	go func() {
		for ; left > 0; left-- {
			if m := (<-acks).(*kafka.Message); m.TopicPartition.Error != nil {
				failed <- m.TopicPartition.Error
				return
			}
		}
		failed <- nil
	}()
	for _, r := range records {
		m := &kafka.Message{Key: r.key, Value: r.value,
			TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: kafka.PartitionAny}}
		for _, h := range r.headers {
			m.Headers = append(m.Headers, kafka.Header{Key: h.name, Value: h.value})
		}
		err := p.Produce(m, acks)
		for isFull(err) {
			p.Flush(100)
			err = p.Produce(m, acks)
		}
		if err != nil {
			return err
		}
	}
	return <-failed
}

func isFull(err error) bool {
	var e kafka.Error
	return errors.As(err, &e) && e.Code() == kafka.ErrQueueFull
}

// consumer commits what out has: on its own the library stores an offset when it hands a record out, and while it
// closes, it hands records to nobody.
func (confluent) consumer(addr, group string, autoCommit bool) (*kafka.Consumer, error) {
	return kafka.NewConsumer(&kafka.ConfigMap{"bootstrap.servers": addr, "group.id": group,
		"auto.offset.reset": "earliest", "enable.auto.commit": autoCommit, "enable.auto.offset.store": false,
		"auto.commit.interval.ms": int(commitEvery.Milliseconds()),
		"heartbeat.interval.ms":   int(heartbeatEvery.Milliseconds()),
		"session.timeout.ms":      int(sessionTimeout.Milliseconds())})
}

func (c confluent) consume(ctx context.Context, addr, topic string, out *sink) error {
	consumer, err := c.consumer(addr, "not-joined", false)
	if err != nil {
		return err
	}
	defer consumer.Close()
	metadata, err := consumer.GetMetadata(&topic, false, 30_000)
	if err != nil {
		return err
	}
	var from []kafka.TopicPartition
	for _, p := range metadata.Topics[topic].Partitions {
		from = append(from, kafka.TopicPartition{Topic: &topic, Partition: p.ID, Offset: kafka.OffsetBeginning})
	}
	if err := consumer.Assign(from); err != nil {
		return err
	}
	return c.poll(ctx, consumer, out)
}

func (c confluent) group(ctx context.Context, addr, topic, group string, out *sink) error {
	consumer, err := c.consumer(addr, group, true)
	if err != nil {
		return err
	}
	err = consumer.Subscribe(topic, nil)
	if err == nil {
		err = c.poll(ctx, consumer, out)
	}
	return errors.Join(err, consumer.Close())
}

func (confluent) poll(ctx context.Context, consumer *kafka.Consumer, out *sink) error {
	for ctx.Err() == nil {
		switch e := consumer.Poll(100).(type) {
		case *kafka.Message:
			at := time.Now()
			if err := e.TopicPartition.Error; err != nil {
				return err
			}
			r := record{key: e.Key, value: e.Value}
			for _, h := range e.Headers {
				r.headers = append(r.headers, header{h.Key, h.Value})
			}
			out.add(at, e.TopicPartition.Partition, int64(e.TopicPartition.Offset), r)
			// It fails if the partition was taken away in between: then another reads the record, too.
			_, _ = consumer.StoreMessage(e)
		case kafka.Error:
			if e.IsFatal() || e.Code() == kafka.ErrAllBrokersDown {
				return fmt.Errorf("librdkafka: %w", e)
			}
		}
	}
	return nil
}
