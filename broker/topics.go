package broker

import (
	"sync/atomic"

	"tailrace/broker/metadata"
	"tailrace/broker/partition"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// topic is what the hot path needs of a topic: its partitions on this broker.
// It is immutable; a change makes a new one.
type topic struct {
	name     string
	id       wire.TopicID
	internal bool   // the broker alone writes to it
	parts    []slot // by partition number
}

// slot is one partition: here, elsewhere (p is nil, no failure), or broken.
type slot struct {
	p    *partition.Partition
	fail errcode.Code // why p is nil
	left place        // where it lies, if it could not be opened
}

// partition returns a partition of t, which may be nil.
func (t *topic) partition(index int32) (*partition.Partition, errcode.Code) {
	if t == nil || index < 0 || int(index) >= len(t.parts) {
		return nil, errcode.UnknownTopicOrPartition
	}
	s := &t.parts[index]
	if s.p == nil {
		return nil, s.fail
	}
	return s.p, errcode.None
}

// topicTable finds topics by name and by id without a lock: readers load a
// snapshot, the apply goroutine alone replaces it.
type topicTable struct {
	snapshot atomic.Pointer[topicMaps]
}

type topicMaps struct {
	byName map[string]*topic
	byID   map[wire.TopicID]*topic
}

func (t *topicTable) load() *topicMaps {
	if m := t.snapshot.Load(); m != nil {
		return m
	}
	return &topicMaps{}
}

// find looks a topic up by id or by name; nil if there is none.
func (t *topicTable) find(useID bool, name []byte, id wire.TopicID) *topic {
	m := t.snapshot.Load()
	if m == nil {
		return nil
	}
	if useID {
		return m.byID[id]
	}
	return m.byName[string(name)]
}

// edit replaces the snapshot by a changed copy. Only the apply goroutine and
// start-up call it.
func (t *topicTable) edit(change func(m *topicMaps)) {
	old := t.load()
	m := &topicMaps{
		byName: make(map[string]*topic, len(old.byName)+1),
		byID:   make(map[wire.TopicID]*topic, len(old.byID)+1),
	}
	for k, v := range old.byName {
		m.byName[k] = v
	}
	for k, v := range old.byID {
		m.byID[k] = v
	}
	change(m)
	t.snapshot.Store(m)
}

// leaderHint tells a client that asked the wrong broker who leads (KIP-951).
func (b *Broker) leaderHint(t *topic, index int32, code errcode.Code) *wire.LeaderHint {
	if t == nil || (code != errcode.NotLeaderOrFollower && code != errcode.FencedLeaderEpoch) {
		return nil
	}
	p := leaderOf(b.quorum.Image(), t.id, index)
	if p == nil || p.Leader < 0 {
		return nil
	}
	return &wire.LeaderHint{ID: p.Leader, Epoch: p.LeaderEpoch}
}

func leaderOf(img *metadata.Image, id wire.TopicID, index int32) *metadata.Partition {
	t := img.TopicByID(id)
	if t == nil {
		return nil
	}
	return t.Partition(index)
}
