package codec

import (
	"bytes"
	"encoding/binary"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy"
)

const (
	xerialBlock      = 32 << 10 // input bytes per block that snappy-java's output stream writes
	xerialHeaderSize = 16
	// snappyMaxRatio bounds what one compressed byte can become: the densest element makes 64 bytes out of 3.
	snappyMaxRatio = 22
)

// xerialHeader is the magic, version 1, and the oldest version that can read it, 1 (snappy-java's SnappyCodec).
var xerialHeader = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1}

// xerialMagic is the part of the header by which a reader tells framed from raw data.
var xerialMagic = xerialHeader[:8]

func compressSnappy(dst, src []byte) []byte {
	dst = append(dst, xerialHeader...)
	for len(src) > 0 {
		block := src[:min(len(src), xerialBlock)]
		src = src[len(block):]
		dst = withRoom(dst, 4+s2.MaxEncodedLen(len(block)))
		at := len(dst) + 4
		n := len(s2.EncodeSnappy(dst[at:cap(dst)], block))
		dst = dst[:at+n]
		binary.BigEndian.PutUint32(dst[at-4:], uint32(n))
	}
	return dst
}

func inflateSnappy(dst, src []byte, maxOut int) ([]byte, error) {
	if !bytes.HasPrefix(src, xerialMagic) {
		return inflateSnappyBlock(dst, src, maxOut)
	}
	limit := len(dst) + maxOut
	for len(src) > 0 {
		if bytes.HasPrefix(src, xerialMagic) { // at the start, and again where streams were joined
			if len(src) < xerialHeaderSize {
				return dst, corrupt(Snappy, "the xerial header is cut short")
			}
			src = src[xerialHeaderSize:]
			continue
		}
		if len(src) < 4 {
			return dst, corrupt(Snappy, "a block length is cut short")
		}
		n := uint64(binary.BigEndian.Uint32(src))
		if src = src[4:]; n > uint64(len(src)) {
			return dst, corrupt(Snappy, "a block is longer than the bytes left")
		}
		var err error
		if dst, err = inflateSnappyBlock(dst, src[:n], limit-len(dst)); err != nil {
			return dst, err
		}
		src = src[n:]
	}
	return dst, nil
}

// inflateSnappyBlock appends one raw block. The strict decoder is used on purpose: the faster one also reads S2's
// extension of the format, which other clients cannot read, and a batch that no consumer can read must not get in.
func inflateSnappyBlock(dst, block []byte, maxOut int) ([]byte, error) {
	n, err := snappy.DecodedLen(block)
	if err != nil {
		return dst, corrupt(Snappy, "a block's length is unreadable")
	}
	if n > maxOut {
		return dst, ErrTooLarge
	}
	if n > snappyMaxRatio*len(block) {
		return dst, corrupt(Snappy, "a block announces more than it can hold")
	}
	dst = withRoom(dst, n)
	if _, err := snappy.DecodeStrict(dst[len(dst):len(dst)+n], block); err != nil {
		return dst, corrupt(Snappy, "a block is malformed")
	}
	return dst[:len(dst)+n], nil
}
