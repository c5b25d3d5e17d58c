package coordinator

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"tailrace/batch"
	"tailrace/broker/effect"
	"tailrace/broker/group"
	"tailrace/netio"
	"tailrace/vfs/faultfs"
	"tailrace/wire/errcode"
)

// TestGroupsEqualReplay runs the machine of the groups on a shard: random commits, deletions of offsets, groups and
// topics, with a disk that is full now and then, and kills. At every rest the machine has what a replay of its
// partition gives, and every acknowledged commit is there unless something later took it away.
func TestGroupsEqualReplay(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		// What is drawn is drawn, and what is wrong is told, outside the bubble: there rapid hears of it, makes the
		// run smaller and gives the seed.
		steps := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) [2]int {
			return [2]int{rapid.IntRange(0, 11).Draw(r, "kind"), rapid.IntRange(1, 12).Draw(r, "n")}
		}), 1, 40).Draw(r, "steps")
		var wrong []string
		inBubble(t, func(t *testing.T) {
			h := &committed{t: t, fs: faultfs.New(), want: map[string]*offsets{}, wrong: &wrong}
			h.open()
			for _, s := range steps {
				h.step(s[0], s[1])
			}
			h.rest()
			h.s.close()
		})
		if len(wrong) > 0 {
			r.Fatal(strings.Join(wrong, "\n"))
		}
	})
}

// committed is one random run.
type committed struct {
	t     *testing.T
	fs    *faultfs.FS
	s     *shelf
	c     *Coordinator[group.Event]
	m     *group.Machine // the newest
	calls []*groupCall
	wrong *[]string
	at    int64
	want  map[string]*offsets // by "group topic"
}

// offsets are those that a partition may stand at, in the order of the calls; -1 is none.
type offsets struct {
	calls int
	may   []possible
}

type possible struct {
	number  int
	at      int64
	refused bool // the disk may hold it all the same: a recovery may find it at the end of the log
}

// add notes what a call may leave, and returns its number.
func (o *offsets) add(at int64) int {
	o.calls++
	o.may = append(o.may, possible{number: o.calls, at: at})
	return o.calls
}

// holds: the call of that number was answered, nothing older counts any more. If it wrote nothing, because there was
// nothing to delete, what was refused before it may still be found.
func (o *offsets) holds(number int, wrote bool) {
	o.may = slices.DeleteFunc(o.may, func(p possible) bool { return p.number < number && (wrote || !p.refused) })
}

// refused: the call of that number was.
func (o *offsets) refused(number int) {
	for i := range o.may {
		o.may[i].refused = o.may[i].refused || o.may[i].number == number
	}
}

var groupConfig = &group.Config{
	MinSessionMs: 1, MaxSessionMs: 1 << 30, MaxSize: 10, MaxMetadataBytes: 100,
	OffsetsRetentionMs: 1 << 50, OffsetsRetentionCheckMs: 1 << 50, Random: func([]byte) {},
}

func (h *committed) open() {
	h.s = openShelf(h.t, h.fs)
	h.c = New(Options[group.Event]{
		New:    func() Machine[group.Event] { h.m = group.New(groupConfig); return h.m },
		Tick:   group.Tick{},
		NowMs:  func() int64 { return time.Now().UnixMilli() },
		Timer:  func(fire func()) Timer { return &handTimer{fire: fire} },
		Logger: slog.New(slog.NewTextHandler(&h.s.log, nil)),
	})
	h.c.Lead(h.s.p)
	h.loaded()
}

// groupCall is a call and what it may do to the offsets.
type groupCall struct {
	told  chan struct{}
	resp  kmsg.Response // nil: refused
	of    *offsets      // nil: it changes nothing
	n     int           // its number there
	wrote bool          // it writes a record if it is not refused
}

func (c *groupCall) Answer(body kmsg.Response, _ *netio.Batch) { c.resp = body; close(c.told) }
func (c *groupCall) Refuse(errcode.Code, *netio.Batch)         { close(c.told) }

func (h *committed) submit(req kmsg.Request, key string, to int64) {
	c := &groupCall{told: make(chan struct{})}
	if key != "" {
		if h.want[key] == nil {
			h.want[key] = &offsets{may: []possible{{at: -1}}}
		}
		c.of = h.want[key]
		c.n, c.wrote = c.of.add(to), to >= 0
	}
	h.c.Submit(0, group.Call{To: c, Request: req}, c)
	h.calls = append(h.calls, c)
}

