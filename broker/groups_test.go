package broker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch"
	"tailrace/wire/errcode"
)

// TestRebalance takes a group from one member to two and back. A member that waits for the others holds up nobody else,
// and the answers on its own connection keep their order.
func TestRebalance(t *testing.T) {
	n := serve(t)
	s := newSubject(t, n.addr)
	group := fresh(t)
	first := s.p.join(group, s.topic)
	if c := first.heartbeat(); c != errcode.None || !first.leader {
		t.Fatalf("the only member: leader %v, heartbeat %v", first.leader, c.Name())
	}

	second := &member{p: dial(t, n.addr), group: group}
	second.id = second.p.memberID(group)
	joining := joinRequest(9, group, second.id, s.topic)
	second.p.send(joining) // it waits for the first one
	versions := kmsg.NewPtrApiVersionsRequest()
	second.p.send(versions)
	for until := time.Now().Add(answerWithin); first.heartbeat() != errcode.RebalanceInProgress; {
		if time.Now().After(until) {
			t.Fatal("the first member is never told of the second")
		}
	}
	first.joined(ask[*kmsg.JoinGroupResponse](first.p, joinRequest(9, group, first.id, s.topic)))
	second.joined(second.p.receive(joining).(*kmsg.JoinGroupResponse))
	second.p.receive(versions)
	if first.generation != 2 || second.generation != 2 || !first.leader || second.leader || len(first.others) != 2 {
		t.Fatalf("after the second join: %+v and %+v", first, second)
	}
	syncing := second.syncRequest(5)
	second.p.send(syncing) // it waits for the leader
	first.sync(first.id, second.id)
	r := second.p.receive(syncing).(*kmsg.SyncGroupResponse)
	if r.ErrorCode != 0 || string(r.MemberAssignment) != "for "+second.id {
		t.Errorf("the second member's assignment: %+v", r)
	}

	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Version, leave.Group = 5, group
	gone := kmsg.NewLeaveGroupRequestMember()
	gone.MemberID = second.id
	leave.Members = append(leave.Members, gone)
	code(t, "leave", ask[*kmsg.LeaveGroupResponse](second.p, leave).ErrorCode, errcode.None)
	if c := first.heartbeat(); c != errcode.RebalanceInProgress {
		t.Errorf("the first member's heartbeat after the second has left: %v", c.Name())
	}
	first.joined(ask[*kmsg.JoinGroupResponse](first.p, joinRequest(9, group, first.id, s.topic)))
	if first.generation != 3 || len(first.others) != 1 {
		t.Errorf("the first member alone: %+v", first)
	}
	if c := second.heartbeat(); c != errcode.UnknownMemberID {
		t.Errorf("the heartbeat of the one that has left: %v", c.Name())
	}
}

// TestGroupsSurvive a clean stop and a crash: offsets with all that belongs to them, and the members, who need not
// rejoin.
func TestGroupsSurvive(t *testing.T) {
	n := start(t, noGroupDelay)
	s := newSubject(t, n.addr)
	plain, group := fresh(t), fresh(t)
	m := s.p.join(group, s.topic)
	for i, crash := range []bool{false, true, true, false} {
		at := int64(10 + i)
		code(t, "commit from outside", int16(s.p.commit(plain, s.topic, 0, at)), errcode.None)
		code(t, "commit from a member", int16(m.commit(s.topic, 1, at)), errcode.None)
		n.restart(t, crash)
		s.p = dial(t, n.addr)
		m.p = s.p
		s.p.loaded()
		if a, b := s.p.committed(plain, s.topic, 0), s.p.committed(group, s.topic, 1); a != at || b != at {
			t.Errorf("restart %d: offsets %d and %d, want %d", i, a, b, at)
		}
		if c := m.heartbeat(); c != errcode.None {
			t.Errorf("restart %d: the member's heartbeat: %v", i, c.Name())
		}
		if d := s.p.describedGroup(group); d.State != "Stable" || len(d.Members) != 1 || d.Members[0].MemberID != m.id {
			t.Errorf("restart %d: the group is %+v", i, d)
		}
	}
	if all := s.p.listed(t); all[plain] != "Empty" || all[group] != "Stable" {
		t.Errorf("the groups are %v", all)
	}
}

// loaded waits until the coordinators of a restarted broker have read their partitions.
func (p *peer) loaded() {
	p.t.Helper()
	for until := time.Now().Add(answerWithin); ; time.Sleep(5 * time.Millisecond) {
		switch c := errcode.Code(ask[*kmsg.ListGroupsResponse](p, kmsg.NewPtrListGroupsRequest()).ErrorCode); {
		case c == errcode.None:
			return
		case c != errcode.CoordinatorLoadInProgress || time.Now().After(until):
			p.t.Fatalf("the coordinators do not load: %v", c.Name())
		}
	}
}

