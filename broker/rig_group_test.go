package broker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// member is one member of a group, as the protocol sees it.
type member struct {
	p          *peer
	group, id  string
	instance   *string
	generation int32
	leader     bool
	others     []kmsg.JoinGroupResponseMember // what the leader was told
}

// subscription is a consumer protocol subscription of version 1.
func subscription(topics ...string) []byte {
	m := kmsg.NewConsumerMemberMetadata()
	m.Version, m.Topics = 1, topics
	return m.AppendTo(nil)
}

// joinRequest asks to join with the protocol "range".
func joinRequest(version int16, group, id string, topics ...string) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID = version, group, id
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis, req.ProtocolType = 30_000, 10_000, "consumer"
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = "range", subscription(topics...)
	req.Protocols = append(req.Protocols, protocol)
	return req
}

// coordinated waits until there are coordinators. Tailrace answers the first FindCoordinator only then; Apache Kafka
// refuses it, and loads the groups, partition after partition, afterwards.
func (p *peer) coordinated() {
	p.t.Helper()
	find, describe := kmsg.NewPtrFindCoordinatorRequest(), kmsg.NewPtrDescribeGroupsRequest()
	find.Version, find.CoordinatorKeys = 4, []string{"group"}
	for i := range 500 { // some for each partition
		describe.Groups = append(describe.Groups, fmt.Sprint("group-", i))
	}
	for until := time.Now().Add(answerWithin); ; time.Sleep(100 * time.Millisecond) {
		found := errcode.Code(ask[*kmsg.FindCoordinatorResponse](p, find).Coordinators[0].ErrorCode)
		for _, g := range ask[*kmsg.DescribeGroupsResponse](p, describe).Groups {
			if g.ErrorCode != 0 {
				found = errcode.Code(g.ErrorCode)
			}
		}
		if found == errcode.None {
			return
		}
		if otherBroker == "" || time.Now().After(until) {
			p.t.Fatalf("no coordinator: %v", found.Name())
		}
	}
}

// memberID asks for a member id, as clients have to first.
func (p *peer) memberID(group string) string {
	p.t.Helper()
	r := ask[*kmsg.JoinGroupResponse](p, joinRequest(9, group, ""))
	code(p.t, "the first join", r.ErrorCode, errcode.MemberIDRequired)
	return r.MemberID
}

// join makes the only member of a group on this connection, with its assignment.
func (p *peer) join(group string, topics ...string) *member {
	p.t.Helper()
	m := &member{p: p, group: group, id: p.memberID(group)}
	m.joined(ask[*kmsg.JoinGroupResponse](p, joinRequest(9, group, m.id, topics...)))
	if m.leader {
		m.sync(m.id)
	}
	return m
}

func (m *member) joined(r *kmsg.JoinGroupResponse) {
	m.p.t.Helper()
	code(m.p.t, "join", r.ErrorCode, errcode.None)
	m.id, m.generation, m.leader, m.others = r.MemberID, r.Generation, r.LeaderID == r.MemberID, r.Members
}

// syncRequest brings an assignment for each of the ids: the id itself.
func (m *member) syncRequest(version int16, ids ...string) *kmsg.SyncGroupRequest {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.MemberID, req.Generation, req.InstanceID = version, m.group, m.id, m.generation, m.instance
	consumer, protocol := "consumer", "range"
	req.ProtocolType, req.Protocol = &consumer, &protocol
	for _, id := range ids {
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = id, []byte("for "+id)
		req.GroupAssignment = append(req.GroupAssignment, a)
	}
	return req
}

func (m *member) sync(ids ...string) {
	m.p.t.Helper()
	r := ask[*kmsg.SyncGroupResponse](m.p, m.syncRequest(5, ids...))
	code(m.p.t, "sync", r.ErrorCode, errcode.None)
	if string(r.MemberAssignment) != "for "+m.id {
		m.p.t.Errorf("member %s is assigned %q", m.id, r.MemberAssignment)
	}
}

