package batch

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"tailrace/batch/codec"
)

// thinned makes a batch of n records with keys 0 to n-1, of which every third is a tombstone.
func thinned(t testing.TB, o Options, n int) View {
	t.Helper()
	var b Builder
	o.BaseOffset, o.LeaderEpoch, o.Level = 1000, 5, codec.DefaultLevel(o.Codec)
	o.Producer = &Producer{ID: 9, Epoch: 2, Sequence: 77}
	b.Reset(o)
	for i := range n {
		value := []byte(strings.Repeat(fmt.Sprint("value", i), 20))
		if i%3 == 2 {
			value = nil
		}
		b.Append(5000+int64(i)*10, fmt.Append(nil, i), value, Header{[]byte("h"), fmt.Append(nil, i)})
	}
	v, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func shown(t testing.TB, v View) (list []string) {
	t.Helper()
	var w Walker
	var r Record
	for w.Reset(v, 0); w.Next(&r); {
		list = append(list, fmt.Sprintf("%d@%d %s=%.8s %s", r.Offset, r.TimestampMs, r.Key, r.Value, r.Headers))
	}
	if w.Err() != nil || v.CRC() != v.ComputeCRC() || v.Len() != len(v) {
		t.Fatalf("%v, CRC %08x for %08x, length %d for %d", w.Err(), v.CRC(), v.ComputeCRC(), v.Len(), len(v))
	}
	return list
}

// TestThin: what is left is what was there, with its offset, its time and its headers; what the header tells of the
// producer and of the offsets does not change.
func TestThin(t *testing.T) {
	const horizon = 1_000_000
	for id := codec.None; id <= codec.Zstd; id++ {
		for _, stamped := range []bool{false, true} {
			for _, keep := range []string{"0 1 2 3 4 5", "0 1", "3 4", "2", "5 1", ""} {
				v := thinned(t, Options{Codec: id, LogAppendTime: stamped, AppendTimeMs: 8000}, 6)
				kept := func(r *Record) bool { return strings.Contains(keep, string(r.Key)) }
				var want []string
				for i, line := range shown(t, v) {
					if strings.Contains(keep, fmt.Sprint(i)) {
						want = append(want, line)
					}
				}
				var th Thinner
				out, err := th.Thin(v, &Thinning{Keep: kept, HorizonMs: horizon})
				if err != nil {
					t.Fatal(err)
				}
				if keep == "" {
					if out != nil {
						t.Errorf("%v: a batch of nothing: %x", id, []byte(out))
					}
					continue
				}
				if got := shown(t, out); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%v, stamped %v, keep %s:\n%q, want\n%q", id, stamped, keep, got, want)
				}
				ms, has := out.DeleteHorizon()
				if tombstone := strings.ContainsAny(keep, "25"); has != tombstone || has && ms != horizon {
					t.Errorf("%v, keep %s: delete horizon %v, %d", id, keep, has, ms)
				}
				mustResemble(t, out, v)
			}
		}
	}
}

func mustResemble(t *testing.T, out, v View) {
	t.Helper()
	facts := func(v View) string {
		return fmt.Sprint(v.BaseOffset(), v.LastOffset(), v.LeaderEpoch(), v.ProducerID(), v.ProducerEpoch(),
			v.BaseSequence(), v.LastSequence(), v.TimestampType(), v.IsTransactional(), v.IsControl())
	}
	if facts(out) != facts(v) {
		t.Errorf("%s became %s", facts(v), facts(out))
	}
}

// TestThinAgain: a horizon stays what it was; the batch itself comes back where nothing is to be done.
func TestThinAgain(t *testing.T) {
	v := thinned(t, Options{Codec: codec.LZ4}, 6)
	var one, two Thinner
	all := func(*Record) bool { return true }
	first, err := one.Thin(v, &Thinning{Keep: all, HorizonMs: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	again, err := two.Thin(first, &Thinning{Keep: all, HorizonMs: 1 << 41})
	if err != nil || &again[0] != &first[0] {
		t.Errorf("a batch with a horizon was rewritten: %v", err)
	}
	less, err := two.Thin(first, &Thinning{Keep: func(r *Record) bool { return r.Offset == 1002 }, HorizonMs: 1 << 41})
	if ms, has := less.DeleteHorizon(); err != nil || !has || ms != 1<<40 || less.MaxTimestamp() != 5020 {
		t.Errorf("horizon %v, %d, largest time %d, %v", has, ms, less.MaxTimestamp(), err)
	}
	if got := shown(t, less); len(got) != 1 || got[0] != shown(t, v)[2] {
		t.Errorf("left is %q", got)
	}
	plain := thinned(t, Options{}, 2)
	if out, err := one.Thin(plain, &Thinning{Keep: all}); err != nil || &out[0] != &plain[0] {
		t.Errorf("a batch of which nothing goes was rewritten: %v", err)
	}
	marked, err := one.Thin(plain, &Thinning{Keep: all, Marker: true, HorizonMs: 3})
	if ms, has := marked.DeleteHorizon(); err != nil || !has || ms != 3 {
		t.Errorf("a marker without records: horizon %v, %d, %v", has, ms, err)
	}
}

func TestAppendEmpty(t *testing.T) {
	for _, o := range []Options{
		{Codec: codec.Gzip}, {Transactional: true, Control: true}, {LogAppendTime: true, AppendTimeMs: 8000},
	} {
		v := thinned(t, o, 3)
		before := bytes.Clone(v)
		out := View(AppendEmpty([]byte("x"), v)[1:])
		if got := shown(t, out); len(got) != 0 || len(out) != HeaderSize || out.Codec() != codec.None {
			t.Errorf("%d bytes, codec %v, records %q", len(out), out.Codec(), got)
		}
		if out.MaxTimestamp() != v.MaxTimestamp() || out.BaseTimestamp() != NoTimestamp || out.Count() != 0 {
			t.Errorf("times %d and %d, %d records", out.BaseTimestamp(), out.MaxTimestamp(), out.Count())
		}
		mustResemble(t, out, v)
		if !bytes.Equal(before, v) {
			t.Error("the batch itself was changed")
		}
	}
}

// FuzzThin: no bytes make it panic, and what it makes can be read.
func FuzzThin(f *testing.F) {
	for id := codec.None; id <= codec.Zstd; id++ {
		f.Add([]byte(thinned(f, Options{Codec: id}, 5)), uint64(0b01101), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, keep uint64, marker bool) {
		v, _, code := Next(b)
		if code != 0 {
			return
		}
		var th Thinner
		n := 0
		out, err := th.Thin(v, &Thinning{MaxInflated: 1 << 20, Marker: marker, HorizonMs: 7, Keep: func(*Record) bool {
			n++
			return keep>>(n%64)&1 == 1
		}})
		if err == nil && out != nil && &out[0] != &v[0] {
			shown(t, out)
		}
		AppendEmpty(nil, v)
	})
}
