package codec

import (
	"encoding/binary"
	"math/bits"
)

// The five primes of xxHash32 (xxhash_spec.md).
const (
	xxPrime1 uint32 = 0x9E3779B1
	xxPrime2 uint32 = 0x85EBCA77
	xxPrime3 uint32 = 0xC2B2AE3D
	xxPrime4 uint32 = 0x27D4EB2F
	xxPrime5 uint32 = 0x165667B1
)

// xxh32 is the 32-bit xxHash of b with seed 0, the checksum of lz4 frames.
func xxh32(b []byte) uint32 {
	n := uint32(len(b))
	h := xxPrime5
	if len(b) >= 16 {
		lanes := [4]uint32{}
		lanes[0] = xxPrime1
		lanes[0] += xxPrime2 // wraps around, which a constant expression may not
		lanes[1] = xxPrime2
		lanes[3] -= xxPrime1
		for ; len(b) >= 16; b = b[16:] {
			for i := range lanes {
				v := lanes[i] + binary.LittleEndian.Uint32(b[4*i:])*xxPrime2
				lanes[i] = bits.RotateLeft32(v, 13) * xxPrime1
			}
		}
		h = bits.RotateLeft32(lanes[0], 1) + bits.RotateLeft32(lanes[1], 7) +
			bits.RotateLeft32(lanes[2], 12) + bits.RotateLeft32(lanes[3], 18)
	}
	h += n
	for ; len(b) >= 4; b = b[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(b)*xxPrime3, 17) * xxPrime4
	}
	for _, c := range b {
		h = bits.RotateLeft32(h+uint32(c)*xxPrime5, 11) * xxPrime1
	}
	h = (h ^ h>>15) * xxPrime2
	h = (h ^ h>>13) * xxPrime3
	return h ^ h>>16
}
