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
