package group

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"tailrace/broker/effect"
	"tailrace/wire/errcode"
)

// world is a machine with its log, and clients that do anything in any order. After each step it holds that
//
//   - a call is answered once, and not after it is gone;
//   - the state is what a replay of the log gives, of the log as it is, compacted, and of a snapshot;
//   - a member is given what the leader meant for it in that generation, and nothing else;
//   - committed offsets are those whose commit was answered last;
//   - the machine's own books agree, and it does not ask to be woken at a time that is over for ever.
type world struct {
	t      *rapid.T
	config Config
	m      *Machine
	nowMs  int64
	wakeMs int64
	log    []effect.Record
	calls  int

	open    map[string]kmsg.Request // calls without answer
	members []known
	commits map[string]int64 // group, topic, partition: the offset
}

// known is a member as its client knows it.
type known struct {
	group, id  string
	instance   *string
	generation int32
}

var (
	worldGroups    = []string{"g", "h"}
	worldInstances = []string{"i", "", "j", ""}
	worldProtocols = []string{"a", "b", "c"}
)

func TestAnyHistory(t *testing.T) {
	history := func(t *rapid.T) {
		w := &world{t: t, config: testConfig(), open: map[string]kmsg.Request{}, commits: map[string]int64{}}
		w.config.MaxSize = rapid.SampledFrom([]int{2, 3, 100}).Draw(t, "max size")
		w.config.InitialRebalanceDelayMs = rapid.SampledFrom([]int{0, 3000}).Draw(t, "delay")
		w.config.OffsetsRetentionMs, w.config.OffsetsRetentionCheckMs = 400_000, 150_000
		w.load()
		t.Repeat(map[string]func(*rapid.T){
			"":        w.check,
			"join":    func(*rapid.T) { w.join() },
			"rejoin":  func(*rapid.T) { w.rejoin() },
			"sync":    func(*rapid.T) { w.sync() },
			"settle":  func(*rapid.T) { w.settle() },
			"beat":    func(*rapid.T) { w.beat() },
			"leave":   func(*rapid.T) { w.leave() },
			"commit":  func(*rapid.T) { w.commit() },
			"admin":   func(*rapid.T) { w.admin() },
			"time":    func(*rapid.T) { w.time() },
			"gone":    func(*rapid.T) { w.gone() },
			"failure": func(*rapid.T) { w.failure() },
		})
		w.end()
	}
	for range 5 { // rapid's hundred histories are few for all that can meet
		rapid.Check(t, history)
	}
}

func (w *world) draw(list []string, label string) string {
	return rapid.SampledFrom(list).Draw(w.t, label)
}

func (w *world) instance() *string { return optional(w.draw(worldInstances, "instance")) }

// call makes a call.
func (w *world) call(req kmsg.Request) {
	w.calls++
	name := fmt.Sprintf("%d %T", w.calls, req)
	w.open[name] = req
	w.step(Call{To: name, ClientID: "c", ClientHost: "/h", Request: req})
}

func (w *world) step(ev Event) {
	e := w.m.Step(ev, w.nowMs)
	w.log = append(w.log, e.Records...)
	w.wakeMs = e.WakeMs
	for _, r := range e.Replies {
		req := w.open[r.To.(string)]
		if req == nil {
			w.t.Fatalf("%v was answered though nobody waits", r.To)
		}
		delete(w.open, r.To.(string))
		w.heard(req, r.Body)
	}
}

// heard is what the clients make of an answer.
func (w *world) heard(req kmsg.Request, body kmsg.Response) {
	switch req := req.(type) {
	case *kmsg.JoinGroupRequest:
		r := body.(*kmsg.JoinGroupResponse)
		if r.ErrorCode == 0 || r.ErrorCode == int16(errcode.MemberIDRequired) {
			w.members = append(w.members, known{req.Group, r.MemberID, req.InstanceID, r.Generation})
			if len(w.members) > 8 {
				w.members = w.members[1:]
			}
		}
	case *kmsg.SyncGroupRequest:
		r := body.(*kmsg.SyncGroupResponse)
		want := fmt.Sprintf("%s of %d", req.MemberID, req.Generation)
		static := req.InstanceID != nil // it has the assignment of the one whose place it took
		if got := string(r.MemberAssignment); r.ErrorCode == 0 && got != "" && got != want && !static {
			w.t.Fatalf("%s was given %q", want, got)
		}
	case *kmsg.OffsetCommitRequest:
		for _, t := range body.(*kmsg.OffsetCommitResponse).Topics {
			for i, p := range t.Partitions {
				if p.ErrorCode == 0 {
					w.commits[fmt.Sprint(req.Group, t.Topic, p.Partition)] = req.Topics[0].Partitions[i].Offset
				}
			}
		}
	}
}

