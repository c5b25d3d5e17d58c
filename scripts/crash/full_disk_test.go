//go:build realclients

package crash

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// TestFullDisk fills the disk under a broker, kills and restarts it on the full disk, and gives the space back, a few
// times. Produce is refused with a retriable error while fetch goes on, and works again within 5 s of space coming
// back.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	c := newChild(t, build(t, ""), "--set", "log.segment.bytes=1048576", "--set", "message.max.bytes=1000000")
	if err := os.Mkdir(c.data(), 0o755); err != nil {
		t.Fatal(err)
	}
	c.space = newSpace(t, fmt.Sprintf("mount -t tmpfs -o size=64m tmpfs %q", c.data()))
	ballast := c.space.path(filepath.Join(c.data(), "ballast"))
	c.start()
	newTopic(t, c.addr, "full", 2)
	d := diskTest{t: t, c: c}
	d.write(100)
	for range 3 {
		d.reserved()
		fill(t, ballast)
		d.writeUntilRefused()
		d.readAll()
		c.kill() // a start must not need free space
		c.start()
		d.readAll()
		d.writeUntilRefused()
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		d.resumes()
		d.write(20)
		d.readAll()
	}
	if lines := c.lines("disk is full"); len(lines) == 0 || len(lines) > 20 {
		t.Errorf("%d lines say that the disk is full", len(lines))
	}
	for _, bad := range []string{"SIGBUS", "goroutine ", "offline"} {
		if lines := c.lines(bad); len(lines) > 0 {
			t.Errorf("the log holds %q: %s", bad, lines[0])
		}
	}
	c.stop()
}

// fill takes all the space there is.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		switch _, err := f.Write(block); {
		case errors.Is(err, syscall.ENOSPC):
			block = block[:len(block)/2]
		case err != nil:
			t.Fatal(err)
		}
	}
}

// diskTest remembers what was acknowledged: the values of each partition, in order.
type diskTest struct {
	t      *testing.T
	c      *child
	values [2][][]byte
	serial int
}

// try produces one record of 20 kB, with acks=all and 1 in turns.
func (d *diskTest) try() error {
	d.serial++
	partition, acks := int32(d.serial%2), int16(1)
	if d.serial%4 < 2 {
		acks = -1
	}
	value := fmt.Appendf(nil, "%d %s", d.serial, strings.Repeat(fmt.Sprint(d.serial), 20_000/len(fmt.Sprint(d.serial))))
	p := produce(d.t, d.c.addr, "full", partition, acks, value)
	if p.code == nil {
		if want := int64(len(d.values[partition])); p.base != want {
			d.t.Errorf("record %d got offset %d of partition %d, %d was due", d.serial, p.base, partition, want)
		}
		d.values[partition] = append(d.values[partition], value)
	}
	return p.code
}

func (d *diskTest) write(n int) {
	d.t.Helper()
	for range n {
		if err := d.try(); err != nil {
			d.t.Fatal(err)
		}
	}
}

// writeUntilRefused uses up what was reserved, and goes on for a while.
func (d *diskTest) writeUntilRefused() {
	d.t.Helper()
	refused := 0
	for range 400 {
		err := d.try()
		if err == nil {
			continue
		}
		if refused++; !errors.Is(err, kerr.KafkaStorageError) || !kerr.IsRetriable(err) {
			d.t.Fatalf("a full disk refuses with %v", err)
		}
		if refused == 20 {
			return
		}
	}
	d.t.Fatalf("only %d of 400 records were refused on a full disk", refused)
}

func (d *diskTest) resumes() {
	d.t.Helper()
	began := time.Now()
	for d.try() != nil || d.try() != nil {
		if time.Since(began) > 5*time.Second {
			d.t.Fatalf("produce is still refused 5 s after space came back:\n%s", d.c.tail())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// reserved waits until the metadata log has its reserve again, without which a start may need space.
func (d *diskTest) reserved() {
	d.t.Helper()
	name := d.c.space.path(filepath.Join(d.c.data(), "meta", "tailrace-reserve"))
	until(d.t, "the metadata log has its reserve again", func() bool { _, err := os.Stat(name); return err == nil })
}

// readAll reads everything with a real client, while the disk is full or not.
func (d *diskTest) readAll() {
	d.t.Helper()
	for p, want := range d.values {
		got, err := consume(d.t, d.c.addr, "full", int32(p), len(want))
		if err != nil {
			d.t.Fatal(err)
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				d.t.Fatalf("offset %d of partition %d holds another record than was acknowledged", i, p)
			}
		}
	}
}
