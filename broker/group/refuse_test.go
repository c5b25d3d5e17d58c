package group

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// askEverything is a call of each API that names something, in a version.
func askEverything(version func(kmsg.Request) int16) []kmsg.Request {
	join := joinCall("g", nil)
	sync := syncCall("g", map[string]string{"member": "m"})
	beat := kmsg.NewPtrHeartbeatRequest()
	beat.Group = "g"
	leave := leaveCall("g", []string{"m"})
	commit := commitCall("g", map[string]string{"offsets": "t/0:5,t/1:6"})
	fetch := fetchCall("g", []string{"t/0"}, nil)
	forget := forgetCall("g", []string{"t/0"})
	describe, del := kmsg.NewPtrDescribeGroupsRequest(), kmsg.NewPtrDeleteGroupsRequest()
	describe.Groups, del.Groups = []string{"g"}, []string{"g"}
	list := []kmsg.Request{join, sync, beat, leave, commit, fetch, forget, kmsg.NewPtrListGroupsRequest(), describe, del}
	for _, req := range list {
		req.SetVersion(version(req))
	}
	singleGroup(fetch)
	return list
}

// codes are all error codes of an answer.
func codes(r kmsg.Response) (list []int16) {
	switch r := r.(type) {
	case *kmsg.JoinGroupResponse:
		list = append(list, r.ErrorCode)
	case *kmsg.SyncGroupResponse:
		list = append(list, r.ErrorCode)
	case *kmsg.HeartbeatResponse:
		list = append(list, r.ErrorCode)
	case *kmsg.LeaveGroupResponse:
		list = append(list, r.ErrorCode)
	case *kmsg.OffsetDeleteResponse:
		list = append(list, r.ErrorCode)
	case *kmsg.ListGroupsResponse:
		list = append(list, r.ErrorCode)
	case *kmsg.OffsetCommitResponse:
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				list = append(list, p.ErrorCode)
			}
		}
	case *kmsg.OffsetFetchResponse:
		if r.Version >= fetchTopLevel && r.Version < fetchBatched {
			list = append(list, r.ErrorCode)
		}
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				list = append(list, p.ErrorCode)
			}
		}
		for _, g := range r.Groups {
			list = append(list, g.ErrorCode)
		}
	case *kmsg.DescribeGroupsResponse:
		for _, g := range r.Groups {
			list = append(list, g.ErrorCode)
		}
	case *kmsg.DeleteGroupsResponse:
		for _, g := range r.Groups {
			list = append(list, g.ErrorCode)
		}
	}
	return list
}

// TestRefuse has every API in every version refused: the code is there after a way through bytes.
func TestRefuse(t *testing.T) {
	for version := int16(0); version <= 10; version++ {
		for _, req := range askEverything(func(r kmsg.Request) int16 { return min(version, r.MaxVersion()) }) {
			answer := kmsg.ResponseForKey(req.Key())
			throughBytes(Refuse(req, errcode.NotCoordinator), answer)
			got := codes(answer)
			if len(got) == 0 {
				t.Errorf("%T version %d: no code in %+v", req, req.GetVersion(), answer)
			}
			for _, c := range got {
				if c != int16(errcode.NotCoordinator) {
					t.Errorf("%T version %d: code %d in %+v", req, req.GetVersion(), c, answer)
				}
			}
		}
	}
}

// TestRefuseAppend is how codes of an append become those of a coordinator.
func TestRefuseAppend(t *testing.T) {
	for _, c := range []struct{ code, want, fetch errcode.Code }{
		{errcode.NotEnoughReplicas, errcode.CoordinatorNotAvailable, errcode.NotCoordinator},
		{errcode.NotEnoughReplicasAfterAppend, errcode.CoordinatorNotAvailable, errcode.NotCoordinator},
		{errcode.RequestTimedOut, errcode.CoordinatorNotAvailable, errcode.NotCoordinator},
		{errcode.UnknownTopicOrPartition, errcode.CoordinatorNotAvailable, errcode.NotCoordinator},
		{errcode.KafkaStorageError, errcode.NotCoordinator, errcode.NotCoordinator},
		{errcode.NotLeaderOrFollower, errcode.NotCoordinator, errcode.NotCoordinator},
		{errcode.MessageTooLarge, errcode.UnknownServerError, errcode.UnknownServerError},
		{errcode.CoordinatorNotAvailable, errcode.CoordinatorNotAvailable, errcode.CoordinatorNotAvailable},
		{errcode.CoordinatorLoadInProgress, errcode.CoordinatorLoadInProgress, errcode.CoordinatorLoadInProgress},
	} {
		for _, req := range askEverything(kmsg.Request.MaxVersion) {
			want := c.want
			switch req.(type) {
			case *kmsg.OffsetFetchRequest:
				want = c.fetch
			case *kmsg.HeartbeatRequest:
				if c.code == errcode.CoordinatorLoadInProgress {
					want = errcode.None // its session is not over while nobody can say so
				}
			}
			for _, got := range codes(Refuse(req, c.code)) {
				if got != int16(want) {
					t.Errorf("%T refused with %v: %v, want %v", req, c.code, errcode.Code(got), want)
				}
			}
		}
	}
}

// TestNamesThatARecordCannotHold come in requests of flexible versions only.
func TestNamesThatARecordCannotHold(t *testing.T) {
	long := string(make([]byte, 1<<15))
	join := func(change func(*kmsg.JoinGroupRequest)) kmsg.Request {
		r := joinCall("g", nil)
		r.Version = 9
		change(r)
		return r
	}
	commit := func(group, topic string) kmsg.Request {
		r := commitCall(group, map[string]string{"offsets": topic + "/0:5"})
		r.Version = 9
		return r
	}
	for _, c := range []struct {
		req  kmsg.Request
		want errcode.Code
	}{
		{join(func(r *kmsg.JoinGroupRequest) { r.Group = long }), errcode.InvalidRequest},
		{join(func(r *kmsg.JoinGroupRequest) { r.ProtocolType = long }), errcode.InvalidRequest},
		{join(func(r *kmsg.JoinGroupRequest) { r.InstanceID = &long }), errcode.InvalidRequest},
		{join(func(r *kmsg.JoinGroupRequest) { r.Protocols[0].Name = long }), errcode.InvalidRequest},
		{commit(long, "t"), errcode.InvalidGroupID},
		{commit("g", long), errcode.InvalidTopicException},
		{commit("g", "t"), errcode.None},
	} {
		config := testConfig()
		e := New(&config).Step(Call{To: 1, Request: c.req}, 0)
		if got := codes(e.Replies[0].Body)[0]; got != int16(c.want) {
			t.Errorf("%T: %v, want %v", c.req, errcode.Code(got), c.want)
		}
	}
}

// TestMemberIDFits has the longest client id that a request can bring.
func TestMemberIDFits(t *testing.T) {
	config := testConfig()
	id := New(&config).newMemberID(string(make([]byte, 1<<15-1)), nil)
	if len(id) != 1<<15-1 || short(id[len(id)-37:]) != "-#1" {
		t.Errorf("%d bytes, ending in %s", len(id), id[len(id)-37:])
	}
}
