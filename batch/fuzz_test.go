package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"tailrace/batch/codec"
	"tailrace/wire/errcode"
)

// reference walks records with nothing but encoding/binary, as slowly and as plainly as possible. It is what the fast
// walk and the Walker are held against.
func reference(b []byte, n int, base int64) (s scan, ok bool) {
	s = scan{min: math.MaxInt64, max: math.MinInt64}
	ok = true
	number := func(most int, least int64) int64 { // a varint of at most `most` bytes
		v, size := binary.Varint(b)
		if size <= 0 || size > most || v < least || most == 5 && (v < math.MinInt32 || v > math.MaxInt32) {
			ok, b, size = false, nil, 0
		}
		b = b[max(size, 0):]
		return v
	}
	skip := func(n int64) {
		if n = max(n, 0); n > int64(len(b)) {
			ok, n = false, int64(len(b))
		}
		b = b[n:]
	}
	for i := 0; i < n && ok; i++ {
		if len(b) == 0 {
			return s, false
		}
		size := number(5, 0)
		if !ok || size > int64(len(b)) {
			return s, false
		}
		rest := b[size:]
		b = b[:size]
		skip(1)
		ts := base + number(10, math.MinInt64)
		if number(5, math.MinInt32) != int64(i) {
			s.moved = true
		}
		key := number(5, -1)
		skip(key)
		skip(number(5, -1))
		for headers := number(5, 0); headers > 0 && ok; headers-- {
			skip(number(5, 0))
			skip(number(5, -1))
		}
		if size == 0 || len(b) != 0 {
			ok = false
		}
		if key < 0 {
			s.keyless++
		}
		s.time(ts, i)
		b = rest
	}
	return s, ok && len(b) == 0
}

func addSeeds(f *testing.F, add func(View)) {
	for id := codec.None; id.Known(); id++ {
		add(build(f, Options{Codec: id, Level: codec.DefaultLevel(id)}, now, now+5, now-1_000_000))
		add(build(f, Options{Codec: id, Level: codec.DefaultLevel(id), Transactional: true,
			Producer: &Producer{ID: 1, Epoch: 1, Sequence: 9}}, NoTimestamp, 0))
	}
	var b Builder
	for i := range 200 {
		b.Append(now+int64(i*i*i), nil, bytes.Repeat([]byte("x"), i), Header{[]byte("h"), nil})
	}
	v, err := b.Build()
	if err != nil {
		f.Fatal(err)
	}
	add(bytes.Clone(v))
}

func FuzzNext(f *testing.F) {
	addSeeds(f, func(v View) {
		f.Add([]byte(v))
		f.Add(append(bytes.Clone(v), v...))
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		for {
			v, rest, code := Next(b)
			if code != errcode.None {
				if v != nil || len(rest) != len(b) {
					t.Fatal("a refusal took bytes")
				}
				return
			}
			if len(v) < HeaderSize || v.Len() != len(v) || len(v)+len(rest) != len(b) || v.Magic() != magic2 {
				t.Fatalf("a view of %d bytes that says %d, of %d", len(v), v.Len(), len(b))
			}
			b = rest
		}
	})
}

// FuzzWalk feeds bare record bytes to the fast walk and to the Walker: both must agree with the reference in
// everything.
func FuzzWalk(f *testing.F) {
	addSeeds(f, func(v View) {
		if v.Codec() == codec.None {
			f.Add(bytes.Clone(v.Records()), uint16(v.Count()), v.BaseTimestamp())
		}
	})
	for _, v := range kinds(f, 68) {
		if len(v) < 10_000 {
			f.Add(bytes.Clone(v.Records()), uint16(v.Count()), v.BaseTimestamp())
		}
	}
	f.Fuzz(func(t *testing.T, records []byte, n uint16, base int64) { walksAgree(t, records, int(n), base) })
}

func walksAgree(t *testing.T, records []byte, n int, base int64) {
	t.Helper()
	want, ok := reference(records, n, base)
	var got scan
	if _, fault := got.walk(records, n, base); (fault == 0) != ok {
		t.Fatalf("% .80x: the walk says %q, the reference %v", records, faultTexts[fault], ok)
	}
	if ok && got != want {
		t.Fatalf("% .80x: the walk found %+v, the reference %+v", records, got, want)
	}
	v := append(make(View, HeaderSize), records...)
	v.putInt32(atCount, int32(n))
	v.putInt64(atBaseTimestamp, base)
	var w Walker
	var r Record
	count := 0
	for w.Reset(v, 0); w.Next(&r); count++ {
	}
	if (w.Err() == nil) != ok || ok && count != n || w.Err() != nil && !errors.Is(w.Err(), ErrMalformed) {
		t.Fatalf("% .80x: the Walker read %d records, %v; the reference %v", records, count, w.Err(), ok)
	}
}

