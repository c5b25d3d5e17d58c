package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/partition"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// ListOffsets, key 2, versions 1 to 11.
//
// Behaviour: the offset of the first record whose timestamp is at least the
// one asked for, or of one of the special timestamps of ListOffsetsRequest.
// With read_committed, "latest" is the last stable offset. Without tiered
// storage the earliest local offset is the log start, and the two tiered ones
// are unknown (-1), as in Kafka.
//
// Versions: 2 isolation level, 4 leader epoch, 6 flexible, 7 max timestamp (-3),
// 8 earliest local (-4), 9 last tiered (-5), 10 timeout, 11 earliest pending
// upload (-6).
//
// Departures: none.

// The special timestamps, with the version that brought each.
const (
	latestTimestamp          = -1
	earliestTimestamp        = -2
	maxTimestamp             = -3 // 7
	earliestLocalTimestamp   = -4 // 8
	latestTieredTimestamp    = -5 // 9
	earliestPendingTimestamp = -6 // 11
)

func (b *Broker) listOffsets(q *request) {
	req := kmsg.NewPtrListOffsetsRequest()
	if !decode(q, req) {
		return
	}
	resp := kmsg.NewPtrListOffsetsResponse()
	type asked struct {
		topic string
		index int32
	}
	seen := map[asked]int{}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			seen[asked{t.Topic, p.Partition}]++
		}
	}
	for _, t := range req.Topics {
		out := kmsg.NewListOffsetsResponseTopic()
		out.Topic = t.Topic
		entry := b.topics.load().byName[t.Topic]
		for _, p := range t.Partitions {
			o := kmsg.NewListOffsetsResponseTopicPartition()
			o.Partition, o.Offset, o.Timestamp, o.LeaderEpoch = p.Partition, -1, -1, -1
			part, code := entry.partition(p.Partition)
			if seen[asked{t.Topic, p.Partition}] > 1 {
				code = errcode.InvalidRequest
			}
			if code == errcode.None {
				code = listOffset(part, q.hdr.Version, req.IsolationLevel == 1, &p, &o)
			}
			o.ErrorCode = int16(code)
			out.Partitions = append(out.Partitions, o)
		}
		resp.Topics = append(resp.Topics, out)
	}
	q.reply(resp)
}

// listOffset answers one partition. Offset, timestamp and epoch of o are -1.
func listOffset(
	p *partition.Partition, version int16, committed bool,
	in *kmsg.ListOffsetsRequestTopicPartition, o *kmsg.ListOffsetsResponseTopicPartition,
) errcode.Code {
	if !timestampKnown(in.Timestamp, version) {
		return errcode.UnsupportedVersion
	}
	found, code := p.ListOffset(in.Timestamp, committed, wire.LeaderEpoch(in.CurrentLeaderEpoch))
	if code == errcode.None {
		o.Offset, o.Timestamp, o.LeaderEpoch = int64(found.Offset), found.Timestamp, int32(found.Epoch)
	}
	return code
}

// timestampKnown says whether a request of that version may ask for ts.
func timestampKnown(ts int64, version int16) bool {
	switch ts {
	case maxTimestamp:
		return version >= 7
	case earliestLocalTimestamp:
		return version >= 8
	case latestTieredTimestamp:
		return version >= 9
	case earliestPendingTimestamp:
		return version >= 11
	}
	return ts >= earliestTimestamp
}
