package main

import (
	"fmt"
	"time"

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
	err = rawclient.Ask(s.Addr, func(c *rawclient.Caller) error { return c.CreateTopics(manyPartitions, topics...) })
	if err != nil {
		return nil, err
	}
	created.Values = []float64{time.Since(begin).Seconds()}
	batch := rawclient.NewBatch(0, 100)
	err = rawclient.Ask(s.Addr, func(c *rawclient.Caller) error { return c.ProduceToEach(topics, batch) })
	if err != nil {
		return nil, err
	}
	s.Kill()

	begin = time.Now()
	if s, err = b.startTailrace(s.Dir); err != nil {
		return nil, err
	}
	err = rawclient.Ask(s.Addr, func(c *rawclient.Caller) error {
		if err := c.AwaitTopics(manyPartitions, false, topics...); err != nil {
			return err
		}
		return c.FetchAll(topics, manyPartitions, len(batch.Bytes))
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
