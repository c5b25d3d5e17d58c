package metadata

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"tailrace/wire"
)

// Generators of records that need not make sense together; those that must come from history_test.go.

func ptr[T any](v T) *T { return &v }

func genID() *rapid.Generator[UUID] {
	return rapid.Custom(func(t *rapid.T) UUID {
		var id UUID
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		return id
	})
}

// genInts gives nil or a list that is not empty; genOptInts also gives an empty list, which is not nil.
func genInts() *rapid.Generator[[]int32] {
	return rapid.Custom(func(t *rapid.T) []int32 {
		list := rapid.SliceOfN(rapid.Int32(), 0, 4).Draw(t, "ints")
		if len(list) == 0 {
			return nil
		}
		return list
	})
}

func genOptInts() *rapid.Generator[[]int32] {
	return rapid.OneOf(genInts(), rapid.Just([]int32{}))
}

func genIDs() *rapid.Generator[[]UUID] {
	return rapid.Custom(func(t *rapid.T) []UUID {
		list := rapid.SliceOfN(genID(), 0, 3).Draw(t, "ids")
		if len(list) == 0 {
			return nil
		}
		return list
	})
}

func genOptIDs() *rapid.Generator[[]UUID] { return rapid.OneOf(genIDs(), rapid.Just([]UUID{})) }

func genOptString() *rapid.Generator[*string] {
	return rapid.OneOf(rapid.Just[*string](nil), rapid.Map(rapid.String(), ptr[string]))
}

func genPartition() *rapid.Generator[Partition] {
	return rapid.Custom(func(t *rapid.T) Partition {
		return Partition{
			Leader: rapid.Int32().Draw(t, "leader"), LeaderEpoch: wire.LeaderEpoch(rapid.Int32().Draw(t, "epoch")),
			Epoch: rapid.Int32().Draw(t, "partition epoch"), RecoveryState: rapid.Int8Range(0, 1).Draw(t, "recovery"),
			Replicas: genInts().Draw(t, "replicas"), ISR: genInts().Draw(t, "isr"), ELR: genInts().Draw(t, "elr"),
			LastKnownELR: genInts().Draw(t, "last elr"), Removing: genInts().Draw(t, "removing"),
			Adding: genInts().Draw(t, "adding"), Directories: genIDs().Draw(t, "dirs"),
		}
	})
}

func genChange(t *rapid.T) Record {
	r := &PartitionChangeRecord{ID: rapid.Int32().Draw(t, "partition"), TopicID: genID().Draw(t, "topic")}
	r.ISR, r.Replicas = genOptInts().Draw(t, "isr"), genOptInts().Draw(t, "replicas")
	r.Removing, r.Adding = genOptInts().Draw(t, "removing"), genOptInts().Draw(t, "adding")
	r.ELR, r.LastKnownELR = genOptInts().Draw(t, "elr"), genOptInts().Draw(t, "last elr")
	r.Directories = genOptIDs().Draw(t, "dirs")
	if rapid.Bool().Draw(t, "has leader") {
		r.Leader = ptr(rapid.Int32Min(-1).Draw(t, "leader"))
	}
	if rapid.Bool().Draw(t, "has recovery") {
		r.RecoveryState = ptr(rapid.Int8Range(0, 1).Draw(t, "recovery"))
	}
	return r
}

func genBroker(t *rapid.T) Broker {
	b := Broker{
		ID: rapid.Int32().Draw(t, "broker"), Incarnation: genID().Draw(t, "incarnation"),
		Epoch: rapid.Int64().Draw(t, "epoch"), Rack: genOptString().Draw(t, "rack"), Fenced: rapid.Bool().Draw(t, "fenced"),
		InControlledShutdown: rapid.Bool().Draw(t, "stopping"), LogDirs: genIDs().Draw(t, "dirs"),
		CordonedLogDirs: genOptIDs().Draw(t, "cordoned"),
	}
	for range rapid.IntRange(0, 2).Draw(t, "endpoints") {
		b.Endpoints = append(b.Endpoints, Endpoint{rapid.String().Draw(t, "name"), rapid.String().Draw(t, "host"),
			rapid.Uint16().Draw(t, "port"), rapid.Int16().Draw(t, "protocol")})
		b.Features = append(b.Features, FeatureRange{rapid.String().Draw(t, "feature"), rapid.Int16().Draw(t, "min"),
			rapid.Int16().Draw(t, "max")})
	}
	return b
}

