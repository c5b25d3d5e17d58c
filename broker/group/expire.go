package group

import (
	"maps"
	"slices"
)

// expireOffsets lets old offsets go, and groups that have none left and no members (KIP-211;
// GroupCoordinatorShard.cleanupGroupMetadata).
func (m *Machine) expireOffsets() {
	m.set(&m.expire, m.config.OffsetsRetentionCheckMs)
	for _, id := range m.ids() {
		g := m.groups[id]
		m.expireGroup(g)
		// A group that somebody is about to join stays, where Kafka sends the new member back to the start.
		if len(g.offsets) == 0 && g.state == empty && len(g.pending) == 0 {
			m.append(groupTombstone(g.id))
			m.forget(g)
		}
	}
}

func (m *Machine) expireGroup(g *group) {
	since, ok := g.expiresSince()
	if !ok {
		return
	}
	for _, topic := range slices.Sorted(maps.Keys(g.offsets)) {
		if g.subscribedTo(topic) {
			continue
		}
		for _, p := range g.offsets[topic].sorted() {
			if m.expired(g.offsets[topic][p], since) {
				g.unset(topic, p)
				m.append(offsetTombstone(g.id, topic, p))
			}
		}
	}
}

// expiresSince says from when on the retention of a group's offsets counts: -1 for each offset's own commit. Not at all
// while a rebalance is under way (ClassicGroup.offsetExpirationCondition).
func (g *group) expiresSince() (sinceMs int64, ok bool) {
	switch {
	case g.protocolType == "":
		return -1, true // a simple group
	case g.state == empty:
		return g.stateMs, true
	default:
		return -1, g.state == stable && g.protocolType == consumerProtocol && g.topics != nil
	}
}

func (m *Machine) expired(c *committed, sinceMs int64) bool {
	if c.expireMs != never {
		return m.nowMs >= c.expireMs
	}
	if sinceMs < 0 {
		sinceMs = c.commitMs
	}
	return m.nowMs-sinceMs >= m.config.OffsetsRetentionMs
}
