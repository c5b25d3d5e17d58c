package metadata

import (
	"fmt"
	"math"

	"tailrace/wire"
)

// A metadata record in the value of a log record (MetadataRecordSerde.java):
//
//	uvarint frame version = 1
//	uvarint type
//	uvarint version
//	fields, flexible encoding, tagged fields at the end
const frameVersion = 1

// FormatError says why bytes are not a metadata record that this build can use.
type FormatError struct {
	Type    Type // -1: not known
	Version int16
	Reason  string
}

// Error implements error.
func (e *FormatError) Error() string {
	if e.Type < 0 {
		return "metadata record: " + e.Reason
	}
	return fmt.Sprintf("metadata record: %v, version %d: %s", e.Type, e.Version, e.Reason)
}

// AppendRecord appends a record with its framing and returns the grown slice.
func AppendRecord(b []byte, r Record) []byte { return appendRecord(b, r, r.latest()) }

func appendRecord(b []byte, r Record, version int16) []byte {
	b = append(b, frameVersion)
	b = wire.AppendUvarint(b, uint32(r.Type()))
	b = wire.AppendUvarint(b, uint32(version))
	return r.append(b, version)
}

// DecodeRecord takes a record out of its framing. It copies what it keeps of b. The error is a *FormatError.
func DecodeRecord(b []byte) (Record, error) {
	key, version, body, err := Peek(b)
	if err != nil {
		return nil, err
	}
	var d decoder
	d.r.Reset(body)
	fail := func(reason string) (Record, error) {
		return nil, &FormatError{Type: key, Version: version, Reason: reason}
	}
	r := newRecord(key)
	if r == nil {
		return fail("this type is not served; the log was written by another or a later broker")
	}
	if version > r.latest() {
		return fail(fmt.Sprintf("versions up to %d are known; the log was written by a later release", r.latest()))
	}
	r.read(&d, version)
	if err := d.r.Finish(); err != nil {
		return fail(err.Error())
	}
	return r, nil
}

// Peek takes the framing off a record without judging its type: for logs that others wrote, which hold records that are
// not served. body aliases b. The error is a *FormatError.
func Peek(b []byte) (t Type, version int16, body []byte, err error) {
	var r wire.Reader
	r.Reset(b)
	frame, key, v := r.Uvarint(), r.Uvarint(), r.Uvarint()
	switch {
	case r.Err() != nil:
		return -1, 0, nil, &FormatError{Type: -1, Reason: r.Err().Error()}
	case frame != frameVersion:
		return -1, 0, nil, &FormatError{Type: -1,
			Reason: fmt.Sprintf("frame version %d where only %d is known", frame, frameVersion)}
	case key > math.MaxInt16 || v > math.MaxInt16:
		return -1, 0, nil, &FormatError{Type: -1, Reason: "type or version is no int16"}
	}
	return Type(key), int16(v), r.Rest(), nil
}

// decoder reads what records are made of. Its error is sticky, as that of wire.Reader; slices are fresh.
type decoder struct{ r wire.Reader }

func (d *decoder) str() string { return string(d.r.CompactString()) }

func (d *decoder) optStr() *string {
	b := d.r.CompactNullableString()
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}

func (d *decoder) ints() []int32 { return d.intList(d.r.CompactArrayLen(4)) }

// optInts is nil for null and not nil for an empty list.
func (d *decoder) optInts() []int32 { return d.intList(d.r.CompactNullableArrayLen(4)) }

func (d *decoder) intList(n int) []int32 {
	if n < 0 || d.r.Err() != nil {
		return nil
	}
	list := make([]int32, n)
	for i := range list {
		list[i] = d.r.Int32()
	}
	return list
}

func (d *decoder) uuids() []UUID { return d.uuidList(d.r.CompactArrayLen(16)) }

// optUUIDs is nil for null and not nil for an empty list.
func (d *decoder) optUUIDs() []UUID { return d.uuidList(d.r.CompactNullableArrayLen(16)) }

func (d *decoder) uuidList(n int) []UUID {
	if n < 0 || d.r.Err() != nil {
		return nil
	}
	list := make([]UUID, n)
	for i := range list {
		list[i] = d.r.UUID()
	}
	return list
}

// tags reads the tagged fields. read takes the fields it knows and leaves the others; a field must be used up.
func (d *decoder) tags(read func(tag uint32, d *decoder)) {
	for n := d.r.TagCount(); n > 0 && d.r.Err() == nil; n-- {
		tag, body := d.r.Tag()
		var field decoder
		field.r.Reset(body)
		read(tag, &field)
		if field.r.Pos() > 0 && field.r.Finish() != nil || field.r.Err() != nil {
			d.r.Fail(wire.ErrTag)
		}
	}
}

// tagWriter collects tagged fields, which are written behind their number of fields.
type tagWriter struct {
	n    uint32
	body []byte
}

// add appends a field. Tags must come in ascending order.
func (w *tagWriter) add(tag uint32, field []byte) {
	w.n++
	w.body = wire.AppendUvarint(w.body, tag)
	w.body = wire.AppendUvarint(w.body, uint32(len(field)))
	w.body = append(w.body, field...)
}

// optInts adds a list unless it is nil.
func (w *tagWriter) optInts(tag uint32, list []int32) {
	if list != nil {
		w.add(tag, appendInts(nil, list))
	}
}

func (w *tagWriter) appendTo(b []byte) []byte { return append(wire.AppendUvarint(b, w.n), w.body...) }

func appendInts(b []byte, list []int32) []byte {
	b = wire.AppendCompactArrayLen(b, len(list))
	for _, v := range list {
		b = wire.AppendInt32(b, v)
	}
	return b
}

func appendUUIDs(b []byte, list []UUID) []byte {
	b = wire.AppendCompactArrayLen(b, len(list))
	for _, id := range list {
		b = wire.AppendUUID(b, id)
	}
	return b
}

func appendOptString(b []byte, s *string) []byte {
	if s == nil {
		return append(b, 0)
	}
	return wire.AppendCompactString(b, *s)
}
