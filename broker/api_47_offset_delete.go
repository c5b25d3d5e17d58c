package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/metadata"
	"tailrace/wire/errcode"
)

// OffsetDelete, key 47, version 0.
//
// Behaviour: offsets of topics that the group's members do not subscribe to are forgotten. Topics and partitions that
// do not exist are refused one by one.
//
// Departures: none.
func (b *Broker) offsetDelete(q *request) {
	req := kmsg.NewPtrOffsetDeleteRequest()
	if !decode(q, req) {
		return
	}
	refused := splitOffsetDelete(req, b.quorum.Image())
	b.askGroup(q, req.Group, req, func(r kmsg.Response) {
		resp := r.(*kmsg.OffsetDeleteResponse)
		if resp.ErrorCode == 0 && len(refused) > 0 {
			resp.Topics = mergeOffsetDeletes(refused, resp.Topics)
		}
	})
}

// splitOffsetDelete takes out what does not exist, and returns the answers for that.
func splitOffsetDelete(req *kmsg.OffsetDeleteRequest, img *metadata.Image) (refused []kmsg.OffsetDeleteResponseTopic) {
	kept := req.Topics[:0]
	for _, t := range req.Topics {
		known := img.TopicByName(t.Topic)
		out := kmsg.NewOffsetDeleteResponseTopic()
		out.Topic = t.Topic
		there := t.Partitions[:0]
		for _, p := range t.Partitions {
			if known != nil && known.Partition(p.Partition) != nil {
				there = append(there, p)
				continue
			}
			one := kmsg.NewOffsetDeleteResponseTopicPartition()
			one.Partition, one.ErrorCode = p.Partition, int16(errcode.UnknownTopicOrPartition)
			out.Partitions = append(out.Partitions, one)
		}
		if len(out.Partitions) > 0 {
			refused = append(refused, out)
		}
		if t.Partitions = there; len(there) > 0 {
			kept = append(kept, t)
		}
	}
	req.Topics = kept
	return refused
}

// mergeOffsetDeletes adds the coordinator's answers to those that never reached it, one entry a topic.
func mergeOffsetDeletes(refused, answered []kmsg.OffsetDeleteResponseTopic) []kmsg.OffsetDeleteResponseTopic {
	at := map[string]int{}
	for i, t := range refused {
		at[t.Topic] = i
	}
	for _, t := range answered {
		if i, ok := at[t.Topic]; ok {
			refused[i].Partitions = append(refused[i].Partitions, t.Partitions...)
		} else {
			refused = append(refused, t)
		}
	}
	return refused
}
