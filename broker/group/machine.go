package group

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/effect"
	"tailrace/wire/errcode"
)

// newMemberJoinMs is how long the JoinGroup of a new member waits at most. It has no heartbeats yet, and a client that
// gave up and came back with a new id would leave one defunct member after another. GroupCoordinatorConfig.java:
// CLASSIC_GROUP_NEW_MEMBER_JOIN_TIMEOUT_MS.
const newMemberJoinMs = 5 * 60 * 1000

// Machine is the groups of one partition of __consumer_offsets. Make one with New, give it the partition's records by
// Replay, end that with Loaded, and then give it events by Step.
type Machine struct {
	config *Config
	groups map[string]*group
	timers timers
	expire timer
	parked map[any]*parked

	// Of the step under way.
	nowMs int64
	out   effect.Effects
}

// New makes an empty machine.
func New(c *Config) *Machine {
	return &Machine{config: c, groups: map[string]*group{}, parked: map[any]*parked{}, expire: timer{kind: timerExpire}}
}

// Reconfigure changes the settings from the next step on. What is already waited for keeps its time.
func (m *Machine) Reconfigure(c *Config) { m.config = c }

// Step lets one event happen. The effects hold what became of it, and of calls that waited for it.
//
// Deadlines take effect at a Tick only, not at any event that comes late: after the process was stopped for a while the
// heartbeats that wait in line count before the sessions that seem to be over.
func (m *Machine) Step(ev Event, nowMs int64) effect.Effects {
	m.nowMs = nowMs
	switch ev := ev.(type) {
	case Call:
		m.call(&ev)
	case Tick:
		m.tick()
	case TopicsDeleted:
		m.topicsDeleted(ev.Topics)
	case Gone:
		if p := m.parked[ev.To]; p != nil {
			p.gone = true
			delete(m.parked, ev.To)
		}
	default:
		panic(fmt.Sprintf("BUG: broker/group: no event %T", ev))
	}
	return m.effects()
}

// effects hands over what the step led to.
func (m *Machine) effects() effect.Effects {
	out := m.out
	m.out = effect.Effects{}
	out.WakeMs = effect.Never
	if len(m.timers.heap) > 0 {
		out.WakeMs = m.timers.heap[0].atMs
	}
	return out
}

func (m *Machine) call(c *Call) {
	if code := tooLong(c.Request); code != errcode.None {
		m.reply(c, Refuse(c.Request, code))
		return
	}
	switch req := c.Request.(type) {
	case *kmsg.JoinGroupRequest:
		m.join(c, req)
	case *kmsg.SyncGroupRequest:
		m.sync(c, req)
	case *kmsg.HeartbeatRequest:
		m.reply(c, m.heartbeat(req))
	case *kmsg.LeaveGroupRequest:
		m.reply(c, m.leave(req))
	case *kmsg.OffsetCommitRequest:
		m.reply(c, m.commit(req))
	case *kmsg.OffsetFetchRequest:
		m.reply(c, m.fetch(req))
	case *kmsg.OffsetDeleteRequest:
		m.reply(c, m.deleteOffsets(req))
	case *kmsg.ListGroupsRequest:
		m.reply(c, m.list(req))
	case *kmsg.DescribeGroupsRequest:
		m.reply(c, m.describe(req))
	case *kmsg.DeleteGroupsRequest:
		m.reply(c, m.deleteGroups(req))
	default:
		m.reply(c, Refuse(req, errcode.UnsupportedVersion))
	}
}

// tick lets what is due happen.
func (m *Machine) tick() {
	mark := m.timers.last
	for {
		t := m.timers.due(m.nowMs, mark)
		if t == nil {
			return
		}
		switch t.kind {
		case timerSession:
			m.sessionOver(t.group, t.member)
		case timerJoin:
			m.joinOver(t.group)
		case timerSync:
			m.syncOver(t.group)
		case timerExpire:
			m.expireOffsets()
		}
	}
}

func (m *Machine) reply(c *Call, body kmsg.Response) {
	m.out.Replies = append(m.out.Replies, effect.Reply{To: c.To, Body: body})
}

func (m *Machine) append(r effect.Record) { m.out.Records = append(m.out.Records, r) }

// logGroup puts the group as it stands into the log.
func (m *Machine) logGroup(g *group) {
	g.logged = true
	m.append(g.record())
}

// park makes a value of a call that has to wait.
func (m *Machine) park(c *Call) *parked {
	p := &parked{to: c.To, version: c.Request.GetVersion()}
	m.parked[c.To] = p
	return p
}

// unpark answers a parked call, unless nobody waits for it any more.
func (m *Machine) unpark(p *parked, body kmsg.Response) {
	if p.gone {
		return
	}
	delete(m.parked, p.to)
	m.out.Replies = append(m.out.Replies, effect.Reply{To: p.to, Body: body})
}

func (m *Machine) set(t *timer, afterMs int64) { m.timers.set(t, m.nowMs+max(afterMs, 0)) }

// alive begins a member's session anew.
func (m *Machine) alive(n *member) { m.set(&n.session, int64(n.sessionMs)) }

// drop takes a member out of its group: calls of its own that wait are told that it is not known any more.
func (m *Machine) drop(g *group, n *member) {
	m.timers.clear(&n.session)
	if n.join != nil {
		m.unpark(n.join, joinError(n.join.version, "", errcode.UnknownMemberID))
	}
	if n.sync != nil {
		m.unpark(n.sync, syncError(n.sync.version, errcode.UnknownMemberID))
	}
	g.remove(n)
	n.join, n.sync = nil, nil
}

// forget removes a group, and with it its deadlines. Its members and offsets are gone already.
func (m *Machine) forget(g *group) {
	m.timers.clear(&g.joinTime)
	m.timers.clear(&g.syncTime)
	for _, t := range g.pending {
		m.timers.clear(t)
	}
	delete(m.groups, g.id)
}