// genRecord gives any record.
func genRecord() *rapid.Generator[Record] {
	return rapid.Custom(func(t *rapid.T) Record {
		id, n := rapid.Int32().Draw(t, "id"), rapid.Int64().Draw(t, "n")
		name := rapid.String().Draw(t, "name")
		switch served := servedTypes(); served[rapid.IntRange(0, len(served)-1).Draw(t, "type")] {
		case TypeFeatureLevel:
			return &FeatureLevelRecord{name, rapid.Int16().Draw(t, "level")}
		case TypeTopic:
			return &TopicRecord{name, genID().Draw(t, "topic")}
		case TypeRemoveTopic:
			return &RemoveTopicRecord{genID().Draw(t, "topic")}
		case TypePartition:
			return &PartitionRecord{id, genID().Draw(t, "topic"), genPartition().Draw(t, "partition")}
		case TypePartitionChange:
			return genChange(t)
		case TypeConfig:
			return &ConfigRecord{Resource{ResourceType(rapid.Int8().Draw(t, "kind")), name}, rapid.String().Draw(t, "key"),
				genOptString().Draw(t, "value")}
		case TypeRegisterBroker:
			return &RegisterBrokerRecord{genBroker(t)}
		case TypeUnregisterBroker:
			return &UnregisterBrokerRecord{id, n}
		case TypeFenceBroker:
			return &FenceBrokerRecord{id, n}
		case TypeUnfenceBroker:
			return &UnfenceBrokerRecord{id, n}
		case TypeRegistrationChange:
			return &RegistrationChangeRecord{id, n, rapid.Int8Range(-1, 1).Draw(t, "fenced"),
				rapid.Int8Range(0, 1).Draw(t, "stopping"), genIDs().Draw(t, "dirs"), genOptIDs().Draw(t, "cordoned")}
		case TypeProducerIDs:
			return &ProducerIDsRecord{id, n, rapid.Int64().Draw(t, "next")}
		}
		return &NoOpRecord{}
	})
}

func servedTypes() []Type {
	var list []Type
	for t := Type(0); int(t) < len(typeNames); t++ {
		if newRecord(t) != nil {
			list = append(list, t)
		}
	}
	return list
}

// counter is a Random that tests can repeat.
func counter() Random {
	n := uint64(0)
	return func(b []byte) {
		for len(b) > 0 {
			n++
			var next [8]byte
			binary.BigEndian.PutUint64(next[:], n*0x9e3779b97f4a7c15)
			b = b[copy(b, next[:]):]
		}
	}
}

// dump prints everything that an image knows, and checks what it derives from it.
func dump(img *Image) string {
	var b strings.Builder
	fmt.Fprintf(&b, "offset %d epoch %d topics %d partitions %d\n", img.Offset, img.Epoch, img.TopicCount(),
		img.PartitionCount())
	partitions := 0
	for r := range img.Snapshot() {
		fmt.Fprintf(&b, "%s\n", show(r))
	}
	for t := range img.Topics() {
		partitions += len(t.Partitions)
		if img.TopicByName(t.Name) != t {
			fmt.Fprintf(&b, "BUG: %q is another topic by name\n", t.Name)
		}
		if hasCollisionChars(t.Name) && !slices.Contains(img.collides.get(collisionKey(t.Name)), t.Name) {
			fmt.Fprintf(&b, "BUG: %q is not among the names that collide\n", t.Name)
		}
	}
	for key, names := range img.collides.all() {
		for _, n := range names {
			if img.TopicByName(n) == nil {
				fmt.Fprintf(&b, "BUG: %q is said to have %q\n", key, n)
			}
		}
	}
	if partitions != img.PartitionCount() {
		fmt.Fprintf(&b, "BUG: %d partitions\n", partitions)
	}
	return b.String()
}

// show prints a record on one line.
func show(r Record) string {
	name, _, _ := strings.Cut(r.Type().String(), " ")
	text := strings.TrimPrefix(fmt.Sprintf("%+v", r), "&")
	switch r := r.(type) {
	case *ConfigRecord:
		value := "null"
		if r.Value != nil {
			value = fmt.Sprintf("%q", *r.Value)
		}
		text = fmt.Sprintf("{%d %q %s=%s}", r.Resource.Type, r.Resource.Name, r.Name, value)
	case *PartitionChangeRecord:
		c := *r
		leader := "unchanged"
		if c.Leader != nil {
			leader = fmt.Sprint(*c.Leader)
		}
		text = fmt.Sprintf("{%v %d leader %s isr %v elr %v/%v replicas %v}", c.TopicID, c.ID, leader, c.ISR, c.ELR,
			c.LastKnownELR, c.Replicas)
	case *RegisterBrokerRecord:
		c := r.Broker
		rack := "none"
		if c.Rack != nil {
			rack = *c.Rack
		}
		c.Rack = nil
		text = fmt.Sprintf("rack %s %+v", rack, c)
	}
	return name + " " + text
}
