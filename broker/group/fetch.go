package group

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// Versions of OffsetFetch from which on a question or an answer is another.
const (
	fetchTopLevel = 2 // null means all topics, and errors of the group stand at the top
	fetchBatched  = 8
)

// fetch tells committed offsets (OffsetMetadataManager.fetchOffsets, fetchAllOffsets). A group that is not there has
// committed nothing, which is no error. RequireStable asks for offsets that no open transaction may still change; the
// runner gives every answer only when what it is based on is durable.
func (m *Machine) fetch(req *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
	r := kmsg.NewPtrOffsetFetchResponse()
	r.Version = req.Version
	if req.Version >= fetchBatched {
		r.Groups = make([]kmsg.OffsetFetchResponseGroup, len(req.Groups))
		for i := range req.Groups {
			r.Groups[i].Group = req.Groups[i].Group
			r.Groups[i].Topics = m.groups[req.Groups[i].Group].fetch(req.Groups[i].Topics)
		}
		return r
	}
	var ask []kmsg.OffsetFetchRequestGroupTopic
	if req.Topics != nil || req.Version < fetchTopLevel {
		ask = make([]kmsg.OffsetFetchRequestGroupTopic, len(req.Topics))
		for i := range req.Topics {
			ask[i].Topic, ask[i].Partitions = req.Topics[i].Topic, req.Topics[i].Partitions
		}
	}
	for _, t := range m.groups[req.Group].fetch(ask) {
		one := kmsg.NewOffsetFetchResponseTopic()
		one.Topic = t.Topic
		one.Partitions = make([]kmsg.OffsetFetchResponseTopicPartition, len(t.Partitions))
		for i := range t.Partitions {
			p := &t.Partitions[i]
			one.Partitions[i] = kmsg.OffsetFetchResponseTopicPartition{Partition: p.Partition, Offset: p.Offset,
				LeaderEpoch: p.LeaderEpoch, Metadata: p.Metadata, ErrorCode: p.ErrorCode}
		}
		r.Topics = append(r.Topics, one)
	}
	return r
}

// fetch answers for the topics asked for, nil for all.
func (g *group) fetch(ask []kmsg.OffsetFetchRequestGroupTopic) []kmsg.OffsetFetchResponseGroupTopic {
	if ask == nil {
		ask = g.everything()
	}
	topics := make([]kmsg.OffsetFetchResponseGroupTopic, len(ask))
	for i := range ask {
		t := &topics[i]
		t.Topic, t.TopicID = ask[i].Topic, ask[i].TopicID
		t.Partitions = make([]kmsg.OffsetFetchResponseGroupTopicPartition, len(ask[i].Partitions))
		var have partition
		if g != nil {
			have = g.offsets[t.Topic]
		}
		for j, p := range ask[i].Partitions {
			t.Partitions[j] = have[p].tell(p, t.TopicID)
		}
	}
	return topics
}

// everything names all partitions with an offset. The topic ids stay zero, as in Kafka: that of the topic of today is
// the caller's to fill in.
func (g *group) everything() []kmsg.OffsetFetchRequestGroupTopic {
	if g == nil {
		return nil
	}
	var ask []kmsg.OffsetFetchRequestGroupTopic
	for _, topic := range slices.Sorted(maps.Keys(g.offsets)) {
		one := kmsg.NewOffsetFetchRequestGroupTopic()
		one.Topic, one.Partitions = topic, g.offsets[topic].sorted()
		ask = append(ask, one)
	}
	return ask
}

// tell is the answer for one partition. An offset of a topic with another id is none: it was that of a topic which had
// the name before.
func (c *committed) tell(p int32, id [16]byte) kmsg.OffsetFetchResponseGroupTopicPartition {
	none := [16]byte{}
	if c == nil || c.topicID != none && id != none && c.topicID != id {
		return noOffset(p, errcode.None)
	}
	return kmsg.OffsetFetchResponseGroupTopicPartition{Partition: p, Offset: c.offset, LeaderEpoch: c.leaderEpoch,
		Metadata: &c.metadata}
}

// noOffset is the answer for a partition without offset, or with an error.
func noOffset(p int32, code errcode.Code) kmsg.OffsetFetchResponseGroupTopicPartition {
	return kmsg.OffsetFetchResponseGroupTopicPartition{Partition: p, Offset: -1, LeaderEpoch: -1, Metadata: new(string),
		ErrorCode: int16(code)}
}

func (p partition) sorted() []int32 { return slices.Sorted(maps.Keys(p)) }

// ids are those of all groups, in order: what is told or written of several groups is always the same.
func (m *Machine) ids() []string { return slices.Sorted(maps.Keys(m.groups)) }
