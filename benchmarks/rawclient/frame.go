// Package rawclient is a Kafka client that costs as little as a client can: its requests are built beforehand, one
// goroutine per connection keeps a fixed number of them in flight, and of a reply it looks at nothing but length,
// correlation id, error codes and the length of the records. It speaks to Tailrace, to Apache Kafka and to the bare
// loops in the same way, so that the difference between two measurements is the server's.
//
// Requests are Produce v9, Fetch v12 and OffsetCommit v9 with one topic and one partition each. A Client's methods may
// be called from any goroutine; frames handed to Start belong to the Client from then on.
package rawclient

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	produceVersion = 9
	fetchVersion   = 12

	correlationAt = 8 // in a request, its length included
)

var formatter = kmsg.NewRequestFormatter(kmsg.FormatterClientID("rawclient"))

// ProduceFrame is a request that appends one batch to one partition. acks is 1, or -1 for all.
func ProduceFrame(topic string, partition int32, batch []byte, acks int16) []byte {
	return formatter.AppendRequest(nil, produceRequest(topic, partition, batch, acks), 0)
}

func produceRequest(topic string, partition int32, batch []byte, acks int16) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = produceVersion, acks, int32(30*time.Second/time.Millisecond)
	t, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, batch
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

// FetchFrame is a request for at most maxBytes of one partition from an offset on, outside any fetch session.
func FetchFrame(topic string, partition int32, offset int64, maxBytes int32) []byte {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.ReplicaID, req.MaxWaitMillis, req.MinBytes = fetchVersion, -1, 500, 1
	req.MaxBytes, req.SessionEpoch = maxBytes, -1
	t, p := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, offset, maxBytes
	p.CurrentLeaderEpoch, p.LastFetchedEpoch, p.LogStartOffset = -1, -1, -1
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return formatter.AppendRequest(nil, req, 0)
}

// Check says where a reply holds what must be right. Positions count from behind the reply's length.
type Check struct {
	codes   []int // int16 error codes, all 0
	records int   // uvarint length of the records, plus 1; 0 = the reply has none
	want    int   // bytes of records that each reply must hold
	head    int   // bytes that must be there before the rest can be checked
}

// ProduceCheck is the check of replies to ProduceFrame.
func ProduceCheck(topic string) Check {
	code := 4 + 1 + 1 + 1 + len(topic) + 1 + 4
	return Check{codes: []int{code}, head: code + 2}
}

// FetchCheck is the check of replies to FetchFrame that must hold exactly so many bytes of records.
func FetchCheck(topic string, want int) Check {
	const whole = 4 + 1 + 4 // the error code of the whole response
	code := whole + 2 + 4 + 1 + 1 + len(topic) + 1 + 4
	records := code + 2 + 3*8 + 1 + 4
	return Check{codes: []int{whole, code}, records: records, want: want, head: records + binary.MaxVarintLen32}
}

// verify looks at a reply's head, which is at least c.head bytes long or the whole reply.
func (c *Check) verify(head []byte, correlation uint32) error {
	if len(head) < c.head-binary.MaxVarintLen32 {
		return fmt.Errorf("a reply of %d bytes, shorter than any good one", len(head))
	}
	if got := binary.BigEndian.Uint32(head); got != correlation {
		return fmt.Errorf("a reply out of order: correlation id %d instead of %d", got, correlation)
	}
	for _, at := range c.codes {
		if code := int16(binary.BigEndian.Uint16(head[at:])); code != 0 {
			return fmt.Errorf("error code %d in a reply", code)
		}
	}
	if c.records == 0 {
		return nil
	}
	if n, _ := binary.Uvarint(head[c.records:]); int(n)-1 != c.want {
		return fmt.Errorf("a reply with %d bytes of records instead of %d", int(n)-1, c.want)
	}
	return nil
}
