package broker

import (
	"slices"

	"tailrace/broker/logdir"
	"tailrace/broker/metadata"
	"tailrace/broker/partition"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// openings adds what is to be opened of a topic from a partition on. Those of
// other brokers are only noted.
func (b *Broker) openings(
	work []opening, into *topic, t *metadata.Topic, from int, cfg *partition.Config, found map[logdir.Key]place,
) []opening {
	for n, p := range t.Partitions[from:] {
		n += from
		if !slices.Contains(p.Replicas, int32(b.config.NodeID)) {
			into.parts[n].fail = errcode.NotLeaderOrFollower
			continue
		}
		k := logdir.Key{Topic: t.Name, Partition: int32(n)}
		at, have := found[k]
		delete(found, k)
		work = append(work, opening{t: into, index: int32(n), meta: p, cfg: cfg, at: at, have: have})
	}
	return work
}

// grow opens the partitions that topics have got.
func (b *Broker) grow(changed []metadata.PartitionDelta, img *metadata.Image) {
	made := map[wire.TopicID]*topic{}
	var work []opening
	for _, c := range changed {
		now := b.topics.load().byID[c.Topic.ID]
		if c.Old != nil || now == nil || made[now.id] != nil {
			continue
		}
		t := &topic{name: now.name, id: now.id, internal: now.internal, parts: make([]slot, len(c.Topic.Partitions))}
		made[t.id] = t
		work = b.openings(work, t, c.Topic, copy(t.parts, now.parts), b.topicConfig(t.name, img), nil)
	}
	if len(made) == 0 {
		return
	}
	_ = inParallel(work, func(o opening) error { b.openOne(o); return nil })
	b.topics.edit(func(m *topicMaps) {
		for _, t := range made {
			m.byName[t.name], m.byID[t.id] = t, t
		}
	})
}
