package segment

import (
	"testing"

	"tailrace/vfs"
	"tailrace/wire"
)

// TestNoAllocations: appending and reading allocate nothing, whichever way the bytes go.
func TestNoAllocations(t *testing.T) {
	for _, size := range []int{100, 1 << 10, 64 << 10, 200 << 10} {
		for _, sync := range []bool{false, true} {
			c := testConfig()
			c.SegmentBytes, c.IndexIntervalBytes = 1<<30, 4096
			l := open(t, Options{FS: vfs.OS, Dir: t.TempDir(), Config: c})
			m := makeBatch(0, 3, startMs, size)
			next := wire.Offset(0)
			add := func() {
				batchAt(m.bytes, next)
				must(t, l.Append(m.bytes, Appended{next, next + 2, startMs, startMs, sync}))
				next += 3
			}
			add()
			if n := testing.AllocsPerRun(500, add); n != 0 {
				t.Errorf("%v allocations for an append of %d bytes, sync %v", n, size, sync)
			}
			read := func(from wire.Offset, max int) {
				r, err := l.Read(from, max, next, true)
				must(t, err)
				r.Span.Release()
			}
			tail := wire.Offset(0)
			if n := testing.AllocsPerRun(500, func() {
				add()
				r, err := l.Read(max(tail, next-300), 1<<20, next, true)
				must(t, err)
				tail = r.Next
				r.Span.Release()
			}); n != 0 {
				t.Errorf("%v allocations for append and tailing read of %d bytes", n, size)
			}
			for _, rested := range []bool{false, true} {
				if rested {
					must(t, l.Rest())
					read(0, 1000)
				}
				at := wire.Offset(1)
				if n := testing.AllocsPerRun(300, func() {
					read(at, 100_000)
					at = (at + 37) % (next - 10)
				}); n != 0 {
					t.Errorf("%v allocations for a read among %d bytes, rested %v", n, size, rested)
				}
			}
			must(t, l.Close())
		}
	}
}

// batchAt stamps a base offset, which the CRC does not cover.
func batchAt(b []byte, base wire.Offset) {
	for i := range 8 {
		b[i] = byte(base >> (56 - 8*i))
	}
}

// TestHotOnlyWhatWasWrittenLately: spans may be sent from the mapping only where its pages are resident.
func TestHotOnlyWhatWasWrittenLately(t *testing.T) {
	c := testConfig()
	c.SegmentBytes, c.IndexIntervalBytes = 64<<20, 4096
	now := int64(startMs)
	dir := t.TempDir()
	l := open(t, Options{FS: vfs.OS, Dir: dir, Config: c, MapBelow: 2 << 20, Now: func() int64 { return now }})
	m := makeBatch(0, 1, startMs, 1<<20)
	add := func() {
		batchAt(m.bytes, l.End())
		must(t, l.Append(m.bytes, Appended{l.End(), l.End(), startMs, now, false}))
	}
	hot := func(off wire.Offset) bool {
		r, err := l.Read(off, 1, l.End(), true)
		must(t, err)
		defer r.Span.Release()
		if v := r.Span.View(); (v != nil) != r.Span.Hot {
			t.Fatalf("hot %v, view of %d bytes", r.Span.Hot, len(v))
		}
		return r.Span.Hot
	}
	for range 20 {
		add()
	}
	if hot(0) || hot(9) || !hot(14) || !hot(19) {
		t.Error("of 20 MiB the last 8 should be hot")
	}
	now += hotForMs + 1
	if hot(19) {
		t.Error("hot long after the last append")
	}
	add()
	now += hotTurnMs + 1
	add()
	if hot(19) || !hot(21) {
		t.Error("an old batch is hot, or a new one not")
	}
	must(t, l.Rest())
	if hot(21) {
		t.Error("hot after a rest")
	}
	add()
	if hot(21) || !hot(22) {
		t.Error("after waking only what is new is hot")
	}
	must(t, l.Close())
}
