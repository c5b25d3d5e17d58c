//go:build realclients

package crash

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// closedWithin waits until the broker closes a connection.
func closedWithin(t *testing.T, conn net.Conn, atMost time.Duration) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(atMost))
	if n, err := io.Copy(io.Discard, conn); isTimeout(err) {
		t.Errorf("the connection is still open after %s; %d bytes were answered", atMost, n)
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

func TestNonsenseOnTheSocket(t *testing.T) {
	t.Parallel()
	garbage := make([]byte, 4096)
	for i := range garbage {
		garbage[i] = byte(rand.Uint32()) | 0x80 // an announced length below zero
	}
	rows := []struct {
		name string
		send func(net.Conn) error
		says string
	}{
		{"garbage", write(garbage), "does not speak the Kafka protocol"},
		{"a frame of 2 GB", write([]byte{0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 9}), "2147483647 bytes was announced"},
		{"a TLS hello", func(c net.Conn) error {
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			if err := tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil || isTimeout(err) {
				return fmt.Errorf("the handshake ended with %v", err)
			}
			return nil
		}, "a TLS client"},
		{"an HTTP request", write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), "an HTTP client"},
		{"a header that is too short", write([]byte{0, 0, 0, 3, 0, 18, 0}), "the request header is malformed"},
		{"an API nobody serves", write([]byte{0, 0, 0, 10, 0x7f, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff}),
			"API key 32512 is not served"},
		{"a body that is cut short", write([]byte{0, 0, 0, 12, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 9}), "Metadata"},
	}
	c := newChild(t, build(t, ""))
	c.start()
	healthy := dial(t, c.addr)
	before := c.memory()
	for _, row := range rows {
		conn := dial(t, c.addr)
		if err := row.send(conn); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		closedWithin(t, conn, 5*time.Second)
		line := c.logged(conn.LocalAddr().String())
		if !strings.Contains(line, `"level":"WARN"`) || !strings.Contains(line, row.says) {
			t.Errorf("%s: the log does not say %q: %s", row.name, row.says, line)
		}
		time.Sleep(time.Second) // one line a second is logged, however many come
	}
	if grown := c.memory() - before; grown > 32<<20 {
		t.Errorf("the broker's own memory grew by %d MiB", grown>>20)
	}
	if _, err := healthy.Write(frameOf(kmsg.NewPtrApiVersionsRequest(), 0)); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(healthy, make([]byte, 4)); err != nil {
		t.Errorf("a client that did no wrong: %v", err)
	}
	produceOne(t, c)
	c.stop()
}

func write(b []byte) func(net.Conn) error {
	return func(c net.Conn) error { _, err := c.Write(b); return err }
}

// memory is what of the process's memory belongs to it alone, in bytes (RssAnon).
func (c *child) memory() int64 {
	c.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "RssAnon:" {
			kb, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				c.t.Fatal(err)
			}
			return kb << 10
		}
	}
	c.t.Fatal("no RssAnon")
	return 0
}

// holds tells whether the broker still has its end of a connection, with data that nobody takes or not.
func (c *child) holds(conn net.Conn) bool {
	c.t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		c.t.Fatal(err)
	}
	end := func(a net.Addr) string { return fmt.Sprintf(":%04X", a.(*net.TCPAddr).Port) }
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if strings.HasSuffix(f[1], end(conn.RemoteAddr())) && strings.HasSuffix(f[2], end(conn.LocalAddr())) {
			return f[9] != "0" // the inode: a socket that no process holds has none
		}
	}
	return false
}

// TestClientThatNeverReads asks for two hundred megabytes and takes none. It must cost little memory, delay nobody, and
// be thrown out.
func TestClientThatNeverReads(t *testing.T) {
	t.Parallel()
	c := newChild(t, build(t, ""))
	c.start()
	newTopic(t, c.addr, "big", 1)
	for i := range 4 {
		if p := produce(t, c.addr, "big", 0, 1, bytes.Repeat([]byte{byte(i)}, 900<<10)); p.code != nil {
			t.Fatal(p)
		}
	}
	produceOne(t, c)
	memory := c.memory()
	conn := dial(t, c.addr)
	_ = conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	for range 200 { // until the broker reads no more of them, too
		if _, err := conn.Write(frameOf(fetchRequest("big", 0, 0), 11)); err != nil {
			break
		}
	}
	until(t, "the connection is accepted", func() bool { return c.holds(conn) })
	if grown := c.memory() - memory; grown > 32<<20 {
		t.Errorf("the client that does not read costs %d MiB", grown>>20)
	}
	produceOne(t, c)
	for began := time.Now(); c.holds(conn); time.Sleep(200 * time.Millisecond) {
		if time.Since(began) > 45*time.Second {
			t.Fatal("the client that does not read is not thrown out")
		}
	}
	produceOne(t, c)
	c.stop()
}

func TestRecordTooLarge(t *testing.T) {
	t.Parallel()
	c := newChild(t, build(t, ""))
	c.start()
	newTopic(t, c.addr, "orders", 1)
	p := produce(t, c.addr, "orders", 0, -1, make([]byte, 2<<20))
	if p.code != kerr.MessageTooLarge || !strings.Contains(p.message, "max.message.bytes of topic orders") {
		t.Errorf("answer: %+v", p)
	}
	// The command line tells the user the same.
	lines := filepath.Join(c.dir, "lines")
	if err := os.WriteFile(lines, append(bytes.Repeat([]byte("x"), 1<<20-1), '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
	out, code := c.shellVerb("produce orders --bootstrap-server " + c.addr + " < " + lines)
	if code != 1 || !strings.Contains(out, "max.message.bytes") || !strings.Contains(out, "line 1") {
		t.Errorf("exit code %d: %s", code, out)
	}
	produceOne(t, c)
}

// shellVerb is verb with redirections.
func (c *child) shellVerb(line string) (out string, code int) {
	bin := c.bin
	c.bin = "sh"
	defer func() { c.bin = bin }()
	return c.verb("-c", bin+" "+line)
}

func TestUnknownTopic(t *testing.T) {
	t.Parallel()
	c := newChild(t, build(t, ""), "--set", "auto.create.topics.enable=false")
	c.start()
	req := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr("nowhere")
	req.Topics, req.AllowAutoTopicCreation = append(req.Topics, topic), true
	got := ask(t, c.addr, req, 8).(*kmsg.MetadataResponse).Topics
	if len(got) != 1 || kerr.ErrorForCode(got[0].ErrorCode) != kerr.UnknownTopicOrPartition {
		t.Errorf("Metadata: %+v", got)
	}
	if p := produce(t, c.addr, "nowhere", 0, -1, []byte("x")); p.code != kerr.UnknownTopicOrPartition {
		t.Errorf("Produce: %+v", p)
	}
	if _, err := fetch(t, c.addr, "nowhere", 0, 0); err != kerr.UnknownTopicOrPartition {
		t.Errorf("Fetch: %v", err)
	}
	out, code := c.shellVerb("consume nowhere --exit-at-end --bootstrap-server " + c.addr)
	if code != 1 || !strings.Contains(out, "nowhere") {
		t.Errorf("exit code %d: %s", code, out)
	}
	produceOne(t, c)
}
