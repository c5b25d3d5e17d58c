package vfs

import (
	"os"
	"path/filepath"
	"testing"
)

// mapped returns a mapping of n bytes, reserved and populated.
func mapped(tb testing.TB, n int) (*osFile, *osMapping) {
	tb.Helper()
	f, err := OS.OpenFile(filepath.Join(tb.TempDir(), "f"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	if err := f.Allocate(0, int64(n)); err != nil {
		tb.Fatal(err)
	}
	if err := f.Truncate(int64(n)); err != nil {
		tb.Fatal(err)
	}
	m, err := f.Map(n)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { m.Unmap() })
	m.Reserve(Pos(n))
	if err := m.Populate(0, n); err != nil {
		tb.Fatal(err)
	}
	return f.(*osFile), m.(*osMapping)
}

// What the guard of a mapped store costs: "bare" is the copy alone, "checked" adds the bounds check and the interface
// call, "guarded" is Mapping.WriteAt.
func BenchmarkMappedStore(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"64B", 64}, {"1KiB", 1 << 10}, {"16KiB", 16 << 10}} {
		_, m := mapped(b, 1<<20)
		p := make([]byte, size.n)
		b.Run("bare/"+size.name, func(b *testing.B) {
			for b.Loop() {
				copy(m.data[4096:], p)
			}
		})
		b.Run("checked/"+size.name, func(b *testing.B) {
			var c copier = m
			for b.Loop() {
				c.storeUnguarded(p, 4096)
			}
		})
		b.Run("guarded/"+size.name, func(b *testing.B) {
			var c Mapping = m
			for b.Loop() {
				c.WriteAt(p, 4096)
			}
		})
	}
}

type copier interface{ storeUnguarded(p []byte, pos Pos) error }

func (m *osMapping) storeUnguarded(p []byte, pos Pos) error {
	from := int64(pos)
	if from < 0 || from > m.reserved.Load()-int64(len(p)) {
		return m.outside("store", pos, len(p), m.reserved.Load())
	}
	copy(m.data[from:], p)
	return nil
}

func BenchmarkResident(b *testing.B) {
	f, _ := mapped(b, 1<<20)
	b.Run("cachestat", func(b *testing.B) {
		for b.Loop() {
			f.Resident(0, 64<<10)
		}
	})
	b.Run("preadv2", func(b *testing.B) {
		for b.Loop() {
			f.residentByRead(0, 64<<10)
		}
	})
}

func BenchmarkRef(b *testing.B) {
	f, m := mapped(b, 1<<16)
	r := NewRef(f, m, nil)
	s := Span{Ref: r, N: 1 << 10, Hot: true}
	b.Run("acquire-release", func(b *testing.B) {
		for b.Loop() {
			r.Acquire()
			s.Release()
		}
	})
	b.Run("view", func(b *testing.B) {
		for b.Loop() {
			if s.View() == nil {
				b.Fatal("no view")
			}
		}
	})
}
