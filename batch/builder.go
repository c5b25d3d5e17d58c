package batch

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"tailrace/batch/codec"
	"tailrace/wire"
)

// Producer names the idempotent or transactional producer of a batch and the batch's place in its sequence.
type Producer struct {
	ID       int64
	Epoch    int16
	Sequence int32 // of the first record; -1 in transaction markers
}

// Options are what a Builder puts into a batch's header beside what the records give. The zero value is an
// uncompressed batch at offset 0 without producer, as a simple client sends it.
type Options struct {
	BaseOffset    wire.Offset
	LeaderEpoch   wire.LeaderEpoch
	Producer      *Producer // nil: none; read at Reset, not kept
	Transactional bool
	Control       bool
	LogAppendTime bool  // all records get AppendTimeMs
	AppendTimeMs  int64 // used with LogAppendTime only
	Codec         codec.ID
	Level         int // of Codec, see codec.CheckLevel
}

var errTooLong = errors.New("a batch cannot hold more than 2 GiB or 2^31-1 records")

// Builder makes record batches. The zero Builder builds uncompressed batches; Reset sets options and begins anew.
// Its buffers are kept from batch to batch.
type Builder struct {
	opts     Options
	producer Producer
	out      []byte // header, then records as they are
	packed   []byte // header, then compressed records
	count    int32
	baseTs   int64
	maxTs    int64
}

// Reset begins a new batch. The View of an earlier Build is no longer valid.
func (b *Builder) Reset(o Options) {
	b.producer = Producer{-1, -1, -1}
	if o.Producer != nil {
		b.producer = *o.Producer
	}
	o.Producer = nil
	b.opts = o
	b.count, b.baseTs, b.maxTs = 0, NoTimestamp, NoTimestamp
	b.out = slices.Grow(emptied(b.out), HeaderSize)[:HeaderSize]
}

// Append adds a record; its offset is the base offset plus the number of records before it. A nil key or value is
// null. The bytes are copied. Base offset and timestamp are those of the first record, as Kafka has it.
func (b *Builder) Append(timestampMs int64, key, value []byte, headers ...Header) {
	if len(b.out) == 0 {
		b.Reset(Options{})
	}
	if b.opts.LogAppendTime {
		timestampMs = b.opts.AppendTimeMs
	}
	if b.count == 0 {
		b.baseTs = timestampMs
	}
	delta := timestampMs - b.baseTs
	size := 1 + varintLen(delta) + varintLen(int64(b.count)) + nullableLen(key) + nullableLen(value) +
		varintLen(int64(len(headers)))
	for _, h := range headers {
		size += varintLen(int64(len(h.Key))) + len(h.Key) + nullableLen(h.Value)
	}
	out := wire.AppendVarint(b.out, int32(size))
	out = append(out, 0) // attributes: none are defined
	out = wire.AppendVarlong(out, delta)
	out = wire.AppendVarint(out, b.count)
	out = appendNullable(out, key)
	out = appendNullable(out, value)
	out = wire.AppendVarint(out, int32(len(headers)))
	for _, h := range headers {
		out = wire.AppendVarint(out, int32(len(h.Key)))
		out = append(out, h.Key...)
		out = appendNullable(out, h.Value)
	}
	b.out = out
	b.count++
	b.maxTs = max(b.maxTs, timestampMs)
}

// Count is the number of records so far.
func (b *Builder) Count() int { return int(b.count) }

// Size is the length in bytes that the batch has so far, before compression.
func (b *Builder) Size() int { return max(len(b.out), HeaderSize) }

// Build completes the batch. The View is valid until the next Reset or Append; the Builder may not be appended to
// before it is reset. A batch without records is an error.
func (b *Builder) Build() (View, error) {
	if b.count <= 0 {
		return nil, fmt.Errorf("a batch needs at least one record and no more than 2^31-1, this one has %d", b.count)
	}
	v := b.out
	if b.opts.Codec != codec.None {
		packed := slices.Grow(emptied(b.packed), HeaderSize)[:HeaderSize]
		packed, err := codec.Compress(packed, b.out[HeaderSize:], b.opts.Codec, b.opts.Level)
		if err != nil {
			return nil, err
		}
		b.packed, v = packed, packed
	}
	if len(v)-Prefix > math.MaxInt32 {
		return nil, errTooLong
	}
	b.putHeader(v)
	return v, nil
}

// putHeader fills in all fields of the header, the CRC last.
func (b *Builder) putHeader(v View) {
	attributes := byte(b.opts.Codec)
	if b.opts.LogAppendTime {
		attributes |= attrLogAppendTime
	}
	if b.opts.Transactional {
		attributes |= attrTransactional
	}
	if b.opts.Control {
		attributes |= attrControl
	}
	h := wire.AppendInt64(v[:0], int64(b.opts.BaseOffset))
	h = wire.AppendInt32(h, int32(len(v)-Prefix))
	h = wire.AppendInt32(h, int32(b.opts.LeaderEpoch))
	h = append(h, magic2, 0, 0, 0, 0, 0, attributes) // four bytes of CRC, then the attributes
	h = wire.AppendInt32(h, b.count-1)
	h = wire.AppendInt64(h, b.baseTs)
	h = wire.AppendInt64(h, b.maxTs)
	h = wire.AppendInt64(h, b.producer.ID)
	h = wire.AppendInt16(h, b.producer.Epoch)
	h = wire.AppendInt32(h, b.producer.Sequence)
	wire.AppendInt32(h, b.count)
	v.seal()
}

// varintLen is the length of v as a zigzag varint.
func varintLen(v int64) int {
	n := 1
	for u := uint64(v)<<1 ^ uint64(v>>63); u >= 0x80; u >>= 7 {
		n++
	}
	return n
}

// nullableLen is what appendNullable appends.
func nullableLen(p []byte) int {
	if p == nil {
		return 1
	}
	return varintLen(int64(len(p))) + len(p)
}

func appendNullable(b, p []byte) []byte {
	if p == nil {
		return wire.AppendVarint(b, -1)
	}
	return append(wire.AppendVarint(b, int32(len(p))), p...)
}
