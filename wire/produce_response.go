package wire

import (
	"encoding/binary"

	"tailrace/wire/errcode"
)

// RecordError names a record that made its whole batch be refused (KIP-467).
type RecordError struct {
	Index   int32  // of the record within its batch
	Message string // "" is sent as null
}

// ProduceResult is the answer for one partition of a Produce request. Kafka sends -1 for what does not apply:
// BaseOffset and LogStartOffset of an error, LogAppendTimeMs of a topic that keeps the producer's timestamps.
type ProduceResult struct {
	Index           int32
	Code            errcode.Code
	BaseOffset      Offset
	LogAppendTimeMs int64
	LogStartOffset  Offset        // from version 5
	RecordErrors    []RecordError // from version 8
	Message         string        // from version 8; "" is sent as null
	Leader          *LeaderHint   // from version 10; nil is not sent
}

// ProduceWriter appends the body of a Produce response in the order in which the request is walked:
//
//	Begin { Topic { Partition } EndTopic } End
//
// The counts announced by Begin and Topic must be those of the calls that follow. Nothing in the bytes aliases what
// was passed.
type ProduceWriter struct {
	version  int16
	flexible bool
}

// Begin starts a response of that version, which must be one that ProduceRequest.Parse takes.
func (w *ProduceWriter) Begin(b []byte, version int16, topics int) []byte {
	w.version, w.flexible = version, version >= produceFlexible
	return appendArrayLen(b, w.flexible, topics)
}

// Topic starts a topic, by its name up to version 12 and by its id from then on.
func (w *ProduceWriter) Topic(b, name []byte, id TopicID, partitions int) []byte {
	return appendTopic(b, w.flexible, w.version >= produceTopicIDs, name, id, partitions)
}

// Partition appends one partition's result. codeAt is the position of its error code in the returned slice, for
// PatchCode and PatchBaseOffset.
func (w *ProduceWriter) Partition(b []byte, p *ProduceResult) (out []byte, codeAt int) {
	b = AppendInt32(b, p.Index)
	codeAt = len(b)
	b = AppendInt16(b, int16(p.Code))
	b = AppendInt64(b, int64(p.BaseOffset))
	b = AppendInt64(b, p.LogAppendTimeMs)
	if w.version >= 5 {
		b = AppendInt64(b, int64(p.LogStartOffset))
	}
	if w.version >= 8 {
		b = appendArrayLen(b, w.flexible, len(p.RecordErrors))
		for i := range p.RecordErrors {
			b = AppendInt32(b, p.RecordErrors[i].Index)
			b = appendMessage(b, w.flexible, p.RecordErrors[i].Message)
			b = appendTags0(b, w.flexible)
		}
		b = appendMessage(b, w.flexible, p.Message)
	}
	if w.version >= 10 && p.Leader != nil && *p.Leader != NoLeaderHint {
		return appendLeaderTag(append(b, 1), 0, p.Leader), codeAt
	}
	return appendTags0(b, w.flexible), codeAt
}

// EndTopic ends the topic.
func (w *ProduceWriter) EndTopic(b []byte) []byte { return appendTags0(b, w.flexible) }

// End ends the response. The endpoints of the leaders that were hinted at are sent from version 10.
func (w *ProduceWriter) End(b []byte, throttleMs int32, nodes []NodeEndpoint) []byte {
	b = AppendInt32(b, throttleMs)
	if w.version >= 10 {
		return appendNodes(b, nodes)
	}
	return appendTags0(b, w.flexible)
}

// PatchCode overwrites the error code at codeAt, as Partition reported it, in a response that is already written:
// a produce request that waits for its replicas holds only its encoded reply.
func PatchCode(b []byte, codeAt int, c errcode.Code) {
	binary.BigEndian.PutUint16(b[codeAt:], uint16(c))
}

// PatchBaseOffset overwrites the base offset that follows the error code at codeAt.
func PatchBaseOffset(b []byte, codeAt int, base Offset) {
	binary.BigEndian.PutUint64(b[codeAt+2:], uint64(base))
}

// ProducedPartition is one partition of a Produce response as a client reads it. Its RecordErrors are reused by the
// next call of NextPartition; their messages alias the body.
type ProducedPartition struct {
	Index           int32
	Code            errcode.Code
	BaseOffset      Offset
	LogAppendTimeMs int64
	LogStartOffset  Offset // -1 before version 5
	RecordErrors    []RecordErrorView
	Message         []byte     // nil is null
	Leader          LeaderHint // NoLeaderHint if there was none
}

