package metadata

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"tailrace/wire/errcode"
)

// NewTopic is one topic of a CreateTopics request. Partitions and ReplicationFactor of -1 ask for the defaults.
type NewTopic struct {
	Name              string
	Partitions        int32
	ReplicationFactor int16
	Assignments       []Assignment // manual placement; then the two numbers must be -1
	Configs           []ConfigEntry
}

// Assignment places one partition by hand; the first broker is the preferred leader.
type Assignment struct {
	Partition int32
	Brokers   []int32
}

// ConfigEntry is a config as a request has it: Value may be null.
type ConfigEntry struct {
	Name  string
	Value *string
}

// CreateSettings is what CreateTopics needs besides the request.
type CreateSettings struct {
	DefaultPartitions        int32
	DefaultReplicationFactor int16
	ValidateOnly             bool
	// Check judges the configs of a new topic; its error is the answer's text with INVALID_CONFIG. nil checks nothing.
	Check func(topic string, configs map[string]string) error
	// Random gives topic ids and the place of the first replica.
	Random Random
}

// CreatedTopic is the answer for one topic. ID, Partitions and ReplicationFactor are set on success.
type CreatedTopic struct {
	Result
	Name              string
	ID                UUID
	Partitions        int32
	ReplicationFactor int16
}

// CreateTopics decides a CreateTopics request (ReplicationControlManager.createTopics). The records come in Kafka's
// order: topic, configs, partitions. There is one answer per distinct name, in the order of the request; a name that
// occurs twice is refused once. With ValidateOnly there are no records. Authorization is the caller's.
func CreateTopics(img *Image, topics []NewTopic, s CreateSettings) ([]Record, []CreatedTopic) {
	var first [4]byte
	s.Random(first[:])
	c := creation{img: img, s: &s, placer: newPlacer(usable(img.brokers), binary.BigEndian.Uint32(first[:]))}
	times := make(map[string]int, len(topics))
	for _, t := range topics {
		times[t.Name]++
	}
	tooMany := c.tooMany(topics)
	var records []Record
	answers := make([]CreatedTopic, 0, len(topics))
	for i := range topics {
		t := &topics[i]
		n := times[t.Name]
		if n == 0 { // answered already
			continue
		}
		times[t.Name] = 0
		a := CreatedTopic{Name: t.Name}
		switch {
		case tooMany:
			a.Result = fail(errcode.PolicyViolation, "Excessively large number of partitions per request.")
		case n > 1:
			a.Result = fail(errcode.InvalidRequest, "Duplicate topic name.")
		default:
			var made []Record
			made, a = c.create(t)
			records = append(records, made...)
		}
		answers = append(answers, a)
	}
	if s.ValidateOnly {
		records = nil
	}
	return records, answers
}

// usable returns the brokers that new replicas may lie on: those with a log directory that is not cordoned.
func usable(brokers []*Broker) []*Broker {
	var list []*Broker
	for _, b := range brokers {
		if b.hasUncordonedDir() {
			list = append(list, b)
		}
	}
	return list
}

func (b *Broker) hasUncordonedDir() bool {
	if len(b.LogDirs) == 0 || len(b.CordonedLogDirs) == 0 {
		return true
	}
	return slices.ContainsFunc(b.LogDirs, func(d UUID) bool { return !slices.Contains(b.CordonedLogDirs, d) })
}

// creation is one CreateTopics request in work.
type creation struct {
	img    *Image
	s      *CreateSettings
	placer *placer
}

// tooMany counts the partitions of the whole request against Kafka's limit.
func (c *creation) tooMany(topics []NewTopic) bool {
	total := int64(0)
	for i := range topics {
		switch t := &topics[i]; {
		case len(t.Assignments) > 0:
			total += int64(len(t.Assignments))
		case t.Partitions == -1:
			total += int64(c.s.DefaultPartitions)
		case t.Partitions > 0:
			total += int64(t.Partitions)
		}
	}
	return total > MaxPartitionsPerRequest
}

