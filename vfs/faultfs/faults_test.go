package faultfs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

const create = os.O_RDWR | os.O_CREATE

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustBe(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func open(t testing.TB, f *faultfs.FS, name string) vfs.File {
	t.Helper()
	file, err := f.OpenFile(name, create, 0o644)
	must(t, err)
	return file
}

// reserved maps a new file of n bytes, all of them allocated and reserved.
func reserved(t testing.TB, f *faultfs.FS, name string, n int) (vfs.File, vfs.Mapping) {
	t.Helper()
	file := open(t, f, name)
	must(t, file.Allocate(0, int64(n)))
	must(t, file.Truncate(int64(n)))
	m, err := file.Map(n)
	must(t, err)
	m.Reserve(vfs.Pos(n))
	return file, m
}

// each operation there is, by kind, on the files of fixture.
var operations = map[faultfs.Op]func(f *faultfs.FS, file vfs.File, m vfs.Mapping) error{
	faultfs.Write: func(_ *faultfs.FS, file vfs.File, _ vfs.Mapping) error {
		_, err := file.WriteAt([]byte("x"), 0)
		return err
	},
	faultfs.MapStore: func(_ *faultfs.FS, _ vfs.File, m vfs.Mapping) error { return m.WriteAt([]byte("x"), 0) },
	faultfs.Truncate: func(_ *faultfs.FS, file vfs.File, _ vfs.Mapping) error { return file.Truncate(8192) },
	faultfs.Allocate: func(_ *faultfs.FS, file vfs.File, _ vfs.Mapping) error { return file.Allocate(0, 1<<16) },
	faultfs.SyncData: func(_ *faultfs.FS, file vfs.File, _ vfs.Mapping) error { return file.SyncData() },
	faultfs.Sync:     func(_ *faultfs.FS, file vfs.File, _ vfs.Mapping) error { return file.Sync() },
	faultfs.SyncDir:  func(f *faultfs.FS, _ vfs.File, _ vfs.Mapping) error { return f.SyncDir("/") },
	faultfs.SyncFS:   func(f *faultfs.FS, _ vfs.File, _ vfs.Mapping) error { return f.SyncFS("/") },
	faultfs.Rename:   func(f *faultfs.FS, _ vfs.File, _ vfs.Mapping) error { return f.Rename("/old", "/new") },
	faultfs.Create: func(f *faultfs.FS, _ vfs.File, _ vfs.Mapping) error {
		_, err := f.OpenFile("/created", create, 0o644)
		return err
	},
	faultfs.Mkdir:  func(f *faultfs.FS, _ vfs.File, _ vfs.Mapping) error { return f.Mkdir("/dir", 0o755) },
	faultfs.Remove: func(f *faultfs.FS, _ vfs.File, _ vfs.Mapping) error { return f.Remove("/gone") },
}

func fixture(t testing.TB) (*faultfs.FS, vfs.File, vfs.Mapping) {
	t.Helper()
	f := faultfs.New()
	open(t, f, "/old")
	open(t, f, "/gone")
	file, m := reserved(t, f, "/mapped", 8192)
	return f, file, m
}

func TestEveryKindIsCountedAndFails(t *testing.T) {
	for op, do := range operations {
		t.Run(op.String(), func(t *testing.T) {
			f, file, m := fixture(t)
			before := f.Ops()
			f.FailNth(1, syscall.EIO, op)
			err := do(f, file, m)
			mustBe(t, err, syscall.EIO)
			var fault *vfs.FaultError
			if errors.As(err, &fault) != (op == faultfs.MapStore) {
				t.Errorf("the error is %v", err)
			}
			must(t, do(f, file, m)) // had the first one been applied, this could not succeed
			if f.Ops() != before+2 || f.Injected() != 1 {
				t.Errorf("%d operations counted, %d injected", f.Ops()-before, f.Injected())
			}
		})
	}
}

func TestRules(t *testing.T) {
	f := faultfs.New()
	file := open(t, f, "f")
	f.FailNth(2, syscall.EIO, faultfs.Sync, faultfs.SyncData)
	must(t, file.Sync())
	must(t, file.Truncate(1))
	mustBe(t, file.SyncData(), syscall.EIO)
	must(t, file.SyncData())
	f.FailFrom(3, syscall.ENOSPC)
	must(t, file.Truncate(2))
	must(t, file.Sync())
	for range 5 {
		mustBe(t, file.Truncate(3), syscall.ENOSPC)
	}
	f.ClearFaults()
	must(t, file.Truncate(3))
}

func TestFailedWriteLeavesAPrefix(t *testing.T) {
	lengths := map[int]bool{}
	for seed := range uint64(200) {
		f := faultfs.New()
		f.Seed(seed)
		file := open(t, f, "f")
		f.FailNth(1, syscall.EIO)
		n, err := file.WriteAt(bytes.Repeat([]byte{1}, 2048), 100)
		mustBe(t, err, syscall.EIO)
		if size, _ := file.Size(); n > 0 && size != int64(100+n) {
			t.Fatalf("%d bytes written, size %d", n, size)
		}
		lengths[n] = true
	}
	for _, n := range []int{0, 412, 924, 1436, 1948, 2048} { // cut where a sector begins
		if !lengths[n] {
			t.Errorf("no failed write stored %d bytes: %v", n, lengths)
		}
	}
	if len(lengths) != 6 {
		t.Errorf("failed writes were cut at %v", lengths)
	}
}

func TestFullDisk(t *testing.T) {
	f := faultfs.New()
	f.SetCapacity(4 * 4096)
	_, m := reserved(t, f, "reserved", 2*4096)
	file := open(t, f, "f")
	mustBe(t, file.Allocate(0, 3*4096), syscall.ENOSPC)
	n, err := file.WriteAt(make([]byte, 3*4096), 96)
	mustBe(t, err, syscall.ENOSPC)
	if size, _ := file.Size(); n != 2*4096-96 || size != 2*4096 {
		t.Fatalf("wrote %d bytes, size %d", n, size)
	}
	if _, err = file.WriteAt([]byte("x"), 100); err != nil {
		t.Fatalf("a full disk refuses a write to allocated blocks: %v", err)
	}
	must(t, m.WriteAt(make([]byte, 2*4096), 0))
	free := func(want int64) {
		t.Helper()
		if u, err := f.Usage("/"); err != nil || u.FreeBytes != want || u.TotalBytes != 4*4096 {
			t.Fatalf("usage is %+v, %v; want %d free", u, err, want)
		}
	}
	free(0)
	must(t, file.Truncate(10))
	free(4096)
	must(t, f.Remove("f"))
	free(4096) // still open
	must(t, file.Close())
	free(2 * 4096)
	f.SetCapacity(4096) // less than is in use
	if _, err := file.WriteAt([]byte("x"), 0); !errors.Is(err, fs.ErrClosed) {
		t.Fatalf("a closed file gives %v", err)
	}
	must(t, m.WriteAt([]byte("still"), 4096))
	mustBe(t, open(t, f, "g").Allocate(0, 1), syscall.ENOSPC)
}

func TestStoreIntoAHoleIsABug(t *testing.T) {
	f := faultfs.New()
	file := open(t, f, "f")
	must(t, file.Allocate(0, 4096))
	must(t, file.Truncate(8192))
	m, err := file.Map(8192)
	must(t, err)
	m.Reserve(8192)
	must(t, m.WriteAt([]byte("xy"), 4094))
	if err := m.WriteAt([]byte("xy"), 4095); err == nil || !strings.HasPrefix(err.Error(), "BUG: ") {
		t.Fatalf("a store into a hole gives %v", err)
	}
	other := open(t, f, "f")
	must(t, other.Truncate(100))
	if err := m.WriteAt([]byte("xy"), 99); err == nil || !strings.HasPrefix(err.Error(), "BUG: ") {
		t.Fatalf("a store beyond the size gives %v", err)
	}
	if m.View(0, 10) != nil {
		t.Fatal("a view of memory that is not there")
	}
	if _, ok := file.Fd(); ok {
		t.Fatal("a descriptor that is not there")
	}
}

func TestRestartKeepsWhatWasDone(t *testing.T) {
	f, file, m := fixture(t)
	_, err := f.Lock("lock")
	must(t, err)
	must(t, m.WriteAt([]byte("stored, not synced"), 0))
	must(t, f.Remove("gone"))
	f.CrashAtOp(f.Ops() + 1)
	mustBe(t, file.Sync(), faultfs.ErrCrashed)
	_, err = f.Lock("other")
	mustBe(t, err, faultfs.ErrCrashed)
	if !f.Crashed() {
		t.Fatal("not crashed")
	}
	f.Restart()
	_, err = file.WriteAt([]byte("x"), 0)
	mustBe(t, err, faultfs.ErrCrashed)
	mustBe(t, m.WriteAt([]byte("x"), 0), faultfs.ErrCrashed)
	must(t, m.Unmap())
	must(t, file.Close())
	_, err = f.Lock("lock")
	must(t, err)
	b, err := vfs.ReadFile(f, "mapped")
	must(t, err)
	if !bytes.HasPrefix(b, []byte("stored, not synced")) {
		t.Fatalf("after a restart the file begins with %q", b[:18])
	}
	_, err = f.Stat("gone")
	mustBe(t, err, fs.ErrNotExist)
}

// For the race detector: everything at once.
func TestConcurrentUse(t *testing.T) {
	f, file, m := fixture(t)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 50 {
				for op, do := range operations {
					if op != faultfs.Truncate {
						_ = do(f, file, m)
					}
				}
				_ = f.MkdirAll("/x/y", 0o755)
				_ = f.RemoveAll("/x")
				_, _ = f.ReadDir("/")
				_ = m.ReadAt(make([]byte, 10), vfs.Pos(i))
				m.Reserve(8192)
				f.CrashClone(nil)
			}
		})
	}
	all.Wait()
}
