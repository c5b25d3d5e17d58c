//go:build realclients

package realclients

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// kcatGroup is two kcat that share a topic. What they print goes to one sorter.
type kcatGroup struct {
	t           *testing.T
	addr, topic string
	members     [2]*kcatMember
	mu          sync.Mutex
	sorted      *sorter
}

type kcatMember struct {
	cmd   *exec.Cmd
	lines int64 // settled once read is closed
	read  chan error
	says  notes
}

// notes keeps what kcat says on stderr, rebalances among them.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(b)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// assigned is true if the member's last rebalance gave it partitions.
func (m *kcatMember) assigned() bool {
	says := m.says.String()
	i := strings.LastIndex(says, "rebalanced (memberid")
	return i >= 0 && strings.Contains(says[i:], "assigned: ")
}

// startKcatGroup starts both members and waits until each has partitions.
func startKcatGroup(t *testing.T, addr, topic string) *kcatGroup {
	t.Helper()
	g := &kcatGroup{t: t, addr: addr, topic: topic, sorted: newSorter(t)}
	for i := range g.members {
		m := &kcatMember{read: make(chan error, 1)}
		m.cmd = exec.Command("kcat", "-b", addr, "-G", g.name(), "-f", `%s\n`, "-X", "auto.offset.reset=earliest",
			"-X", "auto.commit.interval.ms=500", "-X", "heartbeat.interval.ms=500",
			"-X", "queued.max.messages.kbytes=1000000", topic)
		m.cmd.Stderr = &m.says
		out, err := m.cmd.StdoutPipe()
		if err == nil {
			err = m.cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.cmd.Process.Kill() })
		go func() { m.read <- g.take(m, out) }()
		g.members[i] = m
	}
	if !awaited(func() bool { return g.members[0].assigned() && g.members[1].assigned() }) {
		t.Fatalf("two kcat do not share %s: %s\n%s", topic, &g.members[0].says, &g.members[1].says)
	}
	return g
}

func (g *kcatGroup) name() string { return "group-of-" + g.topic }

// take counts the lines of a member and hands them on, whole lines at a time.
func (g *kcatGroup) take(m *kcatMember, out io.Reader) error {
	buffer, n := make([]byte, 2*maxMessage), 0
	for {
		more, err := out.Read(buffer[n:])
		n += more
		whole := bytes.LastIndexByte(buffer[:n], '\n') + 1
		m.lines += int64(bytes.Count(buffer[:whole], []byte("\n")))
		g.mu.Lock()
		_, failed := g.sorted.Write(buffer[:whole])
		g.mu.Unlock()
		n = copy(buffer, buffer[whole:n])
		switch {
		case failed != nil:
			return failed
		case err == io.EOF && n == 0:
			return nil
		case err != nil:
			return fmt.Errorf("within a line: %w", err)
		}
	}
}

// finish waits until the group has committed all of the topic, lets the members leave, and returns the sum of the
// sorted lines and how many each member had.
func (g *kcatGroup) finish() (sum string, each [2]int64) {
	g.t.Helper()
	admin := kadm.NewClient(franz(g.t, g.addr))
	_, stops := ends(g.t, g.addr, g.topic)
	want, got := map[int32]int64{}, map[int32]int64{}
	for p, stop := range stops {
		want[int32(p)] = stop
	}
	if !awaited(func() bool {
		list, err := admin.FetchOffsets(within(g.t), g.name())
		if err != nil {
			g.t.Fatal(err)
		}
		list.Each(func(o kadm.OffsetResponse) { got[o.Partition] = o.At })
		return maps.Equal(want, got)
	}) {
		g.t.Errorf("two minutes after the last record %s has committed %v, the topic ends at %v", g.name(), got, want)
	}
	for i, m := range g.members {
		err := m.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case read := <-m.read:
			err = errors.Join(err, read, m.cmd.Wait())
		case <-time.After(2 * time.Minute):
			g.t.Fatalf("kcat does not leave its group: %s", &m.says)
		}
		if err != nil || strings.Contains(m.says.String(), "ERROR") {
			g.t.Errorf("kcat -G: %v\n%s", err, &m.says)
		}
		each[i] = m.lines
	}
	return g.sorted.sum(), each
}