// TestWalksAgreeOnManyRecords has offset deltas of one, two and three bytes, and keys or none.
func TestWalksAgreeOnManyRecords(t *testing.T) {
	for _, key := range [][]byte{nil, {}, []byte("k")} {
		var b Builder
		for i := range 20_000 {
			b.Append(now+int64(i), key, []byte("a value of some length, so that the fast path runs"))
		}
		v, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		walksAgree(t, v.Records(), v.Count(), v.BaseTimestamp())
	}
	// Record 8192 has the first offset delta of three bytes. Here the third, 1, would also do as a null key; then the
	// rest is a record too, while in truth its header count is missing.
	var b Builder
	for range 8192 {
		b.Append(now, nil, nil)
	}
	tricky := append(bytes.Clone(b.out[HeaderSize:]), raw(0, 0, 0x80, 0x80, 1, 2, 'k', 0)...)
	walksAgree(t, append(tricky, raw(0, 0, 0x82, 0x80, 1, 1, 1, 0)...), 8194, now)
}

// TestWalksAgreeOnDamage changes a byte or two of sound records, many times over. Most of it stays sound: a length
// moved by one is what tells a walk that is nearly right from one that is.
func TestWalksAgreeOnDamage(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	telling := []byte{0, 1, 2, 3, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff}
	for range 300 {
		var b Builder
		n := 1 + rng.IntN(6)
		for range n {
			var headers []Header
			for range rng.IntN(3) {
				headers = append(headers, Header{make([]byte, rng.IntN(4)), make([]byte, rng.IntN(4))})
			}
			b.Append(rng.Int64N(1<<(2+rng.IntN(40))), make([]byte, rng.IntN(12)), make([]byte, rng.IntN(150)), headers...)
		}
		v, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		walksAgree(t, v.Records(), n, v.BaseTimestamp())
		for range 300 {
			bad := bytes.Clone(v.Records())
			for range 1 + rng.IntN(2) {
				at := rng.IntN(len(bad))
				switch rng.IntN(3) {
				case 0:
					bad[at] = telling[rng.IntN(len(telling))]
				case 1:
					bad[at] += byte(2 * (rng.IntN(5) - 2))
				default:
					bad = append(bad[:at], bad[min(at+1, len(bad)):]...)
				}
				if len(bad) == 0 {
					break
				}
			}
			walksAgree(t, bad, n, v.BaseTimestamp())
		}
	}
}

// FuzzValidate makes whole batches out of arbitrary bytes, with a right length and CRC so that they come far. What is
// accepted must be accepted again, walk to its end, and say the truth about its timestamps.
func FuzzValidate(f *testing.F) {
	addSeeds(f, func(v View) {
		f.Add([]byte(v), byte(0), int64(now))
		f.Add([]byte(v), byte(0xff), int64(now))
	})
	f.Fuzz(func(t *testing.T, b []byte, rules byte, nowMs int64) {
		r := Rules{FromClient: true, MaxInflatedBytes: 1 << 20, BeforeMaxMs: math.MaxInt64, AfterMaxMs: 1000}
		r.Compression = codec.Policy{Producer: rules&1 != 0, ID: codec.ID(rules >> 1 & 7 % 5)}
		r.Compression.Level = codec.DefaultLevel(r.Compression.ID)
		r.Compacted = rules&0x10 != 0
		if rules&0x20 != 0 {
			r.MaxMessageBytes = 500
		}
		var v Validator
		v.Validate(View(bytes.Clone(b)), &r, nowMs) // as it is
		if len(b) < HeaderSize {
			return
		}
		whole := altered(b, func(v View) {
			v.putInt32(atLength, int32(len(v)-Prefix))
			v.SetBaseOffset(0)
			v[atMagic] = magic2
		})
		got := v.Validate(whole, &r, nowMs)
		if got.Code != errcode.None {
			if got.Message == "" {
				t.Fatalf("%v without a reason", got.Code)
			}
			return
		}
		checkAccepted(t, got, &r)
		out := View(bytes.Clone(got.Batch))
		again := v.Validate(bytes.Clone(out), &r, nowMs)
		if again.Code != errcode.None || !bytes.Equal(again.Batch, out) || again.MaxTimestamp != got.MaxTimestamp {
			t.Fatalf("what was accepted is refused or changed: %+v", again)
		}
	})
}

// checkAccepted reads an accepted batch by other means than the validator's.
func checkAccepted(t *testing.T, got Verdict, r *Rules) {
	t.Helper()
	b := got.Batch
	if b.Len() != len(b) || b.CRC() != b.ComputeCRC() || b.Count() != got.Count || b.MaxTimestamp() != got.MaxTimestamp ||
		r.MaxMessageBytes != 0 && len(b) > r.MaxMessageBytes {
		t.Fatalf("accepted with a wrong header: % x", b[:HeaderSize])
	}
	records, err := codec.Decompress(nil, b.Records(), b.Codec(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := reference(records, got.Count, b.BaseTimestamp())
	if !ok || s.moved || r.Compacted && s.keyless > 0 {
		t.Fatalf("accepted what the reference refuses: %+v", s)
	}
	if want := max(s.max, NoTimestamp); want != got.MaxTimestamp {
		t.Fatalf("max timestamp %d, the reference says %d", got.MaxTimestamp, want)
	}
}