func (w *world) protocols() []kmsg.JoinGroupRequestProtocol {
	var list []kmsg.JoinGroupRequestProtocol
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(worldProtocols), 1, 3, rapid.ID).Draw(w.t, "protocols") {
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = name, subscriptionBytes(w.draw([]string{"t1", "t1+t2", ""}, "topics"))
		list = append(list, p)
	}
	return list
}

func (w *world) join() {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Version = rapid.SampledFrom([]int16{9, 3, 8, 0}).Draw(w.t, "version")
	r.Group, r.ProtocolType, r.Protocols = w.draw(worldGroups, "group"), "consumer", w.protocols()
	if r.Version >= 5 {
		r.InstanceID = w.instance()
	}
	r.SessionTimeoutMillis = rapid.SampledFrom([]int32{6000, 30000}).Draw(w.t, "session")
	r.RebalanceTimeoutMillis = rapid.SampledFrom([]int32{0, 5000, 60000}).Draw(w.t, "rebalance")
	w.call(r)
}

// somebody is a member of today, or one that a client still thinks it is.
func (w *world) somebody() known {
	list := w.members
	if today := w.today(); len(today) > 0 && rapid.IntRange(0, 3).Draw(w.t, "of today") < 3 {
		list = today
	}
	if len(list) == 0 {
		return known{group: "g", id: "nobody"}
	}
	return rapid.SampledFrom(list).Draw(w.t, "member")
}

// today is the members there are.
func (w *world) today() []known {
	var list []known
	for _, id := range w.m.ids() {
		for _, n := range w.m.groups[id].members {
			list = append(list, known{id, n.id, n.instance, w.m.groups[id].generation})
		}
	}
	return list
}

// settle has every member do what it should, so that groups become stable now and then.
func (w *world) settle() {
	for _, k := range w.today() {
		if w.m.groups[k.group].state == preparing {
			w.rejoinAs(k)
		}
	}
	w.nowMs += 3000
	w.ticks()
	for _, k := range w.today() {
		if w.m.groups[k.group].state == completing {
			w.syncAs(k)
		}
	}
}

func (w *world) rejoin() { w.rejoinAs(w.somebody()) }

func (w *world) rejoinAs(k known) {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Version, r.Group, r.MemberID, r.InstanceID, r.ProtocolType = 9, k.group, k.id, k.instance, "consumer"
	r.Protocols, r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = w.protocols(), 6000, 60000
	w.call(r)
}

func (w *world) sync() { w.syncAs(w.somebody()) }

func (w *world) syncAs(k known) {
	r := kmsg.NewPtrSyncGroupRequest()
	r.Version, r.Group, r.MemberID, r.InstanceID, r.Generation = 4, k.group, k.id, k.instance, k.generation
	if g := w.m.groups[k.group]; g != nil {
		for _, n := range g.members {
			a := kmsg.NewSyncGroupRequestGroupAssignment()
			a.MemberID, a.MemberAssignment = n.id, fmt.Appendf(nil, "%s of %d", n.id, k.generation)
			r.GroupAssignment = append(r.GroupAssignment, a)
		}
	}
	w.call(r)
}

func (w *world) beat() {
	k := w.somebody()
	r := kmsg.NewPtrHeartbeatRequest()
	r.Version, r.Group, r.MemberID, r.InstanceID, r.Generation = 4, k.group, k.id, k.instance, k.generation
	w.call(r)
}

func (w *world) leave() {
	k := w.somebody()
	r := kmsg.NewPtrLeaveGroupRequest()
	r.Version, r.Group = 5, k.group
	one := kmsg.NewLeaveGroupRequestMember()
	one.MemberID, one.InstanceID = k.id, k.instance
	if k.instance != nil && rapid.Bool().Draw(w.t, "by instance") {
		one.MemberID = ""
	}
	r.Members = append(r.Members, one)
	w.call(r)
}

