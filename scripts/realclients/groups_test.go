//go:build realclients

package realclients

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// flow writes the corpus while members come and go.
type flow struct {
	t      *testing.T
	topic  string
	client *kgo.Client
	lines  []string
	next   int
	drops  bool // who leaves may take a record with it: the lack "last-record"
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

// shareGroup lets two members share a topic while it is written. One leaves and another joins midway. What must hold of
// their files stands in DRIVERS.md. The three members are the drivers, in turn. It prints one line.
func shareGroup(t *testing.T, addr string, drivers ...*driver) {
	t.Helper()
	names := make([]string, len(drivers))
	var lacks []string
	for i, d := range drivers {
		names[i] = d.name
		lacks = append(lacks, d.lacking("consume")...)
	}
	topic, group := "shared-by-"+strings.Join(names, "-and-"), "group-of-"+strings.Join(names, "-and-")
	createTopic(t, addr, topic)
	began := time.Now()
	f := &flow{t: t, topic: topic, client: franz(t, addr), lines: without(corpus(), lacks),
		drops: slices.Contains(drivers[0].lacking("consume"), "last-record")}
	seen, stop := watchCommits(t, addr, topic, group)
	members := comeAndGo(f, func(i int) *member {
		return drivers[i%len(drivers)].join(t, addr, topic, group, string(rune('A'+i)))
	})
	last := stop()

	twice := checkDeliveries(t, members, seen)
	var got []string
	for _, line := range distinct(t, members) {
		got = append(got, line)
	}
	if f.drops && lastDropped(t, members, len(f.lines)) {
		report("%s left with a record that it committed and did not hand out", members[0].name)
	} else if diff := difference(f.lines, without(got, lacks)); diff != "" {
		t.Errorf("%s: of %d records %s\n%s", group, len(f.lines), diff, gaps(members))
	}
	if _, each := ends(t, addr, topic); !slices.Contains(lacks, "commit-on-close") {
		for p, end := range each {
			if last[int32(p)] != end {
				t.Errorf("%s left partition %d at the committed offset %d, its end is %d", group, p, last[int32(p)], end)
			}
		}
	}
	report("%-40s %d records: %d + %d + %d read, %d of them twice, in %.1f s", strings.Join(names, ", "), len(f.lines),
		len(members[0].got), len(members[1].got), len(members[2].got), twice, time.Since(began).Seconds())
}

// comeAndGo is the life of the group: A and B share, A leaves, B has all, C joins and shares, B and C leave at the end.
func comeAndGo(f *flow, join func(i int) *member) []*member {
	f.t.Helper()
	f.write(len(f.lines) / 10)
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
		b.look()
		c.look()
		return len(c.got) > 0
	})
	members := []*member{a, b, c}
	awaited(func() bool { // or not: then the difference will tell
		b.look()
		c.look()
		return len(a.got)+len(b.got)+len(c.got) >= len(f.lines)-1 && (len(distinct(f.t, members)) >= len(f.lines) ||
			f.drops && lastDropped(f.t, members, len(f.lines)))
	})
	b.leave()
	c.leave()
	return members
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

// lastDropped tells whether of so many records just one was never handed out, and that is the one behind the last that
// the first member had of a partition when it left.
func lastDropped(t *testing.T, members []*member, records int) bool {
	t.Helper()
	all := distinct(t, members)
	next := map[int32]int64{}
	for _, d := range members[0].got {
		next[d.partition] = d.offset + 1
	}
	held := 0
	for partition, offset := range next {
		_, read := all[place{partition, offset}]
		if _, goesOn := all[place{partition, offset + 1}]; !read && goesOn {
			held++
		}
	}
	return held == 1 && len(all) == records-1
}

// TestLastDropped: one record is forgiven, and only where the first member ended.
func TestLastDropped(t *testing.T) {
	with := func(offsets ...int64) *member {
		m := &member{t: t}
		for _, o := range offsets {
			m.got = append(m.got, delivery{partition: 3, offset: o})
		}
		return m
	}
	for name, c := range map[string]struct {
		members []*member
		want    bool
	}{
		"the one behind its last": {[]*member{with(0, 1), with(3, 4)}, true},
		"none":                    {[]*member{with(0, 1), with(2, 3, 4)}, false},
		"another":                 {[]*member{with(0, 1), with(2, 4)}, false},
		"two":                     {[]*member{with(0, 1), with(4)}, false},
	} {
		if got := lastDropped(t, c.members, 5); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
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

// gaps says where the members' reading does not follow itself, and what was never read.
func gaps(members []*member) string {
	var text strings.Builder
	read := map[int32][]int64{}
	for _, m := range members {
		next := map[int32]int64{}
		for _, d := range m.got {
			if n, reading := next[d.partition]; !reading || d.offset != n {
				fmt.Fprintf(&text, "    %d: %s begins in partition %d at %d\n", d.at, m.name, d.partition, d.offset)
			}
			next[d.partition] = d.offset + 1
			read[d.partition] = append(read[d.partition], d.offset)
		}
		fmt.Fprintf(&text, "    %s ends at %v\n", m.name, next)
	}
	for p, list := range read {
		slices.Sort(list)
		for i, o := range list[1:] {
			if o > list[i]+1 {
				fmt.Fprintf(&text, "    partition %d: %d to %d were never read\n", p, list[i]+1, o-1)
			}
		}
	}
	return text.String()
}

// TestFamilyGroupsGo: a group of two of each library, and one whose three members are of three libraries, which have
// the assignor "range" in common.
func TestFamilyGroupsGo(t *testing.T) {
	addr := startBroker(t)
	all := goDrivers(t)
	for _, d := range all {
		t.Run(d.name, func(t *testing.T) { shareGroup(t, addr, d) })
	}
	var mixed []*driver
	for _, d := range all {
		if slices.Contains([]string{"sarama", "kafka-go", "confluent-kafka-go"}, d.name) {
			mixed = append(mixed, d)
		}
	}
	t.Run("mixed", func(t *testing.T) { shareGroup(t, addr, mixed...) })
}
