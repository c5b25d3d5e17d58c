package wire

import "tailrace/wire/errcode"

// AbortedTxn tells a consumer that reads committed records which ones to drop: those of the producer from FirstOffset
// to its next abort marker. A list of them is sorted by FirstOffset, because clients rely on it.
type AbortedTxn struct {
	ProducerID  int64
	FirstOffset Offset
}

// EpochEnd is a leader epoch and the offset behind its last record. Both -1 mean "none".
type EpochEnd struct {
	Epoch     LeaderEpoch
	EndOffset Offset
}

// NoEpochEnd is the EpochEnd that says nothing.
var NoEpochEnd = EpochEnd{Epoch: NoLeaderEpoch, EndOffset: -1}

// FetchResult is the answer for one partition of a Fetch request, without its records, which never pass through this
// package. Kafka sends -1 for offsets that are not known and for PreferredReplica when there is none.
type FetchResult struct {
	Index            int32
	Code             errcode.Code
	HighWatermark    Offset
	LastStableOffset Offset
	LogStartOffset   Offset       // from version 5
	Aborted          []AbortedTxn // nil is null (read uncommitted); empty means none were aborted
	PreferredReplica int32        // from version 11 (KIP-392)
	RecordsLen       int          // bytes of records that follow; 0 for none, -1 is null

	// Tagged fields, from version 12; nil is not sent.
	Diverging *EpochEnd   // tag 0 (KIP-595)
	Leader    *LeaderHint // tag 1
	Snapshot  *EpochEnd   // tag 2: the snapshot to fetch instead
}

// FetchWriter appends the body of a Fetch response in pieces, between which the caller puts the records:
//
//	Begin { Topic { Partition, RecordsLen bytes, AfterRecords } EndTopic } End
//
// The counts announced by Begin and Topic must be those of the calls that follow. Nothing in the bytes aliases what
// was passed.
type FetchWriter struct {
	version  int16
	flexible bool
}

// Begin starts a response of that version, which must be one that FetchRequest.Parse takes. The error code and the
// session id are sent from version 7.
func (w *FetchWriter) Begin(
	b []byte, version int16, throttleMs int32, code errcode.Code, sessionID int32, topics int,
) []byte {
	w.version, w.flexible = version, version >= fetchFlexible
	b = AppendInt32(b, throttleMs)
	if version >= 7 {
		b = AppendInt16(b, int16(code))
		b = AppendInt32(b, sessionID)
	}
	return appendArrayLen(b, w.flexible, topics)
}

// Topic starts a topic, by its name up to version 12 and by its id from then on.
func (w *FetchWriter) Topic(b, name []byte, id TopicID, partitions int) []byte {
	return appendTopic(b, w.flexible, w.version >= fetchTopicIDs, name, id, partitions)
}

// TopicNamed is Topic for a name at hand as a string, as a fetch session holds it.
func (w *FetchWriter) TopicNamed(b []byte, name string, id TopicID, partitions int) []byte {
	return appendTopic(b, w.flexible, w.version >= fetchTopicIDs, name, id, partitions)
}

// Partition appends one partition's result up to and including the length of its records.
func (w *FetchWriter) Partition(b []byte, p *FetchResult) []byte {
	b = AppendInt32(b, p.Index)
	b = AppendInt16(b, int16(p.Code))
	b = AppendInt64(b, int64(p.HighWatermark))
	b = AppendInt64(b, int64(p.LastStableOffset))
	if w.version >= 5 {
		b = AppendInt64(b, int64(p.LogStartOffset))
	}
	if p.Aborted == nil {
		b = appendArrayLen(b, w.flexible, -1)
	} else {
		b = appendArrayLen(b, w.flexible, len(p.Aborted))
	}
	for i := range p.Aborted {
		b = AppendInt64(b, p.Aborted[i].ProducerID)
		b = AppendInt64(b, int64(p.Aborted[i].FirstOffset))
		b = appendTags0(b, w.flexible)
	}
	if w.version >= 11 {
		b = AppendInt32(b, p.PreferredReplica)
	}
	return appendArrayLen(b, w.flexible, p.RecordsLen) // records have the same length field as an array
}

// AfterRecords appends what follows the records of the partition p.
func (w *FetchWriter) AfterRecords(b []byte, p *FetchResult) []byte {
	if !w.flexible {
		return b
	}
	diverging := p.Diverging != nil && *p.Diverging != NoEpochEnd
	leader := p.Leader != nil && *p.Leader != NoLeaderHint
	snapshot := p.Snapshot != nil && *p.Snapshot != NoEpochEnd
	b = AppendUvarint(b, count(diverging)+count(leader)+count(snapshot))
	if diverging {
		b = appendTag(b, 0, epochEndTagSize)
		b = AppendInt32(b, int32(p.Diverging.Epoch))
		b = AppendInt64(b, int64(p.Diverging.EndOffset))
		b = AppendTags0(b)
	}
	if leader {
		b = appendLeaderTag(b, 1, p.Leader)
	}
	if snapshot {
		// The same two fields as in tag 0, the other way round.
		b = appendTag(b, 2, epochEndTagSize)
		b = AppendInt64(b, int64(p.Snapshot.EndOffset))
		b = AppendInt32(b, int32(p.Snapshot.Epoch))
		b = AppendTags0(b)
	}
	return b
}

// epochEndTagSize is the size of an EpochEnd inside its tag: int32, int64 and an empty tag section.
const epochEndTagSize = 13

// EndTopic ends the topic.
func (w *FetchWriter) EndTopic(b []byte) []byte { return appendTags0(b, w.flexible) }

// End ends the response. The endpoints of the leaders that were hinted at are sent from version 16.
func (w *FetchWriter) End(b []byte, nodes []NodeEndpoint) []byte {
	if w.version >= 16 {
		return appendNodes(b, nodes)
	}
	return appendTags0(b, w.flexible)
}
