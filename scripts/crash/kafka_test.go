//go:build realclients

package crash

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tailrace/benchmarks/proc"
)

// kafka is an Apache Kafka broker (scripts/kafka), which stands in to prove the harness.
type kafka struct {
	t        *testing.T
	dir      string
	port     int
	settings []string
}

func newKafka(t *testing.T, settings []string) *kafka {
	t.Helper()
	port, err := proc.Ports(2)
	if err != nil {
		t.Fatal(err)
	}
	return &kafka{t, t.TempDir(), port, append(settings, "log.initial.task.delay.ms=500")}
}

func (k *kafka) script(args ...string) {
	k.t.Helper()
	if out, err := exec.Command("../kafka", args...).CombinedOutput(); err != nil {
		k.t.Fatalf("scripts/kafka %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (k *kafka) start() time.Duration {
	k.t.Helper()
	began := time.Now()
	k.script(append([]string{"up", k.dir, fmt.Sprint(k.port)}, k.settings...)...)
	if len(k.settings) > 0 {
		k.t.Cleanup(func() { _ = exec.Command("../kafka", "kill", k.dir).Run() })
	}
	return time.Since(began)
}

func (k *kafka) launch() { k.start() }

// kill returns when the port is free: the dying process still holds it for a while.
func (k *kafka) kill() {
	k.t.Helper()
	k.script("kill", k.dir)
	for range 200 {
		conn, err := net.Dial("tcp", k.address())
		if err != nil {
			return
		}
		conn.Close()
		time.Sleep(20 * time.Millisecond)
	}
	k.t.Fatal("the killed broker still listens")
}

func (k *kafka) stop()           { k.t.Helper(); k.script("down", k.dir) }
func (k *kafka) address() string { return fmt.Sprintf("127.0.0.1:%d", k.port) }
