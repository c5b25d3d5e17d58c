package metadata

import (
	"maps"
	"slices"

	"tailrace/wire/errcode"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// TopicRef names a topic of a DeleteTopics request, by name or by id. Both or neither is the client's mistake.
type TopicRef struct {
	Name *string
	ID   UUID
}

// DeletedTopic is the answer for one topic. Name is nil where only the id is known.
type DeletedTopic struct {
	Result
	Name *string
	ID   UUID
}

// DeleteSettings is what DeleteTopics needs besides the request.
type DeleteSettings struct {
	Enabled bool  // delete.topic.enable
	Version int16 // of the request: before 3 there was no code for "switched off"
}

// DeleteTopics decides a DeleteTopics request (ControllerApis.deleteTopics). Authorization is the caller's.
func DeleteTopics(img *Image, refs []TopicRef, s DeleteSettings) ([]Record, []DeletedTopic) {
	d := deletion{img: img}
	if !s.Enabled {
		r := fail(errcode.TopicDeletionDisabled, "Topic deletion is disabled.")
		if s.Version < 3 {
			r = fail(errcode.InvalidRequest, "This version does not support topic deletion.")
		}
		for _, ref := range refs {
			d.answer(ref, r)
		}
		return nil, d.answers
	}
	names, ids := map[string]int{}, map[UUID]int{}
	for _, ref := range refs {
		if ref.Name != nil {
			names[*ref.Name]++
		} else {
			ids[ref.ID]++
		}
	}
	for _, ref := range refs {
		d.decide(ref, names, ids)
	}
	return d.records, d.answers
}

// deletion is one DeleteTopics request in work.
type deletion struct {
	img     *Image
	records []Record
	answers []DeletedTopic
}

func (d *deletion) answer(ref TopicRef, r Result) {
	d.answers = append(d.answers, DeletedTopic{Result: r, Name: ref.Name, ID: ref.ID})
}

// answered marks a name or an id that a request has several times, once that has been refused.
const answered = -1

// decide answers one reference. A name or id that the request has several times is answered, and refused, once; so is
// a topic that is named by name and by id.
func (d *deletion) decide(ref TopicRef, names map[string]int, ids map[UUID]int) {
	byName := ref.Name != nil
	switch {
	case !byName && ref.ID.IsZero():
		d.answer(ref, fail(errcode.InvalidRequest, "Neither topic name nor id were specified."))
		return
	case byName && !ref.ID.IsZero():
		d.answer(ref, fail(errcode.InvalidRequest, "You may not specify both topic name and topic id."))
		return
	case byName && names[*ref.Name] > 1:
		d.answer(ref, fail(errcode.InvalidRequest, "Duplicate topic name."))
		names[*ref.Name] = answered
		return
	case !byName && ids[ref.ID] > 1:
		d.answer(ref, fail(errcode.InvalidRequest, "Duplicate topic id."))
		ids[ref.ID] = answered
		return
	case byName && names[*ref.Name] == answered || !byName && ids[ref.ID] == answered:
		return
	}
	var t *Topic
	if byName {
		t = d.img.TopicByName(*ref.Name)
	} else {
		t = d.img.TopicByID(ref.ID)
	}
	switch {
	case t == nil && byName:
		d.answer(ref, fail(errcode.UnknownTopicOrPartition, errcode.UnknownTopicOrPartition.Message()))
	case t == nil:
		d.answer(ref, fail(errcode.UnknownTopicID, errcode.UnknownTopicID.Message()))
	case byName && ids[t.ID] != 0:
		d.answer(TopicRef{Name: &t.Name, ID: t.ID},
			fail(errcode.InvalidRequest, "The provided topic name maps to an ID that was already supplied."))
	case !byName && names[t.Name] == 1: // refused where it is named
	default:
		d.records = append(d.records, &RemoveTopicRecord{ID: t.ID})
		d.answer(TopicRef{Name: &t.Name, ID: t.ID}, Result{})
	}
}
