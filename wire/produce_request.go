package wire

// Versions of Produce that exist since Kafka 4.0. Version 9 is the first flexible one, version 13 names topics by id
// (KIP-516). A broker advertises version 0 all the same, because librdkafka switches compression off otherwise
// (KAFKA-18659).
const (
	MinProduce = 3
	MaxProduce = 13

	produceFlexible = 9
	produceTopicIDs = 13
)

// ProduceHead is what stands before the topics of a Produce request.
type ProduceHead struct {
	TransactionalID []byte // nil is null: the producer is not transactional
	Acks            int16
	TimeoutMs       int32
}

// ProduceTopic begins a topic of a Produce request. Up to version 12 it has a name, from then on an id.
type ProduceTopic struct {
	Name       []byte
	ID         TopicID
	Partitions int // how many follow
}

// ProducePartition is what one partition is to append.
type ProducePartition struct {
	Index   int32
	Records []byte // record batches, aliasing the frame; nil is null
}

// ProduceRequest walks the body of a Produce request in place. Parse checks all of it; the walk, which may be
// repeated after Rewind, then cannot fail. What it hands out aliases the body.
type ProduceRequest struct {
	ProduceHead
	Topics     int // number of topics
	Partitions int // number of partitions of all topics together

	version int16
	walk    topicWalk
}

// Parse checks body, the whole of a Produce request of that version behind its header, and goes to its first topic.
// Its errors are of type Error.
func (q *ProduceRequest) Parse(version int16, body []byte) error {
	*q = ProduceRequest{version: version}
	if version < MinProduce || version > MaxProduce {
		return ErrVersion
	}
	flexible := version >= produceFlexible
	r := &q.walk.r
	r.Reset(body)
	q.TransactionalID = r.nullableStr(flexible)
	q.Acks = r.Int16()
	q.TimeoutMs = r.Int32()
	q.Topics = r.arrayLen(flexible, topicMin(flexible, version >= produceTopicIDs))
	q.walk.begin(q.Topics, flexible)
	var (
		t ProduceTopic
		p ProducePartition
	)
	for q.NextTopic(&t) {
		for q.NextPartition(&p) {
			q.Partitions++
		}
	}
	r.tags(flexible)
	err := r.Finish()
	q.walk.rewind()
	return err
}

// Rewind goes back to the first topic.
func (q *ProduceRequest) Rewind() { q.walk.rewind() }

// NextTopic goes to the next topic, over partitions of the current one that were not read.
func (q *ProduceRequest) NextTopic(t *ProduceTopic) (ok bool) {
	var p ProducePartition
	for q.NextPartition(&p) {
	}
	if !q.walk.nextTopic() {
		return false
	}
	minPart := 4 + 4
	if q.walk.flexible {
		minPart = 4 + 1 + 1
	}
	t.Name, t.ID, t.Partitions, ok = q.walk.topic(q.version >= produceTopicIDs, minPart)
	return ok
}

// NextPartition goes to the next partition of the current topic.
func (q *ProduceRequest) NextPartition(p *ProducePartition) bool {
	if !q.walk.nextPart() {
		return false
	}
	r := &q.walk.r
	p.Index = r.Int32()
	p.Records = r.nullableBytes(q.walk.flexible)
	r.tags(q.walk.flexible)
	return r.err == 0
}

// ProduceData is one topic of a request that is to be written.
type ProduceData struct {
	Name       string  // up to version 12
	ID         TopicID // from version 13
	Partitions []ProducePartition
}

// AppendProduceRequest appends the body of a Produce request; version must be one that Parse takes.
func AppendProduceRequest(b []byte, version int16, h *ProduceHead, topics []ProduceData) []byte {
	flexible := version >= produceFlexible
	b = appendNullableStr(b, flexible, h.TransactionalID)
	b = AppendInt16(b, h.Acks)
	b = AppendInt32(b, h.TimeoutMs)
	b = appendArrayLen(b, flexible, len(topics))
	for i := range topics {
		t := &topics[i]
		b = appendTopic(b, flexible, version >= produceTopicIDs, t.Name, t.ID, len(t.Partitions))
		for j := range t.Partitions {
			b = AppendInt32(b, t.Partitions[j].Index)
			b = appendNullableBytes(b, flexible, t.Partitions[j].Records)
			b = appendTags0(b, flexible)
		}
		b = appendTags0(b, flexible)
	}
	return appendTags0(b, flexible)
}
