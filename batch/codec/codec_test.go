package codec

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inputs are shapes of data that take different ways through the encoders.
func inputs() map[string][]byte {
	noise := make([]byte, 300<<10)
	rng := rand.New(rand.NewPCG(7, 7))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	return map[string][]byte{
		"empty":        {},
		"one byte":     {'x'},
		"short":        []byte("hello, hello, hello"),
		"json":         jsonLike(20 << 10),
		"block edge":   jsonLike(64 << 10),
		"block edge+1": jsonLike(64<<10 + 1),
		"large":        jsonLike(700 << 10),
		"zeros":        make([]byte, 1<<20),
		"noise":        noise,
	}
}

func compress(t testing.TB, src []byte, id ID) []byte {
	t.Helper()
	out, err := Compress(nil, src, id, DefaultLevel(id))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	for name, plain := range inputs() {
		for id := None; id < count; id++ {
			prefix := []byte("before")
			packed, err := Compress(prefix[:len(prefix):len(prefix)], plain, id, DefaultLevel(id))
			if err != nil {
				t.Fatalf("%s %s: %v", name, id, err)
			}
			if !bytes.HasPrefix(packed, prefix) {
				t.Fatalf("%s %s: compressing did not append", name, id)
			}
			got, err := Decompress(prefix[:len(prefix):len(prefix)], packed[len(prefix):], id, len(plain))
			if err != nil {
				t.Fatalf("%s %s: %v", name, id, err)
			}
			if !bytes.HasPrefix(got, prefix) || !bytes.Equal(got[len(prefix):], plain) {
				t.Fatalf("%s %s: came back as something else", name, id)
			}
		}
	}
}

func TestEachLevelRoundTrips(t *testing.T) {
	plain := jsonLike(150 << 10)
	size := map[ID]map[int]int{Gzip: {}, LZ4: {}, Zstd: {}}
	for id, lv := range map[ID][]int{
		Gzip: {-1, 1, 2, 3, 4, 5, 6, 7, 8, 9},
		LZ4:  {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 17},
		Zstd: {-131072, -1, 0, 1, 2, 3, 5, 6, 9, 10, 19, 22},
	} {
		for _, level := range lv {
			packed, err := Compress(nil, plain, id, level)
			if err != nil {
				t.Fatalf("%s level %d: %v", id, level, err)
			}
			got, err := Decompress(nil, packed, id, len(plain))
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%s level %d: %d bytes came back, %v", id, level, len(got), err)
			}
			size[id][level] = len(packed)
		}
	}
	for id, pair := range map[ID][2]int{Gzip: {1, 9}, LZ4: {1, 12}, Zstd: {1, 19}} {
		if weak, strong := size[id][pair[0]], size[id][pair[1]]; strong >= weak {
			t.Errorf("%s level %d gives %d bytes, level %d %d: the level has no effect", id, pair[0], weak, pair[1], strong)
		}
	}
}

func TestLevelsThatDoNotExist(t *testing.T) {
	for id, bad := range map[ID][]int{
		None: {1, -1}, Gzip: {0, 10, -2}, Snappy: {1, -1}, LZ4: {0, -1, 18}, Zstd: {23, -131073}, 5: {0}, -1: {0},
	} {
		for _, level := range bad {
			if _, err := Compress(nil, []byte("x"), id, level); err == nil {
				t.Errorf("%s took level %d", id, level)
			}
		}
	}
	if err := CheckLevel(LZ4, 18); err == nil || !strings.Contains(err.Error(), "1 to 17") {
		t.Errorf("the error does not name the range: %v", err)
	}
}

func TestNames(t *testing.T) {
	for id := None; id < count; id++ {
		if got, ok := Parse(id.String()); !ok || got != id || !id.Known() {
			t.Errorf("%s does not parse as itself", id)
		}
	}
	if id, ok := Parse("uncompressed"); !ok || id != None {
		t.Error("uncompressed is none")
	}
	if _, ok := Parse("brotli"); ok || ID(5).Known() || ID(-1).Known() || ID(6).String() != "codec(6)" {
		t.Error("an unknown codec passes for a known one")
	}
}

