package batch

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// TestPatchKeepsTheCRC: whatever is written, wherever, the CRC is that of all bytes, and no other byte changes.
func TestPatchKeepsTheCRC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Builder
		for range rapid.IntRange(1, 20).Draw(t, "records") {
			b.Append(1, nil, rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "value"))
		}
		v, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		at := rapid.IntRange(0, len(v)).Draw(t, "at")
		before := bytes.Clone(v)
		p, err := NewPatch(v, at)
		if (err == nil) != (at >= atAttributes && at+8 <= len(v)) || !bytes.Equal(before, v) {
			t.Fatalf("at %d of %d: %v", at, len(v), err)
		}
		if err != nil {
			return
		}
		for range 3 {
			x := rapid.Uint64().Draw(t, "x")
			p.Put(v, x)
			want := View(bytes.Clone(before))
			binary.BigEndian.PutUint64(want[at:], x)
			want.seal()
			if !bytes.Equal(want, v) {
				t.Fatalf("at %d: CRC %#x, want %#x", at, v.CRC(), want.CRC())
			}
		}
	})
}
