package metadata

import (
	"maps"
	"slices"

	"tailrace/wire"
)

// Delta says what differs between two images. It is the net effect: a topic that was created and deleted in between
// is not in it. What it points to is shared with the images.
type Delta struct {
	From, To wire.Offset // offsets of the two images

	Created []*Topic         // with all their partitions
	Deleted []*Topic         // as they were
	Changed []PartitionDelta // partitions changed in, or added to, topics that both images have
	Configs []Resource       // resources whose configs were written, those of Created and Deleted left out
	Brokers []int32          // brokers whose registration was written or removed

	Features    bool
	ProducerIDs bool
}

// PartitionDelta is one changed partition. Old is nil if it was added.
type PartitionDelta struct {
	Topic *Topic // as it is now
	ID    int32
	Old   *Partition
	New   *Partition
}

// Empty reports whether nothing differs.
func (d *Delta) Empty() bool {
	return len(d.Created) == 0 && len(d.Deleted) == 0 && len(d.Changed) == 0 && len(d.Configs) == 0 &&
		len(d.Brokers) == 0 && !d.Features && !d.ProducerIDs
}

// touched remembers what a change wrote to, in the order of the first time.
type touched struct {
	topics     seen[UUID]
	partitions seen[partitionKey]
	configs    seen[Resource]
	brokers    seen[int32]
}

type partitionKey struct {
	topic UUID
	id    int32
}

// seen is an ordered set.
type seen[T comparable] struct {
	order []T
	set   map[T]struct{}
}

func (s *seen[T]) add(v T) {
	if _, known := s.set[v]; known {
		return
	}
	if s.set == nil {
		s.set = map[T]struct{}{}
	}
	s.set[v] = struct{}{}
	s.order = append(s.order, v)
}

// Delta returns what differs between the base image and img, which the change has made.
func (c *Change) Delta(img *Image) Delta {
	d := Delta{
		From: c.base.Offset, To: img.Offset,
		Features:    !maps.Equal(c.base.features, img.features),
		ProducerIDs: c.base.nextProducerID != img.nextProducerID,
		Brokers:     slices.Clone(c.touched.brokers.order),
	}
	gone := map[string]bool{} // names whose configs go or come with their topic
	for _, id := range c.touched.topics.order {
		old, now := c.base.byID.get(id), img.byID.get(id)
		switch {
		case old == nil && now != nil:
			d.Created = append(d.Created, now)
			gone[now.Name] = true
		case old != nil && now == nil:
			d.Deleted = append(d.Deleted, old)
			gone[old.Name] = true
		}
	}
	for _, k := range c.touched.partitions.order {
		old, now := c.base.byID.get(k.topic), img.byID.get(k.topic)
		if old != nil && now != nil {
			d.Changed = append(d.Changed, PartitionDelta{now, k.id, old.Partition(k.id), now.Partition(k.id)})
		}
	}
	for _, r := range c.touched.configs.order {
		same := maps.Equal(c.base.configs.get(r), img.configs.get(r))
		if !same && (r.Type != ResourceTopic || !gone[r.Name]) {
			d.Configs = append(d.Configs, r)
		}
	}
	return d
}

// Since returns the delta that leads from an empty cluster to img: everything is new. Topics come sorted by name.
func (img *Image) Since() Delta {
	d := Delta{From: -1, To: img.Offset, Features: len(img.features) > 0, ProducerIDs: img.nextProducerID > 0}
	d.Created = slices.SortedFunc(img.Topics(), byTopicName)
	for _, b := range img.brokers {
		d.Brokers = append(d.Brokers, b.ID)
	}
	for r := range img.configs.all() {
		if r.Type != ResourceTopic || img.byName.get(r.Name) == nil {
			d.Configs = append(d.Configs, r)
		}
	}
	slices.SortFunc(d.Configs, compareResources)
	return d
}
