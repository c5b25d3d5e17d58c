package codec

import (
	"encoding/binary"
	"sync"

	"github.com/pierrec/lz4/v4"
)

// The lz4 frame (lz4_Frame_format.md, version 01), little-endian:
//
//	magic u32 | FLG u8 | BD u8 | [content size u64] | HC u8 | blocks | 0 u32 | [content checksum u32]
//	block: size u32 (top bit: stored as is) | bytes | [block checksum u32]
//
// FLG: bits 7-6 version, 5 independent blocks, 4 block checksums, 3 content size, 2 content checksum, 1 reserved,
// 0 dictionary id. BD: bits 6-4 the largest block. HC: second byte of the xxh32 of everything from FLG to itself.
const (
	lz4Magic       = 0x184D2204
	lz4Version     = 0b01 << 6
	lz4VersionMask = 0b11 << 6
	lz4Independent = 1 << 5
	lz4BlockSum    = 1 << 4
	lz4ContentSize = 1 << 3
	lz4ContentSum  = 1 << 2
	lz4Stored      = 1 << 31

	lz4Block    = 64 << 10 // the block size that Kafka writes
	lz4MaxRatio = 255      // a length byte of 255 makes 255 bytes of output
)

// lz4Header is the header of every frame written: independent blocks of 64 KiB, no sizes, no checksums.
var lz4Header = []byte{0x04, 0x22, 0x4D, 0x18, lz4Version | lz4Independent, 4 << 4, 0x82}

var (
	lz4Fast = sync.Pool{New: func() any { return new(lz4.Compressor) }}
	lz4High = sync.Pool{New: func() any { return new(lz4.CompressorHC) }}
)

// lz4Encoder is what the fast and the high-compression encoder have in common.
type lz4Encoder interface {
	CompressBlock(src, dst []byte) (int, error)
}

func compressLZ4(dst, src []byte, level int) ([]byte, error) {
	if level == lz4Default {
		enc := lz4Fast.Get().(*lz4.Compressor)
		defer lz4Fast.Put(enc)
		return appendLZ4(dst, src, enc)
	}
	enc := lz4High.Get().(*lz4.CompressorHC)
	defer lz4High.Put(enc)
	enc.Level = lz4Depth(level)
	return appendLZ4(dst, src, enc)
}

func appendLZ4(dst, src []byte, enc lz4Encoder) ([]byte, error) {
	dst = append(dst, lz4Header...)
	for len(src) > 0 {
		block := src[:min(len(src), lz4Block)]
		src = src[len(block):]
		dst = withRoom(dst, 4+lz4.CompressBlockBound(len(block)))
		at := len(dst) + 4
		n, err := enc.CompressBlock(block, dst[at:cap(dst)])
		if err != nil {
			return dst, err
		}
		size := uint32(n)
		if n == 0 || n >= len(block) { // no gain: stored as it is
			n = copy(dst[at:cap(dst)], block)
			size = uint32(n) | lz4Stored
		}
		dst = dst[:at+n]
		binary.LittleEndian.PutUint32(dst[at-4:], size)
	}
	return append(dst, 0, 0, 0, 0), nil
}

// lz4Frame is a parsed frame header.
type lz4Frame struct {
	flags    byte
	blockMax int
}

