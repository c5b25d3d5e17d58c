package codec

import (
	"errors"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	// zstdWindow is how far back the encoder looks. Batches are about 1 MiB at most, and an encoder's memory is a
	// small multiple of it.
	zstdWindow = 1 << 20
	// zstdReadWindow is the largest window a frame may name: what zstd's own decoder, and with it Kafka's, accepts
	// without being told. It costs no memory here, because the window is the output itself, which maxOut bounds.
	zstdReadWindow = 128 << 20
	// zstdBlock is the most that one block can hold.
	zstdBlock = 128 << 10
	// zstdSlack is spare room behind the output that lets the decoder copy in whole words to the end.
	zstdSlack = 64
)

// zstdWriters has one pool per strength of the encoder.
var zstdWriters [zstd.SpeedBestCompression + 1]sync.Pool

func compressZstd(dst, src []byte, level int) ([]byte, error) {
	speed := zstdSpeed(level)
	pool := &zstdWriters[speed]
	enc, _ := pool.Get().(*zstd.Encoder)
	if enc == nil {
		var err error
		enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(speed), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false),
			zstd.WithZeroFrames(true))
		if err != nil {
			return dst, err
		}
	}
	dst = enc.EncodeAll(src, dst)
	pool.Put(enc)
	return dst, nil
}

var zstdReaders sync.Pool

func inflateZstd(dst, src []byte, maxOut int) ([]byte, error) {
	dec, _ := zstdReaders.Get().(*zstd.Decoder)
	if dec == nil {
		var err error
		dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdReadWindow), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return dst, err
		}
	}
	dst, err := decodeZstd(dec, dst, src, maxOut)
	zstdReaders.Put(dec)
	return dst, err
}

// decodeZstd decodes in one go. The decoder stays inside the room it is given but does not say when it was too small,
// so it gets room for the block that crosses maxOut: whatever fails before that is corruption.
func decodeZstd(dec *zstd.Decoder, dst, src []byte, maxOut int) ([]byte, error) {
	start := len(dst)
	bound, err := zstdBound(src, maxOut)
	if err != nil {
		return dst, err
	}
	room := min(bound, maxOut+zstdBlock) + zstdSlack
	dst = withRoom(dst, room)
	out, err := dec.DecodeAll(src, dst[start:start:start+room])
	if len(out) > maxOut || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return dst, ErrTooLarge
	}
	if err != nil {
		return dst, corrupt(Zstd, err.Error())
	}
	return dst[:start+len(out)], nil
}

// zstdBound walks the block headers of all frames in src (RFC 8878, 3.1.1) and returns the most that they can become:
// raw and run-length blocks say their size, a compressed block holds at most zstdBlock. It stops where the sum
// exceeds maxOut. This is the least room that surely suffices, and for data of more than one block close to the truth.
func zstdBound(src []byte, maxOut int) (int, error) {
	sum := 0
	for len(src) > 0 && sum <= maxOut {
		var h zstd.Header
		if err := h.Decode(src); err != nil {
			return 0, corrupt(Zstd, err.Error())
		}
		if h.Skippable {
			skip := h.HeaderSize + int(h.SkippableSize)
			if skip > len(src) {
				return 0, corrupt(Zstd, "a skippable frame is cut short")
			}
			src = src[skip:]
			continue
		}
		n, rest, err := zstdFrameBound(src[h.HeaderSize:])
		if err != nil {
			return 0, err
		}
		if h.HasFCS {
			if h.FrameContentSize > uint64(n) {
				return 0, corrupt(Zstd, "a frame announces more than its blocks can hold")
			}
			n = int(h.FrameContentSize)
		}
		sum += n
		if h.HasCheckSum {
			rest = rest[min(4, len(rest)):]
		}
		src = rest
	}
	return sum, nil
}

// zstdFrameBound adds up the blocks of one frame; rest is what follows the last one.
func zstdFrameBound(src []byte) (sum int, rest []byte, err error) {
	for last := false; !last; {
		if len(src) < 3 {
			return 0, nil, corrupt(Zstd, "a block header is cut short")
		}
		head := int(src[0]) | int(src[1])<<8 | int(src[2])<<16
		last = head&1 != 0
		size := head >> 3
		stored, content := size, size
		switch head >> 1 & 3 {
		case 1: // run length: one byte, repeated
			stored = 1
		case 2: // compressed
			content = zstdBlock
		case 3:
			return 0, nil, corrupt(Zstd, "a block has the reserved type")
		}
		if src = src[3:]; stored > len(src) {
			return 0, nil, corrupt(Zstd, "a block is longer than the bytes left")
		}
		src = src[stored:]
		sum += content
	}
	return sum, src, nil
}