func (h *committed) step(kind, n int) {
	g, topic := fmt.Sprint("g", n%3), fmt.Sprint("t", n%2)
	key := g + " " + topic
	switch kind {
	case 0:
		h.fs.FailNth(n, syscall.ENOSPC, faultfs.Write, faultfs.MapStore)
	case 1:
		h.rest()
	case 2:
		h.rest()
		h.c.Stop()
		h.s.close()
		h.open()
	case 3:
		h.c.Stop()
		h.fs = h.s.crash(n%2 == 0)
		h.settle()
		h.open()
	case 4:
		req := kmsg.NewPtrOffsetDeleteRequest()
		t, p := kmsg.NewOffsetDeleteRequestTopic(), kmsg.NewOffsetDeleteRequestTopicPartition()
		t.Topic, t.Partitions = topic, append(t.Partitions, p)
		req.Group, req.Topics = g, append(req.Topics, t)
		h.submit(req, key, -1)
	case 5:
		h.rest() // nobody tells when it has happened
		for k := range h.want {
			if k[len(k)-len(topic):] == topic {
				h.want[k].add(-1)
			}
		}
		h.c.Announce(group.TopicsDeleted{Topics: []group.TopicRef{{Name: topic}}})
	default:
		for i := range n {
			h.at++
			req := kmsg.NewPtrOffsetCommitRequest()
			t, p := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
			p.Offset = h.at
			t.Topic, t.Partitions = fmt.Sprint("t", (n+i)%2), append(t.Partitions, p)
			req.Version, req.Group, req.Generation, req.Topics = 9, g, -1, append(req.Topics, t)
			h.submit(req, g+" "+t.Topic, h.at)
		}
	}
}

// errorf notes what does not hold.
func (h *committed) errorf(format string, args ...any) {
	*h.wrong = append(*h.wrong, fmt.Sprintf(format, args...))
}

// settle waits for all calls and strikes what an answered one has replaced.
func (h *committed) settle() {
	h.t.Helper()
	for _, c := range h.calls {
		select {
		case <-c.told:
		case <-time.After(answerWithin):
			h.t.Fatalf("a call was never told; the log says:\n%s", h.s.log.String())
		}
		switch {
		case c.of == nil:
		case c.resp == nil:
			c.of.refused(c.n)
		default:
			c.of.holds(c.n, c.wrote)
		}
	}
	h.calls = nil
}

func (h *committed) loaded() {
	h.t.Helper()
	for until := time.Now().Add(answerWithin); ; time.Sleep(time.Millisecond) {
		h.submit(kmsg.NewPtrListGroupsRequest(), "", 0)
		c := h.calls[len(h.calls)-1]
		if <-c.told; c.resp != nil {
			return
		}
		if time.Now().After(until) {
			h.t.Fatalf("the shard does not load; the log says:\n%s", h.s.log.String())
		}
	}
}

// rest lets the shard come to rest on a disk that is well again, and looks at it.
func (h *committed) rest() {
	h.t.Helper()
	h.settle()
	h.fs.ClearFaults()
	time.Sleep(time.Minute)
	h.loaded()
	h.settle()
	again := group.New(groupConfig)
	var w batch.Walker
	var r batch.Record
	code, err := h.s.p.Replay(func(v batch.View) error {
		for w.Reset(v, 0); w.Next(&r); {
			record := effect.Record{Key: append([]byte(nil), r.Key...)}
			if r.Value != nil {
				record.Value = append([]byte{}, r.Value...)
			}
			if err := again.Replay(record, r.TimestampMs); err != nil {
				h.errorf("record %d: %v", r.Offset, err)
			}
		}
		return w.Err()
	})
	if code != errcode.None || err != nil {
		h.t.Fatalf("replay: %v %v", code.Name(), err)
	}
	again.Loaded(time.Now().UnixMilli())
	if live, replayed := snapshot(h.m), snapshot(again); !maps.Equal(live, replayed) {
		h.errorf("the shard has\n%q\nand a replay gives\n%q", live, replayed)
	}
	h.keeps(again)
}

func snapshot(m *group.Machine) map[string]string {
	all := map[string]string{}
	for r := range m.Snapshot() {
		all[string(r.Key)] = string(r.Value)
	}
	return all
}

// keeps holds the offsets of a machine against what the answers promise.
func (h *committed) keeps(m *group.Machine) {
	h.t.Helper()
	for key, of := range h.want {
		var g, topic string
		if _, err := fmt.Sscan(key, &g, &topic); err != nil {
			h.t.Fatal(err)
		}
		req := kmsg.NewPtrOffsetFetchRequest()
		one, t := kmsg.NewOffsetFetchRequestGroup(), kmsg.NewOffsetFetchRequestGroupTopic()
		t.Topic, t.Partitions = topic, []int32{0}
		one.Group, one.Topics = g, append(one.Topics, t)
		req.Version, req.Groups = 9, append(req.Groups, one)
		e := m.Step(group.Call{Request: req}, time.Now().UnixMilli())
		at := e.Replies[0].Body.(*kmsg.OffsetFetchResponse).Groups[0].Topics[0].Partitions[0].Offset
		if !slices.ContainsFunc(of.may, func(p possible) bool { return p.at == at }) {
			h.errorf("%s stands at %d, it may stand at one of %v", key, at, of.may)
		}
	}
}
