package quorum

import (
	"encoding/binary"
	"hash/crc32"

	"tailrace/batch"
	"tailrace/broker/metadata"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// Control records of the metadata log (ControlRecordType.java): the key is int16 version 0 and int16 type.
const (
	controlLeaderChange   = 2
	controlSnapshotHeader = 3
	controlSnapshotFooter = 4
)

const attrControl = 0x20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batchWriter makes one record batch at the end of buf: begin, add…, finish. Metadata records have no key; control
// records have one. All records carry the batch's time.
type batchWriter struct {
	buf   []byte
	at    int // where the batch begins
	count int32
}

// begin writes a header whose length, counts and CRC are filled in by finish.
func (w *batchWriter) begin(base wire.Offset, epoch wire.LeaderEpoch, nowMs int64, control bool) {
	w.at, w.count = len(w.buf), 0
	b := wire.AppendInt64(w.buf, int64(base))
	b = wire.AppendInt32(b, 0) // length
	b = wire.AppendInt32(b, int32(epoch))
	b = wire.AppendInt8(b, 2)  // magic
	b = wire.AppendInt32(b, 0) // CRC
	attributes := int16(0)
	if control {
		attributes = attrControl
	}
	b = wire.AppendInt16(b, attributes)
	b = wire.AppendInt32(b, 0) // last offset delta
	b = wire.AppendInt64(b, nowMs)
	b = wire.AppendInt64(b, nowMs)
	b = wire.AppendInt64(b, -1) // no producer: id, epoch, base sequence
	b = wire.AppendInt16(b, -1)
	b = wire.AppendInt32(b, -1)
	w.buf = wire.AppendInt32(b, 0) // count
}

// add appends a record. A nil key is null.
func (w *batchWriter) add(key, value []byte) {
	size := 1 + 1 + varintLen(w.count) + varintLen(int32(len(value))) + len(value) + 1
	if key == nil {
		size++
	} else {
		size += varintLen(int32(len(key))) + len(key)
	}
	b := wire.AppendVarint(w.buf, int32(size))
	b = append(b, 0, 0) // attributes, timestamp delta
	b = wire.AppendVarint(b, w.count)
	if key == nil {
		b = wire.AppendVarint(b, -1)
	} else {
		b = append(wire.AppendVarint(b, int32(len(key))), key...)
	}
	b = append(wire.AppendVarint(b, int32(len(value))), value...)
	w.buf = append(b, 0) // headers
	w.count++
}

func varintLen(v int32) int { return wire.UvarintLen(uint32(v)<<1 ^ uint32(v>>31)) }

func (w *batchWriter) finish() {
	b := w.buf[w.at:]
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-batch.Prefix))
	binary.BigEndian.PutUint32(b[23:], uint32(w.count-1))
	binary.BigEndian.PutUint32(b[57:], uint32(w.count))
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
}

// size returns the bytes of the batch so far.
func (w *batchWriter) size() int { return len(w.buf) - w.at }

// control appends a whole batch with one control record.
func (w *batchWriter) control(base wire.Offset, epoch wire.LeaderEpoch, nowMs int64, kind int16, value []byte) {
	w.begin(base, epoch, nowMs, true)
	w.add(wire.AppendInt16(wire.AppendInt16(nil, 0), kind), value)
	w.finish()
}

// leaderChange is the value that opens a term: LeaderChangeMessage version 0 with one voter, who voted for himself.
func leaderChange(node int32) []byte {
	b := wire.AppendInt16(nil, 0)
	b = wire.AppendInt32(b, node)
	for range 2 { // voters, granting voters
		b = wire.AppendCompactArrayLen(b, 1)
		b = wire.AppendInt32(b, node)
		b = wire.AppendTags0(b)
	}
	return wire.AppendTags0(b)
}

// wholeBatch takes the batch at the start of b if it is intact: bounds, magic, CRC, counts.
func wholeBatch(b []byte) (batch.View, bool) {
	v, _, code := batch.Next(b)
	if code != errcode.None || v.CRC() != v.ComputeCRC() {
		return nil, false
	}
	return v, v.Count() > 0 && int64(v.LastOffsetDelta()) == int64(v.Count())-1 && v.Codec() == 0
}

// laterBatch finds an intact batch with an offset above next behind position from: proof that what is damaged at from
// was synced once, because a batch is only written when the one before it is on disk.
func laterBatch(b []byte, from int, next wire.Offset) (at int, found bool) {
	for q := from + 1; q+batch.HeaderSize <= len(b); q++ {
		if b[q+16] != 2 || b[q] != 0 { // magic; offsets stay below 2^56
			continue
		}
		if base := wire.Offset(binary.BigEndian.Uint64(b[q:])); base <= next {
			continue
		}
		if _, ok := wholeBatch(b[q:]); ok {
			return q, true
		}
	}
	return 0, false
}

// eachRecord calls fn with key and value of every record of an intact batch; a nil key is null. It returns a reason
// when the records do not fill the batch as the header says.
func eachRecord(v batch.View, fn func(offset wire.Offset, key, value []byte) error) (reason string, err error) {
	var all, r wire.Reader
	all.Reset(v.Records())
	for i := range v.Count() {
		r.Reset(all.Raw(int(all.Varint())))
		r.Int8()
		r.Varlong()
		r.Varint()
		key, value := lengthed(&r), lengthed(&r)
		if headers := r.Varint(); headers != 0 || r.Finish() != nil || all.Err() != nil {
			return "a record does not fit its batch", nil
		}
		if err := fn(v.BaseOffset()+wire.Offset(i), key, value); err != nil {
			return "", err
		}
	}
	if all.Finish() != nil {
		return "bytes are left over behind the last record", nil
	}
	return "", nil
}

func lengthed(r *wire.Reader) []byte {
	n := r.Varint()
	if n < 0 {
		return nil
	}
	return r.Raw(int(n))
}

// controlType returns the type in the key of a control record, -1 for a key that is none.
func controlType(key []byte) int16 {
	var r wire.Reader
	r.Reset(key)
	r.Int16()
	kind := r.Int16()
	if r.Finish() != nil {
		return -1
	}
	return kind
}

// applyBatch adds the records of an intact batch to a change. Control records only move the offset.
func applyBatch(c *metadata.Change, v batch.View) (reason string, err error) {
	return eachRecord(v, func(offset wire.Offset, _, value []byte) error {
		if v.IsControl() {
			c.Advance(offset, v.LeaderEpoch())
			return nil
		}
		r, err := metadata.DecodeRecord(value)
		if err != nil {
			return err
		}
		return c.Apply(offset, v.LeaderEpoch(), r)
	})
}
