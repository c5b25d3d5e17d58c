package group

import (
	"tailrace/wire/errcode"
)

// postponeMs is the least time between two attempts to end a join phase which nobody has joined.
const postponeMs = 1000

// rebalance begins a rebalance, or goes on with the one under way.
func (m *Machine) rebalance(g *group) {
	if g.state == preparing {
		m.completeIfAllJoined(g)
	} else {
		m.prepare(g)
	}
}

// completeIfAllJoined ends the join phase when nobody is missing. That of an empty group lasts as long as its delay.
func (m *Machine) completeIfAllJoined(g *group) {
	if g.state == preparing && g.previous != empty && g.allJoined() {
		m.complete(g)
	}
}

// prepare begins a join phase (GroupMetadataManager.prepareRebalance).
func (m *Machine) prepare(g *group) {
	if g.state == completing {
		for _, n := range g.members {
			n.assignment = nil
			if n.sync != nil {
				m.unpark(n.sync, syncError(n.sync.version, errcode.RebalanceInProgress))
				n.sync = nil
				m.alive(n)
			}
		}
	}
	for _, n := range g.members {
		g.synced(n)
	}
	m.timers.clear(&g.syncTime)
	g.initial = g.state == empty
	g.to(preparing, m.nowMs)
	switch {
	case g.initial:
		// The members of a new group come one after another: the first waits a little, so that not every one of them
		// makes a rebalance of its own (KIP-134).
		g.delayMs = int64(m.config.InitialRebalanceDelayMs)
		g.remainingMs = max(g.rebalanceMs()-g.delayMs, 0)
		g.grew = false
		m.set(&g.joinTime, g.delayMs)
	case g.allJoined():
		m.complete(g)
	default:
		m.set(&g.joinTime, g.rebalanceMs())
	}
}

// joinOver is the end of a join phase by time. An initial delay during which members came is prolonged, up to the
// rebalance time-out in all.
func (m *Machine) joinOver(g *group) {
	if !g.initial || !g.grew || g.remainingMs == 0 {
		m.complete(g)
		return
	}
	g.grew = false
	next := min(int64(m.config.InitialRebalanceDelayMs), g.remainingMs)
	g.remainingMs = max(g.remainingMs-g.delayMs, 0)
	g.delayMs = next
	m.set(&g.joinTime, next)
}

// complete ends the join phase: dynamic members that have not joined are out, the others make the next generation, and
// its leader is told of them (GroupMetadataManager.completeClassicGroupJoin).
func (m *Machine) complete(g *group) {
	m.timers.clear(&g.joinTime)
	g.initial = false
	for _, n := range g.absent() {
		m.drop(g, n)
	}
	if !g.electJoined() && len(g.members) > 0 {
		// Only static members are left, and none of them has come back: their sessions decide. Kafka tries again after
		// the rebalance time-out, which may be zero: then it does nothing else.
		m.set(&g.joinTime, max(g.rebalanceMs(), postponeMs))
		return
	}
	g.generation++
	if len(g.members) == 0 {
		g.protocol = ""
		g.subscribe()
		g.to(empty, m.nowMs)
		m.logGroup(g)
		return
	}
	g.protocol = g.choose()
	g.subscribe()
	g.to(completing, m.nowMs)
	for _, n := range g.members {
		if n.join != nil {
			m.unpark(n.join, joinAnswer(n.join.version, g, n, g.leader == n.id))
			n.join = nil
			g.joining--
		}
		m.alive(n)
		n.fresh = false
		if !n.syncDue {
			n.syncDue = true
			g.syncDue++
		}
	}
	m.set(&g.syncTime, g.rebalanceMs())
}

// absent is the dynamic members that have not joined.
func (g *group) absent() []*member {
	var list []*member
	for _, n := range g.members {
		if n.join == nil && n.instance == nil {
			list = append(list, n)
		}
	}
	return list
}

// electJoined makes sure that the leader is one that has joined; it says whether there is one.
func (g *group) electJoined() bool {
	if n := g.byID[g.leader]; n != nil && n.join != nil {
		return true
	}
	for _, n := range g.members {
		if n.join != nil {
			g.leader = n.id
			return true
		}
	}
	return false
}

// syncOver is the end of a sync phase by time: members that took part in the join phase and were not heard of since are
// out (KAFKA-9752).
func (m *Machine) syncOver(g *group) {
	if g.syncDue == 0 || g.state != completing && g.state != stable {
		return
	}
	for _, n := range append([]*member(nil), g.members...) {
		if n.syncDue {
			m.drop(g, n)
		}
	}
	m.prepare(g)
}

// sessionOver is the end of a session. A member whose call waits here is alive: its session begins anew when the call
// is answered.
func (m *Machine) sessionOver(g *group, id string) {
	n := g.byID[id]
	switch {
	case m.dropPending(g, id):
	case n == nil || n.waits():
		return
	default:
		m.drop(g, n)
	}
	switch {
	case g.state == preparing && g.allJoined():
		m.complete(g)
	case n != nil && (g.state == stable || g.state == completing):
		m.prepare(g)
	}
}
