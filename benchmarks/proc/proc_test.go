package proc

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func TestCPUAndMemoryOfAChild(t *testing.T) {
	p, err := Start(0, "sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo counted; exec sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	first, err := p.CPU()
	if err != nil {
		t.Fatal(err)
	}
	for {
		now, err := p.CPU()
		if err != nil {
			t.Fatal(err)
		}
		if now-first > 20*time.Millisecond { // the shell counts by now; before, taskset or an exec half done may be met
			break
		}
	}
	if n, err := p.Resident(); err != nil || n < 100<<10 || n > 100<<20 {
		t.Errorf("%d bytes of a shell, %v", n, err)
	}
}

func TestAFailedServerSaysWhatItPrinted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	_, err := StartServer(0, "", "sh", "-c", "echo no such luck; exit 3")
	if err == nil || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("error %v", err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestStopTellsOfAFailure(t *testing.T) {
	p, err := Start(-1, "sh", "-c", "trap 'echo went wrong; exit 7' TERM; echo up; while :; do sleep 0.01; done")
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if cpu, err := p.CPU(); err == nil && cpu > 0 {
			break
		}
	}
	if err := p.Stop(); err == nil {
		t.Error("a process that failed was stopped without an error")
	}
}

func TestWarmLeavesMemoryFree(t *testing.T) {
	w, err := NewWarm(64 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Attach(os.Getpid()).Resident(); err != nil || n > 60<<20 {
		t.Errorf("%d bytes are held, %v", n, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestPorts(t *testing.T) {
	first, err := Ports(3)
	if err != nil {
		t.Fatal(err)
	}
	for port := first; port < first+3; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	if allFree(first, 3) {
		t.Errorf("ports %d to %d are in use and taken for free", first, first+2)
	}
}

func TestSwitchesOfAChild(t *testing.T) {
	p, err := Start(-1, "sh", "-c", "while :; do sleep 0.001; done")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	before, err := p.Switches()
	if err != nil {
		t.Fatal(err)
	}
	// A shell that waits for one child after another is switched away from at least once for each.
	for until := time.Now().Add(20 * time.Second); ; {
		now, err := p.Switches()
		if err != nil {
			t.Fatal(err)
		}
		if n := now.Since(before); n >= 10 {
			break
		} else if time.Now().After(until) {
			t.Fatalf("%d context switches, though the shell has waited for children all the time", n)
		}
	}
	if n := (Switches{"1": 7, "2": 5}).Since(Switches{"1": 4, "3": 9}); n != 8 {
		t.Errorf("%d switches instead of 3 of thread 1 and 5 of the new thread 2", n)
	}
}
