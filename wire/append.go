package wire

import (
	"encoding/binary"
	"math/bits"
)

// The functions here append Kafka's primitive types to b and return the grown slice. A string longer than its length
// field can say (32,767 bytes in the classic form) cannot be encoded: callers bound what they send.

// text is what can be written as a string without converting it first.
type text interface{ ~string | ~[]byte }

// AppendInt8 appends one signed byte.
func AppendInt8(b []byte, v int8) []byte { return append(b, byte(v)) }

// AppendBool appends 1 for true and 0 for false.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendInt16 appends a big-endian int16.
func AppendInt16(b []byte, v int16) []byte { return binary.BigEndian.AppendUint16(b, uint16(v)) }

// AppendInt32 appends a big-endian int32.
func AppendInt32(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }

// AppendUint32 appends a big-endian uint32.
func AppendUint32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

// AppendInt64 appends a big-endian int64.
func AppendInt64(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }

// AppendUUID appends 16 bytes.
func AppendUUID(b []byte, id [16]byte) []byte { return append(b, id[:]...) }

// AppendUvarint appends an unsigned variable-length integer, seven bits a byte, the lowest first.
func AppendUvarint(b []byte, v uint32) []byte { return binary.AppendUvarint(b, uint64(v)) }

// AppendVarint appends a zigzag-coded int32.
func AppendVarint(b []byte, v int32) []byte { return AppendUvarint(b, uint32(v)<<1^uint32(v>>31)) }

// AppendVarlong appends a zigzag-coded int64.
func AppendVarlong(b []byte, v int64) []byte { return binary.AppendVarint(b, v) }

// UvarintLen returns how many bytes AppendUvarint takes for v.
func UvarintLen(v uint32) int { return (bits.Len32(v|1) + 6) / 7 }

// AppendString appends an int16 length and s.
func AppendString[S text](b []byte, s S) []byte { return append(AppendInt16(b, int16(len(s))), s...) }

// AppendNullableString appends an int16 length and s; nil is null.
func AppendNullableString(b, s []byte) []byte {
	if s == nil {
		return AppendInt16(b, -1)
	}
	return AppendString(b, s)
}

// AppendCompactString appends s behind its length plus one.
func AppendCompactString[S text](b []byte, s S) []byte {
	return append(AppendUvarint(b, uint32(len(s))+1), s...)
}

// AppendCompactNullableString appends s behind its length plus one; nil is null.
func AppendCompactNullableString(b, s []byte) []byte {
	if s == nil {
		return append(b, 0)
	}
	return AppendCompactString(b, s)
}

// AppendBytes appends an int32 length and p.
func AppendBytes(b, p []byte) []byte { return append(AppendInt32(b, int32(len(p))), p...) }

// AppendNullableBytes appends an int32 length and p; nil is null.
func AppendNullableBytes(b, p []byte) []byte {
	if p == nil {
		return AppendInt32(b, -1)
	}
	return AppendBytes(b, p)
}

// AppendCompactBytes appends p behind its length plus one.
func AppendCompactBytes(b, p []byte) []byte { return AppendCompactString(b, p) }

// AppendCompactNullableBytes appends p behind its length plus one; nil is null.
func AppendCompactNullableBytes(b, p []byte) []byte { return AppendCompactNullableString(b, p) }

// AppendArrayLen appends an int32 element count; -1 is null.
func AppendArrayLen(b []byte, n int) []byte { return AppendInt32(b, int32(n)) }

// AppendCompactArrayLen appends an element count plus one; -1 is null.
func AppendCompactArrayLen(b []byte, n int) []byte { return AppendUvarint(b, uint32(n+1)) }

// AppendTags0 appends an empty section of tagged fields.
func AppendTags0(b []byte) []byte { return append(b, 0) }

// appendTag appends the number and the size of a tagged field; its bytes follow.
func appendTag(b []byte, tag uint32, size int) []byte {
	return AppendUvarint(AppendUvarint(b, tag), uint32(size))
}
