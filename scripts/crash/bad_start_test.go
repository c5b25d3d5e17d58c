//go:build realclients

package crash

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// refusesToStart launches a broker that must end by itself with a code, having said each of the words in one line.
func refusesToStart(t *testing.T, c *child, code int, words ...string) {
	t.Helper()
	c.launch()
	if got := c.wait(10 * time.Second); got != code {
		t.Errorf("exit code %d, want %d", got, code)
	}
	if lines := c.lines(words...); len(lines) != 1 {
		t.Errorf("%d lines say %q, want one:\n%s", len(lines), words, c.tail())
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	for _, used := range []bool{false, true} {
		c := newChild(t, build(t, ""))
		if err := os.Mkdir(c.data(), 0o755); err != nil {
			t.Fatal(err)
		}
		if used { // by an earlier life
			c.start()
			c.stop()
		}
		c.space = newSpace(t, fmt.Sprintf("mount --bind %[1]q %[1]q && mount -o remount,bind,ro %[1]q", c.data()))
		refusesToStart(t, c, 1, c.data(), "read-only")
	}
}

func TestDirectoryInUse(t *testing.T) {
	t.Parallel()
	first := newChild(t, build(t, ""))
	first.start()
	second := newChild(t, first.bin)
	second.dir = first.dir + "/second"
	if err := os.MkdirAll(second.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(first.data(), second.data()); err != nil {
		t.Fatal(err)
	}
	refusesToStart(t, second, 1, "is in use by process "+fmt.Sprint(first.cmd.Process.Pid))
	produceOne(t, first)
}

// produceOne makes sure that a broker works.
func produceOne(t *testing.T, c *child) {
	t.Helper()
	topic := fmt.Sprintf("alive-%d", time.Now().UnixNano())
	newTopic(t, c.addr, topic, 1)
	if p := produce(t, c.addr, topic, 0, -1, []byte("value")); p.code != nil || p.base != 0 {
		t.Errorf("produce: %+v", p)
	}
	if values, err := consume(t, c.addr, topic, 0, 1); err != nil || string(values[0]) != "value" {
		t.Errorf("consume: %q, %v", values, err)
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := newChild(t, build(t, ""))
	c.addr = l.Addr().String()
	refusesToStart(t, c, 1, c.addr+" is in use by process "+fmt.Sprint(os.Getpid()))
	if _, err := os.Stat(c.data()); err == nil {
		t.Error("a start that could not have its port has made directories")
	}
}

func TestFewOpenFiles(t *testing.T) {
	t.Parallel()
	c := newChild(t, build(t, ""))
	c.shell = "ulimit -n 256"
	c.start()
	if lines := c.lines(`"level":"WARN"`, "few open files", `"nofile":256`, "ulimit -n"); len(lines) != 1 {
		t.Errorf("%d warnings of few open files:\n%s", len(lines), c.tail())
	}
	produceOne(t, c)
	c.stop()
}

func TestUnknownSetting(t *testing.T) {
	t.Parallel()
	c := newChild(t, build(t, ""), "--set", "log.segmnt.bytes=1048576")
	refusesToStart(t, c, 2, "log.segmnt.bytes", "log.segment.bytes")
	if strings.Contains(c.log(), "goroutine") {
		t.Errorf("a panic:\n%s", c.tail())
	}
}
