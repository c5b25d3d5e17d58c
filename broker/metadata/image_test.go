package metadata

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tailrace/wire"
)

// step draws a record that can be applied to an image.
func step(t *rapid.T, img *Image, random Random) Record {
	names := []string{"a", "b", "a.b", "a_b", "long-name"}
	name := rapid.SampledFrom(names).Draw(t, "name")
	topic := img.TopicByName(name)
	brokerID := rapid.Int32Range(1, 3).Draw(t, "broker")
	broker := img.Broker(brokerID)
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	switch {
	case kind <= 1 && topic == nil:
		return &TopicRecord{name, NewID(random)}
	case kind == 0 && rapid.IntRange(0, 3).Draw(t, "remove") == 0:
		return &RemoveTopicRecord{topic.ID}
	case kind <= 4 && topic != nil:
		p := genPartition().Draw(t, "partition")
		p.Directories = slices.Repeat([]UUID{DirUnassigned}, len(p.Replicas))
		return &PartitionRecord{int32(len(topic.Partitions)), topic.ID, p}
	case kind <= 6 && topic != nil && len(topic.Partitions) > 0:
		r := genChange(t).(*PartitionChangeRecord)
		r.TopicID, r.ID = topic.ID, int32(rapid.IntRange(0, len(topic.Partitions)-1).Draw(t, "id"))
		r.Replicas, r.Directories = nil, nil
		return r
	case kind == 7:
		return &ConfigRecord{Resource{ResourceTopic, name}, rapid.SampledFrom([]string{"k", "l"}).Draw(t, "key"),
			genOptString().Draw(t, "value")}
	case kind == 8 && broker == nil:
		b := genBroker(t)
		b.ID = brokerID
		return &RegisterBrokerRecord{b}
	case kind == 8 && rapid.Bool().Draw(t, "unregister"):
		return &UnregisterBrokerRecord{brokerID, broker.Epoch}
	case kind == 8:
		return &RegistrationChangeRecord{BrokerID: brokerID, Epoch: broker.Epoch,
			Fenced: rapid.Int8Range(-1, 1).Draw(t, "fenced"), LogDirs: genIDs().Draw(t, "dirs")}
	case rapid.Bool().Draw(t, "ids"):
		return &ProducerIDsRecord{1, 2, img.NextProducerID() + 1000}
	}
	return &FeatureLevelRecord{rapid.SampledFrom([]string{"metadata.version", "group.version"}).Draw(t, "feature"),
		rapid.Int16Range(0, 3).Draw(t, "level")}
}

func apply(t interface{ Fatal(...any) }, img *Image, records ...Record) (*Image, Delta) {
	next, d, err := img.Apply(img.Offset+1, 1, records...)
	if err != nil {
		t.Fatal(err)
	}
	return next, d
}

// TestHistories is the law of the room: an image is the sum of its records, however they were cut into batches; it is
// its snapshot; it never changes; and a delta is exactly the difference.
func TestHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := counter()
		img := Empty()
		var records []Record
		var images []*Image
		var dumps []string
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			r := step(t, img, random)
			records = append(records, r)
			img, _ = apply(t, img, r)
			images, dumps = append(images, img), append(dumps, dump(img))
		}
		for i, old := range images {
			if got := dump(old); got != dumps[i] {
				t.Fatalf("image %d was\n%sand is now\n%s", i, dumps[i], got)
			}
		}
		want := dump(img)
		if strings.Contains(want, "BUG") {
			t.Fatal(want)
		}
		if whole, _ := apply(t, Empty(), records...); dump(whole) != want {
			t.Fatalf("in one batch:\n%sone by one:\n%s", dump(whole), want)
		}
		again, _ := apply(t, Empty(), slices.Collect(img.Snapshot())...)
		again.Offset, again.Epoch = img.Offset, img.Epoch
		if dump(again) != want {
			t.Fatalf("from its snapshot:\n%sfrom its records:\n%s", dump(again), want)
		}
		since := img.Since()
		if diff := checkDelta(Empty(), img, &since); diff != "" {
			t.Fatal("since the beginning: ", diff)
		}
		from := rapid.IntRange(0, len(images)-1).Draw(t, "from")
		base := images[from]
		final, d := apply(t, base, records[from+1:]...)
		if diff := checkDelta(base, final, &d); diff != "" {
			t.Fatal(diff)
		}
	})
}

// checkDelta computes the difference of two images the long way.
func checkDelta(base, img *Image, d *Delta) string {
	want, got := map[string]bool{}, map[string]bool{}
	for t := range img.Topics() {
		old := base.TopicByID(t.ID)
		if old == nil {
			want["created "+t.Name] = true
			continue
		}
		for i, p := range t.Partitions {
			if old.Partition(int32(i)) != p {
				want[fmt.Sprintf("changed %s %d", t.Name, i)] = true
			}
		}
	}
	for t := range base.Topics() {
		if img.TopicByID(t.ID) == nil {
			want["deleted "+t.Name+t.ID.String()] = true
		}
	}
	for _, t := range d.Created {
		got["created "+t.Name] = true
	}
	for _, t := range d.Deleted {
		got["deleted "+t.Name+t.ID.String()] = true
	}
	for _, p := range d.Changed {
		got[fmt.Sprintf("changed %s %d", p.Topic.Name, p.ID)] = true
		if p.New != img.TopicByID(p.Topic.ID).Partition(p.ID) || p.Old != base.TopicByID(p.Topic.ID).Partition(p.ID) {
			return "a delta with partitions that are not those of the images"
		}
	}
	for _, name := range []string{"a", "b", "a.b", "a_b", "long-name"} {
		r := Resource{ResourceTopic, name}
		if !maps.Equal(base.Config(r), img.Config(r)) && base.TopicByName(name) == img.TopicByName(name) {
			want["config "+name] = true
		}
	}
	for _, r := range d.Configs {
		if base.TopicByName(r.Name) == img.TopicByName(r.Name) {
			got["config "+r.Name] = true
		}
	}
	if !maps.Equal(want, got) {
		return fmt.Sprintf("the delta says %v, the images %v", got, want)
	}
	if d.ProducerIDs != (base.NextProducerID() != img.NextProducerID()) ||
		d.Features != !maps.Equal(base.Features(), img.Features()) || d.From != base.Offset || d.To != img.Offset {
		return "producer ids, features or offsets are wrong"
	}
	return ""
}

