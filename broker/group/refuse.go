package group

import (
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// Refuse is the answer that has code everywhere the API has room for one: to a call that never reached a machine, or
// whose records could not be appended. Codes of an append become those that clients of a group expect, as in Kafka
// (CoordinatorOperationExceptionHelper.java): most of them make the client look for the coordinator again.
func Refuse(req kmsg.Request, code errcode.Code) kmsg.Response {
	c := int16(ofCoordinator(code))
	switch req := req.(type) {
	case *kmsg.JoinGroupRequest:
		return joinError(req.Version, req.MemberID, errcode.Code(c))
	case *kmsg.SyncGroupRequest:
		return syncError(req.Version, errcode.Code(c))
	case *kmsg.HeartbeatRequest:
		r := kmsg.NewPtrHeartbeatResponse()
		if r.Version = req.Version; code != errcode.CoordinatorLoadInProgress {
			r.ErrorCode = c // while a group is loaded its members are taken to be alive (GroupCoordinatorService.heartbeat)
		}
		return r
	case *kmsg.LeaveGroupRequest:
		r := kmsg.NewPtrLeaveGroupResponse()
		r.Version, r.ErrorCode = req.Version, c
		return r
	case *kmsg.OffsetCommitRequest:
		return refuseCommit(req, errcode.Code(c))
	case *kmsg.OffsetFetchRequest:
		return refuseFetch(req, code)
	case *kmsg.OffsetDeleteRequest:
		r := kmsg.NewPtrOffsetDeleteResponse()
		r.Version, r.ErrorCode = req.Version, c
		return r
	case *kmsg.ListGroupsRequest:
		r := kmsg.NewPtrListGroupsResponse()
		r.Version, r.ErrorCode = req.Version, c
		return r
	case *kmsg.DescribeGroupsRequest:
		r := kmsg.NewPtrDescribeGroupsResponse()
		r.Version = req.Version
		for _, id := range req.Groups {
			one := kmsg.NewDescribeGroupsResponseGroup()
			one.Group, one.ErrorCode = id, c
			r.Groups = append(r.Groups, one)
		}
		return r
	case *kmsg.DeleteGroupsRequest:
		r := kmsg.NewPtrDeleteGroupsResponse()
		r.Version = req.Version
		for _, id := range req.Groups {
			one := kmsg.NewDeleteGroupsResponseGroup()
			one.Group, one.ErrorCode = id, c
			r.Groups = append(r.Groups, one)
		}
		return r
	}
	r := req.ResponseKind()
	r.SetVersion(req.GetVersion())
	return r
}

func ofCoordinator(code errcode.Code) errcode.Code {
	switch code {
	case errcode.UnknownTopicOrPartition, errcode.NotEnoughReplicas, errcode.RequestTimedOut,
		errcode.NotEnoughReplicasAfterAppend:
		return errcode.CoordinatorNotAvailable
	case errcode.NotLeaderOrFollower, errcode.KafkaStorageError:
		return errcode.NotCoordinator
	case errcode.MessageTooLarge, errcode.RecordListTooLarge, errcode.InvalidFetchSize:
		return errcode.UnknownServerError
	}
	return code
}

func refuseCommit(req *kmsg.OffsetCommitRequest, code errcode.Code) *kmsg.OffsetCommitResponse {
	r := kmsg.NewPtrOffsetCommitResponse()
	r.Version = req.Version
	r.Topics = make([]kmsg.OffsetCommitResponseTopic, len(req.Topics))
	for i := range req.Topics {
		t, a := &req.Topics[i], &r.Topics[i]
		a.Topic, a.TopicID = t.Topic, t.TopicID
		a.Partitions = make([]kmsg.OffsetCommitResponseTopicPartition, len(t.Partitions))
		for j := range t.Partitions {
			a.Partitions[j].Partition, a.Partitions[j].ErrorCode = t.Partitions[j].Partition, int16(code)
		}
	}
	return r
}

// refuseFetch says NOT_COORDINATOR where others say COORDINATOR_NOT_AVAILABLE: consumers of before 3.9 give up at the
// other (GroupCoordinatorService.handleOffsetFetchException).
func refuseFetch(req *kmsg.OffsetFetchRequest, code errcode.Code) *kmsg.OffsetFetchResponse {
	was := code
	if code = ofCoordinator(code); code != was && code == errcode.CoordinatorNotAvailable {
		code = errcode.NotCoordinator
	}
	r := kmsg.NewPtrOffsetFetchResponse()
	r.Version = req.Version
	switch {
	case req.Version >= fetchBatched:
		for i := range req.Groups {
			one := kmsg.NewOffsetFetchResponseGroup()
			one.Group, one.ErrorCode = req.Groups[i].Group, int16(code)
			r.Groups = append(r.Groups, one)
		}
	case req.Version >= fetchTopLevel:
		r.ErrorCode = int16(code)
	default:
		for i := range req.Topics {
			one := kmsg.NewOffsetFetchResponseTopic()
			one.Topic = req.Topics[i].Topic
			for _, p := range req.Topics[i].Partitions {
				n := noOffset(p, code)
				one.Partitions = append(one.Partitions, kmsg.OffsetFetchResponseTopicPartition{Partition: n.Partition,
					Offset: n.Offset, LeaderEpoch: n.LeaderEpoch, Metadata: n.Metadata, ErrorCode: n.ErrorCode})
			}
			r.Topics = append(r.Topics, one)
		}
	}
	return r
}

// tooLong refuses names that a record, in which an int16 says how long they are, has no room for. Requests of flexible
// versions could bring them.
func tooLong(req kmsg.Request) errcode.Code {
	long := func(s string) bool { return len(s) > math.MaxInt16 }
	switch req := req.(type) {
	case *kmsg.JoinGroupRequest:
		bad := long(req.Group) || long(req.ProtocolType) || req.InstanceID != nil && long(*req.InstanceID)
		for i := range req.Protocols {
			bad = bad || long(req.Protocols[i].Name)
		}
		if bad {
			return errcode.InvalidRequest
		}
	case *kmsg.OffsetCommitRequest:
		if long(req.Group) {
			return errcode.InvalidGroupID
		}
		for i := range req.Topics {
			if long(req.Topics[i].Topic) {
				return errcode.InvalidTopicException
			}
		}
	}
	return errcode.None
}
