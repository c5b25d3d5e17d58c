package metadata

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
)

func byTopicName(a, b *Topic) int { return strings.Compare(a.Name, b.Name) }

func compareResources(a, b Resource) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name))
}

// Snapshot ranges over records that, applied to an empty cluster, give the image again. The order is fixed: features,
// brokers, topics by name with their partitions, configs, producer ids. That of Kafka's own snapshots begins the same
// way, because metadata.version must be known before anything else is read.
func (img *Image) Snapshot() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		_ = img.snapshotFeatures(yield) && img.snapshotBrokers(yield) && img.snapshotTopics(yield) &&
			img.snapshotConfigs(yield) && img.snapshotProducerIDs(yield)
	}
}

func (img *Image) snapshotFeatures(yield func(Record) bool) bool {
	names := slices.Sorted(maps.Keys(img.features))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	for _, name := range names {
		if !yield(&FeatureLevelRecord{Name: name, Level: img.features[name]}) {
			return false
		}
	}
	return true
}

// rank puts metadata.version before all other features.
func rank(feature string) int {
	if feature == FeatureMetadataVersion {
		return 0
	}
	return 1
}

func (img *Image) snapshotBrokers(yield func(Record) bool) bool {
	for _, b := range img.brokers {
		if !yield(&RegisterBrokerRecord{Broker: *b}) {
			return false
		}
	}
	return true
}

func (img *Image) snapshotTopics(yield func(Record) bool) bool {
	for _, t := range slices.SortedFunc(img.Topics(), byTopicName) {
		if !yield(&TopicRecord{Name: t.Name, ID: t.ID}) {
			return false
		}
		for i, p := range t.Partitions {
			if !yield(&PartitionRecord{ID: int32(i), TopicID: t.ID, Partition: *p}) {
				return false
			}
		}
	}
	return true
}

func (img *Image) snapshotConfigs(yield func(Record) bool) bool {
	resources := make([]Resource, 0, img.configs.n)
	for r := range img.configs.all() {
		resources = append(resources, r)
	}
	slices.SortFunc(resources, compareResources)
	for _, r := range resources {
		values := img.configs.get(r)
		for _, name := range slices.Sorted(maps.Keys(values)) {
			value := values[name]
			if !yield(&ConfigRecord{Resource: r, Name: name, Value: &value}) {
				return false
			}
		}
	}
	return true
}

func (img *Image) snapshotProducerIDs(yield func(Record) bool) bool {
	return img.nextProducerID == 0 || yield(&ProducerIDsRecord{BrokerID: -1, BrokerEpoch: -1, Next: img.nextProducerID})
}
