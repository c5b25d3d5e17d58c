package batch

import (
	"encoding/binary"
	"errors"
	"slices"
)

// patchLen is how many bytes a Patch changes.
const patchLen = 8

// Patch changes 8 bytes of a batch again and again and keeps its CRC right at the cost of eight table look-ups,
// whatever the batch's length: CRC-32C is linear, so what a bit adds to it depends on the bit's place alone. The
// alternative that lost is the CRC over the whole batch for each change, some microseconds for 64 KiB.
//
// It holds for one batch whose other bytes stay as they are. Read-only once made.
type Patch struct {
	at   int
	zero uint32                // the CRC with zeros in the place
	adds [patchLen][256]uint32 // what a byte in the place adds to it
}

var errNoPlace = errors.New("a patch lies within what the CRC of a batch covers")

// NewPatch prepares changes of the 8 bytes of v that begin at at. v stays as it is.
func NewPatch(v View, at int) (*Patch, error) {
	if at < atAttributes || at+patchLen > len(v) {
		return nil, errNoPlace
	}
	w := slices.Clone(v)
	place := w[at : at+patchLen]
	clear(place)
	p := &Patch{at: at, zero: w.ComputeCRC()}
	for i := range place {
		for bit := 1; bit < 256; bit <<= 1 {
			place[i] = byte(bit)
			added := w.ComputeCRC() ^ p.zero
			for low := range bit {
				p.adds[i][bit|low] = p.adds[i][low] ^ added
			}
		}
		place[i] = 0
	}
	return p, nil
}

// Put writes x, big-endian, and the CRC that goes with it. v is the batch that the patch was made for, or a copy.
func (p *Patch) Put(v View, x uint64) {
	place := v[p.at : p.at+patchLen]
	binary.BigEndian.PutUint64(place, x)
	crc := p.zero
	for i, b := range place {
		crc ^= p.adds[i][b]
	}
	v.putInt32(atCRC, int32(crc))
}
