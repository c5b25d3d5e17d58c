package vfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A page behind the end of the file cannot be backed, just as a hole on a full disk cannot: the kernel sends
// SIGBUS for both. The file is cut by way of another descriptor, so that the mapping's reserved end does not know.
func TestFaultIsAnError(t *testing.T) {
	f, m := mapped(t, 1<<20)
	if err := os.Truncate(f.Name(), 4096); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 8192)
	for name, err := range map[string]error{
		"store": m.WriteAt(p, 1<<16),
		"read":  m.ReadAt(p, 1<<16),
	} {
		var fault *FaultError
		if !errors.As(err, &fault) || fault.File != f.Name() || fault.Pos != 1<<16 || fault.N != 8192 {
			t.Errorf("%s in a cut file gives %v", name, err)
		}
	}
	if err := m.Populate(1<<16, 4096); err == nil {
		t.Error("populating a cut file succeeds")
	}
	if err := m.WriteAt(p[:4096], 0); err != nil {
		t.Errorf("after a fault, a good store gives %v", err)
	}
}

func TestOtherPanicsPassTheGuard(t *testing.T) {
	defer func() {
		if recover() != "other" {
			t.Error("mustBeFault swallowed a panic that is no page fault")
		}
	}()
	mustBeFault("other")
}

func TestResident(t *testing.T) {
	f, _ := mapped(t, 1<<20)
	if resident, known := f.residentByRead(1000, 1<<20-1000); known && !resident {
		t.Error("the reading probe finds populated pages cold")
	}
	hole, err := OS.OpenFile(filepath.Join(t.TempDir(), "hole"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	if err := hole.Truncate(1 << 20); err != nil {
		t.Fatal(err)
	}
	if resident, known := hole.Resident(0, 1<<20); known && resident && !noCachestat.Load() {
		t.Error("pages that were never touched are said to be resident")
	}
	if _, err := hole.WriteAt([]byte("x"), 4095); err != nil {
		t.Fatal(err)
	}
	if resident, known := hole.Resident(4000, 96); known && !resident {
		t.Error("a page just written is said to be cold")
	}
	if resident, _ := hole.Resident(4000, 97); resident && !noCachestat.Load() {
		t.Error("a range over one hot and one cold page is said to be resident")
	}
}

// written is a file of so many bytes that were written and not synced.
func written(t *testing.T, size int) *osFile {
	t.Helper()
	file, err := OS.OpenFile(filepath.Join(t.TempDir(), "f"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if _, err := file.WriteAt(make([]byte, size), 0); err != nil {
		t.Fatal(err)
	}
	return file.(*osFile)
}

// Bytes whose read is under way are not resident, though cachestat counts their pages.
func TestResidentMeansRead(t *testing.T) {
	const size = 8 << 20
	f := written(t, size)
	for range 20 {
		if err := errors.Join(f.Sync(), unix.Fadvise(int(f.fd), 0, 0, unix.FADV_DONTNEED)); err != nil {
			t.Fatal(err)
		}
		f.ReadAhead(0, size)
		if in, known := f.Resident(0, size); in && known && f.readable(size-1) == isCold {
			t.Fatal("the last byte is said to be resident, and reading it would wait")
		}
	}
}

// Both ways of reading in make cold pages resident, and tell of a file that ends early.
func TestReadIn(t *testing.T) {
	const size = 3<<20 + 77
	f := written(t, size)
	null, err := devNull()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // a descriptor that the collector can close must not be kept as a number
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	var is unix.Stat_t
	if err := unix.Fstat(null, &is); err != nil || is.Mode&unix.S_IFMT != unix.S_IFCHR {
		t.Fatalf("the descriptor of %s is another file's: mode %o, %v", os.DevNull, is.Mode, err)
	}
	for name, readIn := range map[string]func(pos, n int64) error{
		"ReadIn":      f.ReadIn,
		"readThrough": f.readThrough,
		"skim": func(pos, n int64) error {
			if in := f.skim(null, pos, n); in < n {
				return io.ErrUnexpectedEOF
			}
			return nil
		},
	} {
		if err := errors.Join(f.Sync(), unix.Fadvise(int(f.fd), 0, 0, unix.FADV_DONTNEED)); err != nil {
			t.Fatal(err)
		}
		if in, _ := f.Resident(0, size); in {
			t.Log("this file system does not drop pages")
		}
		if err := readIn(5000, size-5000); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if in, known := f.Resident(5000, size-5000); known && !in {
			t.Errorf("%s: the bytes are still cold", name)
		}
		if err := readIn(5000, size-4999); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s beyond the end: %v", name, err)
		}
	}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	f, m := mapped(t, 1<<20)
	r := NewRef(f, m, nil)
	p := make([]byte, 1024)
	var mapping Mapping = m
	var file File = f
	check := func(name string, do func()) {
		if n := testing.AllocsPerRun(200, do); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	check("Mapping.WriteAt", func() { _ = mapping.WriteAt(p, 4096) })
	check("Mapping.ReadAt", func() { _ = mapping.ReadAt(p, 4096) })
	check("Mapping.View", func() { _ = mapping.View(4096, 1024) })
	check("File.WriteAt", func() { _, _ = file.WriteAt(p, 4096) })
	check("File.ReadAt", func() { _, _ = file.ReadAt(p, 4096) })
	check("File.Resident", func() { _, _ = file.Resident(0, 1<<16) })
	check("residentByRead", func() { _, _ = f.residentByRead(0, 1<<18) })
	check("Span", func() {
		r.Acquire()
		s := Span{Ref: r, Pos: 4096, N: 1024, Hot: true}
		_ = s.View()
		_, _ = s.Fd()
		_, _ = s.ReadAt(p, 0)
		s.Release()
	})
}

const lockEnv = "TAILRACE_TEST_LOCK"

// TestLockExcludesProcesses runs itself as the other process.
func TestLockExcludesProcesses(t *testing.T) {
	if name := os.Getenv(lockEnv); name != "" {
		_, err := OS.Lock(name)
		fmt.Printf("result: %v\n", err)
		return
	}
	name := filepath.Join(t.TempDir(), ".lock")
	other := func() string {
		cmd := exec.Command(os.Args[0], "-test.run=^TestLockExcludesProcesses$", "-test.v")
		cmd.Env = append(os.Environ(), lockEnv+"="+name)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	l, err := OS.Lock(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OS.Lock(name); err == nil { // must not drop the first
		t.Fatal("one process locked the file twice")
	}
	want := (&LockedError{Name: name, PID: os.Getpid()}).Error()
	if out := other(); !strings.Contains(out, "result: "+want) {
		t.Errorf("beside the holder another process gets %s, want %s", out, want)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if out := other(); !strings.Contains(out, "result: <nil>") {
		t.Errorf("after the holder another process gets %s", out)
	}
}
