package codec

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// jsonLike is text as services log it: it compresses about as event data does.
func jsonLike(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var b []byte
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, `{"ts":%d,"user":"u-%05d","path":"/api/v1/items/%d","ms":%d,"agent":"curl/8.%d"}`+"\n",
			1_700_000_000_000+i, rng.IntN(5000), rng.IntN(1_000_000), rng.IntN(900), rng.IntN(9))
	}
	return b[:n]
}

// BenchmarkInflate measures inflating into a warm buffer; bytes are inflated bytes.
func BenchmarkInflate(b *testing.B) {
	for id := Gzip; id < count; id++ {
		for _, size := range []int{16 << 10, 256 << 10} {
			plain := jsonLike(size)
			packed, err := Compress(nil, plain, id, DefaultLevel(id))
			if err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("%s/%dKiB", id, size>>10), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				var dst []byte
				for b.Loop() {
					if dst, err = Decompress(dst[:0], packed, id, size); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(size)/float64(len(packed)), "ratio")
			})
		}
	}
}

// BenchmarkCompress measures each codec at its default level; bytes are input bytes.
func BenchmarkCompress(b *testing.B) {
	for id := Gzip; id < count; id++ {
		plain := jsonLike(256 << 10)
		b.Run(id.String(), func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			var dst []byte
			var err error
			for b.Loop() {
				if dst, err = Compress(dst[:0], plain, id, DefaultLevel(id)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