// RecordErrorView is a RecordError whose message aliases the response; nil is null.
type RecordErrorView struct {
	Index   int32
	Message []byte
}

// ProduceResponse walks the body of a Produce response in place, as ProduceRequest does with a request.
type ProduceResponse struct {
	Topics     int // number of topics
	Partitions int // number of partitions of all topics together
	ThrottleMs int32

	version int16
	walk    topicWalk
	nodes   []byte
}

// Parse checks body, the whole of a Produce response of that version behind its header, and goes to its first topic.
// Its errors are of type Error.
func (s *ProduceResponse) Parse(version int16, body []byte) error {
	*s = ProduceResponse{version: version}
	if version < MinProduce || version > MaxProduce {
		return ErrVersion
	}
	flexible := version >= produceFlexible
	r := &s.walk.r
	r.Reset(body)
	s.Topics = r.arrayLen(flexible, topicMin(flexible, version >= produceTopicIDs))
	s.walk.begin(s.Topics, flexible)
	var (
		t ProduceTopic
		p ProducedPartition
	)
	for s.NextTopic(&t) {
		for s.nextPartition(&p, false) {
			s.Partitions++
		}
	}
	s.ThrottleMs = r.Int32()
	if flexible {
		s.nodes = r.nodesTag(version >= 10)
	}
	err := r.Finish()
	s.walk.rewind()
	return err
}

// Rewind goes back to the first topic.
func (s *ProduceResponse) Rewind() { s.walk.rewind() }

// NextTopic goes to the next topic, over partitions of the current one that were not read.
func (s *ProduceResponse) NextTopic(t *ProduceTopic) (ok bool) {
	var p ProducedPartition
	for s.nextPartition(&p, false) {
	}
	if !s.walk.nextTopic() {
		return false
	}
	t.Name, t.ID, t.Partitions, ok = s.walk.topic(s.version >= produceTopicIDs, producedMin(s.version))
	return ok
}

// producedMin returns the least size of a partition in a Produce response.
func producedMin(version int16) int {
	switch {
	case version >= produceFlexible:
		return 4 + 2 + 8 + 8 + 8 + 1 + 1 + 1
	case version >= 8:
		return 4 + 2 + 8 + 8 + 8 + 4 + 2
	case version >= 5:
		return 4 + 2 + 8 + 8 + 8
	default:
		return 4 + 2 + 8 + 8
	}
}

// NextPartition goes to the next partition of the current topic.
func (s *ProduceResponse) NextPartition(p *ProducedPartition) bool { return s.nextPartition(p, true) }

// nextPartition collects record errors only on demand: the check of the whole body must not allocate.
func (s *ProduceResponse) nextPartition(p *ProducedPartition, collect bool) bool {
	if !s.walk.nextPart() {
		return false
	}
	r, flexible := &s.walk.r, s.walk.flexible
	p.Index = r.Int32()
	p.Code = errcode.Code(r.Int16())
	p.BaseOffset = Offset(r.Int64())
	p.LogAppendTimeMs = r.Int64()
	p.LogStartOffset, p.Message, p.RecordErrors, p.Leader = -1, nil, p.RecordErrors[:0], NoLeaderHint
	if s.version >= 5 {
		p.LogStartOffset = Offset(r.Int64())
	}
	if s.version >= 8 {
		for n := r.arrayLen(flexible, 4+1+1); n > 0 && r.err == 0; n-- {
			e := RecordErrorView{Index: r.Int32(), Message: r.nullableStr(flexible)}
			r.tags(flexible)
			if collect {
				p.RecordErrors = append(p.RecordErrors, e)
			}
		}
		p.Message = r.nullableStr(flexible)
	}
	if flexible {
		s.partitionTags(p)
	}
	return r.err == 0
}

func (s *ProduceResponse) partitionTags(p *ProducedPartition) {
	r := &s.walk.r
	for n := r.TagCount(); n > 0 && r.err == 0; n-- {
		tag, body := r.Tag()
		if r.err != 0 || tag != 0 {
			continue
		}
		if s.version < 10 {
			r.Fail(ErrTag)
		} else if e := parseLeaderTag(body, &p.Leader); e != 0 {
			r.Fail(e)
		}
	}
}

// Nodes appends the endpoints of the leaders that the response hints at. The strings are copies.
func (s *ProduceResponse) Nodes(dst []NodeEndpoint) []NodeEndpoint {
	return appendNodesOf(dst, s.nodes)
}
