package batch

import (
	"encoding/binary"
	"math"
	"slices"

	"tailrace/batch/codec"
	"tailrace/wire"
)

// Thinner makes the batches that compaction leaves: the same batch with fewer records. What a batch says of its
// producer, its epoch and its offsets stays, so that idempotence and the search for offsets go on as before (filterTo
// of Kafka's MemoryRecords). The zero Thinner is ready; it keeps its scratch from batch to batch and belongs to one
// goroutine at a time.
type Thinner struct {
	walker  Walker
	record  Record
	kept    [][2]int // where the kept records lie, in the records as they are without compression
	records []byte   // the kept records
	out     []byte
}

// Thinning says what is to be left of a batch.
type Thinning struct {
	// Keep decides on each record, in order. What it is given is valid during the call.
	Keep func(r *Record) bool
	// HorizonMs is the delete horizon (KIP-534) for a batch that has none yet and keeps a tombstone, or of which Marker
	// is set: the time in milliseconds from which on a cleaning may drop that.
	HorizonMs int64
	// Marker says that the batch is the marker of a transaction that has no records left.
	Marker bool
	// MaxInflated bounds the inflated records in bytes; 0 is DefaultMaxInflated.
	MaxInflated int
}

// Thin returns v with the records that are kept: v itself when that is all of it, nil when no record is. A new batch is
// valid until the next call. Compressed batches stay in their codec. Errors are those of Walker; codec's if the records
// cannot be compressed again.
//
// Records are copied as they are: base offset and base timestamp stay the same. Kafka takes the time of the first
// record left for the latter. Only with a new horizon, which lies in that field, are the timestamps written anew.
func (t *Thinner) Thin(v View, o *Thinning) (View, error) {
	tombstones, maxTs, err := t.choose(v, o)
	if err != nil || len(t.kept) == 0 {
		return nil, err
	}
	_, has := v.DeleteHorizon()
	horizon := !has && (tombstones || o.Marker)
	if len(t.kept) == v.Count() && !horizon {
		return v, nil
	}
	t.copyKept(v, horizon, o.HorizonMs)
	t.out = append(slices.Grow(emptied(t.out), HeaderSize+len(t.records)/2), v[:HeaderSize]...)
	if t.out, err = codec.Compress(t.out, t.records, v.Codec(), codec.DefaultLevel(v.Codec())); err != nil {
		return nil, err
	}
	if len(t.out)-Prefix > math.MaxInt32 {
		return nil, errTooLong
	}
	out := View(t.out)
	out.putInt32(atLength, int32(len(out)-Prefix))
	out.putInt32(atCount, int32(len(t.kept)))
	if v.TimestampType() == CreateTime {
		out.putInt64(atMaxTimestamp, maxTs)
	}
	if horizon {
		out[atAttributes+1] |= attrDeleteHorizon
		out.putInt64(atBaseTimestamp, o.HorizonMs)
	}
	out.seal()
	return out, nil
}

// choose notes the records to be kept, whether there is a tombstone among them, and their largest timestamp.
func (t *Thinner) choose(v View, o *Thinning) (tombstones bool, maxTs int64, err error) {
	t.kept, maxTs = t.kept[:0], NoTimestamp
	w := &t.walker
	w.Reset(v, o.MaxInflated)
	all := len(w.rest)
	for {
		from := all - len(w.rest)
		if !w.Next(&t.record) {
			return tombstones, maxTs, w.Err()
		}
		if !o.Keep(&t.record) {
			continue
		}
		t.kept = append(t.kept, [2]int{from, all - len(w.rest)})
		tombstones = tombstones || t.record.Value == nil
		maxTs = max(maxTs, t.record.TimestampMs)
	}
}

// copyKept gathers the kept records; with rebase their timestamps become relative to base.
func (t *Thinner) copyKept(v View, rebase bool, base int64) {
	source := v.Records()
	if v.Codec() != codec.None {
		source = t.walker.scratch
	}
	t.records = emptied(t.records)
	for _, at := range t.kept {
		raw := source[at[0]:at[1]]
		if !rebase {
			t.records = append(t.records, raw...)
			continue
		}
		var in wire.Reader
		in.Reset(raw)
		in.Varint()
		attributes := in.Int8()
		delta := v.BaseTimestamp() + in.Varlong() - base
		rest := in.Raw(in.Remaining())
		t.records = wire.AppendVarint(t.records, int32(1+varintLen(delta)+len(rest)))
		t.records = append(t.records, byte(attributes))
		t.records = wire.AppendVarlong(t.records, delta)
		t.records = append(t.records, rest...)
	}
}

// AppendEmpty appends a batch without records that stands for v: it keeps the offsets, and what is to be known of the
// producer, after all records have gone (writeEmptyHeader of Kafka's DefaultRecordBatch).
func AppendEmpty(dst []byte, v View) []byte {
	at := len(dst)
	dst = append(dst, v[:HeaderSize]...)
	out := View(dst[at:])
	out.putInt32(atLength, HeaderSize-Prefix)
	kept := uint16(attrLogAppendTime | attrTransactional | attrControl)
	binary.BigEndian.PutUint16(out[atAttributes:], uint16(v.Attributes())&kept)
	out.putInt64(atBaseTimestamp, NoTimestamp)
	out.putInt32(atCount, 0)
	out.seal()
	return dst
}
