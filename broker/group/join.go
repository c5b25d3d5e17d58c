package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// JoinGroup. Source: GroupMetadataManager.classicGroupJoin and what it calls.

// memberIDRequired is the first version that is sent back for a second call with its new member id (KIP-394).
const memberIDRequired = 4

func (m *Machine) join(c *Call, req *kmsg.JoinGroupRequest) {
	refuse := func(memberID string, code errcode.Code) { m.reply(c, joinError(req.Version, memberID, code)) }
	if req.Version == 0 {
		req.RebalanceTimeoutMillis = req.SessionTimeoutMillis // JoinGroupRequest.maybeOverrideRebalanceTimeout
	}
	switch session := int(req.SessionTimeoutMillis); {
	case req.Group == "":
		refuse(req.MemberID, errcode.InvalidGroupID)
		return
	case session < m.config.MinSessionMs || session > m.config.MaxSessionMs:
		refuse(req.MemberID, errcode.InvalidSessionTimeout)
		return
	}
	g := m.groups[req.Group]
	created := g == nil
	if created {
		if req.MemberID != "" {
			refuse(req.MemberID, errcode.UnknownMemberID)
			return
		}
		g = newGroup(req.Group, m.nowMs)
		m.groups[g.id] = g
	}
	switch {
	case !m.accepts(g, req.MemberID):
		if n := g.byID[req.MemberID]; n != nil {
			m.drop(g, n)
		}
		m.dropPending(g, req.MemberID)
		refuse("", errcode.GroupMaxSizeReached)
	case req.MemberID == "":
		m.joinNew(c, req, g)
	default:
		m.joinAgain(c, req, g)
	}
	if created {
		m.logCreated(g)
	}
}

// logCreated makes a new group durable with an empty record, whatever else becomes of it, as Kafka does.
func (m *Machine) logCreated(g *group) {
	g.logged = true
	s := stored{stateMs: g.stateMs}
	m.append(s.record(g.id))
}

// accepts holds a group to group.max.size. During a join phase those that have joined again count, not the members:
// that is how a group that became too large loses the last ones (GroupMetadataManager.acceptJoiningMember).
func (m *Machine) accepts(g *group, id string) bool {
	n := g.byID[id]
	switch g.state {
	case preparing:
		return n != nil && n.join != nil || g.joining < m.config.MaxSize
	case completing, stable:
		return n != nil || len(g.members) < m.config.MaxSize
	default:
		return true
	}
}

// joinNew is a JoinGroup without member id.
func (m *Machine) joinNew(c *Call, req *kmsg.JoinGroupRequest, g *group) {
	protocols := protocolsOf(req)
	if !g.fits(req.ProtocolType, protocols) {
		m.reply(c, joinError(req.Version, "", errcode.InconsistentGroupProtocol))
		return
	}
	id := m.newMemberID(c.ClientID, req.InstanceID)
	switch {
	case req.InstanceID != nil:
		if old := g.byStatic[*req.InstanceID]; old != nil {
			m.replaceStatic(c, req, g, old, id, protocols)
			return
		}
		m.addMember(c, req, g, id, protocols)
	case req.Version >= memberIDRequired:
		if g.pending == nil {
			g.pending = map[string]*timer{}
		}
		t := &timer{kind: timerSession, group: g, member: id}
		g.pending[id] = t
		m.set(t, int64(req.SessionTimeoutMillis))
		m.reply(c, joinError(req.Version, id, errcode.MemberIDRequired))
	default:
		m.addMember(c, req, g, id, protocols)
	}
}

