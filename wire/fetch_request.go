package wire

import (
	"encoding/binary"
	"math"
)

// Versions of Fetch that exist since Kafka 4.0. Version 12 is the first flexible one, version 13 names topics by id
// (KIP-516).
const (
	MinFetch = 4
	MaxFetch = 18

	fetchFlexible     = 12
	fetchTopicIDs     = 13
	fetchReplicaState = 15
	fetchDirectoryID  = 17
	fetchHW           = 18
)

// HighWatermarkUnsupported is what a follower that does not tell its high watermark sends for it (KIP-1166).
const HighWatermarkUnsupported Offset = math.MaxInt64

// FetchHead is what stands outside the topics of a Fetch request. Parse fills in Kafka's default for what the
// version does not have.
type FetchHead struct {
	ReplicaID    int32 // -1: a consumer. From version 15 a tagged field of its own (KIP-903)
	ReplicaEpoch int64 // broker epoch of the follower, from version 15; -1: not known
	MaxWaitMs    int32
	MinBytes     int32
	MaxBytes     int32
	Isolation    int8   // 0 read uncommitted, 1 read committed
	SessionID    int32  // from version 7 (KIP-227); 0: none
	SessionEpoch int32  // from version 7; -1: no session, 0: a new one
	RackID       []byte // from version 11 (KIP-392); never null
	ClusterID    []byte // from version 12; nil: not given
}

// FetchTopic begins a topic of a Fetch request. Up to version 12 it has a name, from then on an id.
type FetchTopic struct {
	Name       []byte
	ID         TopicID
	Partitions int // how many follow
}

// FetchPartition asks for the records of one partition.
type FetchPartition struct {
	Index              int32
	CurrentLeaderEpoch LeaderEpoch // from version 9 (KIP-320); NoLeaderEpoch: not given
	FetchOffset        Offset
	LastFetchedEpoch   LeaderEpoch // from version 12; NoLeaderEpoch: none
	LogStartOffset     Offset      // the follower's, from version 5; -1 from a consumer
	MaxBytes           int32
	DirectoryID        [16]byte // of the follower's log directory, from version 17; zero: not given
	HighWatermark      Offset   // the follower's, from version 18; HighWatermarkUnsupported: not given
}

// Int32s is a wire array of big-endian int32, read in place.
type Int32s []byte

// Len returns the number of elements.
func (a Int32s) Len() int { return len(a) / 4 }

// At returns element i.
func (a Int32s) At(i int) int32 { return int32(binary.BigEndian.Uint32(a[4*i:])) }

// ForgottenTopic names partitions that leave a fetch session.
type ForgottenTopic struct {
	Name       []byte  // up to version 12
	ID         TopicID // from version 13
	Partitions Int32s
}

// FetchRequest walks the body of a Fetch request in place. Parse checks all of it; the walks, over the topics and
// over the forgotten topics, are independent of each other and cannot fail. What they hand out aliases the body.
type FetchRequest struct {
	FetchHead
	Topics     int // number of topics
	Partitions int // number of partitions of all topics together
	Forgotten  int // number of forgotten topics

	version       int16
	walk          topicWalk
	forgotten     Reader
	forgottenLeft int
}

// Parse checks body, the whole of a Fetch request of that version behind its header, and goes to its first topic
// and first forgotten topic. Its errors are of type Error.
func (q *FetchRequest) Parse(version int16, body []byte) error {
	*q = FetchRequest{version: version}
	q.ReplicaID, q.ReplicaEpoch, q.SessionEpoch = -1, -1, -1
	if version < MinFetch || version > MaxFetch {
		return ErrVersion
	}
	flexible := version >= fetchFlexible
	r := &q.walk.r
	r.Reset(body)
	if version < fetchReplicaState {
		q.ReplicaID = r.Int32()
	}
	q.MaxWaitMs = r.Int32()
	q.MinBytes = r.Int32()
	q.MaxBytes = r.Int32()
	q.Isolation = r.Int8()
	if version >= 7 {
		q.SessionID = r.Int32()
		q.SessionEpoch = r.Int32()
	}
	q.Topics = r.arrayLen(flexible, topicMin(flexible, version >= fetchTopicIDs))
	q.walk.begin(q.Topics, flexible)
	var (
		t FetchTopic
		p FetchPartition
	)
	for q.NextTopic(&t) {
		for q.NextPartition(&p) {
			q.Partitions++
		}
	}
	if version >= 7 {
		q.parseForgotten()
	}
	if version >= 11 {
		q.RackID = r.str(flexible)
	}
	if flexible {
		q.tags()
	}
	err := r.Finish()
	q.walk.rewind()
	return err
}

