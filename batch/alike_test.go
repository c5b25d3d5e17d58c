package batch

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// alike builds n records that fill one mold, but for their offset deltas, and are stepMs apart.
func alike(tb testing.TB, n int, stepMs int64, key, value []byte, headers ...Header) View {
	tb.Helper()
	var b Builder
	for i := range n {
		b.Append(now+int64(i)*stepMs, key, value, headers...)
	}
	v, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.Clone(v)
}

// kinds are what a producer of one kind of records may send, with lengths on both sides of where a varint grows.
func kinds(tb testing.TB, n int) map[string]View {
	text := bytes.Repeat([]byte("0123456789abcdef"), 1<<10)
	kinds := map[string]View{
		"no key, no value":       alike(tb, n, 0, nil, nil, Header{text[:5], nil}),
		"no key":                 alike(tb, n, 0, nil, text[:30]),
		"one header":             alike(tb, n, 0, text[:3], text[:10], Header{text[:2], text[:7]}),
		"header that ends in 0":  alike(tb, n, 0, text[:3], text[:10], Header{text[:2], make([]byte, 3)}),
		"null and empty headers": alike(tb, n, 0, nil, text[:10], Header{text[:1], nil}, Header{text[:0], text[:0]}),
		"value of zeros":         alike(tb, n, 0, []byte{}, make([]byte, 20)),
		"first delta of 2 bytes": alike(tb, n, 1, text[:1], text[:40]),
		"first delta of 3 bytes": alike(tb, n, 129, text[:1], text[:40]),
		"first delta of 4 bytes": alike(tb, n, 1<<19, text[:1], text[:40]),
		"first delta of 5 bytes": alike(tb, n, 1<<26, text[:1], text[:40]),
		"and a long value":       alike(tb, n, 1<<19, nil, text[:100]),
		"backwards":              alike(tb, n, -1<<10, text[:1], text[:40]),
	}
	for _, size := range []int{0, 1, 40, 50, 63, 64, 65, 8150, 8191, 8192} {
		kinds[fmt.Sprintf("key of %d", size)] = alike(tb, n, 0, text[:size], text[:20])
		kinds[fmt.Sprintf("value of %d", size)] = alike(tb, n, 0, text[:8], text[:size])
		kinds[fmt.Sprintf("value of %d, no key", size)] = alike(tb, n, 0, nil, text[:size])
	}
	return kinds
}

// TestAlikeIsTaken sees to it that records of one kind are not decoded one by one, which no other test would notice.
func TestAlikeIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		v     View
		first int // the record that the mold is cast from
		next  int // the first that was not taken as like it
	}{
		"no key":                        {alike(t, 200, 0, nil, make([]byte, 100)), 1, 64},
		"empty value":                   {alike(t, 200, 0, []byte("a longer key"), nil), 1, 64},
		"a header":                      {alike(t, 200, 0, nil, nil, Header{[]byte("trace"), []byte("id")}), 1, 64},
		"short":                         {alike(t, 200, 0, nil, make([]byte, 10)), 1, 64},
		"too short":                     {alike(t, 200, 0, nil, make([]byte, 6)), 1, 2},
		"offset delta of 2 bytes":       {alike(t, 9000, 0, []byte("key"), make([]byte, 20)), 100, 8192},
		"timestamp delta of 2 bytes":    {alike(t, 9000, 1, []byte("key"), make([]byte, 20)), 100, 8192},
		"until it has 3":                {alike(t, 9000, 2, []byte("key"), make([]byte, 20)), 100, 4096},
		"timestamp delta of 3 bytes":    {alike(t, 9000, 2, []byte("key"), make([]byte, 20)), 5000, 8192},
		"timestamp delta of 4 bytes":    {alike(t, 9000, 8192, []byte("key"), make([]byte, 20)), 200, 8192},
		"offset delta of 3 bytes":       {alike(t, 10000, 0, []byte("key"), make([]byte, 20)), 8192, 10000},
		"of 3, and a long key":          {alike(t, 10000, 0, make([]byte, 70), make([]byte, 20)), 9000, 10000},
		"the last record is taken, too": {alike(t, 40, 0, []byte("key"), make([]byte, 20)), 1, 40},
	} {
		b := c.v.Records()
		for range c.first {
			var r rawRecord
			size, f := r.parse(b)
			if f != 0 {
				t.Fatal(faultTexts[f])
			}
			b = b[size:]
		}
		var s scan
		next, _, gap := s.tryAlike(b, c.first, c.v.Count(), c.v.BaseTimestamp(), 4)
		want := 1
		if c.next-c.first < 8 {
			want = 16
		}
		if next != c.next || gap != want {
			t.Errorf("%s: from %d on, those up to %d were taken, want %d; next gap %d", name, c.first, next, c.next, gap)
		}
	}
}

