//go:build !race

// The race detector makes pools lose things on purpose: what is allocated under it says nothing.

package codec

import (
	"testing"
)

func TestNoAllocations(t *testing.T) {
	plain := jsonLike(100 << 10)
	for id := None; id < count; id++ {
		packed := compress(t, plain, id)
		in, out := make([]byte, 0, 2*len(plain)), make([]byte, 0, 4*len(plain))
		if n := testing.AllocsPerRun(50, func() {
			if _, err := Compress(in, plain, id, DefaultLevel(id)); err != nil {
				t.Fatal(err)
			}
			if _, err := Decompress(out, packed, id, len(plain)); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", id, n)
		}
	}
}
