package metadata

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tailrace/wire/errcode"
)

func TestNewIDsPleaseCommandLines(t *testing.T) {
	random := counter()
	tries := 0
	for range 2000 {
		id := NewID(func(b []byte) { tries++; random(b) })
		if strings.Contains(id.String(), "-") || id[6]>>4 != 4 || id[8]>>6 != 2 {
			t.Fatalf("id %v, % x", id, id[:])
		}
	}
	if tries <= 2000 {
		t.Error("no id with a dash was ever drawn, so nothing was tested")
	}
	for _, id := range []UUID{{}, DirUnassigned, DirLost, {15: 99}} {
		if !reserved(id) {
			t.Errorf("%v is not reserved", id)
		}
	}
	if reserved(UUID{15: 100}) || reserved(UUID{0: 1}) {
		t.Error("an ordinary id is reserved")
	}
}

// TestPlacement: replicas are distinct, the leader may lead, a partition uses as many racks as it can, and the leaders
// of brokers that are alike in rack and fence differ by one at most.
func TestPlacement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var brokers []*Broker
		racks := map[string]int{}
		for id := range rapid.Int32Range(1, 9).Draw(t, "brokers") {
			b := &Broker{ID: id, Fenced: rapid.IntRange(0, 4).Draw(t, "fenced") == 0}
			name := fmt.Sprint("own rack of ", id)
			if r := rapid.IntRange(0, 3).Draw(t, "rack"); r > 0 {
				name = fmt.Sprint("rack ", r)
				b.Rack = &name
			}
			racks[name]++
			brokers = append(brokers, b)
		}
		rackOf := func(id int32) string {
			if r := brokers[id].Rack; r != nil {
				return *r
			}
			return fmt.Sprint("own rack of ", id)
		}
		p := newPlacer(brokers, rapid.Uint32().Draw(t, "random"))
		rf := rapid.IntRange(1, len(brokers)).Draw(t, "rf")
		if p.check(rf) != "" {
			return
		}
		for n := range 3 * len(brokers) {
			replicas := p.place(n, rf)
			used := map[string]bool{}
			for _, id := range replicas {
				used[rackOf(id)] = true
			}
			distinct := slices.Compact(slices.Sorted(slices.Values(replicas)))
			if len(distinct) != rf || brokers[replicas[0]].Fenced || len(used) != min(rf, len(racks)) {
				t.Fatalf("partition %d lies on %v, racks %v of %v", n, replicas, used, racks)
			}
		}
	})
}

func TestLeadersAreSpread(t *testing.T) {
	var brokers []*Broker
	for id := range int32(5) {
		brokers = append(brokers, &Broker{ID: id})
	}
	p := newPlacer(brokers, 3)
	leaders, sets := map[int32]int{}, map[string]int{}
	for n := range 20 {
		replicas := p.place(n, 3)
		leaders[replicas[0]]++
		sets[fmt.Sprint(replicas)]++
	}
	for id, n := range leaders {
		if n != 4 {
			t.Errorf("broker %d leads %d of 20 partitions", id, n)
		}
	}
	if len(sets) < 20 {
		t.Errorf("20 partitions on 5 brokers lie on only %d sets", len(sets))
	}
}

// begun is an empty cluster with its features finalized.
func begun(t *testing.T) *Image {
	img, _ := apply(t, Empty(), Bootstrap()...)
	return img
}

func register(t *testing.T, img *Image, id int32) *Image {
	t.Helper()
	b := Broker{ID: id, Incarnation: UUID{15: byte(id)}, LogDirs: []UUID{{0: byte(id)}},
		Features: []FeatureRange{{FeatureMetadataVersion, MinLevel, LatestLevel}}}
	records, _, r := RegisterBroker(img, b, img.Offset+1)
	if !r.OK() {
		t.Fatal(r)
	}
	next, _ := apply(t, img, records...)
	return next
}

func TestConfigValueBound(t *testing.T) {
	img := register(t, begun(t), 1)
	value := strings.Repeat("v", MaxConfigValueBytes+1)
	_, answers := CreateTopics(img, []NewTopic{{Name: "a", Partitions: 1, ReplicationFactor: 1,
		Configs: []ConfigEntry{{"k", &value}}}}, CreateSettings{Random: counter()})
	if answers[0].Code != errcode.InvalidConfig || !strings.Contains(answers[0].Message, "32767 bytes") {
		t.Errorf("%+v", answers[0])
	}
}

func TestProducerIDsRunOut(t *testing.T) {
	img := register(t, begun(t), 1)
	img, _ = apply(t, img, &ProducerIDsRecord{1, 1, 1<<63 - 500})
	if _, _, r := AllocateProducerIDs(img, 1, 1); r.Code != errcode.UnknownServerError {
		t.Errorf("%+v", r)
	}
}

func TestCordonedBrokersGetNothingNew(t *testing.T) {
	img := register(t, register(t, begun(t), 1), 2)
	img, _ = apply(t, img, &RegistrationChangeRecord{BrokerID: 2, Epoch: 2, CordonedLogDirs: []UUID{{0: 2}}})
	_, answers := CreateTopics(img, []NewTopic{{Name: "a", Partitions: 1, ReplicationFactor: 2},
		{Name: "b", Partitions: -1, ReplicationFactor: -1, Assignments: []Assignment{{0, []int32{2}}}}},
		CreateSettings{Random: counter()})
	if answers[0].Code != errcode.InvalidReplicationFactor || answers[1].Code != errcode.InvalidReplicaAssignment ||
		!strings.Contains(answers[1].Message, "cordoned") {
		t.Errorf("%+v", answers)
	}
	img, _ = apply(t, img, &RegistrationChangeRecord{BrokerID: 2, Epoch: 2, InControlledShutdown: 1})
	if img.ActiveBrokers() != 1 || img.Broker(2).Active() {
		t.Error("a broker on its way out is active")
	}
}
