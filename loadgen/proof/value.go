package proof

import (
	"encoding/binary"
	"hash/crc32"
)

// A value:
//
//	CRC-32C of the rest 4 | producer 4 | number 8 | filler
//
// all big-endian. The filler follows from the number, so that no two records look alike.
const valueHead = 16

// MinValue is the size of the smallest value.
const MinValue = valueHead

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newValue(producer uint32, number int64, size int) []byte {
	b := make([]byte, max(size, valueHead))
	binary.BigEndian.PutUint32(b[4:], producer)
	binary.BigEndian.PutUint64(b[8:], uint64(number))
	for i := valueHead; i < len(b); i++ {
		b[i] = byte(number) + byte(i)*7
	}
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b
}

// parseValue reads a value; ok is false if it is damaged.
func parseValue(b []byte) (producer uint32, number int64, ok bool) {
	if len(b) < valueHead || crc32.Checksum(b[4:], castagnoli) != binary.BigEndian.Uint32(b) {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(b[4:]), int64(binary.BigEndian.Uint64(b[8:])), true
}
