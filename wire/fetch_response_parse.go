package wire

import "tailrace/wire/errcode"

// FetchedPartition is one partition of a Fetch response as a client reads it.
type FetchedPartition struct {
	Index            int32
	Code             errcode.Code
	HighWatermark    Offset
	LastStableOffset Offset
	LogStartOffset   Offset       // -1 before version 5
	Aborted          []AbortedTxn // nil is null; reused by the next call of NextPartition
	PreferredReplica int32        // -1 before version 11
	Records          []byte       // aliases the body; nil is null

	Diverging EpochEnd   // NoEpochEnd if there was none
	Leader    LeaderHint // NoLeaderHint if there was none
	Snapshot  EpochEnd   // NoEpochEnd if there was none

	aborted []AbortedTxn // memory of Aborted, kept while that is nil
}

// FetchResponse walks the body of a Fetch response in place, as FetchRequest does with a request.
type FetchResponse struct {
	ThrottleMs int32
	Code       errcode.Code // from version 7
	SessionID  int32        // from version 7
	Topics     int          // number of topics
	Partitions int          // number of partitions of all topics together

	version int16
	walk    topicWalk
	nodes   []byte
}

// Parse checks body, the whole of a Fetch response of that version behind its header, and goes to its first topic.
// Its errors are of type Error.
func (s *FetchResponse) Parse(version int16, body []byte) error {
	*s = FetchResponse{version: version}
	if version < MinFetch || version > MaxFetch {
		return ErrVersion
	}
	flexible := version >= fetchFlexible
	r := &s.walk.r
	r.Reset(body)
	s.ThrottleMs = r.Int32()
	if version >= 7 {
		s.Code = errcode.Code(r.Int16())
		s.SessionID = r.Int32()
	}
	s.Topics = r.arrayLen(flexible, topicMin(flexible, version >= fetchTopicIDs))
	s.walk.begin(s.Topics, flexible)
	var (
		t FetchTopic
		p FetchedPartition
	)
	for s.NextTopic(&t) {
		for s.nextPartition(&p, false) {
			s.Partitions++
		}
	}
	if flexible {
		s.nodes = r.nodesTag(version >= 16)
	}
	err := r.Finish()
	s.walk.rewind()
	return err
}

// Rewind goes back to the first topic.
func (s *FetchResponse) Rewind() { s.walk.rewind() }

// fetchedMin returns the least size of a partition in a Fetch response.
func fetchedMin(version int16) int {
	n := 4 + 2 + 8 + 8
	if version >= 5 {
		n += 8
	}
	if version >= 11 {
		n += 4
	}
	if version >= fetchFlexible {
		return n + 1 + 1 + 1 // aborted transactions, records, tagged fields
	}
	return n + 4 + 4
}

// NextTopic goes to the next topic, over partitions of the current one that were not read.
func (s *FetchResponse) NextTopic(t *FetchTopic) (ok bool) {
	var p FetchedPartition
	for s.nextPartition(&p, false) {
	}
	if !s.walk.nextTopic() {
		return false
	}
	t.Name, t.ID, t.Partitions, ok = s.walk.topic(s.version >= fetchTopicIDs, fetchedMin(s.version))
	return ok
}

// NextPartition goes to the next partition of the current topic.
func (s *FetchResponse) NextPartition(p *FetchedPartition) bool { return s.nextPartition(p, true) }

// nextPartition collects aborted transactions only on demand: the check of the whole body must not allocate.
func (s *FetchResponse) nextPartition(p *FetchedPartition, collect bool) bool {
	if !s.walk.nextPart() {
		return false
	}
	r, flexible := &s.walk.r, s.walk.flexible
	*p = FetchedPartition{
		LogStartOffset: -1, PreferredReplica: -1,
		Diverging: NoEpochEnd, Leader: NoLeaderHint, Snapshot: NoEpochEnd,
		aborted: p.aborted[:0],
	}
	p.Index = r.Int32()
	p.Code = errcode.Code(r.Int16())
	p.HighWatermark = Offset(r.Int64())
	p.LastStableOffset = Offset(r.Int64())
	if s.version >= 5 {
		p.LogStartOffset = Offset(r.Int64())
	}
	abortedMin := 8 + 8
	if flexible {
		abortedMin++
	}
	n := r.nullableArrayLen(flexible, abortedMin)
	if collect && n >= 0 && p.aborted == nil {
		p.aborted = make([]AbortedTxn, 0, n)
	}
	for i := 0; i < n && r.err == 0; i++ {
		a := AbortedTxn{ProducerID: r.Int64(), FirstOffset: Offset(r.Int64())}
		r.tags(flexible)
		if collect {
			p.aborted = append(p.aborted, a)
		}
	}
	if n >= 0 {
		p.Aborted = p.aborted
	}
	if s.version >= 11 {
		p.PreferredReplica = r.Int32()
	}
	p.Records = r.nullableBytes(flexible)
	if flexible {
		s.partitionTags(p)
	}
	return r.err == 0
}

func (s *FetchResponse) partitionTags(p *FetchedPartition) {
	r := &s.walk.r
	for n := r.TagCount(); n > 0 && r.err == 0; n-- {
		tag, body := r.Tag()
		if r.err != 0 {
			return
		}
		var e Error
		t := Reader{buf: body}
		switch tag {
		case 0:
			p.Diverging = EpochEnd{Epoch: LeaderEpoch(t.Int32()), EndOffset: Offset(t.Int64())}
			e = t.endTag()
		case 1:
			e = parseLeaderTag(body, &p.Leader)
		case 2:
			p.Snapshot.EndOffset, p.Snapshot.Epoch = Offset(t.Int64()), LeaderEpoch(t.Int32())
			e = t.endTag()
		}
		if e != 0 {
			r.Fail(e)
		}
	}
}

// Nodes appends the endpoints of the leaders that the response hints at. The strings are copies.
func (s *FetchResponse) Nodes(dst []NodeEndpoint) []NodeEndpoint { return appendNodesOf(dst, s.nodes) }