func (m *member) heartbeat() errcode.Code {
	m.p.t.Helper()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.Generation, req.InstanceID = 4, m.group, m.id, m.generation, m.instance
	return errcode.Code(ask[*kmsg.HeartbeatResponse](m.p, req).ErrorCode)
}

// commitRequest commits one offset of one partition, from no member.
func commitRequest(
	version int16, group, topic string, id [16]byte, partition int32, offset int64,
) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group, req.Generation, req.RetentionTimeMillis = version, group, -1, -1
	t, p := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
	note := "note"
	p.Partition, p.Offset, p.LeaderEpoch, p.Metadata = partition, offset, 0, &note
	t.Topic, t.TopicID, t.Partitions = topic, id, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

func commitCode(r *kmsg.OffsetCommitResponse) errcode.Code {
	return errcode.Code(r.Topics[0].Partitions[0].ErrorCode)
}

// commit commits an offset from outside of the group.
func (p *peer) commit(group, topic string, partition int32, offset int64) errcode.Code {
	p.t.Helper()
	req := commitRequest(9, group, topic, [16]byte{}, partition, offset)
	return commitCode(ask[*kmsg.OffsetCommitResponse](p, req))
}

// commit commits an offset as a member.
func (m *member) commit(topic string, partition int32, offset int64) errcode.Code {
	m.p.t.Helper()
	req := commitRequest(9, m.group, topic, [16]byte{}, partition, offset)
	req.MemberID, req.Generation, req.InstanceID = m.id, m.generation, m.instance
	return commitCode(ask[*kmsg.OffsetCommitResponse](m.p, req))
}

// fetchOffsetsRequest asks for the offsets of one group; without a topic, for all that it has.
func fetchOffsetsRequest(
	version int16, group, topic string, id [16]byte, partitions ...int32,
) *kmsg.OffsetFetchRequest {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version, req.Group = version, group
	one := kmsg.NewOffsetFetchRequestGroup()
	one.Group = group
	if topic != "" {
		old, t := kmsg.NewOffsetFetchRequestTopic(), kmsg.NewOffsetFetchRequestGroupTopic()
		old.Topic, old.Partitions = topic, partitions
		t.Topic, t.TopicID, t.Partitions = topic, id, partitions
		req.Topics, one.Topics = append(req.Topics, old), append(one.Topics, t)
	}
	req.Groups = append(req.Groups, one)
	return req
}

// committed is the offset that a group has for one partition, -1 for none.
func (p *peer) committed(group, topic string, partition int32) int64 {
	p.t.Helper()
	r := ask[*kmsg.OffsetFetchResponse](p, fetchOffsetsRequest(9, group, topic, [16]byte{}, partition))
	if len(r.Groups) != 1 || r.Groups[0].ErrorCode != 0 || len(r.Groups[0].Topics) != 1 {
		p.t.Fatalf("OffsetFetch: %+v", r)
	}
	return r.Groups[0].Topics[0].Partitions[0].Offset
}

// describedGroup is one group as DescribeGroups shows it.
func (p *peer) describedGroup(group string) kmsg.DescribeGroupsResponseGroup {
	p.t.Helper()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Version, req.Groups = 6, []string{group}
	r := ask[*kmsg.DescribeGroupsResponse](p, req)
	if len(r.Groups) != 1 {
		p.t.Fatalf("DescribeGroups: %+v", r)
	}
	return r.Groups[0]
}

// listed are the groups of ListGroups with their states.
func (p *peer) listed(t testing.TB) map[string]string {
	t.Helper()
	req := kmsg.NewPtrListGroupsRequest()
	req.Version = 5
	r := ask[*kmsg.ListGroupsResponse](p, req)
	code(t, "ListGroups", r.ErrorCode, errcode.None)
	all := map[string]string{}
	for _, g := range r.Groups {
		all[g.Group] = g.GroupState
	}
	return all
}
