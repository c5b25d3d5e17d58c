package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire"
	"tailrace/wire/errcode"
)

// OffsetForLeaderEpoch, key 23, versions 2 to 4.
//
// Behaviour: where a leader epoch ended (KIP-320): clients that come back after
// a change of leader learn whether what they have read is still in the log.
//
// Versions: 3 replica id, 4 flexible.
//
// Departures: none.
func (b *Broker) offsetForLeaderEpoch(q *request) {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	if !decode(q, req) {
		return
	}
	resp := kmsg.NewPtrOffsetForLeaderEpochResponse()
	for _, t := range req.Topics {
		out := kmsg.NewOffsetForLeaderEpochResponseTopic()
		out.Topic = t.Topic
		entry := b.topics.load().byName[t.Topic]
		for _, p := range t.Partitions {
			o := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			o.Partition, o.LeaderEpoch, o.EndOffset = p.Partition, -1, -1
			part, code := entry.partition(p.Partition)
			if code == errcode.None {
				var epoch wire.LeaderEpoch
				var end wire.Offset
				epoch, end, code = part.EndOfEpoch(wire.LeaderEpoch(p.CurrentLeaderEpoch), wire.LeaderEpoch(p.LeaderEpoch))
				o.LeaderEpoch, o.EndOffset = int32(epoch), int64(end)
			}
			o.ErrorCode = int16(code)
			out.Partitions = append(out.Partitions, o)
		}
		resp.Topics = append(resp.Topics, out)
	}
	q.reply(resp)
}
