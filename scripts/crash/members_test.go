//go:build realclients

package crash

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/benchmarks/rawclient"
)

const (
	crowdGroup      = "crowd"
	crowdTopic      = "work"
	crowdPartitions = 150
	crowdSession    = 3 * time.Second // twice that is less than from one kill to the next, or no time could be too long
	crowdBeat       = 250 * time.Millisecond
)

// shortSessions lets the broker take crowdSession.
const shortSessions = "group.min.session.timeout.ms=1000"

// crowd is what is known from outside about a group: who was assigned what, and what was committed.
type crowd struct {
	addr string

	mu     sync.Mutex
	owners map[owned]string
	acked  [crowdPartitions]int64 // the largest offset whose commit was acknowledged
	sent   [crowdPartitions]int64 // the largest offset that was sent
	faults []string

	progress   atomic.Int64 // when somebody last got an assignment or an acknowledgement, ns
	generation atomic.Int32 // the newest one that somebody was assigned in
	commits    atomic.Int64
	syncs      atomic.Int64
	fetched    atomic.Int64
}

type owned struct {
	generation, partition int32
}

func newCrowd(addr string) *crowd {
	c := &crowd{addr: addr, owners: map[owned]string{}}
	c.progress.Store(time.Now().UnixNano())
	return c
}

func (c *crowd) fault(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.faults) < 20 {
		c.faults = append(c.faults, fmt.Sprintf(format, args...))
	}
}

// assigned books an assignment: in one generation nobody else may have any of it.
func (c *crowd) assigned(m *crowdMember) {
	c.mu.Lock()
	for _, p := range m.partitions {
		key := owned{m.generation, p}
		if other, taken := c.owners[key]; taken && other != m.id {
			c.faults = append(c.faults, fmt.Sprintf("partition %d belongs to %s and to %s in generation %d",
				p, other, m.id, m.generation))
		}
		c.owners[key] = m.id
	}
	c.mu.Unlock()
	c.syncs.Add(1)
	c.advanced()
	for {
		newest := c.generation.Load()
		if m.generation <= newest || c.generation.CompareAndSwap(newest, m.generation) {
			return
		}
	}
}

func (c *crowd) advanced() { c.progress.Store(time.Now().UnixNano()) }

// crowdMember is one member: joins, commits, beats, leaves or vanishes, and comes back.
type crowdMember struct {
	crowd      *crowd
	calm       bool // it stays until it is told to go
	conn       *rawclient.Caller
	id         string
	generation int32
	partitions []int32
	next       []int64 // of each of them: the offset to commit next
}