// TestOffsetsTopic is made when it is needed, as Kafka makes it, and clients may read it but not write to it.
func TestOffsetsTopic(t *testing.T) {
	n := start(t, "offsets.topic.num.partitions=3", "offsets.topic.segment.bytes=2097152", "min.insync.replicas=1")
	p := dial(t, n.addr)
	if all := p.listed(t); len(all) != 0 {
		t.Errorf("groups of a new broker: %v", all)
	}
	const name = "__consumer_offsets"
	req, topic := kmsg.NewPtrMetadataRequest(), kmsg.NewMetadataRequestTopic()
	topic.Topic = kadm.StringPtr(name)
	req.Version, req.Topics = 12, append(req.Topics, topic)
	if r := ask[*kmsg.MetadataResponse](p, req); r.Topics[0].ErrorCode == 0 {
		t.Errorf("it is there before it is needed: %+v", r.Topics[0])
	}
	req.AllowAutoTopicCreation = true // a consumer of the topic itself needs it as well
	p.send(req)
	p.receive(req)
	p.coordinated()
	r := ask[*kmsg.MetadataResponse](p, req).Topics[0]
	if r.ErrorCode != 0 || !r.IsInternal || len(r.Partitions) != 3 || len(r.Partitions[0].Replicas) != 1 {
		t.Errorf("the topic is %+v", r)
	}
	if text := n.log.String(); strings.Count(text, "fewer replicas") != 1 {
		t.Errorf("the log does not say once that it has fewer replicas than wanted:\n%s", text)
	}
	refused := p.produce(name, 0, -1, build(t, batch.Options{}, rec{key: []byte("k"), value: []byte("v")}))
	code(t, "produce to it", refused.ErrorCode, errcode.InvalidTopicException)
	for _, c := range []struct {
		client string
		want   errcode.Code
	}{{"somebody", errcode.InvalidTopicException}, {"__admin_client", errcode.None}} {
		id := kmsg.NewRequestFormatter(kmsg.FormatterClientID(c.client))
		write := produceRequest(9, name, 0, -1, build(t, batch.Options{}, rec{key: []byte("k"), value: []byte("v")}))
		p.last++
		p.write(id.AppendRequest(nil, write, p.last))
		r := p.receive(write).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
		code(t, "produce to it as "+c.client, r.ErrorCode, c.want)
	}
}

// TestDeletedTopic takes the offsets committed for it along; a deleted __consumer_offsets takes all groups along and is
// made anew.
func TestDeletedTopic(t *testing.T) {
	n := start(t, noGroupDelay)
	s := newSubject(t, n.addr)
	group := fresh(t)
	other := fresh(t)
	s.p.create(other, 1)
	code(t, "commit", int16(s.p.commit(group, s.topic, 0, 5)), errcode.None)
	code(t, "commit", int16(s.p.commit(group, other, 0, 6)), errcode.None)
	gone := ask[*kmsg.DeleteTopicsResponse](s.p, deleteRequest(6, s.topic))
	code(t, "delete", gone.Topics[0].ErrorCode, errcode.None)
	s.p.create(s.topic, 2)
	if a, b := s.p.committed(group, s.topic, 0), s.p.committed(group, other, 0); a != -1 || b != 6 {
		t.Errorf("offsets %d and %d, want none and 6", a, b)
	}
	n.restart(t, true)
	s.p = dial(t, n.addr)
	s.p.loaded()
	if a, b := s.p.committed(group, s.topic, 0), s.p.committed(group, other, 0); a != -1 || b != 6 {
		t.Errorf("after a crash: offsets %d and %d, want none and 6", a, b)
	}
	gone = ask[*kmsg.DeleteTopicsResponse](s.p, deleteRequest(6, "__consumer_offsets"))
	code(t, "delete the topic of the groups", gone.Topics[0].ErrorCode, errcode.None)
	s.p.coordinated()
	if at := s.p.committed(group, other, 0); at != -1 {
		t.Errorf("an offset has survived the topic of the groups: %d", at)
	}
	code(t, "commit", int16(s.p.commit(group, other, 0, 7)), errcode.None)
}

