package machine

import (
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

func TestHere(t *testing.T) {
	m := Here(t.TempDir())
	if m.CPU == "" || m.Kernel == "" || m.MemoryBytes < 1<<20 || m.Cores < 1 || m.FileSystem == "" || len(m.BootID) != 36 {
		t.Errorf("%+v", m)
	}
}

// TestCoresAreNotGOMAXPROCS: a run raises it, and the share of the cores that it used must not shrink by that.
func TestCoresAreNotGOMAXPROCS(t *testing.T) {
	dir := t.TempDir()
	before := Here(dir).Cores
	was := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(was + 7)
	defer runtime.GOMAXPROCS(was)
	if after := Here(dir).Cores; after != before || after > runtime.NumCPU() {
		t.Errorf("%d cores, %d with GOMAXPROCS raised, of %d", before, after, runtime.NumCPU())
	}
}

func TestMountedPrefersTheDeepest(t *testing.T) {
	if fs, _ := mounted("/proc/self"); fs != "proc" {
		t.Errorf("/proc lies on %q", fs)
	}
}

func TestProbeFsync(t *testing.T) {
	dir := t.TempDir()
	p, err := ProbeFsync(dir)
	if err != nil {
		t.Fatal(err)
	}
	if p.P50 <= 0 || p.P99 < p.P50 {
		t.Errorf("%+v", p)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("the probe left %v", left)
	}
}

func TestProcess(t *testing.T) {
	p := Watch(0)
	before, err := p.CPU()
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); ; {
		now, err := p.CPU()
		if err != nil {
			t.Fatal(err)
		}
		if now-before > 5*time.Millisecond {
			break
		}
		if time.Since(begin) > time.Minute {
			t.Fatal("a minute of work cost no CPU time")
		}
	}
	if m, err := p.Memory(); err != nil || m.Anon < 100<<10 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if pid := Listener(port); pid != os.Getpid() {
		t.Errorf("port %d is listened on by process %d, want %d", port, pid, os.Getpid())
	}
	l.Close()
	if pid := Listener(port); pid == os.Getpid() {
		t.Errorf("port %d is closed, and process %d listens on it", port, pid)
	}
}

func TestStealShare(t *testing.T) {
	if s := (Load{Total: 200, Steal: 30}).StealShare(Load{Total: 100, Steal: 20}); s != 0.1 {
		t.Errorf("%v", s)
	}
	if l := ReadLoad(); l.Total == 0 || l.Idle == 0 {
		t.Errorf("%+v", l)
	}
}