func (w *world) commit() {
	k := w.somebody()
	if rapid.Bool().Draw(w.t, "simple") {
		k = known{group: k.group, generation: -1}
	}
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Version, r.Group, r.MemberID, r.InstanceID, r.Generation = 9, k.group, k.id, k.instance, k.generation
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = w.draw([]string{"t1", "t2"}, "topic")
	for p := range rapid.IntRange(1, 3).Draw(w.t, "partitions") {
		one := kmsg.NewOffsetCommitRequestTopicPartition()
		one.Partition, one.Offset = int32(p), int64(w.calls)
		t.Partitions = append(t.Partitions, one)
	}
	r.Topics = append(r.Topics, t)
	w.call(r)
}

func (w *world) admin() {
	group := w.draw(worldGroups, "group")
	switch w.draw([]string{"delete", "forget", "topic", "describe", "list"}, "verb") {
	case "delete":
		r := kmsg.NewPtrDeleteGroupsRequest()
		r.Groups = []string{group}
		w.call(r)
	case "forget":
		r := kmsg.NewPtrOffsetDeleteRequest()
		r.Group = group
		r.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: "t1",
			Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}}}}
		w.call(r)
	case "topic":
		w.step(TopicsDeleted{[]TopicRef{{Name: "t2"}}})
	case "describe":
		r := kmsg.NewPtrDescribeGroupsRequest()
		r.Groups = worldGroups
		w.call(r)
	case "list":
		w.call(kmsg.NewPtrListGroupsRequest())
	}
}

// time passes: to when the machine wants to be woken, or a little.
func (w *world) time() {
	if rapid.Bool().Draw(w.t, "wake") {
		w.nowMs = max(w.nowMs, w.wakeMs)
	} else {
		w.nowMs += rapid.Int64Range(1, 10000).Draw(w.t, "ms")
	}
	w.ticks()
}

// ticks gives ticks until the machine has nothing more to do now.
func (w *world) ticks() {
	for range 100 {
		if w.wakeMs > w.nowMs {
			return
		}
		w.step(Tick{})
	}
	w.t.Fatalf("at %d the machine still wants to be woken at %d", w.nowMs, w.wakeMs)
}

func (w *world) gone() {
	if len(w.open) > 0 {
		name := w.draw(slices.Sorted(maps.Keys(w.open)), "name")
		delete(w.open, name)
		w.step(Gone{name})
	}
}

// failure is an append that fails: whatever the step led to did not happen, and who waits is refused.
func (w *world) failure() {
	k := w.somebody()
	r := kmsg.NewPtrLeaveGroupRequest()
	r.Version, r.Group, r.MemberID = 1, k.group, k.id
	w.m.Step(Call{To: "lost", Request: r}, w.nowMs)
	w.load()
}

// load makes the machine from the log.
func (w *world) load() {
	w.m = replayed(w.t, &w.config, w.log)
	clear(w.open)
	w.wakeMs = w.m.Loaded(w.nowMs).WakeMs
}

