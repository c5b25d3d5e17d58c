package batch

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"tailrace/batch/codec"
	"tailrace/wire/errcode"
)

// measured is a batch of about 64 KiB of records of size bytes, half of each random, half repeated.
func measured(b *testing.B, size int, id codec.ID) View {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	var bl Builder
	bl.Reset(Options{Codec: id, Level: codec.DefaultLevel(id)})
	value := bytes.Repeat([]byte("value "), size/6+1)[:size]
	for i := range 64 << 10 / size {
		for j := range size / 2 {
			value[j] = byte('a' + rng.IntN(26))
		}
		bl.Append(now+int64(i/8), nil, value)
	}
	v, err := bl.Build()
	if err != nil {
		b.Fatal(err)
	}
	return bytes.Clone(v)
}

func perRecord(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
}

// BenchmarkWalk measures the walk alone.
func BenchmarkWalk(b *testing.B) {
	for _, size := range []int{10, 100, 1024} {
		v := measured(b, size, codec.None)
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			var s scan
			for b.Loop() {
				if _, f := s.walk(v.Records(), v.Count(), v.BaseTimestamp()); f != 0 {
					b.Fatal(f)
				}
			}
			perRecord(b, v.Count())
		})
	}
}

// BenchmarkWalkMixed measures the walk where records differ. It goes over 16 batches in turn: the branch predictor of a
// processor learns a single one by heart.
func BenchmarkWalkMixed(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 4))
	filler := make([]byte, 256)
	for _, shape := range []struct {
		name   string
		append func(bl *Builder, i int)
	}{
		{"random lengths and keys", func(bl *Builder, i int) {
			bl.Append(now+int64(i/8), filler[:rng.IntN(3)*8], filler[:50+rng.IntN(151)])
		}},
		{"random lengths, null keys", func(bl *Builder, i int) {
			bl.Append(now+int64(i/8), nil, filler[:80+rng.IntN(41)])
		}},
		{"pairs alike", func(bl *Builder, i int) { bl.Append(now, filler[:8], filler[:100+i/2%2]) }},
		{"fours alike", func(bl *Builder, i int) { bl.Append(now, filler[:8], filler[:100+i/4%2]) }},
		{"random runs alike", func(bl *Builder, i int) {
			if rng.IntN(5) == 0 {
				filler[0] = byte(rng.IntN(100))
			}
			bl.Append(now, filler[:8], filler[:100+int(filler[0])])
		}},
		{"keys of 16", func(bl *Builder, i int) { bl.Append(now+int64(i/8), filler[:16], filler[:100]) }},
		{"random times", func(bl *Builder, i int) { bl.Append(now+rng.Int64N(64), filler[:16], filler[:100]) }},
		{"one header", func(bl *Builder, i int) {
			bl.Append(now, filler[:16], filler[:100], Header{filler[:7], filler[:16]})
		}},
	} {
		var batches [16]View
		for k := range batches {
			var bl Builder
			for i := range 500 {
				shape.append(&bl, i)
			}
			v, err := bl.Build()
			if err != nil {
				b.Fatal(err)
			}
			batches[k] = bytes.Clone(v)
		}
		b.Run(shape.name, func(b *testing.B) {
			var s scan
			k := 0
			for b.Loop() {
				v := batches[k%len(batches)]
				if _, f := s.walk(v.Records(), v.Count(), v.BaseTimestamp()); f != 0 {
					b.Fatal(f)
				}
				k++
			}
			perRecord(b, 500)
		})
	}
}

// BenchmarkValidate measures all that a produced batch of 64 KiB goes through: CRC, inflating, walk.
func BenchmarkValidate(b *testing.B) {
	for id := codec.None; id.Known(); id++ {
		for _, size := range []int{100, 1024} {
			v := measured(b, size, id)
			b.Run(fmt.Sprintf("%s/%dB", id, size), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(64 << 10)
				var val Validator
				for b.Loop() {
					if got := val.Validate(v, &clientRules, now); got.Code != errcode.None {
						b.Fatal(got.Message)
					}
				}
				perRecord(b, v.Count())
			})
		}
	}
}

// BenchmarkRecompress measures storing an uncompressed batch on a topic with another compression.type.
func BenchmarkRecompress(b *testing.B) {
	v := measured(b, 1024, codec.None)
	for id := codec.Gzip; id.Known(); id++ {
		r := clientRules
		r.Compression = codec.Policy{ID: id, Level: codec.DefaultLevel(id)}
		b.Run(id.String(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(64 << 10)
			var val Validator
			for b.Loop() {
				if got := val.Validate(v, &r, now); got.Code != errcode.None {
					b.Fatal(got.Message)
				}
			}
		})
	}
}