// joinAgain is a JoinGroup with a member id: of a member, or of one that was given its id just now.
func (m *Machine) joinAgain(c *Call, req *kmsg.JoinGroupRequest, g *group) {
	refuse := func(code errcode.Code) { m.reply(c, joinError(req.Version, req.MemberID, code)) }
	protocols := protocolsOf(req)
	if !g.fits(req.ProtocolType, protocols) {
		refuse(errcode.InconsistentGroupProtocol)
		return
	}
	if g.pending[req.MemberID] != nil {
		if req.InstanceID != nil {
			// Ids are handed out to dynamic members only. Kafka throws here, and so forgets whom to tell.
			m.reply(c, joinError(req.Version, "", errcode.UnknownServerError))
			return
		}
		m.addMember(c, req, g, req.MemberID, protocols)
		return
	}
	n, code := g.member(req.MemberID, req.InstanceID)
	if code != errcode.None {
		refuse(code)
		return
	}
	same := n.offers(protocols)
	switch {
	case g.state == completing && same, g.state == stable && same && g.leader != n.id:
		// It may not have had the answer of the join phase: it is told what was decided. In a stable group only the
		// leader rebalances without a change of its own: it alone sees that partitions were added, for example.
		m.reply(c, joinAnswer(req.Version, g, n, g.state == completing && g.leader == n.id))
	case g.state == empty:
		refuse(errcode.UnknownMemberID)
	default:
		m.update(c, req, g, n, protocols)
		m.rebalance(g)
	}
}

// member finds the member that a call says it is from, or the code to refuse the call with.
func (g *group) member(id string, instance *string) (*member, errcode.Code) {
	if instance != nil {
		switch n := g.byStatic[*instance]; {
		case n == nil:
			return nil, errcode.UnknownMemberID
		case n.id != id:
			return nil, errcode.FencedInstanceID
		}
	}
	n := g.byID[id]
	if n == nil {
		return nil, errcode.UnknownMemberID
	}
	return n, errcode.None
}

// addMember takes a new member in, and its call waits for the others.
func (m *Machine) addMember(c *Call, req *kmsg.JoinGroupRequest, g *group, id string, protocols []protocol) {
	m.dropPending(g, id)
	n := &member{id: id, instance: req.InstanceID, clientID: c.ClientID, clientHost: c.ClientHost,
		protocolType: req.ProtocolType, rebalanceMs: req.RebalanceTimeoutMillis, sessionMs: req.SessionTimeoutMillis,
		protocols: protocols, fresh: true, session: timer{kind: timerSession, group: g, member: id}}
	if g.state == preparing && g.previous == empty {
		g.grew = true
	}
	g.add(n)
	n.join = m.park(c)
	g.joining++
	m.set(&n.session, newMemberJoinMs)
	m.rebalance(g)
}

// update takes over what a member says of itself, and its call waits.
func (m *Machine) update(c *Call, req *kmsg.JoinGroupRequest, g *group, n *member, protocols []protocol) {
	g.count(n.protocols, -1)
	n.protocols = protocols
	g.count(n.protocols, 1)
	n.rebalanceMs, n.sessionMs = req.RebalanceTimeoutMillis, req.SessionTimeoutMillis
	if n.join == nil {
		g.joining++
	} else {
		// Two calls of one member: the older connection is most likely gone, where Kafka never answers. If it is not,
		// this code makes it ask again.
		m.unpark(n.join, joinError(n.join.version, n.id, errcode.RebalanceInProgress))
	}
	n.join = m.park(c)
}

// dropPending forgets a member id that was handed out. It says whether there was one.
func (m *Machine) dropPending(g *group, id string) bool {
	t := g.pending[id]
	if t == nil {
		return false
	}
	m.timers.clear(t)
	delete(g.pending, id)
	return true
}

// joinError is an answer to JoinGroup that carries an error.
func joinError(version int16, memberID string, code errcode.Code) *kmsg.JoinGroupResponse {
	r := kmsg.NewPtrJoinGroupResponse()
	r.Version, r.MemberID, r.ErrorCode = version, memberID, int16(code)
	return r
}

// joinAnswer is an answer to JoinGroup that lets a member in; the leader's names all members.
func joinAnswer(version int16, g *group, n *member, withMembers bool) *kmsg.JoinGroupResponse {
	r := kmsg.NewPtrJoinGroupResponse()
	r.Version, r.MemberID, r.LeaderID, r.Generation = version, n.id, g.leader, g.generation
	r.ProtocolType, r.Protocol = optional(g.protocolType), optional(g.protocol)
	if withMembers {
		r.Members = make([]kmsg.JoinGroupResponseMember, 0, len(g.members))
		for _, other := range g.members {
			one := kmsg.NewJoinGroupResponseMember()
			one.MemberID, one.InstanceID = other.id, other.instance
			one.ProtocolMetadata = other.metadata(g.protocol)
			r.Members = append(r.Members, one)
		}
	}
	return r
}

// optional makes null of "".
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