func TestRefusedChanges(t *testing.T) {
	id, other := UUID{15: 200}, UUID{15: 201}
	img, _ := apply(t, Empty(), &TopicRecord{"a", id}, &PartitionRecord{0, id, Partition{}},
		&RegisterBrokerRecord{Broker{ID: 1, Epoch: 7}}, &ProducerIDsRecord{1, 7, 1000})
	before := dump(img)
	for want, r := range map[string]Record{
		"already that of":                    &TopicRecord{"b", id},
		`topic "a" already exists`:           &TopicRecord{"a", other},
		"no topic with id":                   &RemoveTopicRecord{other},
		"no topic with id " + other.String(): &PartitionRecord{0, other, Partition{}},
		"partition 2 of topic":               &PartitionRecord{2, id, Partition{}},
		"has no partition 1":                 &PartitionChangeRecord{ID: 1, TopicID: id},
		"1 directories for 2 replicas": &PartitionChangeRecord{
			TopicID: id, Replicas: []int32{1, 2}, Directories: make([]UUID, 1)},
		"epoch 7, not 8":             &UnregisterBrokerRecord{1, 8},
		"broker 2 is not registered": &FenceBrokerRecord{2, 7},
		"1000 is not above 1000":     &ProducerIDsRecord{1, 7, 1000},
	} {
		_, _, err := img.Apply(9, 1, r)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "offset 9") {
			t.Errorf("%s: %v, want %q", show(r), err, want)
		}
	}
	if dump(img) != before {
		t.Error("a refused record changed the image")
	}
}

// TestElectionEpochs holds the rule of PartitionRegistration.merge: naming a leader opens an epoch, even the same one.
func TestElectionEpochs(t *testing.T) {
	id := UUID{15: 200}
	p := Partition{Leader: 1, LeaderEpoch: 5, Epoch: 9, Replicas: []int32{1, 2}, ISR: []int32{1, 2}}
	img, _ := apply(t, Empty(), &TopicRecord{"a", id}, &PartitionRecord{0, id, p})
	img, d := apply(t, img, &PartitionChangeRecord{TopicID: id, ISR: []int32{2}, ELR: []int32{1}})
	if got := d.Changed[0].New; got.LeaderEpoch != 5 || got.Epoch != 10 || got.Leader != 1 || len(got.ELR) != 1 {
		t.Errorf("after a shrink: %+v", got)
	}
	img, d = apply(t, img, &PartitionChangeRecord{TopicID: id, Leader: ptr(int32(1))})
	if got := d.Changed[0].New; got.LeaderEpoch != 6 || got.Epoch != 11 || got.Leader != 1 {
		t.Errorf("after naming the same leader: %+v", got)
	}
	img, _ = apply(t, img, &PartitionChangeRecord{TopicID: id, Leader: ptr(NoLeader), ISR: []int32{}})
	if got := img.TopicByID(id).Partition(0); got.Leader != NoLeader || got.LeaderEpoch != 7 || got.ISR != nil {
		t.Errorf("after losing the leader: %+v", got)
	}
	if img.TopicByID(id).Partition(1) != nil || img.TopicByID(id).Partition(-1) != nil {
		t.Error("a partition that is not there was found")
	}
}

func TestEqualListsAreShared(t *testing.T) {
	id := UUID{15: 200}
	c := NewChange(Empty())
	records := []Record{&TopicRecord{"a", id}}
	for i := range int32(3) {
		p := Partition{Replicas: []int32{1}, ISR: []int32{1}, Directories: []UUID{{15: 100}}}
		records = append(records, &PartitionRecord{i, id, p})
	}
	for i, r := range records {
		if err := c.Apply(wire.Offset(i), 1, r); err != nil {
			t.Fatal(err)
		}
	}
	p := c.Image().TopicByID(id).Partitions
	if &p[0].Replicas[0] != &p[2].ISR[0] || &p[0].Directories[0] != &p[2].Directories[0] {
		t.Error("partitions on the same broker do not share their lists")
	}
}

func TestLookupsDoNotAllocate(t *testing.T) {
	id := UUID{15: 200}
	img, _ := apply(t, Empty(), &TopicRecord{"orders", id}, &RegisterBrokerRecord{Broker{ID: 1}})
	name := strings.Clone("orders")
	if n := testing.AllocsPerRun(100, func() {
		if img.TopicByName(name) != img.TopicByID(id) || img.Broker(1) == nil ||
			img.Config(Resource{ResourceTopic, name}) != nil {
			t.Error("lookup failed")
		}
	}); n != 0 {
		t.Errorf("%v allocations a lookup", n)
	}
}