// TestOutputIsCapped inflates with bounds around the real size: nothing more may come out, and little more be held.
func TestOutputIsCapped(t *testing.T) {
	for name, plain := range inputs() {
		for id := None; id < count; id++ {
			packed := compress(t, plain, id)
			for _, short := range []int{1, 2, 100, len(plain) / 2, len(plain)} {
				if short == 0 || short > len(plain) {
					continue
				}
				got, err := Decompress(nil, packed, id, len(plain)-short)
				if !errors.Is(err, ErrTooLarge) || len(got) != 0 {
					t.Fatalf("%s %s: %d bytes too little gave %d bytes and %v", name, id, short, len(got), err)
				}
			}
		}
	}
}

func TestBombs(t *testing.T) {
	const size, limit = 256 << 20, 1 << 20
	zeros := make([]byte, size)
	for id := Gzip; id < count; id++ {
		bomb := compress(t, zeros, id)
		got, err := Decompress(nil, bomb, id, limit)
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: a bomb of %d bytes: %v", id, len(bomb), err)
		}
		if cap(got) > 2*limit {
			t.Errorf("%s: a bomb took %d bytes of memory, the limit is %d", id, cap(got), limit)
		}
	}
}

// TestAnnouncedSizes makes each format promise far more than it holds: the promise must not be paid for in memory.
func TestAnnouncedSizes(t *testing.T) {
	for name, c := range map[string]struct {
		id  ID
		src []byte
	}{
		"snappy length of 1 GiB": {Snappy, []byte{0x80, 0x80, 0x80, 0x80, 0x04, 0x00, 'x'}},
		"xerial block of 2 GiB":  {Snappy, append(bytes.Clone(xerialHeader), 0x7f, 0xff, 0xff, 0xff, 1, 2, 3)},
		"lz4 block of 2 GiB":     {LZ4, append(bytes.Clone(lz4Header), 0xff, 0xff, 0xff, 0x7f, 1, 2, 3)},
		"zstd content of 1 GiB":  {Zstd, []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x40, 0x09, 0, 0, 'x'}},
		"zstd skippable of 4 GB": {Zstd, []byte{0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff, 1}},
	} {
		got, err := Decompress(nil, c.src, c.id, 2<<30)
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if cap(got) > 1<<20 {
			t.Errorf("%s: took %d bytes", name, cap(got))
		}
	}
}

// TestDamage cuts compressed data short at every length and flips bytes: an error or other output, never a panic, and
// a cut must be noticed.
func TestDamage(t *testing.T) {
	plain := jsonLike(3000)
	rng := rand.New(rand.NewPCG(3, 4))
	for id := Gzip; id < count; id++ {
		packed := compress(t, plain, id)
		for n := range packed {
			got, err := Decompress(nil, packed[:n], id, 1<<20)
			// A xerial stream has no end mark; one that ends between blocks is whole, and so is no zstd frame at all.
			if err == nil && len(got) == len(plain) {
				t.Errorf("%s: %d of %d bytes inflated to everything", id, n, len(packed))
			}
		}
		for range 2000 {
			bad := bytes.Clone(packed)
			bad[rng.IntN(len(bad))] ^= byte(1 + rng.IntN(255))
			if _, err := Decompress(nil, bad, id, 1<<20); err != nil &&
				!errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("%s: damage gave %v", id, err)
			}
		}
	}
	if _, err := Decompress(nil, plain, 6, 1<<20); !errors.Is(err, ErrUnknown) {
		t.Errorf("codec 6: %v", err)
	}
}

// TestConcurrentUse shares the pools between goroutines.
func TestConcurrentUse(t *testing.T) {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			plain := jsonLike(10_000 + 9_000*g)
			for i := range 40 {
				id := ID(i % int(count))
				packed, err := Compress(nil, plain, id, DefaultLevel(id))
				if err != nil {
					t.Error(err)
				}
				got, err := Decompress(nil, packed, id, len(plain))
				if err != nil || !bytes.Equal(got, plain) {
					t.Errorf("%s: another goroutine's bytes came back, %v", id, err)
				}
			}
		})
	}
	wg.Wait()
}
