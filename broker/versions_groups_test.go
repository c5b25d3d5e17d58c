package broker_test

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// The conversations of the group APIs. Each version has a group of its own.

func askOffsetCommit(s *subject, v int16) kmsg.Request {
	req := commitRequest(v, fresh(s.t), s.topic, s.id, 0, 2)
	// A second partition, which does not exist, shows the form of a failure.
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition = 9
	req.Topics[0].Partitions = append(req.Topics[0].Partitions, p)
	return req
}

func checkOffsetCommit(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.OffsetCommitResponse)
	if len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 2 {
		s.t.Fatalf("OffsetCommit v%d: %+v", v, r)
	}
	for _, p := range r.Topics[0].Partitions {
		want := errcode.None
		if p.Partition == 9 {
			want = errcode.UnknownTopicOrPartition
		}
		code(s.t, "OffsetCommit", p.ErrorCode, want)
	}
	if v >= 10 && r.Topics[0].TopicID != s.id || v < 10 && r.Topics[0].Topic != s.topic {
		s.t.Errorf("OffsetCommit v%d answers for topic %q %x", v, r.Topics[0].Topic, r.Topics[0].TopicID)
	}
}

func askOffsetFetch(s *subject, v int16) kmsg.Request {
	group := fresh(s.t)
	code(s.t, "commit", int16(s.p.commit(group, s.topic, 0, 2)), errcode.None)
	return fetchOffsetsRequest(v, group, s.topic, s.id, 0, 1)
}

func checkOffsetFetch(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.OffsetFetchResponse)
	type place struct {
		offset int64
		epoch  int32
		note   string
	}
	found := map[int32]place{}
	if v < 8 {
		for _, p := range r.Topics[0].Partitions {
			found[p.Partition] = place{p.Offset, p.LeaderEpoch, text(p.Metadata)}
		}
	} else {
		for _, p := range r.Groups[0].Topics[0].Partitions {
			found[p.Partition] = place{p.Offset, p.LeaderEpoch, text(p.Metadata)}
		}
	}
	epoch := int32(0)
	if v < 5 {
		epoch = -1
	}
	if len(found) != 2 || found[0] != (place{2, epoch, "note"}) || found[1] != (place{-1, -1, ""}) {
		s.t.Errorf("OffsetFetch v%d: %+v", v, found)
	}
}

func askJoinGroup(s *subject, v int16) kmsg.Request {
	group, id := fresh(s.t), ""
	if v >= 4 {
		id = s.p.memberID(group)
	}
	return joinRequest(v, group, id, s.topic)
}

func checkJoinGroup(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.JoinGroupResponse)
	code(s.t, "JoinGroup", r.ErrorCode, errcode.None)
	if r.Generation != 1 || r.LeaderID != r.MemberID || r.MemberID == "" || len(r.Members) != 1 ||
		text(r.Protocol) != "range" || v >= 7 && text(r.ProtocolType) != "consumer" {
		s.t.Errorf("JoinGroup v%d: %+v", v, r)
	}
}

func askSyncGroup(s *subject, v int16) kmsg.Request {
	m := s.p.join(fresh(s.t), s.topic)
	return m.syncRequest(v)
}

func checkSyncGroup(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.SyncGroupResponse)
	code(s.t, "SyncGroup", r.ErrorCode, errcode.None)
	if len(r.MemberAssignment) == 0 || v >= 5 && text(r.Protocol) != "range" {
		s.t.Errorf("SyncGroup v%d: %+v", v, r)
	}
}

func askHeartbeat(s *subject, _ int16) kmsg.Request {
	m := s.p.join(fresh(s.t), s.topic)
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = m.group, m.id, m.generation
	return req
}

func checkHeartbeat(s *subject, _ int16, resp kmsg.Response) {
	code(s.t, "Heartbeat", resp.(*kmsg.HeartbeatResponse).ErrorCode, errcode.None)
}

func askLeaveGroup(s *subject, _ int16) kmsg.Request {
	m := s.p.join(fresh(s.t), s.topic)
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = m.group, m.id
	for _, id := range []string{m.id, "nobody"} {
		one := kmsg.NewLeaveGroupRequestMember()
		one.MemberID = id
		req.Members = append(req.Members, one)
	}
	return req
}

