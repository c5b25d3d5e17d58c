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
	"github.com/twmb/franz-go/pkg/kgo"
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
	m := &member{t: t, name: name + " (" + d.name + ")", ended: make(chan error, 1), file: filepath.Join(t.TempDir(), name)}
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

// flow writes the corpus while members come and go.
type flow struct {
	t      *testing.T
	topic  string
	client *kgo.Client
	lines  []string
	next   int
}

// until writes a little at a time until ok; then it writes on, at once, to this share of the corpus.
func (f *flow) until(what string, share float64, ok func() bool) {
	f.t.Helper()
	if !awaited(func() bool {
		f.write(min(40, max(1, (len(f.lines)-f.next)/2000)))
		return ok()
	}) {
		f.t.Fatalf("after two minutes: %s", what)
	}
	f.write(int(share*float64(len(f.lines))) - f.next)
}

// awaited is false if ok was never true in two minutes.
func awaited(ok func() bool) bool {
	for from := time.Now(); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Since(from) > 2*time.Minute {
			return false
		}
	}
	return true
}

func (f *flow) write(n int) {
	f.t.Helper()
	n = min(n, len(f.lines)-f.next)
	for ; n > 0; n-- {
		r := recordOf(f.t, f.lines[f.next])
		r.Topic = f.topic
		f.client.Produce(f.t.Context(), r, func(_ *kgo.Record, err error) {
			if err != nil {
				f.t.Error(err)
			}
		})
		f.next++
	}
	if err := f.client.Flush(within(f.t)); err != nil {
		f.t.Fatal(err)
	}
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

// shareGroup lets two members share a topic while it is written. One leaves and another joins midway. What must hold of
// their files stands in DRIVERS.md. The three members are the drivers, in turn.
func shareGroup(t *testing.T, addr string, drivers ...*driver) {
	t.Helper()
	names := make([]string, len(drivers))
	var lacks []string
	for i, d := range drivers {
		names[i] = d.name
		lacks = append(lacks, d.lacking("consume")...)
	}
	topic := "shared-by-" + strings.Join(names, "-and-")
	group := "group-of-" + strings.Join(names, "-and-")
	createTopic(t, addr, topic)
	began := time.Now()
	lines := without(corpus(), lacks)
	f := &flow{t: t, topic: topic, client: franz(t, addr), lines: lines}
	seen, stop := watchCommits(t, addr, topic, group)
	join := func(i int) *member { return drivers[i%len(drivers)].join(t, addr, topic, group, string(rune('A'+i))) }

	f.write(len(lines) / 10)
	a, b := join(0), join(1)
	f.until("not both members of the group have got records", 0.4, func() bool {
		a.look()
		b.look()
		return len(a.got) > 0 && len(b.got) > 0
	})
	a.leave()
	alone := len(b.got)
	f.until("the one who stays does not read all partitions", 0.7, func() bool {
		b.look()
		return len(partitionsOf(b.got[alone:])) == partitions
	})
	c := join(2)
	f.until("the one who joins gets no records", 1, func() bool {
		c.look()
		return len(c.got) > 0
	})
	members := []*member{a, b, c}
	awaited(func() bool { // or not: then the difference will tell
		b.look()
		c.look()
		return len(a.got)+len(b.got)+len(c.got) >= len(lines) && len(distinct(t, members)) >= len(lines)
	})
	b.leave()
	c.leave()
	last := stop()

	twice := checkDeliveries(t, members, seen)
	all := distinct(t, members)
	got := make([]string, 0, len(all))
	for _, line := range all {
		got = append(got, line)
	}
	if diff := difference(lines, without(got, lacks)); diff != "" {
		t.Errorf("%s: of %d records %s", group, len(lines), diff)
	}
	if _, each := ends(t, addr, topic); !slices.Contains(lacks, "commit-on-close") {
		for p, end := range each {
			if last[int32(p)] != end {
				t.Errorf("%s left partition %d at the committed offset %d, its end is %d", group, p, last[int32(p)], end)
			}
		}
	}
	report("%-40s %d records: %d + %d + %d read, %d of them twice, in %.1f s", strings.Join(names, ", "), len(lines),
		len(a.got), len(b.got), len(c.got), twice, time.Since(began).Seconds())
}

func partitionsOf(got []delivery) map[int32]bool {
	set := map[int32]bool{}
	for _, d := range got {
		set[d.partition] = true
	}
	return set
}

type place struct {
	partition int32
	offset    int64
}

// distinct is every record that the members have, once.
func distinct(t *testing.T, members []*member) map[place]string {
	t.Helper()
	all := map[place]string{}
	for _, m := range members {
		for _, d := range m.got {
			at := place{d.partition, d.offset}
			if line, ok := all[at]; ok && line != d.line {
				t.Fatalf("%v is %.100s to one member and %.100s to %s", at, line, d.line, m.name)
			}
			all[at] = d.line
		}
	}
	return all
}

// checkDeliveries holds every beginning of a member in a partition against what was committed, and counts doubles.
func checkDeliveries(t *testing.T, members []*member, seen *commits) (twice int) {
	t.Helper()
	for _, m := range members {
		next := map[int32]int64{}
		for _, d := range m.got {
			n, reading := next[d.partition]
			next[d.partition] = d.offset + 1
			if reading && d.offset == n {
				continue
			}
			// An answer from outside may overtake the member's own clock by a little.
			if c := seen.before(d.at-2000, d.partition); d.offset < c {
				t.Errorf("%s begins to read partition %d at %d, where %d was committed 2 s before", m.name, d.partition,
					d.offset, c)
			}
		}
		twice += len(m.got)
	}
	return twice - len(distinct(t, members))
}

// TestFamilyGroupsGo: a group of two of each family, and groups of two families.
func TestFamilyGroupsGo(t *testing.T) {
	addr := startBroker(t)
	all := goDrivers(t)
	for _, d := range all {
		t.Run(d.name, func(t *testing.T) { shareGroup(t, addr, d) })
	}
}
