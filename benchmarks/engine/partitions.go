package main

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/benchmarks/rawclient"
)

const (
	manyTopics     = 10
	manyPartitions = 1000 // of each
)

// measurePartitions creates many partitions, writes a record to one of each topic, kills the broker, and takes time and
// memory until a new one answers Metadata and Fetch for all of them. It runs once: the figures are far from the noise.
func measurePartitions(b *bench) ([]Result, error) {
	created := Result{Row: "partitions", Title: "10 topics × 1,000 partitions created", Unit: "s", Bar: 30}
	answers := Result{Row: "partitions-kill", Title: "… answer after kill -9", Unit: "s", Bar: 5}
	memory := Result{Row: "partitions-rss", Title: "… RssAnon + RssFile then", Unit: "MiB", Bar: 200}
	var topics []string
	for i := range manyTopics {
		topics = append(topics, fmt.Sprintf("many-%d", i))
	}
	s, err := b.startTailrace("")
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	err = ask(s.Addr, func(c *rawclient.Caller) error { return c.CreateTopics(manyPartitions, topics...) })
	if err != nil {
		return nil, err
	}
	created.Values = []float64{time.Since(begin).Seconds()}
	batch := rawclient.NewBatch(0, 100)
	for _, topic := range topics {
		load := rawclient.Produce(topic, 1, 1, batch)
		load.Addr, load.Conns, load.InFlight = s.Addr, 1, 1
		if err := rawclient.Run(load, 1); err != nil {
			return nil, err
		}
	}
	s.Kill()

	begin = time.Now()
	if s, err = b.startTailrace(s.Dir); err != nil {
		return nil, err
	}
	err = ask(s.Addr, func(c *rawclient.Caller) error {
		if err := c.AwaitTopics(manyPartitions, false, topics...); err != nil {
			return err
		}
		for _, topic := range topics {
			if err := fetchAll(c, topic, len(batch.Bytes)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	answers.Values = []float64{time.Since(begin).Seconds()}
	answers.Notes = []string{fmt.Sprintf("listening after %.2f s", s.ReadyIn.Seconds())}
	bytes, err := s.Resident()
	if err != nil {
		return nil, err
	}
	memory.Values = []float64{float64(bytes) / mib}
	results := []Result{created, answers, memory}
	for i := range results {
		results[i].judge()
	}
	return results, s.Discard()
}

func ask(addr string, what func(c *rawclient.Caller) error) error {
	c, err := rawclient.Dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	return what(c)
}

// fetchAll fetches from every partition of a topic: partition 0 holds one batch, the others nothing.
func fetchAll(c *rawclient.Caller, topic string, batchBytes int) error {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.ReplicaID, req.MaxBytes, req.SessionEpoch = 12, -1, mib, -1
	t := kmsg.NewFetchRequestTopic()
	t.Topic = topic
	for i := range manyPartitions {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.PartitionMaxBytes = int32(i), kib
		p.CurrentLeaderEpoch, p.LastFetchedEpoch, p.LogStartOffset = -1, -1, -1
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	resp, err := c.Call(req)
	if err != nil {
		return err
	}
	got := resp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		return err
	}
	if len(got.Topics) != 1 || len(got.Topics[0].Partitions) != manyPartitions {
		return fmt.Errorf("fetch %s: not every partition is in the answer", topic)
	}
	for _, p := range got.Topics[0].Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return fmt.Errorf("fetch %s-%d: %w", topic, p.Partition, err)
		}
		if p.Partition == 0 && len(p.RecordBatches) != batchBytes || p.Partition > 0 && len(p.RecordBatches) > 0 {
			return fmt.Errorf("fetch %s-%d: %d bytes of records", topic, p.Partition, len(p.RecordBatches))
		}
	}
	return nil
}
