package batch

import (
	"bytes"
	"fmt"
	"testing"
)

func BenchmarkWalk(b *testing.B) {
	for _, size := range []int{10, 100, 1024} {
		n := 64 << 10 / size
		var bl Builder
		bl.Reset(Options{})
		val := bytes.Repeat([]byte("x"), size)
		for i := range n {
			bl.Append(1_700_000_000_000+int64(i/8), nil, val)
		}
		v, err := bl.Build()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			var s scan
			for b.Loop() {
				if _, f := s.walk(v.Records(), n, v.BaseTimestamp()); f != 0 {
					b.Fatal(f)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
		})
	}
}
