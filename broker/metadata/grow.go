package metadata

import (
	"encoding/binary"
	"fmt"
	"slices"

	"tailrace/wire/errcode"
)

// MorePartitions is one topic of a CreatePartitions request: Count partitions in all, the new ones at Assignments, if
// there are any.
type MorePartitions struct {
	Name        string
	Count       int32
	Assignments [][]int32
}

// GrowSettings is what CreatePartitions needs besides the request.
type GrowSettings struct {
	ValidateOnly bool
	Random       Random // gives the place of the first new replica
}

// GrownTopic is the answer for one topic.
type GrownTopic struct {
	Result
	Name string
}

// CreatePartitions decides a CreatePartitions request (ReplicationControlManager.createPartitions). There is one answer
// per distinct name, in the order of the request; a name that occurs twice is refused once. Authorization is the
// caller's.
func CreatePartitions(img *Image, topics []MorePartitions, s GrowSettings) ([]Record, []GrownTopic) {
	var first [4]byte
	s.Random(first[:])
	placer := newPlacer(usable(img.brokers), binary.BigEndian.Uint32(first[:]))
	times := make(map[string]int, len(topics))
	for _, t := range topics {
		times[t.Name]++
	}
	room := int64(MaxPartitionsPerRequest)
	var records []Record
	answers := make([]GrownTopic, 0, len(topics))
	for i := range topics {
		t := &topics[i]
		n := times[t.Name]
		if n == 0 { // answered already
			continue
		}
		times[t.Name] = 0
		a := GrownTopic{Name: t.Name}
		if n > 1 {
			a.Result = fail(errcode.InvalidRequest, "Duplicate topic name.")
		} else {
			var made []Record
			made, a.Result = img.grow(t, placer, room)
			room -= int64(len(made))
			records = append(records, made...)
		}
		answers = append(answers, a)
	}
	if s.ValidateOnly {
		records = nil
	}
	return records, answers
}

// grow checks one topic in Kafka's order and makes its records. room is how many partitions the request may still make.
func (img *Image) grow(m *MorePartitions, placer *placer, room int64) ([]Record, Result) {
	t := img.TopicByName(m.Name)
	if t == nil {
		return nil, fail(errcode.UnknownTopicOrPartition, "")
	}
	have := int32(len(t.Partitions))
	switch {
	case IsInternal(m.Name): // a key's partition is where its group, transaction or share group lies
		return nil, fail(errcode.InvalidPartitions,
			"The number of partitions of the internal topic "+m.Name+" cannot be changed.")
	case m.Count == have:
		return nil, fail(errcode.InvalidPartitions, fmt.Sprintf("Topic already has %d partition(s).", have))
	case m.Count < have:
		return nil, fail(errcode.InvalidPartitions, fmt.Sprintf("The topic %s currently has %d partition(s); "+
			"%d would not be an increase.", m.Name, have, m.Count))
	case m.Assignments != nil && len(m.Assignments) != int(m.Count-have):
		return nil, fail(errcode.InvalidReplicaAssignment, fmt.Sprintf("Attempted to add %d additional partition(s), "+
			"but only %d assignment(s) were specified.", m.Count-have, len(m.Assignments)))
	case int64(m.Count-have) > room:
		return nil, fail(errcode.PolicyViolation, "Excessively large number of partitions per request.")
	}
	rf := len(t.Partitions[0].Replicas)
	var records []Record
	for id := have; id < m.Count; id++ {
		var replicas []int32
		var wrong Result
		if m.Assignments != nil {
			replicas, wrong = img.placeOne(m.Assignments[id-have], id, rf)
		} else {
			replicas, wrong = img.placeNext(placer, int(id), rf)
		}
		if !wrong.OK() {
			return nil, wrong
		}
		records = append(records, &PartitionRecord{ID: id, TopicID: t.ID, Partition: img.newPartition(replicas)})
	}
	return records, Result{}
}

func (img *Image) anyActive(replicas []int32) bool {
	return slices.ContainsFunc(replicas, func(id int32) bool { return img.Broker(id).Active() })
}

// placeOne checks a placement by hand.
func (img *Image) placeOne(brokers []int32, id int32, rf int) ([]int32, Result) {
	if wrong := img.checkAssignment(brokers, rf); wrong != "" {
		return nil, fail(errcode.InvalidReplicaAssignment, wrong)
	}
	if !img.anyActive(brokers) {
		return nil, fail(errcode.InvalidReplicaAssignment, fmt.Sprintf("All brokers specified in the manual "+
			"partition assignment for partition %d are fenced or in controlled shutdown.", id))
	}
	return slices.Clone(brokers), Result{}
}

func (img *Image) placeNext(placer *placer, id, rf int) ([]int32, Result) {
	why := placer.check(rf)
	if why == "" {
		replicas := placer.place(id, rf)
		if img.anyActive(replicas) {
			return replicas, Result{}
		}
		why = "All brokers are currently fenced or in controlled shutdown."
	}
	return nil, fail(errcode.InvalidReplicationFactor,
		fmt.Sprintf("Unable to replicate the partition %d time(s): %s", rf, why))
}