// parseForgotten checks the forgotten topics by walking them with a copy of the reader, and remembers the start.
func (q *FetchRequest) parseForgotten() {
	flexible, r := q.version >= fetchFlexible, &q.walk.r
	q.Forgotten = r.arrayLen(flexible, topicMin(flexible, q.version >= fetchTopicIDs))
	start, n := *r, q.Forgotten
	q.forgotten, q.forgottenLeft = start, n
	var t ForgottenTopic
	for q.NextForgotten(&t) {
	}
	*r = q.forgotten
	q.forgotten, q.forgottenLeft = start, n
}

// tags reads the tagged fields of the whole request: 0 the cluster id, 1 the follower's identity.
func (q *FetchRequest) tags() {
	r := &q.walk.r
	for n := r.TagCount(); n > 0 && r.err == 0; n-- {
		tag, body := r.Tag()
		if r.err != 0 || tag > 1 {
			continue
		}
		s := Reader{buf: body}
		switch {
		case tag == 0:
			q.ClusterID = s.CompactNullableString()
		case q.version < fetchReplicaState:
			s.Fail(ErrTag)
		default:
			q.ReplicaID, q.ReplicaEpoch = s.Int32(), s.Int64()
			s.SkipTags()
		}
		if s.Finish() != nil {
			r.Fail(ErrTag)
		}
	}
}

// Rewind goes back to the first topic.
func (q *FetchRequest) Rewind() { q.walk.rewind() }

// fetchPartMin returns the least size of a partition in a Fetch request.
func fetchPartMin(version int16) int {
	n := 4 + 8 + 4
	if version >= 5 {
		n += 8
	}
	if version >= 9 {
		n += 4
	}
	if version >= fetchFlexible {
		n += 4 + 1
	}
	return n
}

// NextTopic goes to the next topic, over partitions of the current one that were not read.
func (q *FetchRequest) NextTopic(t *FetchTopic) (ok bool) {
	var p FetchPartition
	for q.NextPartition(&p) {
	}
	if !q.walk.nextTopic() {
		return false
	}
	t.Name, t.ID, t.Partitions, ok = q.walk.topic(q.version >= fetchTopicIDs, fetchPartMin(q.version))
	return ok
}

// NextPartition goes to the next partition of the current topic.
func (q *FetchRequest) NextPartition(p *FetchPartition) bool {
	if !q.walk.nextPart() {
		return false
	}
	r := &q.walk.r
	*p = FetchPartition{
		CurrentLeaderEpoch: NoLeaderEpoch, LastFetchedEpoch: NoLeaderEpoch,
		LogStartOffset: -1, HighWatermark: HighWatermarkUnsupported,
	}
	p.Index = r.Int32()
	if q.version >= 9 {
		p.CurrentLeaderEpoch = LeaderEpoch(r.Int32())
	}
	p.FetchOffset = Offset(r.Int64())
	if q.version >= fetchFlexible {
		p.LastFetchedEpoch = LeaderEpoch(r.Int32())
	}
	if q.version >= 5 {
		p.LogStartOffset = Offset(r.Int64())
	}
	p.MaxBytes = r.Int32()
	if q.walk.flexible {
		q.partitionTags(p)
	}
	return r.err == 0
}

// partitionTags reads the tagged fields of a partition: 0 the directory id, 1 the follower's high watermark.
func (q *FetchRequest) partitionTags(p *FetchPartition) {
	r := &q.walk.r
	for n := r.TagCount(); n > 0 && r.err == 0; n-- {
		tag, body := r.Tag()
		if r.err != 0 {
			return
		}
		switch {
		case tag == 0 && q.version >= fetchDirectoryID && len(body) == 16:
			p.DirectoryID = [16]byte(body)
		case tag == 1 && q.version >= fetchHW && len(body) == 8:
			p.HighWatermark = Offset(binary.BigEndian.Uint64(body))
		case tag <= 1:
			r.Fail(ErrTag)
		}
	}
}

// NextForgotten goes to the next topic that leaves the fetch session.
func (q *FetchRequest) NextForgotten(t *ForgottenTopic) bool {
	if q.forgottenLeft == 0 || q.forgotten.err != 0 {
		return false
	}
	q.forgottenLeft--
	r, flexible := &q.forgotten, q.version >= fetchFlexible
	*t = ForgottenTopic{}
	if q.version >= fetchTopicIDs {
		t.ID = r.UUID()
	} else {
		t.Name = r.str(flexible)
	}
	t.Partitions = r.Raw(4 * r.arrayLen(flexible, 4))
	r.tags(flexible)
	return r.err == 0
}
