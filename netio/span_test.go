package netio

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

// spanFile is a file of noise with a reference to give spans of.
type spanFile struct {
	data []byte
	ref  *vfs.Ref
	gone chan struct{} // closed with the last reference
}

func newSpanFile(t testing.TB, fsys vfs.FS, name string, size int, mapped bool) *spanFile {
	t.Helper()
	f := must[vfs.File](t)(fsys.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644))
	s := &spanFile{data: noise(size, uint64(size)), gone: make(chan struct{})}
	must[int](t)(f.WriteAt(s.data, 0))
	var m vfs.Mapping
	if mapped {
		m = must[vfs.Mapping](t)(f.Map(size))
		m.Reserve(vfs.Pos(size))
	}
	s.ref = vfs.NewRef(f, m, func() { close(s.gone) })
	t.Cleanup(func() {
		s.ref.Release()
		<-s.gone // a reference that is never released hangs here
	})
	return s
}

func (f *spanFile) span(pos, n int, hot bool) vfs.Span {
	if !f.ref.Acquire() {
		panic("BUG: the test's file is closed")
	}
	return vfs.Span{Ref: f.ref, Pos: vfs.Pos(pos), N: n, Hot: hot}
}

// A request for spans: count, then position, length and hotness of each. The reply has a header byte before each span
// and a trailer, and its checksum is that of the same bytes taken from memory.
func spanRequest(spans ...[3]int) []byte {
	b := []byte{byte(len(spans))}
	for _, s := range spans {
		b = binary.BigEndian.AppendUint32(b, uint32(s[0]))
		b = binary.BigEndian.AppendUint32(b, uint32(s[1]))
		b = append(b, byte(s[2]))
	}
	return b
}

func (f *spanFile) answer(r *Request) {
	b := r.Body[1:]
	for range int(r.Body[0]) {
		r.Out.Buf = append(r.Out.Buf, "header:"...)
		r.Out.AddSpan(f.span(int(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint32(b[4:])), b[8] == 1))
		b = b[9:]
	}
	r.Out.Buf = append(r.Out.Buf, "trailer"...)
}

func (f *spanFile) want(spans ...[3]int) []byte {
	var b []byte
	for _, s := range spans {
		b = append(b, "header:"...)
		b = append(b, f.data[s[0]:s[0]+s[1]]...)
	}
	return append(b, "trailer"...)
}

// Each way a span can go delivers the same bytes, and the counters tell which way it was.
func TestSpanWays(t *testing.T) {
	dir := t.TempDir()
	const size = 8 << 20
	mapped := newSpanFile(t, vfs.OS, filepath.Join(dir, "mapped"), size, true)
	plain := newSpanFile(t, vfs.OS, filepath.Join(dir, "plain"), size, false)
	memory := newSpanFile(t, faultfs.New(), "memory", size, true)
	many := make([][3]int, 200)
	for i := range many {
		many[i] = [3]int{i * 1000, 1 + i*7, 1}
	}
	for _, test := range []struct {
		name     string
		file     *spanFile
		spans    [][3]int
		sendfile bool
		copied   int64 // bytes of a reply, at least: what a socket does not take at once is copied again
	}{
		{"hot and mapped", mapped, [][3]int{{5, 1000, 1}, {4096, 32 << 10, 1}}, false, 0},
		{"very many", mapped, many, false, 0},
		{"hot and large", mapped, [][3]int{{100, 1 << 20, 1}}, true, joinedTail},
		{"not hot, large", plain, [][3]int{{77, 5 << 20, 0}, {0, 100_000, 0}}, true, 2 * joinedTail},
		{"not hot, small", plain, [][3]int{{77, 3000, 0}, {4000, 16 << 10, 0}}, false, 3000 + 16<<10},
		{"no descriptor", memory, [][3]int{{1, 70, 1}, {3, 3 << 20, 0}}, false, 70 + 3<<20},
		{"mixed", mapped, [][3]int{{1, 500, 1}, {9, 1 << 20, 0}, {5, 700, 1}, {8, 64 << 10, 1}, {7, 300, 0}}, true,
			2*joinedTail + 300},
		{"empty", mapped, [][3]int{{1, 0, 1}, {9, 0, 0}}, false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, Config{}, func(r *Request) { test.file.answer(r); r.Done() })
			c := dial(t, s.addr)
			for range 5 {
				send(t, c, AppendFrame(nil, spanRequest(test.spans...)))
				expect(t, c, test.file.want(test.spans...))
			}
			st := s.settled()
			bytesOf := int64(5 * (len(test.file.want(test.spans...)) + prefixLen))
			if st.WritevBytes+st.SendfileBytes != bytesOf {
				t.Errorf("%d bytes were received, %d + %d counted", bytesOf, st.WritevBytes, st.SendfileBytes)
			}
			if (st.SendfileBytes > 0) != test.sendfile || st.CopyBytes < 5*test.copied || test.copied == 0 && st.CopyBytes > 0 {
				t.Errorf("took another way: %+v", st)
			}
			if st.ColdHandoffs != 0 {
				t.Errorf("bytes just written were taken for cold: %+v", st)
			}
		})
	}
}

