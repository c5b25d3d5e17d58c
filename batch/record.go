package batch

import "tailrace/wire"

// A record, format 2 (DefaultRecord of Kafka 4.4). All integers but attributes are zigzag varints:
//
//	length | attributes i8 | timestamp delta (64 bit) | offset delta | key | value | header count | headers
//	key, value and header value: length, -1 for null, and that many bytes; header key: the same, never null

// fault says what is wrong with the bytes of a record; 0 is nothing.
type fault uint8

const (
	faultEnd       fault = iota + 1 // no bytes left where the count promises a record
	faultLength                     // the record's length is negative or beyond the bytes left
	faultField                      // a varint or a length inside the record is malformed
	faultHeaders                    // the header count is negative or beyond the bytes left
	faultHeaderKey                  // a header without key
	faultRest                       // bytes of the record behind its last header
	faultTrailing                   // bytes of the batch behind its last record
)

var faultTexts = [...]string{
	faultEnd:       "the batch ends before it; the header counts more records than there are",
	faultLength:    "its length is negative or goes beyond the batch",
	faultField:     "a field is malformed or longer than the record",
	faultHeaders:   "its header count is negative or larger than the record",
	faultHeaderKey: "a header has no key",
	faultRest:      "it is shorter than its length says",
	faultTrailing:  "bytes follow it, and it is the last one that the header counts",
}

// Header is one header of a record. A nil Value is null.
type Header struct {
	Key   []byte
	Value []byte
}

// rawRecord is a parsed record, relative to its batch; its slices alias the batch.
type rawRecord struct {
	timestampDelta int64
	offsetDelta    int32
	headerCount    int
	key, value     []byte // nil is null
	headers        []byte // of all headers, checked
}

// parse reads the record at the start of b, checks all of it and returns its size in bytes.
func (r *rawRecord) parse(b []byte) (int, fault) {
	if len(b) == 0 {
		return 0, faultEnd
	}
	var in wire.Reader
	in.Reset(b)
	n := int(in.Varint())
	if in.Err() != nil || n < 0 || n > in.Remaining() {
		return 0, faultLength
	}
	size := in.Pos() + n
	in.Reset(in.Raw(n))
	in.Int8() // attributes: none are defined
	r.timestampDelta = in.Varlong()
	r.offsetDelta = in.Varint()
	r.key = nullable(&in)
	r.value = nullable(&in)
	r.headerCount = int(in.Varint())
	if in.Err() != nil {
		return 0, faultField
	}
	if r.headerCount < 0 || r.headerCount > in.Remaining()/2 { // a header takes two bytes or more
		return 0, faultHeaders
	}
	start := in
	for range r.headerCount {
		k, _ := header(&in)
		if in.Err() != nil {
			return 0, faultField
		}
		if k == nil {
			return 0, faultHeaderKey
		}
	}
	rest := in.Remaining()
	r.headers = start.Raw(start.Remaining() - rest)
	if rest != 0 {
		return 0, faultRest
	}
	return size, 0
}

// nullable reads a length and as many bytes; -1 is null, any other negative length an error.
func nullable(in *wire.Reader) []byte {
	n := in.Varint()
	if n == -1 {
		return nil
	}
	b := in.Raw(int(n))
	if b == nil && in.Err() == nil {
		return []byte{} // zero bytes of an empty input: empty, not null
	}
	return b
}

// header reads one header; a nil key is an error that the caller has to notice.
func header(in *wire.Reader) (key, value []byte) {
	key = nullable(in)
	return key, nullable(in)
}