// TestWalksAgreeOnKinds has long runs of each kind, and every change from one kind to another.
func TestWalksAgreeOnKinds(t *testing.T) {
	for name, v := range kinds(t, 200) {
		t.Run(name, func(t *testing.T) { walksAgree(t, v.Records(), v.Count(), v.BaseTimestamp()) })
	}
	rng := rand.New(rand.NewPCG(21, 22))
	text := make([]byte, 300)
	for range 500 {
		var b Builder
		for b.Count() < 300 {
			key, value, step := text[:rng.IntN(80)], text[:rng.IntN(300)], rng.Int64N(3)
			if rng.IntN(3) == 0 {
				key = nil
			}
			var headers []Header
			for range max(0, rng.IntN(5)-2) {
				headers = append(headers, Header{text[:rng.IntN(4)], text[:rng.IntN(4)]})
			}
			for i := range 1 + rng.IntN(40) {
				b.Append(now+int64(i)*step, key, value, headers...)
			}
		}
		v, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		walksAgree(t, v.Records(), v.Count(), v.BaseTimestamp())
	}
}

// TestWalksAgreeOnTheCount has counts that are too small and too large by any number, for records that are alike and
// for records that are not.
func TestWalksAgreeOnTheCount(t *testing.T) {
	var b Builder
	for i := range 68 {
		b.Append(now, nil, make([]byte, 20+i))
	}
	v, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []View{bytes.Clone(v), alike(t, 68, 0, nil, make([]byte, 20))} {
		for n := range 72 {
			walksAgree(t, v.Records(), n, v.BaseTimestamp())
		}
	}
}

// TestWalksAgreeWhereOffsetsGrow has a record with the first offset delta of two, three and four bytes that is of the
// size of those before it, and ends in a null key's 1. Read like those, it is sound; in truth it has no header count.
func TestWalksAgreeWhereOffsetsGrow(t *testing.T) {
	value := bytes.Repeat([]byte("v"), 20)
	for n, delta := range map[int][]byte{1 << 6: {0x80, 1}, 1 << 13: {0x80, 0x80, 1}, 1 << 20: {0x80, 0x80, 0x80, 1}} {
		b := alike(t, n, 0, nil, value).Records()
		b = append(b, raw(append(append(append([]byte{0, 0}, delta...), 40), append(value, 0)...)...)...)
		walksAgree(t, b, n+1, now)
	}
}

// TestWalksAgreeOnDamageAmongAlikes changes one byte, each in turn, of a record that is about to be taken for one like
// the others: to everything that could mean something else there.
func TestWalksAgreeOnDamageAmongAlikes(t *testing.T) {
	telling := []byte{0, 1, 2, 3, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff}
	for name, v := range kinds(t, 72) {
		b := v.Records()
		if len(b) > 72*200 {
			continue // the same as shorter ones, at a hundred times the cost
		}
		for _, from := range []int{len(b) / 10, len(b) - len(b)/20} { // offset deltas of one byte, and of two
			for at := from; at < from+len(b)/50 && at < len(b); at++ {
				was := b[at]
				for _, c := range append(telling, was-2, was-1, was+1, was+2, was^0x80) {
					b[at] = c
					walksAgree(t, b, v.Count(), v.BaseTimestamp())
				}
				b[at] = was
			}
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// TestWalksAgreeOnDamageBehindManyRecords is the same for offset deltas of three bytes.
func TestWalksAgreeOnDamageBehindManyRecords(t *testing.T) {
	const n = 1<<13 + 300
	for _, v := range []View{alike(t, n, 0, nil, make([]byte, 20)), alike(t, n, 0, make([]byte, 66), []byte("v"))} {
		b := v.Records()
		size := (len(b) - len(b)/n) / n
		for at := len(b) - 100*size; at < len(b)-99*size+8; at++ {
			was := b[at]
			for _, c := range []byte{0, 1, 0x7f, 0x80, 0x81, 0xff, was - 2, was + 2, was ^ 0x80} {
				b[at] = c
				walksAgree(t, b, v.Count(), v.BaseTimestamp())
			}
			b[at] = was
		}
	}
}
