package clean

import (
	"crypto/sha256"
	"encoding/binary"

	"tailrace/wire"
)

// keys remembers the newest offset of each key in a part of a log (SkimpyOffsetMap of Kafka). A key is known by 16
// bytes of a hash. Kafka takes MD5; here it is SHA-256, cut: two keys that share an MD5 can be made on purpose, and
// one of them would be lost.
type keys struct {
	slots []slot
	n     int
	most  int         // keys that are taken at most
	upTo  wire.Offset // what lies below has been put in
}

// slot is 24 bytes without pointers. Slots are probed one after the other.
type slot struct {
	hash [16]byte
	at   wire.Offset // plus one: 0 is a free slot
}

const slotBytes = 24

// newKeys makes a table that takes at most so many bytes. records is how many there can be.
func newKeys(bytes int64, load float64, records int64) *keys {
	load = min(max(load, 0.01), 0.95) // a full table would be probed from end to end
	n := min(max(bytes/slotBytes, 1), int64(float64(records)/load)+2)
	return &keys{slots: make([]slot, n), most: max(int(float64(n)*load), 1)}
}

func hashOf(key []byte) (h [16]byte) {
	sum := sha256.Sum256(key)
	copy(h[:], sum[:])
	return h
}

// find is the slot that holds h, or the free one where it would be put.
func (k *keys) find(h [16]byte) *slot {
	i := binary.LittleEndian.Uint64(h[:]) % uint64(len(k.slots))
	for {
		s := &k.slots[i]
		if s.at == 0 || s.hash == h {
			return s
		}
		if i++; i == uint64(len(k.slots)) {
			i = 0
		}
	}
}

// put notes a record; false means that the table is full.
func (k *keys) put(key []byte, at wire.Offset) bool {
	h := hashOf(key)
	s := k.find(h)
	if s.at == 0 {
		if k.n >= k.most {
			return false
		}
		k.n++
		s.hash = h
	}
	s.at = max(s.at, at+1)
	return true
}

// newest is the offset of the newest record with that key, -1 if there is none.
func (k *keys) newest(key []byte) wire.Offset {
	return k.find(hashOf(key)).at - 1
}
