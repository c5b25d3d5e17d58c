package vfs_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

// conformance is what every vfs.FS does alike. Each test gets an empty directory.
var conformance = map[string]func(t *testing.T, fsys vfs.FS, dir string){
	"open":        testOpen,
	"readWrite":   testReadWrite,
	"directories": testDirectories,
	"rename":      testRename,
	"unlinked":    testUnlinked,
	"allocate":    testAllocate,
	"mapping":     testMapping,
	"bounds":      testMappingBounds,
	"lock":        testLock,
	"atomicFile":  testWriteFileAtomic,
	"span":        testSpan,
}

func TestConformance(t *testing.T) {
	for name, test := range conformance {
		t.Run(name+"/os", func(t *testing.T) { test(t, vfs.OS, t.TempDir()) })
		t.Run(name+"/faultfs", func(t *testing.T) {
			fsys := faultfs.New()
			must(t, fsys.MkdirAll("/a/dir", 0o755))
			test(t, fsys, "/a/dir")
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustBe(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func mustBeBug(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), "BUG: ") {
		t.Fatalf("got error %v, want one that begins with BUG:", err)
	}
}

const create = os.O_RDWR | os.O_CREATE

func open(t *testing.T, fsys vfs.FS, name string, flag int) vfs.File {
	t.Helper()
	f, err := fsys.OpenFile(name, flag, 0o644)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func write(t *testing.T, f vfs.File, text string, pos int64) {
	t.Helper()
	n, err := f.WriteAt([]byte(text), pos)
	must(t, err)
	if n != len(text) {
		t.Fatalf("wrote %d of %d bytes", n, len(text))
	}
}

func wantContent(t *testing.T, fsys vfs.FS, name, want string) {
	t.Helper()
	b, err := vfs.ReadFile(fsys, name)
	must(t, err)
	if string(b) != want {
		t.Fatalf("%s holds %q, want %q", name, b, want)
	}
}

func wantNames(t *testing.T, fsys vfs.FS, dir string, want ...string) {
	t.Helper()
	entries, err := fsys.ReadDir(dir)
	must(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s holds %q, want %q", dir, got, want)
	}
}

func testOpen(t *testing.T, fsys vfs.FS, dir string) {
	name := filepath.Join(dir, "f")
	_, err := fsys.OpenFile(name, os.O_RDWR, 0)
	mustBe(t, err, fs.ErrNotExist)
	_, err = fsys.OpenFile(filepath.Join(dir, "no", "f"), create, 0o644)
	mustBe(t, err, fs.ErrNotExist)
	_, err = fsys.OpenFile(dir, os.O_RDWR, 0)
	mustBe(t, err, syscall.EISDIR)
	f := open(t, fsys, name, create)
	if f.Name() != name {
		t.Fatalf("name is %q", f.Name())
	}
	write(t, f, "abc", 0)
	_, err = fsys.OpenFile(name, create|os.O_EXCL, 0o644)
	mustBe(t, err, fs.ErrExist)
	_, err = fsys.Stat(filepath.Join(name, "below"))
	mustBe(t, err, syscall.ENOTDIR)
	r := open(t, fsys, name, os.O_RDONLY)
	_, err = r.WriteAt([]byte("x"), 0)
	mustBe(t, err, syscall.EBADF)
	must(t, open(t, fsys, name, os.O_WRONLY|os.O_TRUNC).Close())
	wantContent(t, fsys, name, "")
	must(t, r.Close())
	_, err = r.ReadAt(make([]byte, 1), 0)
	mustBe(t, err, fs.ErrClosed)
}

func testReadWrite(t *testing.T, fsys vfs.FS, dir string) {
	name := filepath.Join(dir, "f")
	f := open(t, fsys, name, create)
	write(t, f, "tail", 4090)
	p := bytes.Repeat([]byte{9}, 4094)
	n, err := f.ReadAt(p, 1)
	if n != 4093 || !errors.Is(err, io.EOF) || !bytes.Equal(p[:n], append(make([]byte, 4089), "tail"...)) {
		t.Fatalf("read %d bytes, %v", n, err)
	}
	if n, err = f.ReadAt(p[:4], 4090); n != 4 || err != nil {
		t.Fatalf("read %d bytes, %v", n, err)
	}
	if n, err = f.ReadAt(p, 5000); n != 0 || !errors.Is(err, io.EOF) {
		t.Fatalf("read %d bytes, %v past the end", n, err)
	}
	must(t, f.Truncate(4092))
	must(t, f.Truncate(4096))
	must(t, f.SyncData())
	must(t, f.Sync())
	must(t, fsys.SyncDir(dir))
	must(t, fsys.SyncFS(dir))
	whole, err := vfs.NewFSSyncer(fsys, dir)
	must(t, err)
	must(t, whole.Sync())
	must(t, whole.Close())
	wantContent(t, fsys, name, string(make([]byte, 4090))+"ta\x00\x00\x00\x00")
	if size, err := f.Size(); size != 4096 || err != nil {
		t.Fatalf("size %d, %v", size, err)
	}
	if resident, known := f.Resident(0, 4096); known && !resident {
		t.Fatal("bytes just read are said to be cold")
	}
	f.ReadAhead(0, 1<<30)
	must(t, f.ReadIn(0, 4096))
	must(t, f.ReadIn(1000, 3096))
	mustBe(t, f.ReadIn(4000, 97), io.ErrUnexpectedEOF)
	mustBe(t, f.ReadIn(1<<20, 1), io.ErrUnexpectedEOF)
	mustBe(t, f.Truncate(-1), syscall.EINVAL)
}

func testDirectories(t *testing.T, fsys vfs.FS, dir string) {
	deep := filepath.Join(dir, "a", "b", "c")
	mustBe(t, fsys.Mkdir(deep, 0o755), fs.ErrNotExist)
	must(t, fsys.MkdirAll(deep, 0o755))
	must(t, fsys.MkdirAll(deep, 0o755))
	mustBe(t, fsys.Mkdir(deep, 0o755), fs.ErrExist)
	for _, name := range []string{"z", "m", "b2"} {
		open(t, fsys, filepath.Join(dir, "a", name), create)
	}
	mustBe(t, fsys.MkdirAll(filepath.Join(dir, "a", "z", "q"), 0o755), syscall.ENOTDIR)
	wantNames(t, fsys, filepath.Join(dir, "a"), "b", "b2", "m", "z")
	info, err := fsys.Stat(deep)
	must(t, err)
	if !info.IsDir() || info.Name() != "c" {
		t.Fatalf("stat says %v, %q", info.IsDir(), info.Name())
	}
	mustBe(t, fsys.Remove(filepath.Join(dir, "a")), syscall.ENOTEMPTY)
	must(t, fsys.Remove(deep))
	mustBe(t, fsys.Remove(deep), fs.ErrNotExist)
	mustBe(t, fsys.SyncDir(deep), fs.ErrNotExist)
	must(t, fsys.RemoveAll(filepath.Join(dir, "a")))
	must(t, fsys.RemoveAll(filepath.Join(dir, "a")))
	wantNames(t, fsys, dir)
	u, err := fsys.Usage(dir)
	must(t, err)
	if u.FreeBytes <= 0 || u.FreeBytes > u.TotalBytes || u.MountID == 0 {
		t.Fatalf("usage is %+v", u)
	}
}

func testRename(t *testing.T, fsys vfs.FS, dir string) {
	a, b, sub := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "sub")
	write(t, open(t, fsys, a, create), "new", 0)
	write(t, open(t, fsys, b, create), "old!", 0)
	must(t, fsys.Mkdir(sub, 0o755))
	must(t, fsys.Rename(a, b))
	wantContent(t, fsys, b, "new")
	mustBe(t, fsys.Rename(a, b), fs.ErrNotExist)
	mustBe(t, fsys.Rename(b, sub), fs.ErrExist)
	mustBe(t, fsys.Rename(sub, b), syscall.ENOTDIR)
	mustBe(t, fsys.Rename(sub, filepath.Join(sub, "x")), syscall.EINVAL)
	must(t, fsys.Rename(b, filepath.Join(sub, "b")))
	must(t, fsys.Rename(sub, filepath.Join(dir, "moved")))
	wantContent(t, fsys, filepath.Join(dir, "moved", "b"), "new")
	wantNames(t, fsys, dir, "moved")
}

func testUnlinked(t *testing.T, fsys vfs.FS, dir string) {
	name := filepath.Join(dir, "f")
	f := open(t, fsys, name, create)
	write(t, f, "still here", 0)
	must(t, fsys.Remove(name))
	p := make([]byte, 10)
	_, err := f.ReadAt(p, 0)
	must(t, err)
	if string(p) != "still here" {
		t.Fatalf("an open file holds %q after its removal", p)
	}
	write(t, open(t, fsys, name, create), "another", 0)
	must(t, f.Close())
	wantContent(t, fsys, name, "another")
}

func testAllocate(t *testing.T, fsys vfs.FS, dir string) {
	f := open(t, fsys, filepath.Join(dir, "f"), create)
	must(t, f.Allocate(0, 1<<20))
	if size, err := f.Size(); size != 0 || err != nil {
		t.Fatalf("size %d, %v: Allocate must keep the size", size, err)
	}
	mustBe(t, f.Allocate(0, 0), syscall.EINVAL)
}

// reserved returns a mapping of size bytes over a new file of which the first part is reserved.
func reserved(t *testing.T, fsys vfs.FS, name string, size int, end int64) (vfs.File, vfs.Mapping) {
	t.Helper()
	f := open(t, fsys, name, create)
	must(t, f.Allocate(0, end))
	must(t, f.Truncate(end))
	m, err := f.Map(size)
	must(t, err)
	t.Cleanup(func() { m.Unmap() })
	m.Reserve(vfs.Pos(end))
	return f, m
}

func testMapping(t *testing.T, fsys vfs.FS, dir string) {
	name := filepath.Join(dir, "f")
	f, m := reserved(t, fsys, name, 1<<20, 8192)
	must(t, m.Populate(4000, 4192))
	must(t, m.WriteAt([]byte("stored"), 8186))
	p := make([]byte, 6)
	_, err := f.ReadAt(p, 8186)
	must(t, err)
	write(t, f, "written", 100)
	q := make([]byte, 7)
	must(t, m.ReadAt(q, 100))
	if string(p) != "stored" || string(q) != "written" {
		t.Fatalf("file and mapping disagree: %q, %q", p, q)
	}
	if v := m.View(100, 7); v != nil && (string(v) != "written" || cap(v) != 7) {
		t.Fatalf("view holds %q with capacity %d", v, cap(v))
	}
	must(t, f.SyncData())
	must(t, m.Unmap())
	must(t, m.Unmap())
	mustBeBug(t, m.WriteAt([]byte("x"), 0))
	mustBeBug(t, m.ReadAt(p, 0))
	if m.View(0, 1) != nil {
		t.Fatal("a view after Unmap")
	}
	r := open(t, fsys, name, os.O_RDONLY)
	_, err = r.Map(4096)
	mustBe(t, err, syscall.EACCES)
	_, err = f.Map(0)
	mustBe(t, err, syscall.EINVAL)
}

func testMappingBounds(t *testing.T, fsys vfs.FS, dir string) {
	f, m := reserved(t, fsys, filepath.Join(dir, "f"), 1<<20, 8192)
	for _, pos := range []vfs.Pos{-1, 8192, 8189, 1 << 20, 1<<63 - 1, -1 << 63} {
		mustBeBug(t, m.WriteAt([]byte("four"), pos))
		if m.View(pos, 4) != nil {
			t.Fatalf("a view at %d", pos)
		}
	}
	for _, pos := range []vfs.Pos{-1, 1<<20 - 3, 1<<63 - 1} {
		mustBeBug(t, m.ReadAt(make([]byte, 4), pos))
		mustBeBug(t, m.Populate(pos, 4))
	}
	m.Reserve(1 << 40) // more than the size is not reserved
	must(t, m.WriteAt([]byte("four"), 8188))
	mustBeBug(t, m.WriteAt([]byte("four"), 8189))
	must(t, f.Truncate(5000))
	must(t, m.WriteAt([]byte("four"), 4996))
	mustBeBug(t, m.WriteAt([]byte("four"), 4997))
	must(t, f.Truncate(8192)) // does not reserve again by itself
	mustBeBug(t, m.WriteAt([]byte("four"), 5000))
	m.Reserve(100)
	mustBeBug(t, m.WriteAt([]byte("four"), 97))
	must(t, m.WriteAt(nil, 100))
}

func testLock(t *testing.T, fsys vfs.FS, dir string) {
	name := filepath.Join(dir, ".lock")
	l, err := fsys.Lock(name)
	must(t, err)
	for range 2 { // the first failure must not drop the lock
		_, err = fsys.Lock(name)
		var locked *vfs.LockedError
		if !errors.As(err, &locked) || locked.PID != os.Getpid() || locked.Name != name {
			t.Fatalf("a second lock gives %v", err)
		}
	}
	must(t, l.Close())
	must(t, l.Close())
	l, err = fsys.Lock(name)
	must(t, err)
	must(t, l.Close())
	wantContent(t, fsys, name, "")
	_, err = fsys.Lock(filepath.Join(dir, "no", ".lock"))
	mustBe(t, err, fs.ErrNotExist)
}

func testWriteFileAtomic(t *testing.T, fsys vfs.FS, dir string) {
	name := filepath.Join(dir, "checkpoint")
	for _, text := range []string{"first and long", "second", ""} {
		must(t, vfs.WriteFileAtomic(fsys, name, []byte(text)))
		wantContent(t, fsys, name, text)
	}
	wantNames(t, fsys, dir, "checkpoint")
	must(t, fsys.Mkdir(filepath.Join(dir, "d"), 0o755))
	mustBe(t, vfs.WriteFileAtomic(fsys, filepath.Join(dir, "d"), nil), fs.ErrExist)
	wantNames(t, fsys, dir, "checkpoint", "d") // a failed attempt leaves nothing
	_, err := vfs.ReadFile(fsys, filepath.Join(dir, "absent"))
	mustBe(t, err, fs.ErrNotExist)
}

func testSpan(t *testing.T, fsys vfs.FS, dir string) {
	f, m := reserved(t, fsys, filepath.Join(dir, "f"), 8192, 4096)
	write(t, f, "0123456789", 10)
	closed := 0
	r := vfs.NewRef(f, m, func() { closed++ })
	for _, hot := range []bool{false, true} {
		s := vfs.Span{Ref: r, Pos: 10, N: 10, Hot: hot}
		p := make([]byte, 4)
		if n, err := s.ReadAt(p, 2); n != 4 || err != nil || string(p) != "2345" {
			t.Fatalf("span gives %d bytes %q, %v", n, p, err)
		}
		if n, err := s.ReadAt(p, 8); n != 2 || !errors.Is(err, io.EOF) || string(p[:n]) != "89" {
			t.Fatalf("the span's end gives %d bytes %q, %v", n, p[:n], err)
		}
		if n, err := s.ReadAt(p, 11); n != 0 || !errors.Is(err, io.EOF) {
			t.Fatalf("past the span: %d, %v", n, err)
		}
		if v := s.View(); v != nil && (!hot || string(v) != "0123456789") {
			t.Fatalf("view of a span that is hot: %v holds %q", hot, v)
		}
	}
	beyond := vfs.Span{Ref: r, Pos: 4090, N: 10}
	if _, err := beyond.ReadAt(make([]byte, 10), 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("a span beyond the file gives %v", err)
	}
	if !r.Acquire() {
		t.Fatal("a live reference cannot be acquired")
	}
	r.Release()
	if closed != 0 {
		t.Fatal("closed while the owner holds it")
	}
	r.Release()
	if _, err := f.Size(); closed != 1 || !errors.Is(err, fs.ErrClosed) || r.Acquire() {
		t.Fatalf("after the last release: closed %d times, %v", closed, err)
	}
	mustBeBug(t, m.WriteAt([]byte("x"), 0))
	defer func() {
		if text, _ := recover().(string); !strings.HasPrefix(text, "BUG: ") {
			t.Errorf("one release too many panics with %q", text)
		}
	}()
	r.Release()
}

func TestSpanReleaseClosesElsewhere(t *testing.T) {
	f := open(t, faultfs.New(), "f", create)
	closed := make(chan struct{})
	r := vfs.NewRef(f, nil, func() { <-closed }) // would hang, were the file closed by this goroutine
	vfs.Span{Ref: r, N: 1}.Release()
	closed <- struct{}{}
	vfs.Span{}.Release()
	if n, err := (vfs.Span{}).ReadAt(make([]byte, 1), 0); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the zero span gives %d bytes, %v", n, err)
	}
	if _, ok := (vfs.Span{}).Fd(); ok || (vfs.Span{}).View() != nil {
		t.Error("the zero span has a descriptor or a view")
	}
}
