package metadata

import (
	"fmt"
	"maps"
	"slices"

	"tailrace/wire"
)

// Change makes new images out of a base image, record by record. It copies what it touches once, so that a batch
// costs what it changes: the image of each step is asked for with Image, the sum of all steps with Delta.
type Change struct {
	base *Image
	img  Image // work in progress; its tables are behind the editors

	byID     editor[UUID, *Topic]
	byName   editor[string, *Topic]
	collides editor[string, []string]
	configs  editor[Resource, map[string]string]

	open map[UUID]*Topic // topics that this change has copied since the last Image and may write to
	last struct {        // the lists of the partition last read, shared with the next one where they are equal
		ints []int32
		dirs []UUID
	}
	touched touched
}

// NewChange begins a change of base.
func NewChange(base *Image) *Change {
	c := &Change{base: base, img: *base, open: map[UUID]*Topic{}}
	c.byID.t, c.byName.t, c.collides.t, c.configs.t = base.byID, base.byName, base.collides, base.configs
	return c
}

// Apply adds one record that stands at an offset of the log. After an error the change is of no use any more; the
// images it has given out are unharmed.
func (c *Change) Apply(offset wire.Offset, epoch wire.LeaderEpoch, r Record) error {
	if err := c.apply(r); err != nil {
		return fmt.Errorf("metadata record at offset %d: %v: %w", offset, r.Type(), err)
	}
	c.Advance(offset, epoch)
	return nil
}

// Advance moves the image to an offset without a record that changes it, as control records do.
func (c *Change) Advance(offset wire.Offset, epoch wire.LeaderEpoch) {
	c.img.Offset, c.img.Epoch = offset, epoch
}

// Image returns what has been made so far.
func (c *Change) Image() *Image {
	img := c.img
	img.byID, img.byName = c.byID.table(), c.byName.table()
	img.collides, img.configs = c.collides.table(), c.configs.table()
	clear(c.open)
	return &img
}

// Apply adds records that stand at first, first+1, … and returns the new image and what it changed.
func (img *Image) Apply(first wire.Offset, epoch wire.LeaderEpoch, records ...Record) (*Image, Delta, error) {
	c := NewChange(img)
	for i, r := range records {
		if err := c.Apply(first+wire.Offset(i), epoch, r); err != nil {
			return nil, Delta{}, err
		}
	}
	next := c.Image()
	return next, c.Delta(next), nil
}

func (c *Change) apply(r Record) error {
	switch r := r.(type) {
	case *TopicRecord:
		return c.addTopic(r)
	case *RemoveTopicRecord:
		return c.removeTopic(r.ID)
	case *PartitionRecord:
		return c.setPartition(r)
	case *PartitionChangeRecord:
		return c.changePartition(r)
	case *ConfigRecord:
		c.setConfig(r)
	case *FeatureLevelRecord:
		c.setFeature(r)
	case *ProducerIDsRecord:
		return c.setProducerIDs(r)
	case *RegisterBrokerRecord:
		c.setBroker(&r.Broker)
	case *UnregisterBrokerRecord:
		return c.removeBroker(r)
	case *FenceBrokerRecord:
		return c.changeBroker(&RegistrationChangeRecord{BrokerID: r.BrokerID, Epoch: r.Epoch, Fenced: 1})
	case *UnfenceBrokerRecord:
		return c.changeBroker(&RegistrationChangeRecord{BrokerID: r.BrokerID, Epoch: r.Epoch, Fenced: -1})
	case *RegistrationChangeRecord:
		return c.changeBroker(r)
	case *NoOpRecord:
	default:
		panic(fmt.Sprintf("BUG: metadata: no rule to apply a %T", r))
	}
	return nil
}

func (c *Change) addTopic(r *TopicRecord) error {
	if old := c.byID.get(r.ID); old != nil {
		return fmt.Errorf("topic id %v is already that of %q", r.ID, old.Name)
	}
	if old := c.byName.get(r.Name); old != nil {
		return fmt.Errorf("topic %q already exists with id %v", r.Name, old.ID)
	}
	t := &Topic{Name: r.Name, ID: r.ID}
	c.open[r.ID] = t
	c.byID.set(r.ID, t)
	c.byName.set(r.Name, t)
	if hasCollisionChars(r.Name) {
		key := collisionKey(r.Name)
		names := append(slices.Clone(c.collides.get(key)), r.Name)
		slices.Sort(names)
		c.collides.set(key, names)
	}
	c.touched.topics.add(r.ID)
	return nil
}

func (c *Change) removeTopic(id UUID) error {
	t := c.byID.get(id)
	if t == nil {
		return fmt.Errorf("there is no topic with id %v", id)
	}
	delete(c.open, id)
	c.byID.remove(id)
	c.byName.remove(t.Name)
	if hasCollisionChars(t.Name) {
		key := collisionKey(t.Name)
		names := slices.DeleteFunc(slices.Clone(c.collides.get(key)), func(n string) bool { return n == t.Name })
		if len(names) == 0 {
			c.collides.remove(key)
		} else {
			c.collides.set(key, names)
		}
	}
	r := Resource{ResourceTopic, t.Name}
	if c.configs.get(r) != nil {
		c.configs.remove(r)
		c.touched.configs.add(r)
	}
	c.img.partitions -= len(t.Partitions)
	c.touched.topics.add(id)
	return nil
}

