package wire

import "encoding/binary"

// Reader takes Kafka's primitive types off a byte slice. Its error is sticky: after the first failure every method
// returns a zero value and Err tells the reason, so a caller may read a whole structure and ask once. Slices handed
// out alias the input and have no spare capacity.
//
// The zero Reader is empty; Reset points it at bytes. A Reader allocates nothing.
type Reader struct {
	buf []byte
	at  int
	err Error
}

// Reset makes r read b from the start and forgets an earlier error.
func (r *Reader) Reset(b []byte) { r.buf, r.at, r.err = b, 0, 0 }

// Err returns the first failure as an Error, or nil.
func (r *Reader) Err() error { return r.err.err() }

// Pos returns how many bytes have been read; after a failure, where reading stopped.
func (r *Reader) Pos() int { return r.at }

// Remaining returns how many bytes are left, 0 after a failure.
func (r *Reader) Remaining() int {
	if r.err != 0 {
		return 0
	}
	return len(r.buf) - r.at
}

// Rest takes all bytes that are left.
func (r *Reader) Rest() []byte { return r.Raw(r.Remaining()) }

// Finish returns the first failure, or ErrTrailing if bytes are left over.
func (r *Reader) Finish() error {
	if r.err == 0 && r.at != len(r.buf) {
		r.err = ErrTrailing
	}
	return r.err.err()
}

// Fail records a failure that the caller found; only the first one counts.
func (r *Reader) Fail(e Error) {
	if r.err == 0 {
		r.err = e
	}
}

// Raw takes n bytes. It returns nil when fewer are left.
func (r *Reader) Raw(n int) []byte {
	if r.err != 0 || uint(n) > uint(len(r.buf)-r.at) {
		r.Fail(ErrShort)
		return nil
	}
	b := r.buf[r.at : r.at+n : r.at+n]
	r.at += n
	return b
}

// Int8 takes one signed byte.
func (r *Reader) Int8() int8 {
	if b := r.Raw(1); b != nil {
		return int8(b[0])
	}
	return 0
}

// Bool takes one byte; any value but 0 is true, as in Kafka.
func (r *Reader) Bool() bool { return r.Int8() != 0 }