// parse reads the header and returns the bytes behind it.
func (f *lz4Frame) parse(src []byte) ([]byte, error) {
	if len(src) < 7 {
		return nil, corrupt(LZ4, "the frame header is cut short")
	}
	if binary.LittleEndian.Uint32(src) != lz4Magic {
		return nil, corrupt(LZ4, "not an lz4 frame")
	}
	f.flags = src[4]
	switch {
	case f.flags&lz4VersionMask != lz4Version:
		return nil, corrupt(LZ4, "unknown frame version")
	case f.flags&lz4Independent == 0:
		return nil, corrupt(LZ4, "linked blocks are not allowed by Kafka; set the encoder to independent blocks")
	case f.flags&0b11 != 0:
		return nil, corrupt(LZ4, "a dictionary or a reserved flag is set")
	}
	class := src[5] >> 4
	if class < 4 || class > 7 || src[5]&0x0f != 0 {
		return nil, corrupt(LZ4, "unknown block size")
	}
	f.blockMax = 1 << (8 + 2*class)
	end := 6
	if f.flags&lz4ContentSize != 0 { // not believed, as Kafka does not believe it
		end += 8
	}
	if len(src) <= end {
		return nil, corrupt(LZ4, "the frame header is cut short")
	}
	if src[end] != byte(xxh32(src[4:end])>>8) {
		return nil, corrupt(LZ4, "the frame header's checksum does not match")
	}
	return src[end+1:], nil
}

func inflateLZ4(dst, src []byte, maxOut int) ([]byte, error) {
	var f lz4Frame
	src, err := f.parse(src)
	if err != nil {
		return dst, err
	}
	start, limit := len(dst), len(dst)+maxOut
	dst = withRoom(dst, firstRoom(len(src), maxOut))
	for {
		if len(src) < 4 {
			return dst, corrupt(LZ4, "the frame has no end mark")
		}
		size := binary.LittleEndian.Uint32(src)
		src = src[4:]
		n := int(size &^ lz4Stored)
		if n == 0 {
			return dst, f.checkEnd(src, dst[start:])
		}
		if n > f.blockMax || n > len(src) {
			return dst, corrupt(LZ4, "a block is longer than the frame allows")
		}
		block := src[:n]
		if src, err = f.checkBlock(block, src[n:]); err != nil {
			return dst, err
		}
		if size&lz4Stored == 0 {
			dst, err = inflateLZ4Block(dst, block, min(f.blockMax, limit-len(dst)), f.blockMax)
		} else if n <= limit-len(dst) {
			dst = append(dst, block...)
		} else {
			err = ErrTooLarge
		}
		if err != nil {
			return dst, err
		}
	}
}

// inflateLZ4Block appends one block of at most room bytes. The decoder cannot say how much room it lacks, so the room
// offered begins with what is free and grows fourfold until the block fits or cannot be valid.
func inflateLZ4Block(dst, block []byte, room, blockMax int) ([]byte, error) {
	if room == 0 {
		return dst, ErrTooLarge
	}
	most := min(room, lz4MaxRatio*len(block))
	offer := min(most, max(cap(dst)-len(dst), 4*len(block)))
	for {
		dst = withRoom(dst, offer)
		n, err := lz4.UncompressBlock(block, dst[len(dst):len(dst)+offer])
		if err == nil {
			return dst[:len(dst)+n], nil
		}
		if offer == most {
			break
		}
		offer = min(most, 4*offer)
	}
	if most == room && room < blockMax {
		return dst, ErrTooLarge // the caller's bound, not the format's, was in the way
	}
	return dst, corrupt(LZ4, "a block is malformed")
}

// checkBlock verifies and skips the block's checksum where the frame has them; rest is what follows the block.
func (f *lz4Frame) checkBlock(block, rest []byte) ([]byte, error) {
	if f.flags&lz4BlockSum == 0 {
		return rest, nil
	}
	if len(rest) < 4 || binary.LittleEndian.Uint32(rest) != xxh32(block) {
		return rest, corrupt(LZ4, "a block's checksum does not match")
	}
	return rest[4:], nil
}

// checkEnd verifies the content checksum, which Kafka skips (KAFKA-20528), and that nothing follows it.
func (f *lz4Frame) checkEnd(rest, content []byte) error {
	if f.flags&lz4ContentSum != 0 {
		if len(rest) < 4 || binary.LittleEndian.Uint32(rest) != xxh32(content) {
			return corrupt(LZ4, "the content checksum does not match")
		}
		rest = rest[4:]
	}
	if len(rest) != 0 {
		return corrupt(LZ4, "bytes follow the frame")
	}
	return nil
}
