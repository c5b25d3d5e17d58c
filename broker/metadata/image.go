package metadata

import (
	"iter"
	"slices"

	"tailrace/wire"
)

// Image is the cluster at one offset of the metadata log. The zero Image is an empty cluster before the first record;
// Empty returns one with an offset of -1.
type Image struct {
	// Offset is the offset of the last record applied, -1 before the first. It is also the epoch of the finalized
	// features that ApiVersions answers with.
	Offset wire.Offset
	// Epoch is the leader epoch, the term, that record was written in.
	Epoch wire.LeaderEpoch

	byID     table[UUID, *Topic]
	byName   table[string, *Topic]
	collides table[string, []string] // name with '.' turned into '_' → the names that have one of the two, sorted
	configs  table[Resource, map[string]string]
	brokers  []*Broker // by id
	features map[string]int16

	partitions     int
	nextProducerID int64
}

// Topic is a topic with its partitions. Partitions[i] is partition i.
type Topic struct {
	Name       string
	ID         UUID
	Partitions []*Partition
}

// Partition is the committed state of a partition. Slices are shared between partitions: never write to them.
type Partition struct {
	Leader        int32 // NoLeader if there is none
	LeaderEpoch   wire.LeaderEpoch
	Epoch         int32 // the partition epoch, for compare-and-set by AlterPartition
	RecoveryState int8  // 1 while recovering from an unclean election

	Replicas     []int32 // in order of preference
	ISR          []int32
	ELR          []int32 // eligible leader replicas (KIP-966)
	LastKnownELR []int32
	Removing     []int32
	Adding       []int32
	Directories  []UUID // one for each of Replicas
}

// ResourceType says what a config belongs to (ConfigResource.java).
type ResourceType int8

// The resource types that have configs.
const (
	ResourceTopic         ResourceType = 2
	ResourceBroker        ResourceType = 4
	ResourceClientMetrics ResourceType = 16
	ResourceGroup         ResourceType = 32
)

// Resource names what configs belong to. The broker named "" is the cluster-wide default.
type Resource struct {
	Type ResourceType
	Name string
}

// Broker is a registration.
type Broker struct {
	ID                   int32
	Incarnation          UUID  // one per process life
	Epoch                int64 // the offset of the registration record
	Endpoints            []Endpoint
	Features             []FeatureRange
	Rack                 *string
	Fenced               bool
	InControlledShutdown bool
	LogDirs              []UUID
	CordonedLogDirs      []UUID // nil until the broker says something about it
}

// Active reports whether the broker may lead and be in sync.
func (b *Broker) Active() bool { return !b.Fenced && !b.InControlledShutdown }

// Endpoint is an address of a broker. SecurityProtocol: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
type Endpoint struct {
	Name             string // of the listener
	Host             string
	Port             uint16
	SecurityProtocol int16
}

// FeatureRange is the range of a feature's levels that a broker supports.
type FeatureRange struct {
	Name     string
	Min, Max int16
}

// Empty returns the image before the first record.
func Empty() *Image { return &Image{Offset: -1} }

// TopicByName returns a topic, nil if there is none of that name.
func (img *Image) TopicByName(name string) *Topic { return img.byName.get(name) }

// TopicByID returns a topic, nil if there is none with that id.
func (img *Image) TopicByID(id UUID) *Topic { return img.byID.get(id) }

// Topics ranges over all topics in no particular order.
func (img *Image) Topics() iter.Seq[*Topic] {
	return func(yield func(*Topic) bool) {
		for _, t := range img.byID.all() {
			if !yield(t) {
				return
			}
		}
	}
}

// TopicCount returns the number of topics.
func (img *Image) TopicCount() int { return img.byID.n }

// PartitionCount returns the number of partitions of all topics together.
func (img *Image) PartitionCount() int { return img.partitions }

// Partition returns a partition, nil if there is none.
func (t *Topic) Partition(id int32) *Partition {
	if id < 0 || int(id) >= len(t.Partitions) {
		return nil
	}
	return t.Partitions[id]
}

// Config returns the configs set on a resource: nil if none is. The map is shared; do not write to it.
func (img *Image) Config(r Resource) map[string]string { return img.configs.get(r) }

// Configured returns the names of the resources of a type that have configs, sorted.
func (img *Image) Configured(t ResourceType) []string {
	var names []string
	for r := range img.configs.all() {
		if r.Type == t {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Brokers returns the registered brokers by id. The slice is shared; do not write to it.
func (img *Image) Brokers() []*Broker { return img.brokers }

// Broker returns a registration, nil if there is none.
func (img *Image) Broker(id int32) *Broker {
	if i, ok := findBroker(img.brokers, id); ok {
		return img.brokers[i]
	}
	return nil
}

func findBroker(brokers []*Broker, id int32) (int, bool) {
	return slices.BinarySearchFunc(brokers, id, func(b *Broker, id int32) int { return int(b.ID) - int(id) })
}

// ActiveBrokers returns how many brokers may lead.
func (img *Image) ActiveBrokers() int {
	n := 0
	for _, b := range img.brokers {
		if b.Active() {
			n++
		}
	}
	return n
}

// Features returns the finalized features and their levels. The map is shared; do not write to it.
func (img *Image) Features() map[string]int16 { return img.features }

// FeatureLevel returns the finalized level of a feature, 0 if it is not finalized.
func (img *Image) FeatureLevel(name string) int16 { return img.features[name] }

// NextProducerID returns the first producer id that no block has covered yet.
func (img *Image) NextProducerID() int64 { return img.nextProducerID }
