//go:build realclients

package crash

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
)

// segmentFile is the first segment of a partition.
func (c *child) segmentFile(topic string, partition int) string {
	return filepath.Join(c.data(), "log", fmt.Sprintf("%s-%d", topic, partition), "00000000000000000000.log")
}

// flipIn flips a bit in the middle of the n-th batch of a log file and returns the position of the batch.
func flipIn(t *testing.T, name string, n int) (at int64) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for range n + 1 {
		at += size
		size = 12 + int64(binary.BigEndian.Uint32(data[at+8:]))
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{data[at+size/2] ^ 4}, at+size/2); err != nil {
		t.Fatal(err)
	}
	return at
}

// TestFlippedByteInWhatRecoveryReads damages records that a killed broker had not yet noted as durable, with good ones
// after them. No crash does that, so they are not cut away: that one partition refuses to serve, with file and position
// in the log, and the others go on.
func TestFlippedByteInWhatRecoveryReads(t *testing.T) {
	t.Parallel()
	c := newChild(t, build(t, ""))
	c.start()
	newTopic(t, c.addr, "flipped", 2)
	for i := range 20 {
		for p := range int32(2) {
			if got := produce(t, c.addr, "flipped", p, 1, fmt.Appendf(nil, "value %d of %d", i, p)); got.code != nil {
				t.Fatal(got)
			}
		}
	}
	c.kill() // within the second after which offsets are noted
	name := c.segmentFile("flipped", 0)
	at := flipIn(t, name, 10)
	c.start()
	refused := []string{`"level":"ERROR"`, "partition is offline", `"topic":"flipped"`, `"partition":0`, name,
		fmt.Sprintf("position %d", at)}
	if lines := c.lines(refused...); len(lines) != 1 {
		t.Errorf("%d lines of the log hold %q:\n%s", len(lines), refused, c.tail())
	}
	for range 2 { // the second time after a clean stop
		if _, err := fetch(t, c.addr, "flipped", 0, 0); err != kerr.KafkaStorageError {
			t.Errorf("fetch from the damaged partition: %v", err)
		}
		if got := produce(t, c.addr, "flipped", 0, -1, []byte("x")); got.code != kerr.KafkaStorageError {
			t.Errorf("produce to the damaged partition: %+v", got)
		}
		if values, err := consume(t, c.addr, "flipped", 1, 20); err != nil || string(values[19]) != "value 19 of 1" {
			t.Errorf("the other partition: %d records, %v", len(values), err)
		}
		if got := produce(t, c.addr, "flipped", 1, -1, []byte("more")); got.code != nil {
			t.Errorf("produce to the other partition: %+v", got)
		}
		produceOne(t, c)
		c.stop()
		c.start()
	}
	c.stop()
	if out, code := c.verb("log", "verify", filepath.Join(c.data(), "log")); code != 1 || !namesPlace(out, name, at) {
		t.Errorf("log verify: exit code %d\n%s", code, out)
	}
}

// TestFlippedByteInOldRecords damages records that no start looks at. They are served as they are, and the client's CRC
// refuses them; log verify finds them.
func TestFlippedByteInOldRecords(t *testing.T) {
	t.Parallel()
	for _, kill := range []bool{false, true} {
		c := newChild(t, build(t, ""), "--set", "log.segment.bytes=1048576")
		c.start()
		newTopic(t, c.addr, "old", 1)
		for range 30 { // three segments
			if got := produce(t, c.addr, "old", 0, -1, bytes.Repeat([]byte("value "), 20_000)); got.code != nil {
				t.Fatal(got)
			}
		}
		if kill {
			c.recoveryPoint("old 0 30")
			c.kill()
		} else {
			c.stop()
		}
		name := c.segmentFile("old", 0)
		at := flipIn(t, name, 3)
		c.start()
		values, err := consume(t, c.addr, "old", 0, 30)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), "crc") || len(values) != 3 {
			t.Errorf("kill %v: the client read %d records, then %v", kill, len(values), err)
		}
		if got := produce(t, c.addr, "old", 0, -1, []byte("x")); got.code != nil || got.base != 30 {
			t.Errorf("kill %v: produce: %+v", kill, got)
		}
		out, code := c.verb("log", "verify", filepath.Join(c.data(), "log"))
		if code != 1 || !namesPlace(out, name, at) {
			t.Errorf("log verify: exit code %d\n%s", code, out)
		}
		c.stop()
	}
}

func namesPlace(text, file string, at int64) bool {
	for line := range strings.Lines(text) {
		if strings.Contains(line, file) && strings.Contains(line, fmt.Sprint(at)) {
			return true
		}
	}
	return false
}

// recoveryPoint waits until the checkpoint of durable ends has a line.
func (c *child) recoveryPoint(line string) {
	c.t.Helper()
	name := filepath.Join(c.data(), "log", "recovery-point-offset-checkpoint")
	until(c.t, "the recovery point is noted", func() bool {
		data, err := os.ReadFile(name)
		return err == nil && strings.Contains(string(data), line+"\n")
	})
}
