package main

import (
	"context"
	"errors"
	"fmt"

	"tailrace/benchmarks/rawclient"
	"tailrace/benchmarks/scenario"
)

// partitions is a driver: many partitions are created, one of each topic takes a record, the process is killed, and
// time is taken until a new one answers Metadata and Fetch for all of them.
func partitions(_ context.Context, l *life, r *scenario.Row) (
	values map[string]float64, note string, err error,
) {
	set := settingsOf(r)
	n, each := set.count("topics", 10), set.count("partitions", 1000)
	if err := set.done(); err != nil {
		return nil, "", err
	}
	var topics []string
	for i := range n {
		topics = append(topics, fmt.Sprintf("many-%d", i))
	}
	if err := l.begin(); err != nil {
		return nil, "", err
	}
	v := map[string]float64{}
	batch := rawclient.NewBatch(0, 100)
	if err := l.createInto(v, topics, each, batch); err != nil {
		return nil, "", fmt.Errorf("create %d partitions: %w", n*each, err)
	}
	if err := l.memoryInto(v); err != nil {
		return nil, "", err
	}
	l.kill()
	if err := l.exec(); err != nil {
		return nil, "", err
	}
	took, err := l.until(func(q *rawclient.Caller) error {
		if err := q.AwaitTopics(each, false, topics...); err != nil {
			return err
		}
		return q.FetchAll(topics, each, len(batch.Bytes))
	})
	v["answerSeconds"] = took.Seconds()
	return v, "", err
}

// createInto creates the topics, each when the one before has leaders that serve, and writes a batch into one partition
// of each. What is asked until then is in the CPU time, and asked ever less often.
func (l *life) createInto(v map[string]float64, topics []string, each int, batch rawclient.Batch) error {
	before, err := l.process.CPU()
	if err != nil {
		return err
	}
	l.mark()
	err = rawclient.Ask(l.addr, func(q *rawclient.Caller) (err error) {
		for _, topic := range topics {
			err = errors.Join(err, q.CreateTopic(topic, each, nil))
		}
		return err
	})
	if err != nil {
		return err
	}
	v["createSeconds"] = l.since().Seconds()
	took, err := l.until(func(q *rawclient.Caller) error { return q.FetchAll(topics, each, 0) })
	if err != nil {
		return err
	}
	v["usableSeconds"] = took.Seconds()
	cpu, err := l.process.CPU()
	if err != nil {
		return err
	}
	v["cpuSeconds"] = (cpu - before).Seconds()
	return rawclient.Ask(l.addr, func(q *rawclient.Caller) error { return q.ProduceToEach(topics, batch) })
}
