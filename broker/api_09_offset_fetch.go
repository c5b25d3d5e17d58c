package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/metadata"
	"tailrace/wire/errcode"
)

// OffsetFetch, key 9, versions 1 to 10.
//
// Behaviour: the offsets of a group for the partitions asked for, or for all that it has when the topics are null. A
// partition without one, known or not, has offset -1 and no error.
//
// Versions: 2 null for all topics, 6 flexible, 7 require_stable, 8 several groups, 9 members of next-generation groups,
// 10 topic ids.
//
// Departures: none.
func (b *Broker) offsetFetch(q *request) {
	req := kmsg.NewPtrOffsetFetchRequest()
	if !decode(q, req) {
		return
	}
	if req.Version < 8 {
		b.askGroup(q, req.Group, req, nil)
		return
	}
	img := b.quorum.Image()
	unknown := make([][]kmsg.OffsetFetchResponseGroupTopic, len(req.Groups))
	ids := make([]string, len(req.Groups))
	for i := range req.Groups {
		ids[i] = req.Groups[i].Group
		if req.Version >= 10 {
			unknown[i] = nameTopics(&req.Groups[i], img)
		}
	}
	split := func(n int32) []groupPart {
		parts := byShard(ids, n)
		for i := range parts {
			one := kmsg.NewPtrOffsetFetchRequest()
			one.Version, one.RequireStable = req.Version, req.RequireStable
			one.Groups = pick(req.Groups, &parts[i])
			parts[i].req = one
		}
		return parts
	}
	b.askGroups(q, split, func(parts []groupPart) kmsg.Response {
		resp := kmsg.NewPtrOffsetFetchResponse()
		resp.Groups = make([]kmsg.OffsetFetchResponseGroup, len(req.Groups))
		for i := range parts {
			spread(resp.Groups, parts[i].resp.(*kmsg.OffsetFetchResponse).Groups, &parts[i])
		}
		for i := range resp.Groups {
			if g := &resp.Groups[i]; g.ErrorCode == 0 && req.Version >= 10 {
				g.Topics = append(identified(g.Topics, b.quorum.Image()), unknown[i]...)
			}
		}
		return resp
	})
}

// nameTopics completes the names of topics that a group is asked for by id. Ids that no topic has are taken out; their
// answers are returned.
func nameTopics(
	g *kmsg.OffsetFetchRequestGroup, img *metadata.Image,
) (unknown []kmsg.OffsetFetchResponseGroupTopic) {
	if g.Topics == nil {
		return nil // all of them
	}
	kept := g.Topics[:0]
	for _, t := range g.Topics {
		if known := img.TopicByID(t.TopicID); known != nil {
			t.Topic = known.Name
			kept = append(kept, t)
			continue
		}
		out := kmsg.NewOffsetFetchResponseGroupTopic()
		out.TopicID = t.TopicID
		for _, p := range t.Partitions {
			one := kmsg.NewOffsetFetchResponseGroupTopicPartition()
			one.Partition, one.Offset, one.ErrorCode = p, -1, int16(errcode.UnknownTopicID)
			one.LeaderEpoch, one.Metadata = -1, new(string)
			out.Partitions = append(out.Partitions, one)
		}
		unknown = append(unknown, out)
	}
	g.Topics = kept
	return unknown
}

// identified gives ids to topics whose offsets were committed by name. Those that are gone are left out: without an id
// they cannot be told of.
func identified(
	topics []kmsg.OffsetFetchResponseGroupTopic, img *metadata.Image,
) []kmsg.OffsetFetchResponseGroupTopic {
	kept := topics[:0]
	for _, t := range topics {
		if known := img.TopicByName(t.Topic); t.TopicID == [16]byte{} && known != nil {
			t.TopicID = known.ID
		}
		if t.TopicID != [16]byte{} {
			kept = append(kept, t)
		}
	}
	return kept
}
