package coordinator

import (
	"fmt"
	"log/slog"
	"maps"
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
		inBubble(t, func(t *testing.T) {
			h := &committed{t: t, fs: faultfs.New(), want: map[string]*offsets{}}
			h.open()
			for range rapid.IntRange(1, 40).Draw(r, "steps") {
				h.step(rapid.IntRange(0, 11).Draw(r, "kind"), rapid.IntRange(1, 12).Draw(r, "n"))
			}
			h.rest()
			h.s.close()
		})
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
	at    int64
	want  map[string]*offsets // by "group topic"
}

// offsets are those that a partition may stand at, in the order of the calls; -1 is none.
type offsets struct {
	struck int // of the older ones
	may    []int64
}

// add notes what a call may leave, and returns its number.
func (o *offsets) add(at int64) int {
	o.may = append(o.may, at)
	return o.struck + len(o.may) - 1
}

// holds: the call of that number was answered, nothing older counts any more.
func (o *offsets) holds(number int) {
	if n := number - o.struck; n > 0 {
		o.may, o.struck = o.may[n:], number
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
	told chan struct{}
	resp kmsg.Response // nil: refused
	of   *offsets      // nil: it changes nothing
	n    int           // its number there
}

func (c *groupCall) Answer(body kmsg.Response, _ *netio.Batch) { c.resp = body; close(c.told) }
func (c *groupCall) Refuse(errcode.Code, *netio.Batch)         { close(c.told) }

func (h *committed) submit(req kmsg.Request, key string, to int64) {
	c := &groupCall{told: make(chan struct{})}
	if key != "" {
		if h.want[key] == nil {
			h.want[key] = &offsets{may: []int64{-1}}
		}
		c.of = h.want[key]
		c.n = c.of.add(to)
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

// settle waits for all calls and strikes what an answered one has replaced.
func (h *committed) settle() {
	h.t.Helper()
	for _, c := range h.calls {
		select {
		case <-c.told:
		case <-time.After(answerWithin):
			h.t.Fatalf("a call was never told; the log says:\n%s", h.s.log.String())
		}
		if c.resp != nil && c.of != nil {
			c.of.holds(c.n)
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
				h.t.Errorf("record %d: %v", r.Offset, err)
			}
		}
		return w.Err()
	})
	if code != errcode.None || err != nil {
		h.t.Fatalf("replay: %v %v", code.Name(), err)
	}
	again.Loaded(time.Now().UnixMilli())
	if live, replayed := snapshot(h.m), snapshot(again); !maps.Equal(live, replayed) {
		h.t.Errorf("the shard has\n%q\nand a replay gives\n%q", live, replayed)
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
		ok := false
		for _, o := range of.may {
			ok = ok || o == at
		}
		if !ok {
			h.t.Errorf("%s stands at %d, it may stand at one of %d", key, at, of.may)
		}
	}
}