// TestOffsetsByID: version 10 names topics by id, also those that were committed by name, and tells unknown ids.
func TestOffsetsByID(t *testing.T) {
	n := serve(t)
	s := newSubject(t, n.addr)
	group := fresh(t)
	code(t, "commit by name", int16(s.p.commit(group, s.topic, 0, 5)), errcode.None)
	req := commitRequest(10, group, "", s.id, 1, 6)
	unknown := commitRequest(10, group, "", [16]byte{9}, 0, 7)
	req.Topics = append(req.Topics, unknown.Topics...)
	r := ask[*kmsg.OffsetCommitResponse](s.p, req)
	found := map[[16]byte]errcode.Code{}
	for _, topic := range r.Topics {
		found[topic.TopicID] = errcode.Code(topic.Partitions[0].ErrorCode)
	}
	if len(found) != 2 || found[s.id] != errcode.None || found[[16]byte{9}] != errcode.UnknownTopicID {
		t.Errorf("commit by id: %v", found)
	}
	for _, all := range []bool{false, true} {
		fetch := fetchOffsetsRequest(10, group, s.topic, s.id, 0, 1)
		if all {
			fetch = fetchOffsetsRequest(10, group, "", [16]byte{})
		} else {
			missing := kmsg.NewOffsetFetchRequestGroupTopic()
			missing.TopicID, missing.Partitions = [16]byte{9}, []int32{3}
			fetch.Groups[0].Topics = append(fetch.Groups[0].Topics, missing)
		}
		g := ask[*kmsg.OffsetFetchResponse](s.p, fetch).Groups[0]
		offsets := map[string]int64{}
		for _, topic := range g.Topics {
			for _, p := range topic.Partitions {
				offsets[fmt.Sprintf("%x-%d %s", topic.TopicID[:1], p.Partition, errcode.Code(p.ErrorCode).Name())] = p.Offset
			}
		}
		want := map[string]int64{
			fmt.Sprintf("%x-0 NONE", s.id[:1]): 5, fmt.Sprintf("%x-1 NONE", s.id[:1]): 6,
		}
		if !all {
			want["09-3 UNKNOWN_TOPIC_ID"] = -1
		}
		if fmt.Sprint(offsets) != fmt.Sprint(want) {
			t.Errorf("all=%v: %v, want %v", all, offsets, want)
		}
	}
}

// TestStopWithWaitingMembers: a member that waits for a rebalance holds up no stop.
func TestStopWithWaitingMembers(t *testing.T) {
	n := start(t, "group.initial.rebalance.delay.ms=600000")
	p := dial(t, n.addr)
	p.coordinated()
	waits := dial(t, n.addr)
	group := fresh(t)
	join := joinRequest(9, group, waits.memberID(group), "t")
	waits.send(join)
	for until := time.Now().Add(answerWithin); p.describedGroup(group).State != "PreparingRebalance"; {
		if time.Now().After(until) {
			t.Fatalf("the group is %+v", p.describedGroup(group))
		}
	}
	n.stop(t) // fails after some seconds
	if r, ok := waits.receive(join).(*kmsg.JoinGroupResponse); !ok || errcode.Code(r.ErrorCode) != errcode.NotCoordinator {
		t.Errorf("the member was answered %+v", r)
	}
	n.open(t)
}

// TestGoneMember: a member whose connection ends while it waits does no harm, and its answer goes nowhere.
func TestGoneMember(t *testing.T) {
	n := start(t, "group.initial.rebalance.delay.ms=300")
	p := dial(t, n.addr)
	p.coordinated()
	group := fresh(t)
	gone := dial(t, n.addr)
	gone.send(joinRequest(9, group, gone.memberID(group), "t"))
	gone.conn.Close()
	for until := time.Now().Add(answerWithin); p.describedGroup(group).State != "CompletingRebalance"; {
		if time.Now().After(until) {
			t.Fatalf("the group is %+v", p.describedGroup(group))
		}
	}
	p.alive()
}

