package broker_test

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The steps of the differential script about groups: "g" has a member, "o" has offsets alone.

func groupSteps() []step { return slices.Concat(memberSteps(), commitSteps(), groupAdminSteps()) }

func memberSteps() []step {
	join := func(change func(*memory, *kmsg.JoinGroupRequest)) func(*memory) kmsg.Request {
		return func(m *memory) kmsg.Request {
			req := joinRequest(0, "g", m.member.id, "d")
			if change != nil {
				change(m, req)
			}
			return req
		}
	}
	sync := func(change func(*memory, *kmsg.SyncGroupRequest)) func(*memory) kmsg.Request {
		return func(m *memory) kmsg.Request {
			m.member.group = "g"
			req := m.member.syncRequest(0, m.member.id)
			if change != nil {
				change(m, req)
			}
			return req
		}
	}
	beat := func(group, id string, later int32) func(*memory) kmsg.Request {
		return func(m *memory) kmsg.Request {
			req := kmsg.NewPtrHeartbeatRequest()
			req.Group, req.MemberID, req.Generation = group, id, m.member.generation+later
			if id == "" {
				req.MemberID = m.member.id
			}
			return req
		}
	}
	return []step{
		{"join with too short a session", join(func(_ *memory, r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = 1 })},
		{"join no group", join(func(_ *memory, r *kmsg.JoinGroupRequest) { r.Group = "" })},
		{"join as an unknown member", join(func(_ *memory, r *kmsg.JoinGroupRequest) { r.MemberID = "nobody" })},
		{"join for a member id", join(func(_ *memory, r *kmsg.JoinGroupRequest) { r.MemberID = "" })},
		{"join", join(nil)},
		{"join with another protocol type", func(m *memory) kmsg.Request {
			return stranger(m, func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" })
		}},
		{"join with another protocol", func(m *memory) kmsg.Request {
			return stranger(m, func(r *kmsg.JoinGroupRequest) { r.Protocols[0].Name = "other" })
		}},
		{"heartbeat before the assignment", beat("g", "", 0)},
		{"sync with another generation", sync(func(_ *memory, r *kmsg.SyncGroupRequest) { r.Generation++ })},
		{"sync as an unknown member", sync(func(_ *memory, r *kmsg.SyncGroupRequest) { r.MemberID = "nobody" })},
		{"sync", sync(nil)},
		{"sync again", sync(nil)},
		{"heartbeat", beat("g", "", 0)},
		{"heartbeat of another generation", beat("g", "", 1)},
		{"heartbeat of an unknown member", beat("g", "nobody", 0)},
		{"heartbeat of an unknown group", beat("none", "nobody", 0)},
	}
}

// stranger is a join of another client, whose answer must not be taken for the member's.
func stranger(m *memory, change func(*kmsg.JoinGroupRequest)) kmsg.Request {
	req := joinRequest(0, "g", "", "d")
	instance := "stranger"
	req.InstanceID = &instance // static members need no id first
	change(req)
	m.keep = true
	return req
}

func commitSteps() []step {
	type change = func(*memory, *kmsg.OffsetCommitRequest)
	commit := func(group string, partition int32, change change) func(*memory) kmsg.Request {
		return func(m *memory) kmsg.Request {
			req := commitRequest(0, group, "d", m.id, partition, 3)
			if change != nil {
				change(m, req)
			}
			return req
		}
	}
	asMember := func(m *memory, r *kmsg.OffsetCommitRequest) {
		r.MemberID, r.Generation = m.member.id, m.member.generation
	}
	fetch := func(group, topic string) func(*memory) kmsg.Request {
		return func(m *memory) kmsg.Request { return fetchOffsetsRequest(0, group, topic, m.id, 0, 1) }
	}
	return []step{
		{"commit", commit("o", 0, nil)},
		{"commit as a member", commit("g", 1, asMember)},
		{"commit into a group with members", commit("g", 0, nil)},
		{"commit of another generation", commit("g", 0, func(m *memory, r *kmsg.OffsetCommitRequest) {
			asMember(m, r)
			r.Generation++
		})},
		{"commit as an unknown member", commit("g", 0, func(m *memory, r *kmsg.OffsetCommitRequest) {
			r.MemberID, r.Generation = "nobody", m.member.generation
		})},
		{"commit for a missing partition", commit("o", 7, nil)},
		{"offsets", fetch("o", "d")},
		{"offsets of the member", fetch("g", "d")},
		{"all offsets", fetch("o", "")},
		{"offsets of an unknown group", fetch("none", "d")},
		{"delete an offset", func(*memory) kmsg.Request { return offsetDeleteRequest("o", 0) }},
		{"delete a subscribed offset", func(*memory) kmsg.Request { return offsetDeleteRequest("g", 1) }},
		{"delete an offset of an unknown group", func(*memory) kmsg.Request { return offsetDeleteRequest("none", 1) }},
		{"offsets after the deletion", fetch("o", "d")},
		{"commit with too long a note", commit("o", 0, func(_ *memory, r *kmsg.OffsetCommitRequest) {
			long := string(make([]byte, 5000))
			r.Topics[0].Partitions[0].Metadata = &long
		})},
	}
}

func offsetDeleteRequest(group string, partition int32) kmsg.Request {
	req := kmsg.NewPtrOffsetDeleteRequest()
	t, p := kmsg.NewOffsetDeleteRequestTopic(), kmsg.NewOffsetDeleteRequestTopicPartition()
	req.Group, t.Topic, p.Partition = group, "d", partition
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

func groupAdminSteps() []step {
	describe := func(group string) func(*memory) kmsg.Request {
		return func(*memory) kmsg.Request {
			req := kmsg.NewPtrDescribeGroupsRequest()
			req.Groups = []string{group}
			return req
		}
	}
	list := func(states ...string) func(*memory) kmsg.Request {
		return func(*memory) kmsg.Request {
			req := kmsg.NewPtrListGroupsRequest()
			req.StatesFilter = states
			return req
		}
	}
	remove := func(group string) func(*memory) kmsg.Request {
		return func(*memory) kmsg.Request {
			req := kmsg.NewPtrDeleteGroupsRequest()
			req.Groups = []string{group}
			return req
		}
	}
	leave := func(id string) func(*memory) kmsg.Request {
		return func(m *memory) kmsg.Request {
			req, one := kmsg.NewPtrLeaveGroupRequest(), kmsg.NewLeaveGroupRequestMember()
			req.Group, one.MemberID = "g", id
			if id == "" {
				one.MemberID = m.member.id
			}
			req.Members = append(req.Members, one)
			return req
		}
	}
	return []step{
		{"describe a group", describe("g")},
		{"describe an unknown group", describe("none")},
		{"list groups", list()},
		{"list stable groups", list("Stable")},
		{"delete a group with members", remove("g")},
		{"an unknown member leaves", leave("nobody")},
		{"the member leaves", leave("")},
		{"describe the empty group", describe("g")},
		{"delete the empty group", remove("g")},
		{"delete an unknown group", remove("none")},
	}
}
