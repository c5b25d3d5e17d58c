package group

import (
	"math"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// Versions of OffsetCommit from which on a field or an answer is another.
const (
	commitLeaderEpoch  = 6
	commitGroupMissing = 9
	lastRetentionTime  = 4
)

// commit stores offsets. Who may: members of the current generation, and anybody while the group has no members
// (OffsetMetadataManager.commitOffset, ClassicGroup.validateOffsetCommit). The caller has filled in name and id of each
// topic in requests of every version: Kafka stores the id of a topic that was named, too.
func (m *Machine) commit(req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse {
	g := m.groups[req.Group]
	if code := m.mayCommit(g, req); code != errcode.None {
		return refuseCommit(req, code)
	}
	if g == nil {
		g = newGroup(req.Group, m.nowMs) // a simple group; it comes to be with its first offset
	}
	expireMs := int64(never)
	if req.Version <= lastRetentionTime && req.RetentionTimeMillis != -1 {
		expireMs = max(m.nowMs+req.RetentionTimeMillis, 0)
	}
	r := kmsg.NewPtrOffsetCommitResponse()
	r.Version = req.Version
	r.Topics = make([]kmsg.OffsetCommitResponseTopic, len(req.Topics))
	for i := range req.Topics {
		t, a := &req.Topics[i], &r.Topics[i]
		a.Topic, a.TopicID = t.Topic, t.TopicID
		a.Partitions = make([]kmsg.OffsetCommitResponseTopicPartition, len(t.Partitions))
		for j := range t.Partitions {
			p := &t.Partitions[j]
			a.Partitions[j].Partition = p.Partition
			if m.metadataTooLarge(p.Metadata, expireMs != never) {
				a.Partitions[j].ErrorCode = int16(errcode.OffsetMetadataTooLarge)
				continue
			}
			c := &committed{offset: p.Offset, commitMs: m.nowMs, expireMs: expireMs, leaderEpoch: -1,
				metadata: orEmpty(p.Metadata)}
			if req.Version >= commitLeaderEpoch {
				c.leaderEpoch = max(p.LeaderEpoch, -1)
			}
			if expireMs == never { // the record of one that expires has no room for it
				c.topicID = t.TopicID
			}
			g.put(t.Topic, p.Partition, c)
			m.groups[g.id] = g
			m.append(c.record(g.id, t.Topic, p.Partition))
		}
	}
	return r
}

func (m *Machine) mayCommit(g *group, req *kmsg.OffsetCommitRequest) errcode.Code {
	simple := req.Generation < 0
	switch {
	case g == nil && simple, g != nil && g.state == empty && simple:
		return errcode.None
	case g == nil && req.Version >= commitGroupMissing:
		return errcode.GroupIDNotFound
	case g == nil:
		return errcode.IllegalGeneration
	case simple && req.MemberID == "" && req.InstanceID == nil:
		return errcode.UnknownMemberID
	}
	n, code := g.member(req.MemberID, req.InstanceID)
	switch {
	case code != errcode.None:
		return code
	case req.Generation != g.generation:
		return errcode.IllegalGeneration
	case g.state == completing:
		return errcode.RebalanceInProgress // the member will join again, and commit what it still owns
	}
	m.alive(n)
	return errcode.None
}

// metadataTooLarge counts as Java does, in units of UTF-16. The record of an offset with an expiry of its own has room
// for what an int16 can say.
func (m *Machine) metadataTooLarge(s *string, expires bool) bool {
	switch {
	case s == nil:
		return false
	case expires && len(*s) > math.MaxInt16:
		return true
	case len(*s) <= m.config.MaxMetadataBytes:
		return false
	}
	units := utf8.RuneCountInString(*s)
	for _, r := range *s {
		if r > math.MaxUint16 {
			units++
		}
	}
	return units > m.config.MaxMetadataBytes
}

func (g *group) put(topic string, partitionIndex int32, c *committed) {
	if g.offsets == nil {
		g.offsets = map[string]partition{}
	}
	if g.offsets[topic] == nil {
		g.offsets[topic] = partition{}
	}
	g.offsets[topic][partitionIndex] = c
}

func (g *group) unset(topic string, partitionIndex int32) {
	delete(g.offsets[topic], partitionIndex)
	if len(g.offsets[topic]) == 0 {
		delete(g.offsets, topic)
	}
}

// topicsDeleted lets the offsets of deleted topics go. One committed for a topic of the same name, but another id, is
// that of the topic made anew and stays.
func (m *Machine) topicsDeleted(topics []TopicRef) {
	for _, id := range m.ids() {
		g := m.groups[id]
		for _, t := range topics {
			for _, p := range g.offsets[t.Name].sorted() {
				known := g.offsets[t.Name][p].topicID
				if known == ([16]byte{}) || t.ID == ([16]byte{}) || known == t.ID {
					g.unset(t.Name, p)
					m.append(offsetTombstone(g.id, t.Name, p))
				}
			}
		}
	}
}

// deleteOffsets is OffsetDelete (KIP-496): offsets of topics that no living member uses.
func (m *Machine) deleteOffsets(req *kmsg.OffsetDeleteRequest) *kmsg.OffsetDeleteResponse {
	r := kmsg.NewPtrOffsetDeleteResponse()
	r.Version = req.Version
	g := m.groups[req.Group]
	switch {
	case req.Group == "":
		r.ErrorCode = int16(errcode.InvalidGroupID)
	case g == nil:
		r.ErrorCode = int16(errcode.GroupIDNotFound)
	case g.state != empty && g.protocolType != consumerProtocol:
		r.ErrorCode = int16(errcode.NonEmptyGroup)
	}
	if r.ErrorCode != 0 {
		return r
	}
	r.Topics = make([]kmsg.OffsetDeleteResponseTopic, len(req.Topics))
	for i := range req.Topics {
		t, a := &req.Topics[i], &r.Topics[i]
		a.Topic = t.Topic
		a.Partitions = make([]kmsg.OffsetDeleteResponseTopicPartition, len(t.Partitions))
		used := g.subscribedTo(t.Topic)
		for j := range t.Partitions {
			p := t.Partitions[j].Partition
			a.Partitions[j].Partition = p
			if used {
				a.Partitions[j].ErrorCode = int16(errcode.GroupSubscribedToTopic)
			} else if g.offsets[t.Topic][p] != nil {
				g.unset(t.Topic, p)
				m.append(offsetTombstone(g.id, t.Topic, p))
			}
		}
	}
	return r
}
