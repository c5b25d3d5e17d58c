package batch

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"tailrace/batch/codec"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// Where the fields of a batch header lie (DefaultRecordBatch of Kafka 4.4). All are big-endian.
const (
	atBaseOffset    = 0
	atLength        = 8 // int32, bytes behind this field
	atLeaderEpoch   = 12
	atMagic         = 16
	atCRC           = 17
	atAttributes    = 21 // the CRC covers everything from here on
	atLastDelta     = 23
	atBaseTimestamp = 27
	atMaxTimestamp  = 35
	atProducerID    = 43
	atProducerEpoch = 51
	atBaseSequence  = 53
	atCount         = 57

	// HeaderSize is the length of a batch header in bytes; the records follow it.
	HeaderSize = 61
	// Prefix is the length of base offset and length, which the length field does not count.
	Prefix = 12

	magic2 = 2
	// leastLegacy is the smallest length that Kafka takes for a batch of any format (LegacyRecord, magic 0).
	leastLegacy = 14
)

// The bits of the attributes.
const (
	attrCodec         = 0x07
	attrLogAppendTime = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
	attrDeleteHorizon = 0x40
	attrKnown         = 0x7f
)

// NoTimestamp is the timestamp of a record that has none.
const NoTimestamp int64 = -1

// TimestampType says what the timestamps of a batch mean.
type TimestampType int8

