package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// skipAssignment is the first version of JoinGroup in which a leader can be told to compute nothing.
const skipAssignment = 9

// replaceStatic is the JoinGroup of a static member that has started again and knows its old member id no more
// (KIP-345): it gets a new one, and whoever still uses the old one is fenced. In a stable group nothing else happens:
// the member keeps its assignment, and the others do not notice.
func (m *Machine) replaceStatic(c *Call, req *kmsg.JoinGroupRequest, g *group, old *member, id string, p []protocol) {
	leader := g.leader
	n := m.succeed(g, old, id)
	m.update(c, req, g, n, p)
	m.alive(n)
	switch {
	case g.state == stable && g.choose() == g.protocol:
		g.subscribe()
		m.logGroup(g)
		answer := joinAnswer(req.Version, g, n, false)
		if req.Version < skipAssignment {
			answer.LeaderID = leader // the old id: so that a leader does not take itself for one, and assigns nothing
		} else if g.leader == n.id {
			answer = joinAnswer(req.Version, g, n, true)
			answer.SkipAssignment = true
		}
		m.unpark(n.join, answer)
		n.join = nil
		g.joining--
	case g.state == stable:
		m.rebalance(g)
	case g.state == completing:
		// The leader may have been told of the old id, and its assignment would miss the new one.
		m.prepare(g)
	default:
		m.completeIfAllJoined(g)
	}
}

// succeed puts a member with a new id in the place of old, whose waiting calls are fenced.
func (m *Machine) succeed(g *group, old *member, id string) *member {
	n := *old
	n.id, n.join, n.sync, n.fresh = id, nil, nil, false
	n.session = timer{kind: timerSession, group: g, member: id}
	m.timers.clear(&old.session)
	if old.join != nil {
		m.unpark(old.join, joinError(old.join.version, old.id, errcode.FencedInstanceID))
		g.joining--
	}
	if old.sync != nil {
		m.unpark(old.sync, syncError(old.sync.version, errcode.FencedInstanceID))
	}
	for i := range g.members {
		if g.members[i] == old {
			g.members[i] = &n
		}
	}
	delete(g.byID, old.id)
	g.byID[id], g.byStatic[*n.instance] = &n, &n
	if g.leader == old.id {
		g.leader = id
	}
	return &n
}