// create checks one topic in Kafka's order and makes its records.
func (c *creation) create(t *NewTopic) ([]Record, CreatedTopic) {
	a := CreatedTopic{Name: t.Name, Result: c.checkName(t.Name)}
	if !a.OK() {
		return nil, a
	}
	var configs []Record
	if configs, a.Result = c.configs(t); !a.OK() {
		return nil, a
	}
	var replicas [][]int32
	if replicas, a.Result = c.place(t); !a.OK() {
		return nil, a
	}
	a.ID = c.newID()
	a.Partitions, a.ReplicationFactor = int32(len(replicas)), int16(len(replicas[0]))
	records := make([]Record, 0, 1+len(configs)+len(replicas))
	records = append(records, &TopicRecord{Name: t.Name, ID: a.ID})
	records = append(records, configs...)
	for i, r := range replicas {
		records = append(records, &PartitionRecord{ID: int32(i), TopicID: a.ID, Partition: c.img.newPartition(r)})
	}
	return records, a
}

func (c *creation) newID() UUID {
	for {
		if id := NewID(c.s.Random); c.img.TopicByID(id) == nil {
			return id
		}
	}
}

func (c *creation) checkName(name string) Result {
	if name == ClusterMetadataTopic {
		return fail(errcode.InvalidRequest, "Creation of internal topic "+name+" is prohibited.")
	}
	if c.img.TopicByName(name) != nil {
		return fail(errcode.TopicAlreadyExists, "Topic '"+name+"' already exists.")
	}
	if wrong := CheckTopicName(name); wrong != "" {
		return fail(errcode.InvalidTopicException, wrong)
	}
	if hasCollisionChars(name) {
		if others := c.img.collides.get(collisionKey(name)); len(others) > 0 {
			return fail(errcode.InvalidTopicException, "Topic '"+name+"' collides with existing topic: "+others[0])
		}
	}
	return Result{}
}

// configs makes the config records of a new topic, sorted by name. Of a name given twice the last value counts.
func (c *creation) configs(t *NewTopic) ([]Record, Result) {
	if len(t.Configs) == 0 {
		return nil, Result{}
	}
	values := make(map[string]string, len(t.Configs))
	var null []string
	for _, e := range t.Configs {
		switch {
		case e.Value == nil:
			null = append(null, e.Name)
		case len(*e.Value) > MaxConfigValueBytes:
			return nil, fail(errcode.InvalidConfig, fmt.Sprintf("The configuration value cannot be added because "+
				"it exceeds the maximum value size of %d bytes.", MaxConfigValueBytes))
		default:
			values[e.Name] = *e.Value
		}
	}
	if len(null) > 0 {
		return nil, fail(errcode.InvalidConfig, "Null value not supported for topic configs: "+strings.Join(null, ","))
	}
	if c.s.Check != nil {
		if err := c.s.Check(t.Name, values); err != nil {
			return nil, fail(errcode.InvalidConfig, err.Error())
		}
	}
	records := make([]Record, 0, len(values))
	for _, name := range sortedKeys(values) {
		value := values[name]
		records = append(records, &ConfigRecord{Resource: Resource{ResourceTopic, t.Name}, Name: name, Value: &value})
	}
	return records, Result{}
}

// newPartition is a partition that begins with every active replica in sync and the first of them leading.
func (img *Image) newPartition(replicas []int32) Partition {
	p := Partition{Replicas: replicas, Directories: make([]UUID, len(replicas))}
	for i, id := range replicas {
		b := img.Broker(id)
		p.Directories[i] = defaultDir(b)
		if b.Active() {
			p.ISR = append(p.ISR, id)
		}
	}
	p.Leader = p.ISR[0]
	return p
}

// defaultDir is the directory a new replica is recorded with (ClusterControlManager.defaultDir).
func defaultDir(b *Broker) UUID {
	switch len(b.LogDirs) {
	case 0:
		return DirMigrating
	case 1:
		return b.LogDirs[0]
	}
	return DirUnassigned
}
