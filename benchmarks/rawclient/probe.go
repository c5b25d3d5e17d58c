package rawclient

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	apiVersionsVersion = 3
	listOffsetsVersion = 4

	latestOffset = -1 // the timestamp that ListOffsets takes for the end of a log

	// fetchedAtMost bounds the answer of FetchEach; Apache Kafka's own limit is 55 MiB.
	fetchedAtMost = 50 << 20
)

// Ask connects, asks, and closes.
func Ask(addr string, what func(c *Caller) error) error {
	c, err := Dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	return what(c)
}

// FirstAck writes one record into partition 0 of a topic that the broker is to create by itself, and returns when it
// is acknowledged.
func (c *Caller) FirstAck(topic string) error {
	if err := c.AwaitTopics(1, true, topic); err != nil {
		return err
	}
	return c.Produce(topic, NewBatch(0, 100))
}

// Produce writes one batch into partition 0 of a topic.
func (c *Caller) Produce(topic string, batch Batch) error {
	resp, err := c.Call(produceRequest(topic, 0, batch.Bytes, 1))
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
}

// ProduceToEach writes one batch into partition 0 of each of some topics.
func (c *Caller) ProduceToEach(topics []string, batch Batch) error {
	for _, topic := range topics {
		if err := c.Produce(topic, batch); err != nil {
			return fmt.Errorf("produce to %s: %w", topic, err)
		}
	}
	return nil
}

// ApiVersions asks what every client asks first.
func (c *Caller) ApiVersions() error {
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = apiVersionsVersion, "rawclient", "1"
	resp, err := c.Call(req)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.(*kmsg.ApiVersionsResponse).ErrorCode)
}

// FetchEach fetches from every partition of a topic by one request: from partition i at offsets[i], at most maxBytes.
// It returns how many bytes of records came from each.
func (c *Caller) FetchEach(topic string, offsets []int64, maxBytes int32) ([]int, error) {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.ReplicaID, req.MaxBytes, req.SessionEpoch = fetchVersion, -1, fetchedAtMost, -1
	t := kmsg.NewFetchRequestTopic()
	t.Topic = topic
	for i, offset := range offsets {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = int32(i), offset, maxBytes
		p.CurrentLeaderEpoch, p.LastFetchedEpoch, p.LogStartOffset = -1, -1, -1
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	resp, err := c.Call(req)
	if err != nil {
		return nil, err
	}
	got := resp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		return nil, err
	}
	if len(got.Topics) != 1 || len(got.Topics[0].Partitions) != len(offsets) {
		return nil, fmt.Errorf("fetch %s: not every partition is in the answer", topic)
	}
	sizes := make([]int, len(offsets))
	for _, p := range got.Topics[0].Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return nil, fmt.Errorf("fetch %s-%d: %w", topic, p.Partition, err)
		}
		sizes[p.Partition] = len(p.RecordBatches)
	}
	return sizes, nil
}

// FetchAll fetches the beginning of every partition of some topics: partition 0 of each must hold one batch of this
// size, the others nothing.
func (c *Caller) FetchAll(topics []string, partitions, batchBytes int) error {
	for _, topic := range topics {
		sizes, err := c.FetchEach(topic, make([]int64, partitions), 1<<10)
		if err != nil {
			return err
		}
		for i, size := range sizes {
			if i == 0 && size != batchBytes || i > 0 && size > 0 {
				return fmt.Errorf("fetch %s-%d: %d bytes of records", topic, i, size)
			}
		}
	}
	return nil
}

// EndOffsets asks where the logs of all partitions of a topic end.
func (c *Caller) EndOffsets(topic string, partitions int) ([]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version, req.ReplicaID = listOffsetsVersion, -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for i := range partitions {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.CurrentLeaderEpoch, p.Timestamp = int32(i), -1, latestOffset
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	resp, err := c.Call(req)
	if err != nil {
		return nil, err
	}
	got := resp.(*kmsg.ListOffsetsResponse)
	if len(got.Topics) != 1 || len(got.Topics[0].Partitions) != partitions {
		return nil, fmt.Errorf("list offsets of %s: not every partition is in the answer", topic)
	}
	ends := make([]int64, partitions)
	for _, p := range got.Topics[0].Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return nil, fmt.Errorf("list offsets of %s-%d: %w", topic, p.Partition, err)
		}
		ends[p.Partition] = p.Offset
	}
	return ends, nil
}