// The two timestamp types.
const (
	CreateTime    TimestampType = 0 // each record's own, set by the producer
	LogAppendTime TimestampType = 1 // the header's max timestamp, set by the broker, for all records
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// View is exactly one record batch, header included, as its bytes stand in a request or a file. All accessors but
// Records and ComputeCRC also work on the 61 bytes of a header alone. A View shorter than a header must not be used;
// Next hands out none.
type View []byte

// Next splits the first batch off b. It checks bounds and magic only: that the header is whole and the announced
// length is there. The view and rest alias b. Otherwise the code is what Kafka answers to such bytes in a Produce
// request: CORRUPT_MESSAGE for an impossible length or magic, INVALID_RECORD where no whole batch of format 2 is left.
func Next(b []byte) (v View, rest []byte, code errcode.Code) {
	if len(b) <= atMagic {
		return nil, b, errcode.InvalidRecord
	}
	n := int(int32(binary.BigEndian.Uint32(b[atLength:])))
	magic := int8(b[atMagic])
	switch {
	case n < leastLegacy || magic < 0 || magic > magic2:
		return nil, b, errcode.CorruptMessage
	case n > len(b)-Prefix || magic != magic2:
		return nil, b, errcode.InvalidRecord
	case n < HeaderSize-Prefix:
		return nil, b, errcode.CorruptMessage
	}
	n += Prefix
	return View(b[:n:n]), b[n:], errcode.None
}

// BaseOffset is the offset of the batch's first record; 0 in a Produce request.
func (v View) BaseOffset() wire.Offset { return wire.Offset(binary.BigEndian.Uint64(v[atBaseOffset:])) }

// Len is the batch's length in bytes as its header gives it, header included.
func (v View) Len() int { return Prefix + int(int32(binary.BigEndian.Uint32(v[atLength:]))) }

// LeaderEpoch is the epoch of the leader that appended the batch.
func (v View) LeaderEpoch() wire.LeaderEpoch {
	return wire.LeaderEpoch(binary.BigEndian.Uint32(v[atLeaderEpoch:]))
}

// Magic is the format of the batch; it is 2.
func (v View) Magic() int8 { return int8(v[atMagic]) }

// CRC is the stored CRC-32C of everything from the attributes on.
func (v View) CRC() uint32 { return binary.BigEndian.Uint32(v[atCRC:]) }

// ComputeCRC computes what CRC should be.
func (v View) ComputeCRC() uint32 { return crc32.Checksum(v[atAttributes:], castagnoli) }

// Attributes are the attribute bits.
func (v View) Attributes() int16 { return int16(binary.BigEndian.Uint16(v[atAttributes:])) }

// Codec is how the records are compressed; the value may name no codec, see codec.ID.Known.
func (v View) Codec() codec.ID { return codec.ID(v[atAttributes+1] & attrCodec) }

// TimestampType says whether the records carry their own timestamps.
func (v View) TimestampType() TimestampType {
	return TimestampType(v[atAttributes+1] & attrLogAppendTime / attrLogAppendTime)
}

// IsTransactional reports whether the batch is part of a transaction.
func (v View) IsTransactional() bool { return v[atAttributes+1]&attrTransactional != 0 }

// IsControl reports whether the batch holds control records, such as transaction markers, that no consumer sees.
func (v View) IsControl() bool { return v[atAttributes+1]&attrControl != 0 }

// DeleteHorizon returns the time in milliseconds after which compaction may drop the batch's tombstones, if the
// batch has one (KIP-534). It stands in the field of the base timestamp.
func (v View) DeleteHorizon() (ms int64, ok bool) {
	return v.BaseTimestamp(), v[atAttributes+1]&attrDeleteHorizon != 0
}

// LastOffsetDelta is the last record's offset relative to the base offset.
func (v View) LastOffsetDelta() int32 { return v.int32(atLastDelta) }

// LastOffset is the offset of the batch's last record. Compaction may have removed the record; the offset stays.
func (v View) LastOffset() wire.Offset { return v.BaseOffset() + wire.Offset(v.LastOffsetDelta()) }

// BaseTimestamp is the time in milliseconds to which the records' timestamps are relative.
func (v View) BaseTimestamp() int64 { return v.int64(atBaseTimestamp) }

// MaxTimestamp is the largest timestamp of the batch in milliseconds; NoTimestamp if no record has one.
func (v View) MaxTimestamp() int64 { return v.int64(atMaxTimestamp) }

// ProducerID is the id of an idempotent or transactional producer, -1 otherwise.
func (v View) ProducerID() int64 { return v.int64(atProducerID) }

// HasProducerID reports whether the batch comes from an idempotent or transactional producer.
func (v View) HasProducerID() bool { return v.ProducerID() >= 0 }

// ProducerEpoch is the epoch of that producer, -1 without one.
func (v View) ProducerEpoch() int16 { return int16(binary.BigEndian.Uint16(v[atProducerEpoch:])) }

// BaseSequence is the sequence number of the first record, -1 without an idempotent producer and in markers.
func (v View) BaseSequence() int32 { return v.int32(atBaseSequence) }

// LastSequence is the sequence number of the last record, -1 if the batch has none. Sequences wrap from the largest
// int32 to 0.
func (v View) LastSequence() int32 {
	base := v.BaseSequence()
	if base < 0 {
		return base
	}
	return int32((int64(base) + int64(v.LastOffsetDelta())) & math.MaxInt32)
}

// Count is the number of records as the header gives it.
func (v View) Count() int { return int(v.int32(atCount)) }

// Records are the bytes of the records, compressed as they are.
func (v View) Records() []byte { return v[HeaderSize:] }

// SetBaseOffset stamps the offset of the first record. The CRC does not cover it.
func (v View) SetBaseOffset(o wire.Offset) { v.putInt64(atBaseOffset, int64(o)) }

// SetLeaderEpoch stamps the leader's epoch. The CRC does not cover it.
func (v View) SetLeaderEpoch(e wire.LeaderEpoch) { v.putInt32(atLeaderEpoch, int32(e)) }

// SetLogAppendTime gives all records the time ms and computes the CRC anew.
func (v View) SetLogAppendTime(ms int64) { v.setMaxTimestamp(LogAppendTime, ms) }

// setMaxTimestamp stamps timestamp type and max timestamp and, where that changed anything, the CRC. Attribute bits
// without a meaning are cleared on the way, as Kafka clears them.
func (v View) setMaxTimestamp(t TimestampType, ms int64) {
	if v.TimestampType() == t && v.MaxTimestamp() == ms {
		return
	}
	v[atAttributes], v[atAttributes+1] = 0, v[atAttributes+1]&(attrKnown&^attrLogAppendTime)|byte(t)*attrLogAppendTime
	v.putInt64(atMaxTimestamp, ms)
	v.seal()
}

// seal stores the CRC of the bytes as they are now.
func (v View) seal() { v.putInt32(atCRC, int32(v.ComputeCRC())) }

func (v View) int32(at int) int32       { return int32(binary.BigEndian.Uint32(v[at:])) }
func (v View) int64(at int) int64       { return int64(binary.BigEndian.Uint64(v[at:])) }
func (v View) putInt32(at int, x int32) { binary.BigEndian.PutUint32(v[at:], uint32(x)) }
func (v View) putInt64(at int, x int64) { binary.BigEndian.PutUint64(v[at:], uint64(x)) }
