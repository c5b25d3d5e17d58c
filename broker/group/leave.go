package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// batchedLeave is the first version of LeaveGroup that names several members, static ones by instance id too.
const batchedLeave = 3

// leave takes members out at their own or an administrator's wish (GroupMetadataManager.classicGroupLeave).
func (m *Machine) leave(req *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
	r := kmsg.NewPtrLeaveGroupResponse()
	r.Version = req.Version
	if req.Group == "" {
		r.ErrorCode = int16(errcode.InvalidGroupID)
		return r
	}
	members := req.Members
	if req.Version < batchedLeave {
		one := kmsg.NewLeaveGroupRequestMember()
		one.MemberID = req.MemberID
		members = []kmsg.LeaveGroupRequestMember{one}
	}
	g, left := m.groups[req.Group], false
	for i := range members {
		code := errcode.UnknownMemberID
		if g != nil {
			code = m.leaveOne(g, &members[i])
		}
		left = left || code == errcode.None
		if req.Version < batchedLeave {
			r.ErrorCode = int16(code)
			continue
		}
		one := kmsg.NewLeaveGroupResponseMember()
		one.MemberID, one.InstanceID, one.ErrorCode = members[i].MemberID, members[i].InstanceID, int16(code)
		r.Members = append(r.Members, one)
	}
	if left && g.state != empty {
		m.rebalance(g)
	}
	return r
}

func (m *Machine) leaveOne(g *group, who *kmsg.LeaveGroupRequestMember) errcode.Code {
	if who.MemberID == "" {
		if who.InstanceID == nil || g.byStatic[*who.InstanceID] == nil {
			return errcode.UnknownMemberID
		}
		m.drop(g, g.byStatic[*who.InstanceID])
		return errcode.None
	}
	if m.dropPending(g, who.MemberID) {
		return errcode.None
	}
	n, code := g.member(who.MemberID, who.InstanceID)
	if code == errcode.None {
		m.drop(g, n)
	}
	return code
}
