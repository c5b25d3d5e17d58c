package crash

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
)

// Place is a partition.
type Place struct {
	Topic     string
	Partition int32
}

// String is topic-partition, as the directory is called.
func (p Place) String() string { return fmt.Sprintf("%s-%d", p.Topic, p.Partition) }

// Identity names a record: the writer that produced it, and its number among the records of that writer for that
// partition, counted from 1.
type Identity struct {
	Writer uint8
	Seq    uint32
}

// String is what findings show.
func (i Identity) String() string { return fmt.Sprintf("record %d of writer %d", i.Seq, i.Writer) }

// keySize is the size of a key: writer and sequence number.
const keySize = 5

// Key is the record's key, from which a reader learns the identity.
func (i Identity) Key() []byte {
	return binary.BigEndian.AppendUint32([]byte{i.Writer}, i.Seq)
}

// ParseKey is the inverse of Key.
func ParseKey(key []byte) (Identity, error) {
	if len(key) != keySize {
		return Identity{}, errors.New("the key is not one of ours")
	}
	return Identity{Writer: key[0], Seq: binary.BigEndian.Uint32(key[1:])}, nil
}

// AppendValue appends the value of a record, which follows from place and identity, so that a reader can make it anew
// and compare. Most are of some hundred bytes, one in fifty of some ten thousand; they compress to about half.
func AppendValue(dst []byte, at Place, id Identity) []byte {
	h := fnv.New64a()
	_, _ = h.Write(append(id.Key(), at.String()...))
	r := rand.New(rand.NewPCG(h.Sum64(), uint64(id.Seq)))
	n := 50 + r.IntN(1500)
	if r.IntN(50) == 0 {
		n = 20_000 + r.IntN(40_000)
	}
	for end := len(dst) + n; len(dst) < end; {
		word := r.Uint64() & 0x0f0f0f0f0f0f0f0f
		dst = binary.LittleEndian.AppendUint64(dst, word|0x4040404040404040)
	}
	return dst
}

// SameValue tells whether value is what the record should hold.
func SameValue(scratch, value []byte, at Place, id Identity) (same bool, grown []byte) {
	scratch = AppendValue(scratch[:0], at, id)
	return bytes.Equal(scratch, value), scratch
}