func replayed(t *rapid.T, c *Config, log []effect.Record) *Machine {
	m := New(c)
	for _, r := range log {
		if err := m.Replay(r, 0); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// compacted is the log with the last record of each key.
func compacted(log []effect.Record) []effect.Record {
	last := map[string]int{}
	for i, r := range log {
		last[string(r.Key)] = i
	}
	var list []effect.Record
	for i, r := range log {
		if last[string(r.Key)] == i && r.Value != nil {
			list = append(list, r)
		}
	}
	return list
}

// dump is the durable state in words, but for groups in a rebalance.
func dump(m *Machine, without map[string]bool) string {
	var out strings.Builder
	for r := range m.Snapshot() {
		if k, _ := parseKey(r.Key); k.kind != typeGroup || !without[k.group] {
			out.WriteString(showRecord(r) + "\n")
		}
	}
	return out.String()
}

func (w *world) check(t *rapid.T) {
	busy := map[string]bool{}
	for id, g := range w.m.groups {
		busy[id] = g.state == preparing || g.state == completing
	}
	want := dump(w.m, busy)
	for name, log := range map[string][]effect.Record{"the log": w.log, "the compacted log": compacted(w.log),
		"a snapshot": slices.Collect(w.m.Snapshot())} {
		if got := dump(replayed(t, &w.config, log), busy); got != want {
			t.Fatalf("the state:\n%s\nfrom %s:\n%s", want, name, got)
		}
	}
	w.checkOffsets()
	checkBooks(t, w.m)
	waiting := 0
	for _, g := range w.m.groups {
		for _, n := range g.members {
			for _, p := range []*parked{n.join, n.sync} {
				if p != nil && !p.gone {
					waiting++
					if w.open[p.to.(string)] == nil {
						t.Fatalf("%v is parked and was answered", p.to)
					}
				}
			}
		}
	}
	if waiting != len(w.open) || waiting != len(w.m.parked) {
		t.Fatalf("%d calls are parked, %d are known, %d wait: %v", waiting, len(w.m.parked), len(w.open), w.open)
	}
}

// checkOffsets holds the offsets that are there to the last commits.
func (w *world) checkOffsets() {
	for id, g := range w.m.groups {
		for topic, partitions := range g.offsets {
			for p, c := range partitions {
				if want, ok := w.commits[fmt.Sprint(id, topic, p)]; !ok || want != c.offset {
					w.t.Fatalf("%s %s/%d is %d, committed was %d", id, topic, p, c.offset, want)
				}
			}
		}
	}
}

// checkBooks holds a machine's counts and tables to each other.
func checkBooks(t *rapid.T, m *Machine) {
	set := 1 // the look for old offsets
	for id, g := range m.groups {
		set += len(g.pending) + min(g.joinTime.slot, 1) + min(g.syncTime.slot, 1)
		joining, due, instances, support := 0, 0, 0, map[string]int{}
		for _, n := range g.members {
			for _, p := range n.protocols {
				support[p.name]++
			}
			if n.join != nil {
				joining++
			}
			if n.syncDue {
				due++
			}
			if n.instance != nil {
				instances++
				if g.byStatic[*n.instance] != n {
					t.Fatalf("%s: instance %s is another", id, *n.instance)
				}
			}
			if g.byID[n.id] != n {
				t.Fatalf("%s: member %s is another", id, n.id)
			}
			set += min(n.session.slot, 1)
			if n.session.slot == 0 && !n.waits() {
				t.Fatalf("%s: nobody will miss %s", id, n.id)
			}
			if n.join != nil && g.state != preparing || n.sync != nil && g.state != completing {
				t.Fatalf("%s: a call of %s waits in state %v", id, n.id, g.state)
			}
		}
		if joining != g.joining || due != g.syncDue || instances != len(g.byStatic) || len(g.members) != len(g.byID) ||
			!maps.Equal(support, g.support) {
			t.Fatalf("%s: joining %d/%d due %d/%d static %d/%d members %d/%d support %v/%v", id, joining, g.joining, due,
				g.syncDue, instances, len(g.byStatic), len(g.members), len(g.byID), support, g.support)
		}
		if g.state == empty != (len(g.members) == 0) && g.state != preparing {
			t.Fatalf("%s: %v with %d members", id, g.state, len(g.members))
		}
		if (g.leader == "") != (len(g.members) == 0) || g.leader != "" && g.byID[g.leader] == nil {
			t.Fatalf("%s: leader %q of %d members", id, g.leader, len(g.members))
		}
		if g.state == preparing && g.joinTime.slot == 0 || g.state == completing && g.syncTime.slot == 0 {
			t.Fatalf("%s: %v will not end", id, g.state)
		}
	}
	if set != len(m.timers.heap) {
		t.Fatalf("%d deadlines are set, %d of them have an owner", len(m.timers.heap), set)
	}
}

// end lets time pass until nobody waits, and then until nothing is left.
func (w *world) end() {
	for range 10000 {
		if len(w.open) == 0 && len(w.m.groups) == 0 {
			return
		}
		w.nowMs = max(w.nowMs, w.wakeMs)
		w.ticks()
	}
	w.t.Fatalf("at %d there are still groups %v, and wait %v", w.nowMs, w.m.ids(), w.open)
}
