package segment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"tailrace/vfs"
	"tailrace/wire"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// made is a batch as the tests make them: n records, one timestamp, payload bytes of filling. Only the header and the
// CRC are right; nobody here looks at records.
type made struct {
	base  wire.Offset
	n     int
	ts    int64
	bytes []byte
}

func (m made) last() wire.Offset { return m.base + wire.Offset(m.n) - 1 }
func (m made) next() wire.Offset { return m.base + wire.Offset(m.n) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func makeBatch(base wire.Offset, n int, ts int64, payload int) made {
	b := make([]byte, 61+payload)
	put64 := func(at int, v int64) { binary.BigEndian.PutUint64(b[at:], uint64(v)) }
	put32 := func(at int, v int) { binary.BigEndian.PutUint32(b[at:], uint32(v)) }
	put64(0, int64(base))
	put32(8, len(b)-12)
	put32(12, 3)
	b[16] = 2
	put32(23, n-1)
	put64(27, ts)
	put64(35, ts)
	put64(43, -1)
	b[51], b[52] = 0xff, 0xff
	put32(53, -1)
	put32(57, n)
	for i := range payload {
		b[61+i] = byte(int(base)*31 + i*7)
	}
	sum(b)
	return made{base, n, ts, b}
}

// sum puts the right CRC into a batch.
func sum(b []byte) { binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli)) }

func testConfig() *Config {
	return &Config{
		SegmentBytes: 4096, SegmentMs: 1 << 50, IndexBytes: 1 << 20, IndexIntervalBytes: 300,
		RetentionMs: -1, RetentionBytes: -1, Delete: true,
	}
}

const startMs = 1_700_000_000_000

func (m made) appended(sync bool) Appended {
	return Appended{Base: m.base, Last: m.last(), MaxTimestamp: m.ts, AppendTimeMs: startMs, Sync: sync}
}

func open(t testing.TB, o Options) *Log {
	t.Helper()
	l, _, err := openWith(o)
	must(t, err)
	return l
}

func openWith(o Options) (*Log, Recovered, error) {
	if o.Config == nil {
		o.Config = testConfig()
	}
	if o.Now == nil {
		o.Now = func() int64 { return startMs }
	}
	return Open(o)
}

// content is the bytes of a result.
func content(t testing.TB, r Result) []byte {
	t.Helper()
	defer r.Span.Release()
	b := make([]byte, r.Span.N)
	if n, err := r.Span.ReadAt(b, 0); n < len(b) {
		t.Fatalf("span of %d bytes at %d gives %d: %v", r.Span.N, r.Span.Pos, n, err)
	}
	return b
}

// readAll reads from start to end with fetches of at most max bytes.
func readAll(l *Log, from wire.Offset, max int) ([]byte, error) {
	var all []byte
	for from < l.End() {
		r, err := l.Read(from, max, l.End(), true)
		if err != nil {
			return all, err
		}
		b := make([]byte, r.Span.N)
		if n, err := r.Span.ReadAt(b, 0); n < len(b) {
			r.Span.Release()
			return all, fmt.Errorf("span: %w", err)
		}
		r.Span.Release()
		if r.Next <= from {
			return all, fmt.Errorf("read at %d goes on at %d", from, r.Next)
		}
		all = append(all, b...)
		from = r.Next
	}
	return all, nil
}

func joined(all []made) []byte {
	var b []byte
	for _, m := range all {
		b = append(b, m.bytes...)
	}
	return b
}

func mustHold(t testing.TB, l *Log, want []made) {
	t.Helper()
	got, err := readAll(l, l.Start(), 1500)
	must(t, err)
	if !bytes.Equal(got, joined(want)) {
		t.Fatalf("the log holds %d bytes from %d to %d, want %d", len(got), l.Start(), l.End(), len(joined(want)))
	}
}

// appendN appends n batches of varying size and returns them.
func appendN(t testing.TB, l *Log, n int) []made {
	t.Helper()
	var all []made
	for i := range n {
		m := makeBatch(l.End(), 1+i%4, startMs+int64(i), 50+i*37%300)
		must(t, l.Append(m.bytes, m.appended(i%5 == 4)))
		all = append(all, m)
	}
	return all
}

// disks runs a test on the real file system and on faultfs.
func disks(t *testing.T, f func(t *testing.T, fsys vfs.FS, dir string)) {
	t.Run("os", func(t *testing.T) { f(t, vfs.OS, t.TempDir()) })
	t.Run("faultfs", func(t *testing.T) {
		fsys := newFaultFS(t)
		f(t, fsys, "/log")
	})
}
