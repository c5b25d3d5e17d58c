package group

import (
	"fmt"

	"tailrace/broker/effect"
	"tailrace/wire"
)

// The records of __consumer_offsets that this room reads and writes, big-endian. A key begins with its type, a value
// with its version; a null value is a tombstone. Strings have an int16 length in front and byte strings an int32; "?"
// may be null (-1). Source: group-coordinator/src/main/resources/common/message.
//
//	key    0, 1  i16 type | group | topic | partition i32                             an offset (0: before Kafka 0.9)
//	       2     i16 type | group                                                     a classic group
//
//	value  of 0 and 1, versions 0 to 4; strings and tags are compact in 4:
//	       i16 version | offset i64 | leaderEpoch i32 (3, 4) | metadata | commitMs i64 | expireMs i64 (1)
//	       | tags (4): 0 = topic id, 16 bytes
//
//	value  of 2, versions 0 to 4; strings, byte strings and arrays are compact and have tags in 4:
//	       i16 version | protocolType | generation i32 | protocol? | leader? | stateMs i64 (2+)
//	       | [ memberId | instanceId? (3+) | clientId | clientHost | rebalanceMs i32 (1+) | sessionMs i32
//	         | subscription bytes | assignment bytes ]
//
// Written are offset values of version 4, or 1 with an explicit expiry, and group values of version 3. They are what
// Kafka 4.1 and later write, 4.3.1 included. (Version 3 of the offset would be readable by tools of before 3.5 as well,
// but has no room for the topic id, by which a commit for a topic of the same name made anew is told apart.)
const (
	typeOffsetOld = 0
	typeOffset    = 1
	typeGroup     = 2

	offsetVersion       = 4
	offsetVersionExpire = 1
	groupVersion        = 3
	maxValueVersion     = 4
)

// UnknownRecordError is a record of a kind, or of a version, that this build does not know: of a newer Kafka, or of the
// group protocols that are not served yet (KIP-848, share and streams groups). It stays in the log for who knows it.
type UnknownRecordError struct{ Type, Version int16 }

func (e *UnknownRecordError) Error() string {
	return fmt.Sprintf("a group record of type %d, version %d is not known here; it was skipped", e.Type, e.Version)
}

// BadRecordError is a record whose bytes do not hold what its type says.
type BadRecordError struct {
	Type   int16
	Reason string
}

func (e *BadRecordError) Error() string {
	return fmt.Sprintf("a group record of type %d cannot be read (%s); it was skipped", e.Type, e.Reason)
}

// key is a record's key taken apart; topic and partition are those of an offset.
type key struct {
	kind      int16
	group     string
	topic     string
	partition int32
}

func parseKey(b []byte) (k key, err error) {
	var r wire.Reader
	r.Reset(b)
	k.kind = r.Int16()
	if r.Err() != nil {
		return k, &BadRecordError{-1, r.Err().Error()}
	}
	switch k.kind {
	case typeOffsetOld, typeOffset:
		k.group, k.topic, k.partition = string(r.String()), string(r.String()), r.Int32()
	case typeGroup:
		k.group = string(r.String())
	default:
		return k, &UnknownRecordError{Type: k.kind}
	}
	if r.Err() != nil {
		return k, &BadRecordError{k.kind, r.Err().Error()}
	}
	return k, nil
}

// valueVersion takes the version off a value and checks it.
func valueVersion(r *wire.Reader, kind int16) (int16, error) {
	version := r.Int16()
	if r.Err() != nil {
		return 0, &BadRecordError{kind, r.Err().Error()}
	}
	if version < 0 || version > maxValueVersion {
		return 0, &UnknownRecordError{kind, version}
	}
	return version, nil
}

func offsetKey(group, topic string, partition int32) []byte {
	b := make([]byte, 0, 2+2+len(group)+2+len(topic)+4)
	b = wire.AppendInt16(b, typeOffset)
	b = wire.AppendString(b, group)
	b = wire.AppendString(b, topic)
	return wire.AppendInt32(b, partition)
}

func groupKey(group string) []byte {
	b := make([]byte, 0, 2+2+len(group))
	return wire.AppendString(wire.AppendInt16(b, typeGroup), group)
}

func groupTombstone(group string) effect.Record { return effect.Record{Key: groupKey(group)} }

func offsetTombstone(group, topic string, partition int32) effect.Record {
	return effect.Record{Key: offsetKey(group, topic, partition)}
}
