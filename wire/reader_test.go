package wire_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tailrace/wire"
)

func TestPrimitivesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i8, i16 := rapid.Int8().Draw(t, "i8"), rapid.Int16().Draw(t, "i16")
		i32, i64 := rapid.Int32().Draw(t, "i32"), rapid.Int64().Draw(t, "i64")
		u32, yes := rapid.Uint32().Draw(t, "u32"), rapid.Bool().Draw(t, "bool")
		s := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes")
		if rapid.Bool().Draw(t, "null") {
			s = nil
		}
		b := wire.AppendInt8(nil, i8)
		b = wire.AppendInt16(b, i16)
		b = wire.AppendInt32(b, i32)
		b = wire.AppendInt64(b, i64)
		b = wire.AppendUint32(b, u32)
		b = wire.AppendBool(b, yes)
		b = wire.AppendVarint(b, i32)
		b = wire.AppendVarlong(b, i64)
		before := len(b)
		b = wire.AppendUvarint(b, u32)
		if n := len(b) - before; n != wire.UvarintLen(u32) {
			t.Fatalf("UvarintLen(%d) = %d, took %d", u32, wire.UvarintLen(u32), n)
		}
		b = wire.AppendNullableString(b, s)
		b = wire.AppendCompactNullableString(b, s)
		b = wire.AppendNullableBytes(b, s)
		b = wire.AppendCompactNullableBytes(b, s)
		b = wire.AppendString(b, string(s))
		b = wire.AppendCompactString(b, s)
		b = wire.AppendBytes(b, s)
		b = wire.AppendCompactBytes(b, s)

		var r wire.Reader
		r.Reset(b)
		if r.Int8() != i8 || r.Int16() != i16 || r.Int32() != i32 || r.Int64() != i64 || r.Uint32() != u32 ||
			r.Bool() != yes || r.Varint() != i32 || r.Varlong() != i64 || r.Uvarint() != u32 {
			t.Fatal("a number came back changed")
		}
		for i, got := range [][]byte{
			r.NullableString(), r.CompactNullableString(), r.NullableBytes(), r.CompactNullableBytes(),
			r.String(), r.CompactString(), r.Bytes(), r.CompactBytes(),
		} {
			if !bytes.Equal(got, s) || i < 4 && (got == nil) != (s == nil) || cap(got) != len(got) {
				t.Fatalf("%d: %x (cap %d), want %x", i, got, cap(got), s)
			}
		}
		if err := r.Finish(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReaderRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		in   string
		read func(*wire.Reader)
		want error
	}{
		{"int64 of seven bytes", "1234567", func(r *wire.Reader) { r.Int64() }, wire.ErrShort},
		{"uuid of 15 bytes", "123456789012345", func(r *wire.Reader) { r.UUID() }, wire.ErrShort},
		{"string beyond the end", "\x00\x05abcd", func(r *wire.Reader) { r.String() }, wire.ErrLength},
		{"null string", "\xff\xff", func(r *wire.Reader) { r.String() }, wire.ErrNull},
		{"null compact string", "\x00", func(r *wire.Reader) { r.CompactString() }, wire.ErrNull},
		{"null bytes", "\xff\xff\xff\xff", func(r *wire.Reader) { r.Bytes() }, wire.ErrNull},
		{"2 GiB of bytes", "\x7f\xff\xff\xff", func(r *wire.Reader) { r.NullableBytes() }, wire.ErrLength},
		{"4 GiB of compact bytes", "\xff\xff\xff\xff\x0f", func(r *wire.Reader) { r.CompactBytes() }, wire.ErrLength},
		{"null array", "\xff\xff\xff\xff", func(r *wire.Reader) { r.ArrayLen(1) }, wire.ErrNull},
		{"2^31-1 elements", "\x7f\xff\xff\xff", func(r *wire.Reader) { r.ArrayLen(1) }, wire.ErrLength},
		{"2^32-2 elements", "\xff\xff\xff\xff\x0f", func(r *wire.Reader) { r.CompactArrayLen(1) }, wire.ErrLength},
		{"3 elements of 2 bytes in 5", "\x0412345", func(r *wire.Reader) { r.CompactArrayLen(2) }, wire.ErrLength},
		{"uvarint of 33 bits", "\xff\xff\xff\xff\x1f", func(r *wire.Reader) { r.Uvarint() }, wire.ErrVarint},
		{"uvarint of six bytes", "\x80\x80\x80\x80\x80\x00", func(r *wire.Reader) { r.Uvarint() }, wire.ErrVarint},
		{"uvarint without end", "\x80\x80", func(r *wire.Reader) { r.Uvarint() }, wire.ErrShort},
		{
			"varlong of 65 bits", strings.Repeat("\xff", 9) + "\x03",
			func(r *wire.Reader) { r.Varlong() }, wire.ErrVarint,
		},
		{"4 billion tags", "\xff\xff\xff\xff\x0f", func(r *wire.Reader) { r.SkipTags() }, wire.ErrLength},
		{"tag beyond the end", "\x01\x00\x05abcd", func(r *wire.Reader) { r.SkipTags() }, wire.ErrLength},
		{"negative raw length", "abcd", func(r *wire.Reader) { r.Raw(-1) }, wire.ErrShort},
		{"bytes left over", "ab", func(r *wire.Reader) { r.Int8() }, wire.ErrTrailing},
	} {
		var r wire.Reader
		r.Reset([]byte(c.in))
		c.read(&r)
		err := r.Finish()
		if err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if r.Int64() != 0 || r.String() != nil || r.NullableArrayLen(1) != 0 || r.Remaining() != 0 || r.Err() != err {
			t.Errorf("%s: the error does not stick", c.name)
		}
	}
}

func TestReaderAcceptsWhatKafkaAccepts(t *testing.T) {
	var r wire.Reader
	// A uvarint padded with zero bits, any negative length as null, any non-zero byte as true.
	r.Reset([]byte("\x85\x00\xff\xf0\xff\xff\xff\xfe\x02"))
	if r.Uvarint() != 5 || r.NullableString() != nil || r.NullableArrayLen(4) != -1 || !r.Bool() || r.Finish() != nil {
		t.Error(r.Err())
	}
	r.Reset([]byte("\xff\xff\xff\xff\x0f"))
	if r.Uvarint() != math.MaxUint32 || r.Finish() != nil {
		t.Error(r.Err())
	}
}

func TestTopicID(t *testing.T) {
	id := wire.TopicID{0xe4, 0xbe, 0xa0, 0xde, 0x74, 0xa1, 0x4f, 0xe7, 0x8c, 0x0a, 0xd2, 0xbe, 0xf8, 0xf5, 0xfc, 0xeb}
	if got, err := wire.ParseTopicID(id.String()); err != nil || got != id || id.String() != "5L6g3nShT-eMCtK--PX86w" {
		t.Errorf("%s: %v, %v", id, got, err)
	}
	if !(wire.TopicID{}).IsZero() || id.IsZero() {
		t.Error("IsZero")
	}
	for _, s := range []string{
		"", "5L6g3nShT-eMCtK--PX86", "5L6g3nShT-eMCtK--PX86w=", "5L6g3nShT+eMCtK--PX86w", "5L6g3nShT-eMCtK--PX86x",
	} {
		if id, err := wire.ParseTopicID(s); err == nil || !id.IsZero() {
			t.Errorf("%q was read as %s", s, id)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	for e := wire.ErrShort; e <= wire.ErrKey; e++ {
		if e.Error() == "" || e.Error() == wire.Error(200).Error() {
			t.Errorf("error %d has no text", e)
		}
	}
}