// TestFranzGoGroup: a group of two reads a topic, one leaves and another one joins midway. Nothing is lost, nobody is
// idle, and what was committed is there for the next group life.
func TestFranzGoGroup(t *testing.T) {
	n := start(t, "group.initial.rebalance.delay.ms=200")
	ctx, cancel := context.WithTimeout(context.Background(), 4*answerWithin)
	defer cancel()
	topic, group := fresh(t), fresh(t)
	dial(t, n.addr).create(topic, 6)
	admin := kadm.NewClient(newFranz(t, n.addr))
	const each = 3000
	spread := kgo.RecordPartitioner(kgo.RoundRobinPartitioner())
	producer := newFranz(t, n.addr, kgo.DefaultProduceTopic(topic), spread)
	produce := func(from int) {
		for i := range each {
			producer.Produce(ctx, kgo.StringRecord(fmt.Sprint(from+i)), func(_ *kgo.Record, err error) {
				if err != nil {
					t.Errorf("produce: %v", err)
				}
			})
		}
		if err := producer.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	member := func() *kgo.Client {
		return newFranz(t, n.addr, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	}
	// poll lets each of them read and commit until everything is read and each had something.
	poll := func(total int, members ...*kgo.Client) {
		had := make([]int, len(members))
		for len(seen) < total || slices.Contains(had, 0) {
			for i, m := range members {
				short, done := context.WithTimeout(ctx, 50*time.Millisecond)
				fetches := m.PollFetches(short)
				done()
				fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Value)]++; had[i]++ })
				if err := m.CommitUncommittedOffsets(ctx); err != nil && !strings.Contains(err.Error(), "REBALANCE") {
					t.Fatalf("commit: %v", err)
				}
			}
			if ctx.Err() != nil {
				t.Fatalf("%d of %d records were read, by the members %v", len(seen), total, had)
			}
		}
	}
	first, second := member(), member()
	shared(t, ctx, admin, group, topic)
	produce(0)
	poll(each, first, second)
	second.Close()
	third := member()
	shared(t, ctx, admin, group, topic)
	produce(each)
	poll(2*each, first, third)
	first.Close()
	third.Close()
	if g := described(t, ctx, admin, group); g.State != "Empty" || len(g.Members) != 0 {
		t.Errorf("without members the group is %+v", g)
	}
	offsets, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	offsets.Each(func(o kadm.OffsetResponse) { sum += o.At })
	if len(seen) != 2*each || sum != 2*each {
		t.Errorf("%d different records were read and %d committed, want %d", len(seen), sum, 2*each)
	}
}

// shared waits until two members have three partitions each.
func shared(t *testing.T, ctx context.Context, admin *kadm.Client, group, topic string) {
	t.Helper()
	for ctx.Err() == nil {
		g := described(t, ctx, admin, group)
		even := g.State == "Stable" && len(g.Members) == 2
		for _, m := range g.Members {
			a, ok := m.Assigned.AsConsumer()
			even = even && ok && len(a.Topics) == 1 && a.Topics[0].Topic == topic && len(a.Topics[0].Partitions) == 3
		}
		if even {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the partitions are never shared out")
}

func described(t *testing.T, ctx context.Context, admin *kadm.Client, group string) kadm.DescribedGroup {
	t.Helper()
	all, err := admin.DescribeGroups(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	return all[group]
}

// TestManyGroups: a request about groups of many shards is answered in its own order.
func TestManyGroups(t *testing.T) {
	n := serve(t)
	s := newSubject(t, n.addr)
	describe, fetch := kmsg.NewPtrDescribeGroupsRequest(), kmsg.NewPtrOffsetFetchRequest()
	remove := kmsg.NewPtrDeleteGroupsRequest()
	describe.Version, fetch.Version, remove.Version = 5, 9, 2
	const groups = 120
	for i := range int64(groups) {
		name := fmt.Sprintf("%s-%d", s.topic, i)
		code(t, "commit", int16(s.p.commit(name, s.topic, 0, i)), errcode.None)
		describe.Groups = append(describe.Groups, name)
		remove.Groups = append(remove.Groups, name, name) // the second time it is not counted
		one, topic := kmsg.NewOffsetFetchRequestGroup(), kmsg.NewOffsetFetchRequestGroupTopic()
		topic.Topic, topic.Partitions = s.topic, []int32{0}
		one.Group, one.Topics = name, append(one.Topics, topic)
		fetch.Groups = append(fetch.Groups, one)
	}
	for i, g := range ask[*kmsg.OffsetFetchResponse](s.p, fetch).Groups {
		if g.Group != describe.Groups[i] || g.Topics[0].Partitions[0].Offset != int64(i) {
			t.Errorf("OffsetFetch: group %d is %+v", i, g)
		}
	}
	if otherBroker != "" { // it answers the others in any order
		return
	}
	for i, g := range ask[*kmsg.DescribeGroupsResponse](s.p, describe).Groups {
		if g.Group != describe.Groups[i] || g.State != "Empty" {
			t.Errorf("DescribeGroups: group %d is %+v", i, g)
		}
	}
	gone := ask[*kmsg.DeleteGroupsResponse](s.p, remove).Groups
	for i, g := range gone {
		if g.Group != describe.Groups[i] || g.ErrorCode != 0 {
			t.Errorf("DeleteGroups: group %d is %+v", i, g)
		}
	}
	if len(gone) != groups {
		t.Errorf("%d groups were deleted, want %d", len(gone), groups)
	}
}
