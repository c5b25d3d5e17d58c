package metadata

import (
	"fmt"
	"math"
	"slices"

	"tailrace/wire"
	"tailrace/wire/errcode"
)

// ProducerIDBlockSize is how many producer ids a broker is given at a time.
const ProducerIDBlockSize = 1000

// RegisterBroker decides a registration (ClusterControlManager.registerBroker). b.Epoch is ignored: a new incarnation
// gets next, the offset that its record will stand at, and keeps the fence it asks for; the incarnation that is
// registered already keeps its epoch, fence and state. The epoch is returned.
func RegisterBroker(img *Image, b Broker, next wire.Offset) ([]Record, int64, Result) {
	if r := img.checkRegistration(&b); !r.OK() {
		return nil, 0, r
	}
	b.Epoch, b.InControlledShutdown = int64(next), false
	if old := img.Broker(b.ID); old != nil && old.Incarnation == b.Incarnation {
		b.Epoch, b.Fenced, b.InControlledShutdown = old.Epoch, old.Fenced, old.InControlledShutdown
	}
	return []Record{&RegisterBrokerRecord{Broker: b}}, b.Epoch, Result{}
}

func (img *Image) checkRegistration(b *Broker) Result {
	if len(b.LogDirs) == 0 {
		return fail(errcode.InvalidRegistration, "No directories specified in request")
	}
	for i, dir := range b.LogDirs {
		switch {
		case reserved(dir):
			return fail(errcode.InvalidRegistration, "Reserved directory ID in request")
		case slices.Contains(b.LogDirs[:i], dir):
			return fail(errcode.InvalidRegistration, "Duplicate directory ID in request")
		}
		for _, other := range img.brokers {
			if other.ID != b.ID && slices.Contains(other.LogDirs, dir) {
				return fail(errcode.InvalidRegistration,
					fmt.Sprintf("Broker %d is already registered with directory %v", other.ID, dir))
			}
		}
	}
	return img.checkFeatures(b)
}

// checkFeatures holds the ranges a broker supports against the finalized levels. A feature that it does not name is
// supported at level 0 only.
func (img *Image) checkFeatures(b *Broker) Result {
	ranges := make(map[string]FeatureRange, len(b.Features))
	for _, f := range b.Features {
		ranges[f.Name] = f
	}
	if _, named := ranges[FeatureMetadataVersion]; !named {
		return fail(errcode.InvalidRegistration, "Request features do not contain '"+FeatureMetadataVersion+"'")
	}
	for name := range img.features {
		if _, named := ranges[name]; !named {
			ranges[name] = FeatureRange{Name: name}
		}
	}
	for _, name := range sortedKeys(ranges) {
		level, f := img.features[name], ranges[name]
		if level < f.Min || level > f.Max {
			return fail(errcode.UnsupportedVersion, fmt.Sprintf("Unable to register because the broker does not "+
				"support finalized version %d of %s. The broker wants a version between %d and %d, inclusive.",
				level, name, f.Min, f.Max))
		}
	}
	return Result{}
}

// checkBrokerEpoch refuses what a former life of a broker asks for.
func (img *Image) checkBrokerEpoch(id int32, epoch int64) Result {
	b := img.Broker(id)
	switch {
	case b == nil:
		return fail(errcode.StaleBrokerEpoch, fmt.Sprintf("No broker registration found for broker id %d", id))
	case b.Epoch != epoch:
		return fail(errcode.StaleBrokerEpoch,
			fmt.Sprintf("Expected broker epoch %d, but got broker epoch %d", b.Epoch, epoch))
	}
	return Result{}
}

// FenceBroker decides to fence a broker, or to lift its fence. It changes no partition: moving leaders is for those who
// have somewhere to move them to.
func FenceBroker(img *Image, id int32, epoch int64, fenced bool) ([]Record, Result) {
	if r := img.checkBrokerEpoch(id, epoch); !r.OK() {
		return nil, r
	}
	if img.Broker(id).Fenced == fenced {
		return nil, Result{}
	}
	change := &RegistrationChangeRecord{BrokerID: id, Epoch: epoch, Fenced: -1}
	if fenced {
		change.Fenced = 1
	}
	return []Record{change}, Result{}
}

// AllocateProducerIDs gives a broker the next block of ProducerIDBlockSize ids, first and the ones after it.
func AllocateProducerIDs(img *Image, id int32, epoch int64) (records []Record, first int64, _ Result) {
	if r := img.checkBrokerEpoch(id, epoch); !r.OK() {
		return nil, 0, r
	}
	first = img.nextProducerID
	if first > math.MaxInt64-ProducerIDBlockSize {
		return nil, 0, fail(errcode.UnknownServerError, "Exhausted all producerIds as the next block's end producerId "+
			"has exceeded the int64 type limit")
	}
	next := first + ProducerIDBlockSize
	return []Record{&ProducerIDsRecord{BrokerID: id, BrokerEpoch: epoch, Next: next}}, first, Result{}
}

// BumpLeaderEpochs opens a new leader epoch for every partition that a broker leads: what a restart proposes, before it
// serves, when it cannot prove that its logs end where they did. The records do not depend on each other, so the
// caller may propose them in parts. They come sorted by topic name and partition.
func BumpLeaderEpochs(img *Image, id int32) []Record {
	var records []Record
	for _, t := range slices.SortedFunc(img.Topics(), byTopicName) {
		for i, p := range t.Partitions {
			if p.Leader == id {
				leader := id
				records = append(records, &PartitionChangeRecord{ID: int32(i), TopicID: t.ID, Leader: &leader})
			}
		}
	}
	return records
}
