package codec

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/pierrec/lz4/v4"
)

// fuzzInflate feeds one codec arbitrary bytes and an arbitrary bound: no panic, nothing beyond the bound, no error of
// another kind, the same answer twice. And whatever the bytes are, they survive being compressed.
func fuzzInflate(f *testing.F, id ID, more func(*testing.T, []byte, []byte)) {
	for _, plain := range [][]byte{nil, []byte("hello, hello, hello"), jsonLike(5000), make([]byte, 70<<10)} {
		packed := compress(f, plain, id)
		f.Add(packed, uint32(len(plain)))
		f.Add(append(bytes.Clone(packed), packed...), uint32(2*len(plain)))
	}
	f.Fuzz(func(t *testing.T, src []byte, limit uint32) {
		most := int(limit % (1 << 20))
		got, err := Decompress(nil, src, id, most)
		if len(got) > most {
			t.Fatalf("%d bytes came out, %d were allowed", len(got), most)
		}
		if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrTooLarge) {
			t.Fatalf("error of another kind: %v", err)
		}
		again, err2 := Decompress(make([]byte, 0, 3*most), src, id, most)
		if (err == nil) != (err2 == nil) || !bytes.Equal(got, again) {
			t.Fatalf("the room in the buffer changed the answer: %v, %v", err, err2)
		}
		if err == nil && more != nil {
			more(t, src, got)
		}
		back, err := Decompress(nil, compress(t, src, id), id, len(src))
		if err != nil || !bytes.Equal(back, src) {
			t.Fatalf("compressed bytes did not come back: %v", err)
		}
	})
}

func FuzzDecompressGzip(f *testing.F)   { fuzzInflate(f, Gzip, nil) }
func FuzzDecompressSnappy(f *testing.F) { fuzzInflate(f, Snappy, nil) }
func FuzzDecompressZstd(f *testing.F)   { fuzzInflate(f, Zstd, nil) }

func FuzzDecompressLZ4(f *testing.F) {
	fuzzInflate(f, LZ4, func(t *testing.T, src, got []byte) {
		want, err := io.ReadAll(lz4.NewReader(bytes.NewReader(src)))
		if err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, the frame reader of another library reads %d", len(got), len(want))
		}
	})
}
