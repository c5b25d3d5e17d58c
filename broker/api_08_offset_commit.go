package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/metadata"
	"tailrace/wire/errcode"
)

// OffsetCommit, key 8, versions 2 to 10.
//
// Behaviour: offsets of topics that exist go to the group's coordinator, the others are refused one by one. The answer
// comes when the commit is on the disk, whatever tailrace.flush.before.ack says.
//
// Versions: 5 no retention time any more, 6 leader epochs, 7 static members, 8 flexible, 10 topic ids.
//
// Departures: none.
func (b *Broker) offsetCommit(q *request) {
	req := kmsg.NewPtrOffsetCommitRequest()
	if !decode(q, req) {
		return
	}
	refused := splitCommit(req, b.quorum.Image())
	if len(req.Topics) == 0 {
		resp := kmsg.NewPtrOffsetCommitResponse()
		resp.Topics = refused
		q.reply(resp)
		return
	}
	b.askGroup(q, req.Group, req, func(r kmsg.Response) {
		if len(refused) > 0 {
			resp := r.(*kmsg.OffsetCommitResponse)
			resp.Topics = mergeCommits(refused, resp.Topics)
		}
	})
}

// splitCommit completes name and id of the topics of req, takes out what does not exist, and returns the answers for
// that.
func splitCommit(req *kmsg.OffsetCommitRequest, img *metadata.Image) (refused []kmsg.OffsetCommitResponseTopic) {
	kept := req.Topics[:0]
	for _, t := range req.Topics {
		var known *metadata.Topic
		code := errcode.UnknownTopicOrPartition
		if req.Version >= 10 {
			known, code = img.TopicByID(t.TopicID), errcode.UnknownTopicID
		} else {
			known = img.TopicByName(t.Topic)
		}
		if known == nil {
			refused = append(refused, refuseCommit(t, code, t.Partitions))
			continue
		}
		t.Topic, t.TopicID = known.Name, known.ID
		var there, missing []kmsg.OffsetCommitRequestTopicPartition
		for _, p := range t.Partitions {
			if known.Partition(p.Partition) != nil {
				there = append(there, p)
			} else {
				missing = append(missing, p)
			}
		}
		if len(missing) > 0 {
			refused = append(refused, refuseCommit(t, errcode.UnknownTopicOrPartition, missing))
		}
		if t.Partitions = there; len(there) > 0 {
			kept = append(kept, t)
		}
	}
	req.Topics = kept
	return refused
}

func refuseCommit(
	t kmsg.OffsetCommitRequestTopic, code errcode.Code, parts []kmsg.OffsetCommitRequestTopicPartition,
) kmsg.OffsetCommitResponseTopic {
	out := kmsg.NewOffsetCommitResponseTopic()
	out.Topic, out.TopicID = t.Topic, t.TopicID
	for _, p := range parts {
		one := kmsg.NewOffsetCommitResponseTopicPartition()
		one.Partition, one.ErrorCode = p.Partition, int16(code)
		out.Partitions = append(out.Partitions, one)
	}
	return out
}

// mergeCommits adds the coordinator's answers to those that never reached it, one entry a topic.
func mergeCommits(refused, answered []kmsg.OffsetCommitResponseTopic) []kmsg.OffsetCommitResponseTopic {
	at := map[string]int{}
	for i, t := range refused {
		if t.Topic != "" {
			at[t.Topic] = i
		}
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
