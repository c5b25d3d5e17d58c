//go:build !race

// The race detector makes pools lose things on purpose: what is allocated under it says nothing.

package batch

import (
	"bytes"
	"testing"

	"tailrace/batch/codec"
	"tailrace/wire/errcode"
)

func TestValidatingAllocatesNothing(t *testing.T) {
	appendTime := with(func(r *Rules) { r.LogAppendTime = true })
	var v Validator
	for id := codec.None; id.Known(); id++ {
		for _, r := range []*Rules{&clientRules, appendTime,
			with(func(r *Rules) { r.Compression = codec.Policy{ID: codec.LZ4, Level: 9} })} {
			original := javaBatch(t, id)
			b := View(bytes.Clone(original))
			if n := testing.AllocsPerRun(50, func() {
				copy(b, original)
				if got := v.Validate(b, r, now); got.Code != errcode.None {
					t.Fatal(got.Message)
				}
			}); n != 0 {
				t.Errorf("%s: %v allocations a batch", id, n)
			}
		}
	}
	var w Walker
	var r Record
	b := javaBatch(t, codec.LZ4)
	if n := testing.AllocsPerRun(20, func() {
		for w.Reset(b, 0); w.Next(&r); {
		}
	}); n != 0 {
		t.Errorf("walking: %v allocations a batch", n)
	}
}