// live is the whole life of a member.
func (m *crowdMember) live(ctx context.Context) {
	for ctx.Err() == nil {
		stay := time.Now().Add(time.Duration(3000+rand.IntN(27_000)) * time.Millisecond)
		for ctx.Err() == nil && (m.calm || time.Now().Before(stay)) {
			if m.join(ctx) {
				m.work(ctx, stay)
			}
		}
		if rand.IntN(30) > 0 || m.calm { // some vanish, and hold up a rebalance until their session is over
			m.leave()
		}
		m.drop()
		m.id = ""
		if !m.calm {
			pause(ctx, time.Duration(rand.IntN(1500))*time.Millisecond)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (m *crowdMember) drop() {
	if m.conn != nil {
		_ = m.conn.Close()
		m.conn = nil
	}
}

// call sends a request; nil means that the broker is away just now.
func (m *crowdMember) call(ctx context.Context, req kmsg.Request) kmsg.Response {
	if m.conn == nil {
		conn, err := rawclient.Dial(m.crowd.addr)
		if err != nil {
			pause(ctx, 20*time.Millisecond)
			return nil
		}
		m.conn = conn
	}
	resp, err := m.conn.Call(req)
	if err != nil {
		m.drop()
		pause(ctx, 20*time.Millisecond)
		return nil
	}
	return resp
}

// verdict says what a member does on an error code: go on, do it again, join again, or join as somebody new.
func (m *crowdMember) verdict(ctx context.Context, what string, code int16) (again, rejoin bool) {
	switch err := kerr.ErrorForCode(code); err {
	case nil:
		return false, false
	case kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator:
		pause(ctx, 50*time.Millisecond)
		return true, false
	case kerr.RebalanceInProgress:
		return false, true
	case kerr.IllegalGeneration:
		return false, true
	case kerr.UnknownMemberID:
		m.id = ""
		return false, true
	default:
		m.crowd.fault("%s was answered %v", what, err)
		return false, true
	}
}

// join gets into a generation and takes its share.
func (m *crowdMember) join(ctx context.Context) bool {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID, req.ProtocolType = 9, crowdGroup, m.id, "consumer"
	req.SessionTimeoutMillis = int32(crowdSession / time.Millisecond)
	req.RebalanceTimeoutMillis = req.SessionTimeoutMillis
	p := kmsg.NewJoinGroupRequestProtocol()
	sub := kmsg.NewConsumerMemberMetadata()
	sub.Topics = []string{crowdTopic}
	p.Name, p.Metadata = "crowd", sub.AppendTo(nil)
	req.Protocols = append(req.Protocols, p)
	r, ok := m.call(ctx, req).(*kmsg.JoinGroupResponse)
	if !ok {
		return false
	}
	if r.ErrorCode == kerr.MemberIDRequired.Code {
		m.id = r.MemberID
		return false // the next round joins with it
	}
	if again, rejoin := m.verdict(ctx, "a join", r.ErrorCode); again || rejoin {
		return false
	}
	m.id, m.generation = r.MemberID, r.Generation
	return m.sync(ctx, r)
}

// sync brings or takes the assignment: a list of partitions, four bytes each.
func (m *crowdMember) sync(ctx context.Context, joined *kmsg.JoinGroupResponse) bool {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 3, crowdGroup, m.id, m.generation
	for i, other := range joined.Members { // only the leader is told of them
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID = other.MemberID
		for p := i; p < crowdPartitions; p += len(joined.Members) {
			a.MemberAssignment = binary.BigEndian.AppendUint32(a.MemberAssignment, uint32(p))
		}
		req.GroupAssignment = append(req.GroupAssignment, a)
	}
	for ctx.Err() == nil {
		r, ok := m.call(ctx, req).(*kmsg.SyncGroupResponse)
		if !ok {
			continue
		}
		again, rejoin := m.verdict(ctx, "a sync", r.ErrorCode)
		if again {
			continue
		}
		if rejoin {
			return false
		}
		m.partitions = m.partitions[:0]
		for b := r.MemberAssignment; len(b) >= 4; b = b[4:] {
			m.partitions = append(m.partitions, int32(binary.BigEndian.Uint32(b)))
		}
		m.crowd.assigned(m)
		return m.resume(ctx)
	}
	return false
}

// resume asks where its partitions stand: never before what was acknowledged, nor behind what was sent.
func (m *crowdMember) resume(ctx context.Context) bool {
	if len(m.partitions) == 0 {
		return true
	}
	c := m.crowd
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version = 8
	g, t := kmsg.NewOffsetFetchRequestGroup(), kmsg.NewOffsetFetchRequestGroupTopic()
	t.Topic, t.Partitions = crowdTopic, m.partitions
	g.Group, g.Topics = crowdGroup, append(g.Topics, t)
	req.Groups = append(req.Groups, g)
	for ctx.Err() == nil {
		c.mu.Lock()
		least := c.acked
		c.mu.Unlock()
		r, ok := m.call(ctx, req).(*kmsg.OffsetFetchResponse)
		if !ok {
			continue
		}
		if again, rejoin := m.verdict(ctx, "an offset fetch", r.Groups[0].ErrorCode); again || rejoin {
			continue
		}
		m.next = slices.Grow(m.next[:0], len(m.partitions))[:len(m.partitions)]
		for _, p := range r.Groups[0].Topics[0].Partitions {
			c.mu.Lock()
			most := c.sent[p.Partition]
			c.mu.Unlock()
			if p.Offset < least[p.Partition] && !(p.Offset == -1 && least[p.Partition] == 0) || p.Offset > most {
				c.fault("partition %d stands at %d; %d was acknowledged and %d is the last that was sent",
					p.Partition, p.Offset, least[p.Partition], most)
			}
			m.next[slices.Index(m.partitions, p.Partition)] = max(p.Offset, 0) + 1
			c.fetched.Add(1)
		}
		return true
	}
	return false
}

// work commits and beats until the member has to rejoin or its time is over.
func (m *crowdMember) work(ctx context.Context, stay time.Time) {
	for ctx.Err() == nil && (m.calm || time.Now().Before(stay)) {
		pause(ctx, crowdBeat/2+time.Duration(rand.Int64N(int64(crowdBeat))))
		if !m.commit(ctx) || !m.beat(ctx) {
			return
		}
	}
}

func (m *crowdMember) beat(ctx context.Context) bool {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 3, crowdGroup, m.id, m.generation
	r, ok := m.call(ctx, req).(*kmsg.HeartbeatResponse)
	if !ok {
		return true
	}
	_, rejoin := m.verdict(ctx, "a heartbeat", r.ErrorCode)
	return !rejoin
}

// commit commits one step on for each partition.
func (m *crowdMember) commit(ctx context.Context) bool {
	if len(m.partitions) == 0 {
		return true
	}
	c := m.crowd
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 7, crowdGroup, m.id, m.generation
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = crowdTopic
	c.mu.Lock()
	for i, at := range m.partitions {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset = at, m.next[i]
		t.Partitions = append(t.Partitions, p)
		c.sent[at] = max(c.sent[at], m.next[i])
	}
	c.mu.Unlock()
	req.Topics = append(req.Topics, t)
	r, ok := m.call(ctx, req).(*kmsg.OffsetCommitResponse)
	if !ok {
		return true // it may have counted; the next one is larger or the same
	}
	for _, p := range r.Topics[0].Partitions {
		again, rejoin := m.verdict(ctx, "a commit", p.ErrorCode)
		if rejoin {
			return false
		}
		if again {
			return true
		}
		i := slices.Index(m.partitions, p.Partition)
		c.mu.Lock()
		c.acked[p.Partition] = max(c.acked[p.Partition], m.next[i])
		c.mu.Unlock()
		m.next[i]++
		c.commits.Add(1)
	}
	c.advanced()
	return true
}

func (m *crowdMember) leave() {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Version, req.Group = 3, crowdGroup
	one := kmsg.NewLeaveGroupRequestMember()
	one.MemberID = m.id
	req.Members = append(req.Members, one)
	if m.id != "" {
		m.call(context.Background(), req)
	}
}