func checkLeaveGroup(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.LeaveGroupResponse)
	code(s.t, "LeaveGroup", r.ErrorCode, errcode.None)
	if v < 3 {
		return
	}
	if len(r.Members) != 2 || r.Members[0].ErrorCode != 0 ||
		errcode.Code(r.Members[1].ErrorCode) != errcode.UnknownMemberID {
		s.t.Errorf("LeaveGroup v%d: %+v", v, r)
	}
}

func askDescribeGroups(s *subject, _ int16) kmsg.Request {
	m := s.p.join(fresh(s.t), s.topic)
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups, req.IncludeAuthorizedOperations = []string{m.group, "nobody's"}, true
	return req
}

func checkDescribeGroups(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.DescribeGroupsResponse)
	if len(r.Groups) != 2 {
		s.t.Fatalf("DescribeGroups v%d: %+v", v, r)
	}
	there, missing := r.Groups[0], r.Groups[1]
	if there.Group == "nobody's" { // Kafka gives them in any order
		there, missing = missing, there
	}
	code(s.t, "DescribeGroups", there.ErrorCode, errcode.None)
	if there.State != "Stable" || there.Protocol != "range" || len(there.Members) != 1 ||
		there.Members[0].ClientID != "broker-test" || there.Members[0].ClientHost != "/127.0.0.1" ||
		v >= 3 && there.AuthorizedOperations != 1<<3|1<<6|1<<8|1<<10|1<<11 {
		s.t.Errorf("DescribeGroups v%d: %+v", v, there)
	}
	want := errcode.None
	if v >= 6 {
		want = errcode.GroupIDNotFound
	}
	code(s.t, "DescribeGroups of a missing group", missing.ErrorCode, want)
	if missing.State != "Dead" {
		s.t.Errorf("DescribeGroups v%d: a missing group is %q", v, missing.State)
	}
}

func askListGroups(s *subject, _ int16) kmsg.Request {
	if s.group == "" {
		s.group = s.p.join(fresh(s.t), s.topic).group
	}
	req := kmsg.NewPtrListGroupsRequest()
	req.StatesFilter, req.TypesFilter = []string{"Stable"}, []string{"classic"}
	return req
}

func checkListGroups(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.ListGroupsResponse)
	code(s.t, "ListGroups", r.ErrorCode, errcode.None)
	for _, g := range r.Groups {
		if g.Group == s.group && g.ProtocolType == "consumer" && (v < 4 || g.GroupState == "Stable") &&
			(v < 5 || g.GroupType == "classic") {
			return
		}
	}
	s.t.Errorf("ListGroups v%d has no group %s: %+v", v, s.group, r)
}

func askDeleteGroups(s *subject, _ int16) kmsg.Request {
	empty := fresh(s.t)
	code(s.t, "commit", int16(s.p.commit(empty, s.topic, 0, 2)), errcode.None)
	full := s.p.join(fresh(s.t), s.topic)
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = []string{empty, full.group, "nobody's"}
	return req
}

func checkDeleteGroups(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.DeleteGroupsResponse)
	found := map[errcode.Code]int{}
	for _, g := range r.Groups {
		found[errcode.Code(g.ErrorCode)]++
	}
	if len(r.Groups) != 3 || found[errcode.None] != 1 || found[errcode.NonEmptyGroup] != 1 ||
		found[errcode.GroupIDNotFound] != 1 {
		s.t.Errorf("DeleteGroups v%d: %+v", v, r)
	}
}

func askOffsetDelete(s *subject, _ int16) kmsg.Request {
	group := fresh(s.t)
	code(s.t, "commit", int16(s.p.commit(group, s.topic, 0, 2)), errcode.None)
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = group
	t := kmsg.NewOffsetDeleteRequestTopic()
	t.Topic = s.topic
	for _, i := range []int32{0, 9} {
		p := kmsg.NewOffsetDeleteRequestTopicPartition()
		p.Partition = i
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	return req
}

func checkOffsetDelete(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.OffsetDeleteResponse)
	code(s.t, "OffsetDelete", r.ErrorCode, errcode.None)
	if len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 2 {
		s.t.Fatalf("OffsetDelete v%d: %+v", v, r)
	}
	for _, p := range r.Topics[0].Partitions {
		want := errcode.None
		if p.Partition == 9 {
			want = errcode.UnknownTopicOrPartition
		}
		code(s.t, "OffsetDelete", p.ErrorCode, want)
	}
}
