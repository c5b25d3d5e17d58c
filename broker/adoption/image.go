package adoption

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tailrace/broker/logdir"
	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
)

// producerIDsPerMs places the producer ids of an adopted cluster: they begin at the time of the adoption, in ms since
// 1970, times this. Kafka's begin at 0 and would need a million years to come so far, so that a producer that Tailrace
// has named never shares its id with one that Kafka names when it is given the directories back. The first sequence
// numbers of the second would be taken for retries of the first, acknowledged and dropped.
const producerIDsPerMs = 1000

// build makes the image that Tailrace's metadata log begins with. What it is made of is Kafka's, but for what only a
// living leader can say: every partition is led by this broker, in a new leader epoch if nobody led it when Kafka
// stopped.
func (p *Plan) build() error {
	src := p.source.Image
	b := builder{change: metadata.NewChange(metadata.Empty()), at: src}
	b.apply(&metadata.FeatureLevelRecord{Name: metadata.FeatureMetadataVersion, Level: metadata.LatestLevel})
	brokerEpoch := int64(-1)
	if me := src.Broker(p.NodeID); me != nil {
		brokerEpoch = me.Epoch
		b.apply(&metadata.RegisterBrokerRecord{Broker: *me})
	}
	for _, t := range sorted(src) {
		b.apply(&metadata.TopicRecord{Name: t.Name, ID: t.ID})
		for i, part := range t.Partitions {
			k := logdir.Key{Topic: t.Name, Partition: int32(i)}
			b.apply(&metadata.PartitionRecord{ID: int32(i), TopicID: t.ID, Partition: p.led(k, *part)})
		}
	}
	for _, r := range resources(src) {
		if r.Type == metadata.ResourceTopic && src.TopicByName(r.Name) == nil ||
			r.Type == metadata.ResourceBroker && r.Name != "" && r.Name != strconv.Itoa(int(p.NodeID)) {
			continue
		}
		settings := src.Config(r)
		for _, name := range slices.Sorted(maps.Keys(settings)) {
			value := settings[name]
			b.apply(&metadata.ConfigRecord{Resource: r, Name: name, Value: &value})
		}
	}
	next := max(src.NextProducerID(), p.o.NowMs*producerIDsPerMs)
	b.apply(&metadata.ProducerIDsRecord{BrokerID: -1, BrokerEpoch: -1, Next: next})
	b.change.Advance(src.Offset, src.Epoch)
	from, err := filepath.Abs(p.MetadataLog)
	if err != nil {
		return err
	}
	end, err := quorum.EndOfForeign(p.o.FS, p.MetadataLog) // what is compared later, so by the same measure
	if err != nil {
		return err
	}
	p.seed = quorum.SeedOptions{
		FS: p.o.FS, Dir: p.Target, ClusterID: p.ClusterID, NodeID: p.NodeID, Image: b.change.Image(), NowMs: p.o.NowMs,
		Adoption: quorum.Adoption{From: from, End: end.Offset, Epoch: end.Epoch,
			BrokerEpoch: brokerEpoch, NextProducerID: src.NextProducerID()},
	}
	return b.err
}

type builder struct {
	change *metadata.Change
	at     *metadata.Image // stands where all records are said to
	err    error
}

func (b *builder) apply(r metadata.Record) {
	if b.err == nil {
		b.err = b.change.Apply(b.at.Offset, b.at.Epoch, r)
	}
}

// led is a partition as its only replica leads it. A new leader opens a new epoch; so does one whose files are ahead of
// the metadata. The fields of eligible leaders (KIP-966) are for elections among several.
func (p *Plan) led(k logdir.Key, part metadata.Partition) metadata.Partition {
	was := part
	if part.Leader != p.NodeID {
		part.Leader = p.NodeID
		part.LeaderEpoch++
	}
	if ahead, ok := p.epochs[k]; ok {
		part.LeaderEpoch = max(part.LeaderEpoch, ahead+1)
	}
	part.ISR, part.ELR, part.LastKnownELR, part.RecoveryState = []int32{p.NodeID}, nil, nil, 0
	if part.LeaderEpoch != was.LeaderEpoch || !slices.Equal(part.ISR, was.ISR) || len(was.ELR)+len(was.LastKnownELR) > 0 {
		part.Epoch++
	}
	return part
}

// sorted is the topics of an image by name.
func sorted(img *metadata.Image) []*metadata.Topic {
	return slices.SortedFunc(img.Topics(), func(a, b *metadata.Topic) int { return strings.Compare(a.Name, b.Name) })
}

// resources is what has settings in an image, in the order of snapshots.
func resources(img *metadata.Image) []metadata.Resource {
	seen := map[metadata.Resource]bool{}
	for r := range img.Snapshot() {
		if c, ok := r.(*metadata.ConfigRecord); ok {
			seen[c.Resource] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b metadata.Resource) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name))
	})
}