// Int16 takes a big-endian int16.
func (r *Reader) Int16() int16 {
	if b := r.Raw(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

// Uint32 takes a big-endian uint32.
func (r *Reader) Uint32() uint32 {
	if b := r.Raw(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// Int32 takes a big-endian int32.
func (r *Reader) Int32() int32 { return int32(r.Uint32()) }

// Int64 takes a big-endian int64.
func (r *Reader) Int64() int64 {
	if b := r.Raw(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// UUID takes 16 bytes.
func (r *Reader) UUID() (id [16]byte) {
	copy(id[:], r.Raw(len(id)))
	return id
}

// Uvarint takes an unsigned variable-length integer of at most 32 bits (five bytes).
func (r *Reader) Uvarint() uint32 {
	// One byte is the common case: short strings, small counts, an empty tag section.
	if r.err == 0 && r.at < len(r.buf) && r.buf[r.at] < 0x80 {
		r.at++
		return uint32(r.buf[r.at-1])
	}
	return uint32(r.uvarint(32))
}

// Varint takes a zigzag-coded int32.
func (r *Reader) Varint() int32 {
	u := r.Uvarint()
	return int32(u>>1) ^ -int32(u&1)
}

// Varlong takes a zigzag-coded int64.
func (r *Reader) Varlong() int64 {
	u := r.uvarint(64)
	return int64(u>>1) ^ -int64(u&1)
}

func (r *Reader) uvarint(bits uint) uint64 {
	if r.err != 0 {
		return 0
	}
	var u uint64
	for i, shift := r.at, uint(0); i < len(r.buf); i, shift = i+1, shift+7 {
		c := r.buf[i]
		// The last byte may carry only the bits that are left of the type, and no continuation.
		if left := bits - shift; left < 7 && c>>left != 0 {
			r.Fail(ErrVarint)
			return 0
		}
		u |= uint64(c&0x7f) << shift
		if c < 0x80 {
			r.at = i + 1
			return u
		}
	}
	r.Fail(ErrShort)
	return 0
}

// lengthed takes n bytes; n < 0 is null.
func (r *Reader) lengthed(n int, nullable bool) []byte {
	if n < 0 && !nullable {
		r.Fail(ErrNull)
	}
	if r.err == 0 && n > len(r.buf)-r.at {
		r.Fail(ErrLength)
	}
	if n < 0 || r.err != 0 {
		return nil
	}
	return r.Raw(n)
}

// compactLen takes a compact length, which is stored plus one; -1 is null.
func (r *Reader) compactLen() int {
	n := r.Uvarint()
	if r.err != 0 {
		return 0
	}
	return int(n) - 1
}

// String takes a string with an int16 length.
func (r *Reader) String() []byte { return r.lengthed(int(r.Int16()), false) }

// NullableString is String where nil means null.
func (r *Reader) NullableString() []byte { return r.lengthed(int(r.Int16()), true) }

// CompactString takes a string with an unsigned variable-length length.
func (r *Reader) CompactString() []byte { return r.lengthed(r.compactLen(), false) }

// CompactNullableString is CompactString where nil means null.
func (r *Reader) CompactNullableString() []byte { return r.lengthed(r.compactLen(), true) }

// Bytes takes bytes with an int32 length.
func (r *Reader) Bytes() []byte { return r.lengthed(int(r.Int32()), false) }

// NullableBytes is Bytes where nil means null.
func (r *Reader) NullableBytes() []byte { return r.lengthed(int(r.Int32()), true) }

// CompactBytes takes bytes with an unsigned variable-length length.
func (r *Reader) CompactBytes() []byte { return r.lengthed(r.compactLen(), false) }

// CompactNullableBytes is CompactBytes where nil means null.
func (r *Reader) CompactNullableBytes() []byte { return r.lengthed(r.compactLen(), true) }

// count checks an array's element count against the bytes left, so that a frame cannot announce more than it holds.
func (r *Reader) count(n, minElem int, nullable bool) int {
	if r.err != 0 {
		return 0
	}
	if n < 0 {
		if !nullable {
			r.Fail(ErrNull)
			return 0
		}
		return -1
	}
	if n > (len(r.buf)-r.at)/max(minElem, 1) {
		r.Fail(ErrLength)
		return 0
	}
	return n
}

// ArrayLen takes an int32 element count. minElem is the least number of bytes that one element takes.
func (r *Reader) ArrayLen(minElem int) int { return r.count(int(r.Int32()), minElem, false) }

// NullableArrayLen is ArrayLen where -1 means null.
func (r *Reader) NullableArrayLen(minElem int) int { return r.count(int(r.Int32()), minElem, true) }

// CompactArrayLen takes a compact element count. minElem is the least number of bytes that one element takes.
func (r *Reader) CompactArrayLen(minElem int) int { return r.count(r.compactLen(), minElem, false) }

// CompactNullableArrayLen is CompactArrayLen where -1 means null.
func (r *Reader) CompactNullableArrayLen(minElem int) int {
	return r.count(r.compactLen(), minElem, true)
}

// TagCount takes the number of tagged fields that follow (KIP-482). Each is then taken by Tag.
func (r *Reader) TagCount() int {
	n := r.Uvarint()
	return r.count(int(n), 2, false)
}

// Tag takes one tagged field: its number and its bytes.
func (r *Reader) Tag() (tag uint32, body []byte) {
	tag = r.Uvarint()
	n := r.Uvarint()
	return tag, r.lengthed(int(n), false)
}

// SkipTags takes a section of tagged fields none of which is known, as Kafka does for fields of later versions.
func (r *Reader) SkipTags() {
	for n := r.TagCount(); n > 0 && r.err == 0; n-- {
		r.Tag()
	}
}
