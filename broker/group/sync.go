package group

import (
	"bytes"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// mandatoryProtocol is the first version of SyncGroup that has to name protocol type and protocol.
const mandatoryProtocol = 5

// sync is SyncGroup: followers wait for the leader's, which brings the assignment of all. The group is stable as soon
// as its record is on its way to the log; nobody hears of it before it is there
// (GroupMetadataManager.classicGroupSync).
func (m *Machine) sync(c *Call, req *kmsg.SyncGroupRequest) {
	g := m.groups[req.Group]
	n, code := checkSync(g, req)
	if code == errcode.None && g.state == preparing {
		code = errcode.RebalanceInProgress
	}
	if code != errcode.None {
		m.reply(c, syncError(req.Version, code))
		return
	}
	g.synced(n)
	if g.syncDue == 0 {
		m.timers.clear(&g.syncTime)
	}
	if g.state == stable {
		m.reply(c, syncAnswer(req.Version, g, n))
		return
	}
	if n.sync != nil {
		m.unpark(n.sync, syncError(n.sync.version, errcode.RebalanceInProgress)) // see update
	}
	n.sync = m.park(c)
	if g.leader == n.id {
		m.assign(g, req.GroupAssignment)
	}
}

func checkSync(g *group, req *kmsg.SyncGroupRequest) (*member, errcode.Code) {
	switch {
	case req.Version >= mandatoryProtocol && (req.ProtocolType == nil || req.Protocol == nil):
		return nil, errcode.InconsistentGroupProtocol
	case req.Group == "":
		return nil, errcode.InvalidGroupID
	case g == nil || g.state == empty:
		return nil, errcode.UnknownMemberID
	}
	n, code := g.member(req.MemberID, req.InstanceID)
	switch {
	case code != errcode.None:
		return nil, code
	case req.Generation != g.generation:
		return nil, errcode.IllegalGeneration
	case differs(req.ProtocolType, g.protocolType) || differs(req.Protocol, g.protocol):
		return nil, errcode.InconsistentGroupProtocol
	}
	return n, errcode.None
}

// differs is true of a name that was given and is not the group's.
func differs(given *string, have string) bool { return given != nil && have != "" && *given != have }

// assign makes the group stable with what the leader decided. Who was forgotten gets an empty assignment.
func (m *Machine) assign(g *group, list []kmsg.SyncGroupRequestGroupAssignment) {
	for _, n := range g.members {
		n.assignment = nil
	}
	for i := range list {
		if n := g.byID[list[i].MemberID]; n != nil {
			n.assignment = bytes.Clone(list[i].MemberAssignment)
		}
	}
	m.logGroup(g)
	g.to(stable, m.nowMs)
	for _, n := range g.members {
		if n.sync != nil {
			m.unpark(n.sync, syncAnswer(n.sync.version, g, n))
			n.sync = nil
			m.alive(n)
		}
	}
}

func syncError(version int16, code errcode.Code) *kmsg.SyncGroupResponse {
	r := kmsg.NewPtrSyncGroupResponse()
	r.Version, r.ErrorCode = version, int16(code)
	return r
}

func syncAnswer(version int16, g *group, n *member) *kmsg.SyncGroupResponse {
	r := syncError(version, errcode.None)
	r.ProtocolType, r.Protocol, r.MemberAssignment = optional(g.protocolType), optional(g.protocol), n.assignment
	return r
}

// heartbeat keeps a member's session, and tells it to join again when there is a rebalance.
func (m *Machine) heartbeat(req *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse {
	r := kmsg.NewPtrHeartbeatResponse()
	r.Version, r.ErrorCode = req.Version, int16(m.heartbeatCode(req))
	return r
}

func (m *Machine) heartbeatCode(req *kmsg.HeartbeatRequest) errcode.Code {
	g := m.groups[req.Group]
	switch {
	case req.Group == "":
		return errcode.InvalidGroupID
	case g == nil:
		return errcode.UnknownMemberID
	}
	n, code := g.member(req.MemberID, req.InstanceID)
	switch {
	case code != errcode.None:
		return code
	case req.Generation != g.generation:
		return errcode.IllegalGeneration
	}
	m.alive(n)
	if g.state == preparing {
		return errcode.RebalanceInProgress
	}
	return errcode.None
}
