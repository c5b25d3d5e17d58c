//go:build realclients

package realclients

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// member is one driver in a group, and what its file says so far.
type member struct {
	t         *testing.T
	name      string
	cmd       *exec.Cmd
	complaint bytes.Buffer
	ended     chan error
	file      string
	text      []byte // of the file, behind what was parsed
	read      int64
	left      bool
	got       []delivery
}

// delivery is a line of a member's file.
type delivery struct {
	at        int64 // Unix ms
	partition int32
	offset    int64
	line      string // key, value, headers
}

func (d *driver) join(t *testing.T, addr, topic, group, name string) *member {
	t.Helper()
	m := &member{t: t, name: name + " (" + d.name + ")", ended: make(chan error, 1)}
	m.file = filepath.Join(t.TempDir(), name)
	m.cmd = exec.Command(d.argv[0], append(slices.Clone(d.argv[1:]), "group", addr, topic, group, m.file)...)
	m.cmd.Stderr = &m.complaint
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { m.ended <- m.cmd.Wait() }()
	t.Cleanup(func() { m.cmd.Process.Kill() })
	return m
}

// look reads on in the member's file, and fails if the member has ended by itself.
func (m *member) look() {
	m.t.Helper()
	f, err := os.Open(m.file)
	if err == nil {
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			m.t.Fatal(err)
		}
		more := make([]byte, info.Size()-m.read)
		n, _ := f.ReadAt(more, m.read)
		m.read += int64(n)
		m.text = append(m.text, more[:n]...)
	}
	for {
		line, rest, whole := bytes.Cut(m.text, []byte("\n"))
		if !whole {
			break
		}
		m.text = rest
		m.got = append(m.got, m.parse(string(line)))
	}
	select {
	case err := <-m.ended:
		m.ended <- err
		if !m.left {
			m.t.Fatalf("%s ended by itself: %v\n%s", m.name, err, m.complaint.String())
		}
	default:
	}
}

func (m *member) parse(line string) delivery {
	m.t.Helper()
	fields := strings.SplitN(line, " ", 4)
	if len(fields) < 4 {
		m.t.Fatalf("%s wrote %.80q", m.name, line)
	}
	at, err1 := strconv.ParseInt(fields[0], 10, 64)
	partition, err2 := strconv.ParseInt(fields[1], 10, 32)
	offset, err3 := strconv.ParseInt(fields[2], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		m.t.Fatalf("%s wrote %.80q", m.name, line)
	}
	return delivery{at, int32(partition), offset, fields[3]}
}

// leave lets the member leave in order.
func (m *member) leave() {
	m.t.Helper()
	if err := m.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		m.t.Fatal(err)
	}
	select {
	case err := <-m.ended:
		m.ended <- err
		if err != nil {
			m.t.Fatalf("%s, leaving: %v\n%s", m.name, err, m.complaint.String())
		}
	case <-time.After(2 * time.Minute):
		m.t.Fatalf("%s does not leave", m.name)
	}
	m.left = true
	m.look()
}

// commits are what a group had committed at several moments, as seen from outside.
type commits struct {
	mu   sync.Mutex
	seen []committed
}

type committed struct {
	at   int64 // Unix ms when the answer was there
	next map[int32]int64
}

// watchCommits asks every 100 ms until the returned function is called; that one asks for the last time.
func watchCommits(t *testing.T, addr, topic, group string) (c *commits, stop func() map[int32]int64) {
	t.Helper()
	admin := kadm.NewClient(franz(t, addr))
	c = &commits{}
	done := make(chan struct{})
	ask := func() error {
		list, err := admin.FetchOffsets(t.Context(), group)
		if err == nil {
			err = list.Error()
		}
		if err != nil {
			return err
		}
		now := committed{time.Now().UnixMilli(), map[int32]int64{}}
		list.Each(func(o kadm.OffsetResponse) {
			if o.Topic == topic && o.At >= 0 {
				now.next[o.Partition] = o.At
			}
		})
		c.mu.Lock()
		defer c.mu.Unlock()
		c.seen = append(c.seen, now)
		return nil
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for tick := time.Tick(100 * time.Millisecond); ; {
			select {
			case <-done:
				return
			case <-tick:
				ask() // a group that is not there yet is an error on the way, not at the end
			}
		}
	})
	return c, func() map[int32]int64 {
		t.Helper()
		close(done)
		wg.Wait()
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		return c.seen[len(c.seen)-1].next
	}
}

// before is the highest offset of the partition that was committed, and seen so, by a moment.
func (c *commits) before(at int64, partition int32) int64 {
	n := int64(0)
	for _, s := range c.seen {
		if s.at <= at {
			n = max(n, s.next[partition])
		}
	}
	return n
}
