package payload

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tailrace/loadgen/plan"
)

func source(t *testing.T, set map[string]string) *Source {
	t.Helper()
	p := plan.Default()
	for k, v := range set {
		if err := p.Set(k, v); err != nil {
			t.Fatal(err)
		}
	}
	s, err := NewSource(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCompressesAsSaid: gzip shrinks a batch of values to about the ratio that was asked for.
func TestCompressesAsSaid(t *testing.T) {
	for text, want := range map[string]float64{"random": 1, "ratio:2": 2, "ratio:4": 4, "ratio:10": 10} {
		m := source(t, map[string]string{"payload": text, "record-size": "1KiB"}).Maker(0)
		var plain []byte
		for range 64 {
			plain = m.Value(plain)
		}
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(plain)
		w.Close()
		if got := float64(len(plain)) / float64(packed.Len()); got < want*0.8 || got > want*1.2 {
			t.Errorf("%s is compressed %.2f times", text, got)
		}
	}
}

func TestSameSeedSameRecords(t *testing.T) {
	set := map[string]string{"keys": "zipf:1k,1.2", "record-size": "uniform:10..100"}
	a, b := source(t, set).Maker(3), source(t, set).Maker(3)
	other := source(t, set).Maker(4)
	same := true
	for range 100 {
		x, y, z := a.Value(nil), b.Value(nil), other.Value(nil)
		if !bytes.Equal(x, y) || !bytes.Equal(a.Key(nil), b.Key(nil)) {
			t.Fatal("two makers of one lane differ")
		}
		other.Key(nil)
		same = same && bytes.Equal(x, z)
	}
	if same {
		t.Error("two lanes make the same values")
	}
}

func TestZipfIsSkewedAndUniformIsNot(t *testing.T) {
	for text, most := range map[string][2]int{"uniform:10": {800, 1200}, "zipf:10,2": {5000, 10000}} {
		m := source(t, map[string]string{"keys": text}).Maker(0)
		count := map[string]int{}
		top := 0
		for range 10_000 {
			k := string(m.Key(nil))
			count[k]++
			top = max(top, count[k])
		}
		if len(count) > 10 || top < most[0] || top > most[1] {
			t.Errorf("%s: %d keys, the most frequent %d times of 10,000", text, len(count), top)
		}
	}
}

func TestLinesOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(path, []byte("one\r\n\ntwo\nthree"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := source(t, map[string]string{"payload": "file:" + path}).Maker(0)
	seen := map[string]int{}
	for range 6 {
		seen[string(m.Value(nil))]++
	}
	if len(seen) != 3 || seen["one"] != 2 || seen["two"] != 2 || seen["three"] != 2 {
		t.Errorf("%v", seen)
	}
}

func TestStamp(t *testing.T) {
	base := time.Now()
	s, other := NewStamper(7, base), NewStamper(8, base)
	v := make([]byte, 20)
	want := base.Add(77 * time.Hour)
	s.Put(v, want)
	if got, ok := s.Get(v); !ok || !got.Equal(want) {
		t.Errorf("%v %v, want %v", got, ok, want)
	}
	if _, ok := other.Get(v); ok {
		t.Error("a stamp of another run is taken for ours")
	}
	s.Put(v[:7], want)
	if _, ok := s.Get(v[:7]); ok {
		t.Error("7 bytes hold a stamp")
	}
}

func TestValueAllocatesNothing(t *testing.T) {
	m := source(t, map[string]string{"keys": "uniform:1k", "payload": "ratio:2"}).Maker(0)
	v, k := make([]byte, 0, 2048), make([]byte, 0, 32)
	if n := testing.AllocsPerRun(1000, func() { m.Value(v); m.Key(k) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}
