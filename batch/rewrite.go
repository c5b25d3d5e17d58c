package batch

import (
	"fmt"
	"slices"

	"tailrace/batch/codec"
	"tailrace/wire/errcode"
)

// target returns the codec and level in which b is to be stored. Control batches stay as they were written.
func (r *Rules) target(b View) (codec.ID, int) {
	if r.Compression.Producer || b.IsControl() {
		return b.Codec(), codec.DefaultLevel(b.Codec())
	}
	return r.Compression.ID, r.Compression.Level
}

// mustRewrite reports whether b cannot be stored as it came: because the topic wants another codec, or because offset
// deltas do not run 0, 1, 2, ..., which no consumer should have to see. A different level is no reason.
func (v *Validator) mustRewrite(b View, r *Rules) bool {
	id, _ := r.target(b)
	return id != b.Codec() || v.scan.moved && !b.IsControl()
}

// rewrite makes a new batch of b's records, given inflated, in the Validator's scratch.
func (v *Validator) rewrite(b View, records []byte, r *Rules) (View, errcode.Code, string) {
	id, level := r.target(b)
	var out View
	var err error
	switch {
	case v.scan.moved:
		out, err = v.rebuild(b, records, id, level)
	case id == codec.None && r.MaxMessageBytes != 0 && HeaderSize+len(records) > r.MaxMessageBytes:
		return nil, errcode.MessageTooLarge, tooLargeInstead(HeaderSize+len(records), id, r)
	default:
		out, err = v.recompress(b, records, id, level)
	}
	if err != nil { // the topic's level is wrong, or 2 GiB were exceeded: never the fault of the client's bytes
		return nil, errcode.UnknownServerError, "the batch could not be compressed: " + err.Error()
	}
	if r.MaxMessageBytes != 0 && len(out) > r.MaxMessageBytes {
		return nil, errcode.MessageTooLarge, tooLargeInstead(len(out), id, r)
	}
	return out, errcode.None, ""
}

func tooLargeInstead(n int, id codec.ID, r *Rules) string {
	return fmt.Sprintf("rewritten with compression %s (compression.type) the batch has %d bytes, max.message.bytes "+
		"allows %d", id, n, r.MaxMessageBytes)
}

// recompress keeps header and records and changes the codec alone. Kafka writes every record anew here; the bytes
// would come out the same but for the base timestamp.
func (v *Validator) recompress(b View, records []byte, id codec.ID, level int) (View, error) {
	packed := append(slices.Grow(emptied(v.packed), HeaderSize), b[:HeaderSize]...)
	packed, err := codec.Compress(packed, records, id, level)
	if err != nil {
		return nil, err
	}
	v.packed = packed
	out := View(packed)
	out.putInt32(atLength, int32(len(out)-Prefix))
	out[atAttributes+1] = out[atAttributes+1]&^attrCodec | byte(id)
	out.seal()
	return out, nil
}

// rebuild writes each record anew, so that its offset delta is its index.
func (v *Validator) rebuild(b View, records []byte, id codec.ID, level int) (View, error) {
	v.builder.Reset(Options{
		BaseOffset:    b.BaseOffset(),
		LeaderEpoch:   b.LeaderEpoch(),
		Producer:      &Producer{ID: b.ProducerID(), Epoch: b.ProducerEpoch(), Sequence: b.BaseSequence()},
		Transactional: b.IsTransactional(),
		Codec:         id,
		Level:         level,
	})
	v.walker.over(b, records)
	var r Record
	for v.walker.Next(&r) {
		v.builder.Append(r.TimestampMs, r.Key, r.Value, r.Headers...)
	}
	if err := v.walker.Err(); err != nil {
		return nil, err
	}
	return v.builder.Build()
}
