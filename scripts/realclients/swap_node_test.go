//go:build realclients

package realclients

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tailrace/benchmarks/proc"
)

// swapNode is a place that Kafka and Tailrace serve in turn: one server.properties, two log directories, one address.
type swapNode struct {
	t        *testing.T
	dir      string
	addr     string
	port     int
	tailrace *proc.Process
}

func newSwapNode(t *testing.T) *swapNode {
	t.Helper()
	port := freePair(t)
	n := &swapNode{t: t, dir: t.TempDir(), addr: fmt.Sprintf("127.0.0.1:%d", port), port: port}
	t.Cleanup(func() {
		if n.tailrace != nil {
			n.tailrace.Kill()
		}
		if _, err := os.Stat(filepath.Join(n.dir, "pid")); err == nil {
			_ = exec.Command("../kafka", "down", n.dir).Run()
		}
	})
	return n
}

// freePair finds a port that is free with the one after it, which Kafka's controller takes.
func freePair(t *testing.T) int {
	t.Helper()
	port, err := proc.Ports(2)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func (n *swapNode) properties() string { return filepath.Join(n.dir, "server.properties") }

func (n *swapNode) startKafka() {
	n.t.Helper()
	data := filepath.Join(n.dir, "data")
	up := exec.Command("../kafka", "up", n.dir, fmt.Sprint(n.port), "log.dirs="+data+","+data+"-2",
		"offsets.topic.num.partitions=5", "log.initial.task.delay.ms=500")
	up.Env = append(os.Environ(), "KAFKA_HEAP=512m")
	if err := up.Run(); err != nil { // without a pipe, which the broker would inherit
		text, _ := os.ReadFile(filepath.Join(n.dir, "log"))
		n.t.Fatalf("kafka up: %v; its log ends\n%s", err, text[max(len(text)-2000, 0):])
	}
}

func (n *swapNode) stopKafka() {
	n.t.Helper()
	if err := command("../kafka", "down", n.dir); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(n.dir, "pid")); err != nil {
		n.t.Fatal(err)
	}
}

func (n *swapNode) killKafka() {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join(n.dir, "pid"))
	if err == nil {
		err = command("../kafka", "kill", n.dir)
	}
	if err == nil {
		err = os.Remove(filepath.Join(n.dir, "pid"))
	}
	pid, bad := strconv.Atoi(strings.TrimSpace(string(text)))
	if err = errors.Join(err, bad); err != nil {
		n.t.Fatal(err)
	}
	for from := time.Now(); syscall.Kill(pid, 0) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Since(from) > time.Minute {
			n.t.Fatalf("process %d does not die", pid)
		}
	}
}

// startTailrace serves what the file says, on Kafka's own port.
func (n *swapNode) startTailrace() {
	n.t.Helper()
	ready := filepath.Join(n.dir, "ready")
	if err := os.RemoveAll(ready); err != nil {
		n.t.Fatal(err)
	}
	p, err := proc.Start(-1, binary, "serve", "--config", n.properties(), "--ready-file", ready)
	if err != nil {
		n.t.Fatal(err)
	}
	n.tailrace = p
	for from := time.Now(); time.Since(from) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ready); err == nil {
			return
		}
		select {
		case <-p.Ended():
			n.t.Fatalf("tailrace ended:\n%s", p.Output())
		default:
		}
	}
	n.t.Fatal("tailrace did not come up in a minute")
}

func (n *swapNode) stopTailrace() {
	n.t.Helper()
	if err := n.tailrace.Stop(); err != nil {
		n.t.Fatal(err)
	}
	n.tailrace = nil
}

// says runs a command line of tailrace that must end with this exit code and print this text among others.
func (n *swapNode) says(code int, text string, args ...string) string {
	n.t.Helper()
	cmd := exec.Command(binary, args...)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(string(out), text) {
		n.t.Fatalf("tailrace %s: exit code %d (%v), want %d and %q in\n%s", strings.Join(args, " "), got, err, code,
			text, out)
	}
	return string(out)
}
