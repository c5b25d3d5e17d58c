package group

import (
	"iter"

	"tailrace/broker/effect"
)

// Replay applies one record of the log; records come in the order of the log. Nothing of the record is kept. An error
// is an *UnknownRecordError or a *BadRecordError: the record was not applied, and the replay may go on.
//
// What a transaction wrote is the caller's to hold back until its marker comes, and to leave out if it was aborted.
func (m *Machine) Replay(r effect.Record, timestampMs int64) error {
	k, err := parseKey(r.Key)
	if err != nil {
		return err
	}
	if k.kind == typeGroup {
		return m.replayGroup(k.group, r.Value)
	}
	g := m.groups[k.group]
	if r.Value == nil {
		if g != nil {
			g.unset(k.topic, k.partition)
		}
		return nil
	}
	c, err := parseOffset(r.Value, k.kind)
	if err != nil {
		return err
	}
	if g == nil {
		g = newGroup(k.group, timestampMs)
		m.groups[g.id] = g
	}
	g.put(k.topic, k.partition, &c)
	return nil
}

// replayGroup puts a group as a record says it is. Its offsets have records of their own, and stay.
func (m *Machine) replayGroup(id string, value []byte) error {
	var offsets map[string]partition
	old := m.groups[id]
	if old != nil {
		offsets = old.offsets
	}
	if value == nil {
		delete(m.groups, id)
		if len(offsets) > 0 {
			m.groups[id] = newGroup(id, old.stateMs)
			m.groups[id].offsets = offsets
		}
		return nil
	}
	s, err := parseGroup(value)
	if err != nil {
		return err
	}
	g := newGroup(id, s.stateMs)
	g.logged, g.offsets = true, offsets
	g.protocolType, g.protocol, g.leader, g.generation = s.protocolType, s.protocol, s.leader, s.generation
	for i := range s.members {
		o := &s.members[i]
		g.add(&member{id: o.id, instance: o.instance, clientID: o.clientID, clientHost: o.clientHost,
			protocolType: s.protocolType, rebalanceMs: o.rebalanceMs, sessionMs: o.sessionMs,
			protocols: []protocol{{s.protocol, o.subscription}}, assignment: o.assignment,
			session: timer{kind: timerSession, group: g, member: o.id}})
	}
	if len(g.members) > 0 {
		g.state, g.previous = stable, completing
	}
	g.subscribe()
	m.groups[id] = g
	return nil
}

// Loaded ends the replay: members get a whole session from nowMs on. A rebalance that was under way is not in the log:
// its members learn from the codes of their next calls that the generation before it is the current one, and join again
// (GroupMetadataManager.onLoaded).
func (m *Machine) Loaded(nowMs int64) effect.Effects {
	m.nowMs = nowMs
	m.set(&m.expire, m.config.OffsetsRetentionCheckMs)
	for _, id := range m.ids() {
		g := m.groups[id]
		for _, n := range g.members {
			m.alive(n)
		}
		if len(g.members) > m.config.MaxSize {
			m.prepare(g) // group.max.size was made smaller: the last to join again are out
		}
	}
	return m.effects()
}

// Snapshot gives the records that rebuild the state, groups in order. Of a group in a rebalance it gives the offsets
// only: the generation that a replay would find is in the log alone.
func (m *Machine) Snapshot() iter.Seq[effect.Record] {
	return func(yield func(effect.Record) bool) {
		for _, id := range m.ids() {
			g := m.groups[id]
			if g.logged && (g.state == empty || g.state == stable) && !yield(g.record()) {
				return
			}
			for _, t := range g.everything() {
				for _, p := range t.Partitions {
					if !yield(g.offsets[t.Topic][p].record(id, t.Topic, p)) {
						return
					}
				}
			}
		}
	}
}