// Sixteen connections read one file at once, by all ways, completed inline and elsewhere, with small socket buffers so
// that every write is cut somewhere.
func TestSpansConcurrently(t *testing.T) {
	const size = 4 << 20
	file := newSpanFile(t, vfs.OS, filepath.Join(t.TempDir(), "f"), size, true)
	var wg sync.WaitGroup
	s := serve(t, Config{SendBuf: 100 << 10}, func(r *Request) {
		if r.Body[4]%2 == 0 {
			file.answer(r)
			r.Done()
			return
		}
		wg.Go(func() {
			file.answer(r)
			r.Done()
		})
	})
	for id := range 16 {
		c := dial(t, s.addr)
		var batch []byte
		var sums []uint32
		for i := range 24 {
			spans := [][3]int{{i*4099 + id, 20_000, i & 1}, {id * 1001, (i%3)*300_000 + 5, i & 2 >> 1}, {i * 7, 100, 0}}
			batch = AppendFrame(batch, spanRequest(spans...))
			sums = append(sums, crc32.ChecksumIEEE(file.want(spans...)))
		}
		wg.Go(func() {
			if err := c.Send(batch); err != nil {
				t.Error(err)
			}
			for i, want := range sums {
				got, err := c.Receive()
				if err != nil || crc32.ChecksumIEEE(got) != want {
					t.Errorf("connection %d, reply %d: %d bytes with a wrong sum, %v", id, i, len(got), err)
					return
				}
			}
		})
	}
	wg.Wait()
	if st := s.settled(); st.SendfileBytes == 0 || st.WritevBytes == 0 || st.CopyBytes == 0 || st.PooledWriters == 0 {
		t.Errorf("a way was not taken: %+v", st)
	}
}

// dropCache makes a file's pages leave the page cache.
func (f *spanFile) dropCache(t testing.TB) {
	t.Helper()
	fd, _ := f.ref.File().Fd()
	if err := f.ref.File().Sync(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fadvise(int(fd), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
}

// Bytes that are not in memory are read in by the cold pool; replies before them do not wait.
func TestColdSpans(t *testing.T) {
	file := newSpanFile(t, vfs.OS, filepath.Join(t.TempDir(), "f"), 8<<20, false)
	s := serve(t, Config{ColdReaders: 2}, func(r *Request) { file.answer(r); r.Done() })
	file.dropCache(t)
	if in, known := file.ref.File().Resident(0, 1<<20); !known || in {
		t.Logf("this file system does not drop pages (known %v): the cold way is not tested here", known)
		return
	}
	var wg sync.WaitGroup
	for id := range 6 {
		c := dial(t, s.addr)
		wg.Go(func() {
			for _, spans := range [][][3]int{{{id, 3000, 0}}, {{id * 99, 5 << 20, 0}, {7 << 20, 1000, 0}}} {
				if err := c.Send(AppendFrame(nil, spanRequest(spans...))); err != nil {
					t.Error(err)
				}
				if got, err := c.Receive(); err != nil || !bytes.Equal(got, file.want(spans...)) {
					t.Errorf("connection %d: %d wrong bytes, %v", id, len(got), err)
				}
			}
		})
	}
	wg.Wait()
	st := s.settled()
	if st.ColdHandoffs == 0 || st.SendfileBytes == 0 {
		t.Errorf("nothing was cold: %+v", st)
	}
}

// A file that is shorter than its span ends the connection with an error that names it.
func TestSpanBeyondFile(t *testing.T) {
	dir := t.TempDir()
	for i, n := range []int{1000, 1 << 20} {
		file := newSpanFile(t, vfs.OS, filepath.Join(dir, fmt.Sprint(i)), 2<<20, false)
		s := serve(t, Config{}, func(r *Request) {
			if err := file.ref.File().Truncate(100); err != nil {
				t.Error(err)
			}
			file.answer(r)
			r.Done()
		})
		c := dial(t, s.addr)
		send(t, c, AppendFrame(nil, spanRequest([3]int{0, n, 0})))
		if _, err := c.Receive(); err == nil {
			t.Error("a whole reply came out of a short file")
		}
		var bad *SpanError
		if err := s.waitClosed(t); !asError(err, &bad) || bad.File != file.ref.File().Name() {
			t.Errorf("closed because of %v", err)
		}
	}
}
