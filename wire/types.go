// Package wire reads and writes the bytes of the Kafka protocol.
//
// It owns the protocol's primitive types, the request and response headers, and hand-written codecs, in both
// directions, of the APIs that run for every batch: ApiVersions, Produce and Fetch. All other APIs are decoded with
// kmsg, behind the structural check of wire/shape. Error codes live in wire/errcode.
//
// What it promises:
//
//   - A parser checks the whole body before it says yes: every length and every count is compared with the bytes
//     left before it is used, and bytes left over at the end are an error. The walk over a parsed body cannot fail.
//   - Nothing is allocated: a parser is a struct that the caller keeps and reuses, what it hands out aliases the
//     frame, and writers append to the caller's buffer. Hand-outs are therefore valid for as long as the frame is.
//   - A parse error is one of a few constant values (Error). A broker answers it as Kafka does, by closing the
//     connection, so the text is for the log.
//   - Null and empty are kept apart where Kafka keeps them apart: a nil slice is null.
//
// A Reader, parser or writer is owned by one goroutine at a time; nothing in this package is shared.
package wire

import (
	"encoding/base64"
	"errors"
)

// Offset is the position of a record in a partition's log, counted in records as Kafka counts them.
type Offset int64

// LeaderEpoch counts the leaders that a partition has had. NoLeaderEpoch says that none is known.
type LeaderEpoch int32

// NoLeaderEpoch is Kafka's "no leader epoch given".
const NoLeaderEpoch LeaderEpoch = -1

// TopicID is the unique id of a topic (KIP-516). The zero value means "no id".
type TopicID [16]byte

// IsZero reports whether id is the zero id, which names no topic.
func (id TopicID) IsZero() bool { return id == TopicID{} }

// String returns the id as Kafka prints it: 22 characters of base64 in the URL alphabet, without padding.
func (id TopicID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

var errTopicID = errors.New("a topic id is 22 characters of URL-safe base64")

// ParseTopicID reads what TopicID.String wrote.
func ParseTopicID(s string) (TopicID, error) {
	var id TopicID
	if len(s) != base64.RawURLEncoding.EncodedLen(len(id)) {
		return TopicID{}, errTopicID
	}
	if _, err := base64.RawURLEncoding.Strict().Decode(id[:], []byte(s)); err != nil {
		return TopicID{}, errTopicID
	}
	return id, nil
}
