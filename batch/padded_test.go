package batch

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// number is a varint with so many bytes more than it needs: decoders take them, and no builder writes them.
func number(v int64, padding int) []byte {
	b := binary.AppendVarint(nil, v)
	for range padding {
		b[len(b)-1] |= 0x80
		b = append(b, 0)
	}
	return b
}

// likeness is what records of one kind have in common, as a hostile producer might write it.
type likeness struct {
	pads    [6]int // of length, timestamp, offset, key, value, header count
	key     int    // length; -1 is null
	value   int
	headers []byte // behind their count
	count   int64
	delta   int64 // between timestamps
}

func (l *likeness) record(rng *rand.Rand, i int, stamp int64) []byte {
	body := []byte{byte(rng.Uint32())} // attributes
	body = append(body, number(stamp, l.pads[1])...)
	body = append(body, number(int64(i), l.pads[2])...)
	for j, n := range []int{l.key, l.value} {
		body = append(body, number(int64(n), l.pads[3+j])...)
		for range n {
			body = append(body, byte(rng.Uint32()))
		}
	}
	body = append(append(body, number(l.count, l.pads[5])...), l.headers...)
	return append(number(int64(len(body)), l.pads[0]), body...)
}

// hostile draws lengths near the places where something changes, and pads a varint or two.
func hostile(rng *rand.Rand) likeness {
	edges := []int{-1, 0, 1, 5, 7, 8, 9, 30, 62, 63, 64, 65, 100}
	l := likeness{key: edges[rng.IntN(len(edges))], value: edges[rng.IntN(len(edges))]}
	l.delta = []int64{0, 0, 1, -1, 63, 64, 8191, 1 << 20, 1 << 27, 1 << 34}[rng.IntN(10)]
	if rng.IntN(3) == 0 {
		l.pads[rng.IntN(len(l.pads))] = 1 + rng.IntN(3)
	}
	switch rng.IntN(4) {
	case 0:
		l.count, l.headers = 1, []byte{2, 'h', 1}
	case 1:
		l.count, l.headers = 2, []byte{0, 0, 4, 'h', 'h', 2, 0}
	}
	return l
}

// TestWalksAgreeOnHostileAlikes has runs of records that are alike in ways that no builder knows, and then changes a
// few bytes of one: also such that one change makes up for another, as when a byte moves from the key to the value.
func TestWalksAgreeOnHostileAlikes(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	for range 400 {
		l := hostile(rng)
		n := 3 + rng.IntN(140)
		var starts []int
		var b []byte
		for i := range n {
			starts = append(starts, len(b))
			b = append(b, l.record(rng, i, int64(i)*l.delta)...)
		}
		walksAgree(t, b, n, now)
		for range 60 {
			bad := append([]byte(nil), b...)
			from := starts[rng.IntN(n)]
			for range 1 + rng.IntN(3) {
				at := from + rng.IntN(min(16, len(bad)-from)) // its head
				if rng.IntN(4) == 0 {
					at = from + rng.IntN(min(120, len(bad)-from))
				}
				switch rng.IntN(4) {
				case 0:
					bad[at] ^= 0x80
				case 1:
					bad[at] ^= 1
				case 2:
					bad[at] = byte(rng.Uint32())
				default:
					if next := at + 1; next < len(bad) {
						bad[at] += 2
						bad[next] -= 2
					}
				}
			}
			if rng.IntN(8) == 0 {
				bad = bad[:len(bad)-1-rng.IntN(min(20, len(bad)-1))] // ends early
			}
			walksAgree(t, bad, n, now)
		}
	}
}