// writable returns the topic as this change may write to it.
func (c *Change) writable(id UUID) (*Topic, error) {
	if t := c.open[id]; t != nil {
		return t, nil
	}
	old := c.byID.get(id)
	if old == nil {
		return nil, fmt.Errorf("there is no topic with id %v", id)
	}
	t := &Topic{Name: old.Name, ID: id, Partitions: slices.Clone(old.Partitions)}
	c.open[id] = t
	c.byID.set(id, t)
	c.byName.set(t.Name, t)
	return t, nil
}

func (c *Change) setPartition(r *PartitionRecord) error {
	t, err := c.writable(r.TopicID)
	if err != nil {
		return err
	}
	p := r.Partition
	c.share(&p)
	switch n := int32(len(t.Partitions)); {
	case r.ID >= 0 && r.ID < n:
		t.Partitions[r.ID] = &p
	case r.ID == n:
		t.Partitions = append(t.Partitions, &p)
		c.img.partitions++
	default:
		return fmt.Errorf("partition %d of topic %q where %d is the next", r.ID, t.Name, n)
	}
	c.touchPartition(r.TopicID, r.ID)
	return nil
}

func (c *Change) changePartition(r *PartitionChangeRecord) error {
	t, err := c.writable(r.TopicID)
	if err != nil {
		return err
	}
	old := t.Partition(r.ID)
	if old == nil {
		return fmt.Errorf("topic %q has no partition %d", t.Name, r.ID)
	}
	p := *old
	p.Epoch++
	if r.Leader != nil {
		p.Leader, p.LeaderEpoch = *r.Leader, p.LeaderEpoch+1
	}
	if r.RecoveryState != nil {
		p.RecoveryState = *r.RecoveryState
	}
	replaceInts(&p.ISR, r.ISR)
	replaceInts(&p.Replicas, r.Replicas)
	replaceInts(&p.Removing, r.Removing)
	replaceInts(&p.Adding, r.Adding)
	replaceInts(&p.ELR, r.ELR)
	replaceInts(&p.LastKnownELR, r.LastKnownELR)
	if r.Directories != nil {
		p.Directories = r.Directories
	}
	c.share(&p)
	if len(p.Directories) != len(p.Replicas) {
		return fmt.Errorf("partition %d of topic %q would have %d directories for %d replicas",
			r.ID, t.Name, len(p.Directories), len(p.Replicas))
	}
	t.Partitions[r.ID] = &p
	c.touchPartition(r.TopicID, r.ID)
	return nil
}

// touchPartition notes a change for Delta; the partitions of a new topic come with the topic.
func (c *Change) touchPartition(topic UUID, id int32) {
	if c.base.byID.get(topic) != nil {
		c.touched.partitions.add(partitionKey{topic, id})
	}
}

func replaceInts(to *[]int32, from []int32) {
	if from != nil {
		*to = from
	}
}

// share brings the lists of a partition into one form, nil where empty, and lets it use the list of the partition
// before it where that is equal: the partitions of a topic mostly lie on the same few brokers.
func (c *Change) share(p *Partition) {
	if len(p.Directories) == 0 && len(p.Replicas) > 0 { // written before directories were (PartitionRecord v0)
		p.Directories = make([]UUID, len(p.Replicas))
	}
	for _, list := range [...]*[]int32{&p.Replicas, &p.ISR, &p.ELR, &p.LastKnownELR, &p.Removing, &p.Adding} {
		switch {
		case len(*list) == 0:
			*list = nil
		case slices.Equal(*list, c.last.ints):
			*list = c.last.ints
		default:
			c.last.ints = *list
		}
	}
	switch {
	case len(p.Directories) == 0:
		p.Directories = nil
	case slices.Equal(p.Directories, c.last.dirs):
		p.Directories = c.last.dirs
	default:
		c.last.dirs = p.Directories
	}
}

func (c *Change) setConfig(r *ConfigRecord) {
	old := c.configs.get(r.Resource)
	_, had := old[r.Name]
	switch {
	case r.Value != nil:
		m := maps.Clone(old)
		if m == nil {
			m = map[string]string{}
		}
		m[r.Name] = *r.Value
		c.configs.set(r.Resource, m)
	case had && len(old) == 1:
		c.configs.remove(r.Resource)
	case had:
		m := maps.Clone(old)
		delete(m, r.Name)
		c.configs.set(r.Resource, m)
	}
	c.touched.configs.add(r.Resource)
}

func (c *Change) setFeature(r *FeatureLevelRecord) {
	m := maps.Clone(c.img.features)
	if m == nil {
		m = map[string]int16{}
	}
	if r.Level == 0 {
		delete(m, r.Name)
	} else {
		m[r.Name] = r.Level
	}
	c.img.features = m
}

func (c *Change) setProducerIDs(r *ProducerIDsRecord) error {
	if r.Next <= c.img.nextProducerID {
		return fmt.Errorf("next producer id %d is not above %d", r.Next, c.img.nextProducerID)
	}
	c.img.nextProducerID = r.Next
	return nil
}
