package codec

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// inflateAs checks that our bytes of plain read back with another implementation.
func inflateAs(t *testing.T, name string, id ID, plain []byte, read func([]byte) ([]byte, error)) {
	t.Helper()
	got, err := read(compress(t, plain, id))
	if err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%s reads our %s of %d bytes as %d bytes, %v", name, id, len(plain), len(got), err)
	}
}

// inflateOther checks that we read what another implementation wrote.
func inflateOther(t *testing.T, name string, id ID, plain, packed []byte) {
	t.Helper()
	got, err := Decompress(nil, packed, id, len(plain))
	if err != nil || !bytes.Equal(got, plain) {
		t.Errorf("our %s reads %s's %d bytes as %d bytes, %v", id, name, len(packed), len(got), err)
	}
	if len(plain) > 0 {
		if _, err := Decompress(nil, packed, id, len(plain)-1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("our %s of %s's bytes, one byte too little: %v", id, name, err)
		}
	}
}

func written(t *testing.T, plain []byte, open func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err != nil {
		t.Fatal(err)
	}
	half := len(plain) / 2
	for _, part := range [][]byte{plain[:half], plain[half:]} {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestGzipWithTheStandardLibrary(t *testing.T) {
	for _, plain := range inputs() {
		inflateAs(t, "compress/gzip", Gzip, plain, func(b []byte) ([]byte, error) {
			r, err := stdgzip.NewReader(bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			return io.ReadAll(r)
		})
		one := written(t, plain, func(w io.Writer) (io.WriteCloser, error) { return stdgzip.NewWriter(w), nil })
		inflateOther(t, "compress/gzip", Gzip, plain, one)
		inflateOther(t, "two members of compress/gzip", Gzip, append(bytes.Clone(plain), plain...),
			append(bytes.Clone(one), one...))
	}
}

func TestSnappyRawAndXerial(t *testing.T) {
	for _, plain := range inputs() {
		inflateAs(t, "xerial", Snappy, plain, xerial.Decode)
		inflateOther(t, "xerial", Snappy, plain, xerial.Encode(nil, plain))
		inflateOther(t, "a raw encoder", Snappy, plain, s2.EncodeSnappy(nil, plain))
		inflateOther(t, "joined xerial streams", Snappy, append(bytes.Clone(plain), plain...),
			append(xerial.Encode(nil, plain), xerial.Encode(nil, plain)...))
	}
	// S2 extends snappy by copies that repeat the last offset; a snappy reader cannot read them.
	extended := s2.EncodeBest(nil, bytes.Repeat([]byte("0123456789abcdefX"), 2000))
	if _, err := Decompress(nil, extended, Snappy, 1<<20); !errors.Is(err, ErrCorrupt) {
		t.Errorf("S2's extension was taken for snappy: %v", err)
	}
}

func TestLZ4WithTheFrameReader(t *testing.T) {
	for name, plain := range inputs() {
		inflateAs(t, "pierrec", LZ4, plain, func(b []byte) ([]byte, error) {
			return io.ReadAll(lz4.NewReader(bytes.NewReader(b)))
		})
		for _, block := range []lz4.BlockSize{lz4.Block64Kb, lz4.Block256Kb, lz4.Block1Mb, lz4.Block4Mb} {
			for flags := range 8 {
				opts := []lz4.Option{lz4.BlockSizeOption(block), lz4.BlockChecksumOption(flags&1 != 0),
					lz4.ChecksumOption(flags&2 != 0)}
				if flags&4 != 0 {
					opts = append(opts, lz4.SizeOption(uint64(len(plain))))
				}
				packed := written(t, plain, func(w io.Writer) (io.WriteCloser, error) {
					zw := lz4.NewWriter(w)
					return zw, zw.Apply(opts...)
				})
				inflateOther(t, "pierrec", LZ4, plain, packed)
				if flags&3 != 0 && len(plain) > 0 {
					sum := len(packed) - 1 // of the content, else of the last block, before the end mark
					if flags&2 == 0 {
						sum -= 4
					}
					packed[sum] ^= 1
					if _, err := Decompress(nil, packed, LZ4, len(plain)); !errors.Is(err, ErrCorrupt) {
						t.Errorf("%s: a wrong checksum (flags %d) passed: %v", name, flags, err)
					}
				}
			}
		}
	}
}

// TestLZ4Frame holds the frame we write against the bytes that Kafka writes, and the headers that it refuses.
func TestLZ4Frame(t *testing.T) {
	if hc := byte(xxh32(lz4Header[4:6]) >> 8); hc != lz4Header[6] {
		t.Errorf("the header checksum is %#x, not %#x", hc, lz4Header[6])
	}
	want := []byte{0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 3, 0, 0, 0x80, 'a', 'b', 'c', 0, 0, 0, 0}
	if got := compress(t, []byte("abc"), LZ4); !bytes.Equal(got, want) {
		t.Errorf("frame % x\nwant  % x", got, want)
	}
	header := func(flg, bd byte) []byte {
		b := append([]byte{0x04, 0x22, 0x4d, 0x18}, flg, bd)
		return append(b, byte(xxh32(b[4:])>>8), 0, 0, 0, 0)
	}
	for name, b := range map[string][]byte{
		"linked blocks":     header(0x40, 0x40),
		"version 2":         header(0xa0, 0x40),
		"dictionary id":     header(0x61, 0x40),
		"reserved flag":     header(0x62, 0x40),
		"block size 3":      header(0x60, 0x30),
		"reserved BD bits":  header(0x60, 0x41),
		"high BD bit":       header(0x60, 0xc0),
		"wrong header sum":  {0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x83, 0, 0, 0, 0},
		"legacy magic":      {0x02, 0x21, 0x4c, 0x18, 0x60, 0x40, 0x82, 0, 0, 0, 0},
		"bytes behind":      append(header(0x60, 0x40), 1),
		"no content sum":    header(0x64, 0x40),
		"block too long":    append(bytes.Clone(lz4Header), 1, 0, 1, 0x80),
		"no end mark":       bytes.Clone(lz4Header),
		"header cut short":  lz4Header[:6],
		"cut in size field": {0x04, 0x22, 0x4d, 0x18, 0x68, 0x40, 0, 0, 0},
	} {
		if _, err := Decompress(nil, b, LZ4, 100); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestXXH32(t *testing.T) {
	for s, want := range map[string]uint32{ // from xxhsum 0.8
		"": 0x02cc5d05, "a": 0x550d7456, "abc": 0x32d153ff, "Nobody inspects the spammish repetition": 0xe2293b2f,
	} {
		if got := xxh32([]byte(s)); got != want {
			t.Errorf("xxh32(%q) = %#08x, want %#08x", s, got, want)
		}
	}
}

func TestZstdWithStreams(t *testing.T) {
	for _, plain := range inputs() {
		inflateAs(t, "a zstd stream reader", Zstd, plain, func(b []byte) ([]byte, error) {
			r, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1))
			if err != nil {
				return nil, err
			}
			defer r.Close()
			return io.ReadAll(r)
		})
		for _, window := range []int{64 << 10, 8 << 20, 128 << 20} { // levels 20 to 22 of zstd use more than 8 MiB
			one := written(t, plain, func(w io.Writer) (io.WriteCloser, error) {
				return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window),
					zstd.WithLowerEncoderMem(true), zstd.WithZeroFrames(true))
			})
			inflateOther(t, "a zstd stream writer", Zstd, plain, one)
			skipped := append([]byte{0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3}, one...)
			inflateOther(t, "two zstd frames", Zstd, append(bytes.Clone(plain), plain...), append(skipped, one...))
		}
	}
}

func TestWithFranzGo(t *testing.T) {
	reader := kgo.DefaultDecompressor()
	for id, codec := range map[ID]kgo.CompressionCodec{
		Gzip: kgo.GzipCompression(), Snappy: kgo.SnappyCompression(), LZ4: kgo.Lz4Compression(), Zstd: kgo.ZstdCompression(),
	} {
		writer, err := kgo.DefaultCompressor(codec)
		if err != nil {
			t.Fatal(err)
		}
		for _, plain := range inputs() {
			if len(plain) == 0 { // its reader wants more than a bare xerial header; a batch is never empty
				continue
			}
			inflateAs(t, "franz-go", id, plain, func(b []byte) ([]byte, error) {
				return reader.Decompress(b, kgo.CompressionCodecType(id))
			})
			packed, _ := writer.Compress(new(bytes.Buffer), plain)
			inflateOther(t, "franz-go", id, plain, packed)
		}
	}
}
