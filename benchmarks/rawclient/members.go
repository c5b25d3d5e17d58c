package rawclient

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const commitVersion = 9

// Member is a member of a group in one generation. Which connection it comes by is its own affair.
type Member struct {
	Group, ID  string
	Generation int32
}

// sessionMs is long enough for a load of commits, each of which counts as a sign of life, and what comes before it.
const sessionMs = 60_000

// JoinGroup makes so many members of a group. They stand in one generation and each is assigned nothing.
func JoinGroup(addr, group string, n int) ([]Member, error) {
	callers, err := dialAll(addr, n)
	defer closeAll(callers)
	if err == nil {
		err = callers[0].awaitCoordinator(group)
	}
	if err != nil {
		return nil, err
	}
	members, errs := make([]Member, n), make([]error, n)
	var wg sync.WaitGroup
	for i, c := range callers {
		wg.Go(func() { members[i], errs[i] = c.join(group) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.Generation != members[0].Generation {
			return nil, fmt.Errorf("members in generations %d and %d", m.Generation, members[0].Generation)
		}
	}
	return members, nil
}

func dialAll(addr string, n int) ([]*Caller, error) {
	var callers []*Caller
	for range n {
		c, err := Dial(addr)
		if err != nil {
			return callers, err
		}
		callers = append(callers, c)
	}
	return callers, nil
}

func closeAll(callers []*Caller) {
	for _, c := range callers {
		_ = c.Close()
	}
}

// awaitCoordinator asks until the group has a coordinator that has loaded it.
func (c *Caller) awaitCoordinator(group string) error {
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.Version, find.CoordinatorKeys = 4, []string{group}
		resp, err := c.Call(find)
		if err != nil {
			return err
		}
		err = kerr.ErrorForCode(resp.(*kmsg.FindCoordinatorResponse).Coordinators[0].ErrorCode)
		if err == nil {
			describe := kmsg.NewPtrDescribeGroupsRequest()
			describe.Version, describe.Groups = 5, []string{group}
			if resp, err = c.Call(describe); err != nil {
				return err
			}
			err = kerr.ErrorForCode(resp.(*kmsg.DescribeGroupsResponse).Groups[0].ErrorCode)
		}
		if err == nil || !kerr.IsRetriable(err) || time.Since(begin) > callWithin {
			return err
		}
	}
}

// join asks for a member id, joins with it and takes its assignment.
func (c *Caller) join(group string) (Member, error) {
	m := Member{Group: group}
	for m.Generation == 0 {
		req := kmsg.NewPtrJoinGroupRequest()
		req.Version, req.Group, req.MemberID = 9, group, m.ID
		req.SessionTimeoutMillis, req.RebalanceTimeoutMillis, req.ProtocolType = sessionMs, sessionMs, "consumer"
		p := kmsg.NewJoinGroupRequestProtocol()
		nothing := kmsg.NewConsumerMemberMetadata()
		p.Name, p.Metadata = "range", nothing.AppendTo(nil)
		req.Protocols = append(req.Protocols, p)
		resp, err := c.Call(req)
		if err != nil {
			return m, err
		}
		r := resp.(*kmsg.JoinGroupResponse)
		err = kerr.ErrorForCode(r.ErrorCode)
		if err != nil && !errors.Is(err, kerr.MemberIDRequired) {
			return m, fmt.Errorf("join %s: %w", group, err)
		}
		if m.ID = r.MemberID; err == nil {
			m.Generation = r.Generation
		}
	}
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 3, group, m.ID, m.Generation
	resp, err := c.Call(req)
	if err == nil {
		err = kerr.ErrorForCode(resp.(*kmsg.SyncGroupResponse).ErrorCode)
	}
	if err != nil {
		return m, fmt.Errorf("sync %s: %w", group, err)
	}
	return m, nil
}

// CommitFrame is a request that commits an offset of one partition.
func CommitFrame(m Member, topic string, partition int32, offset int64) []byte {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group, req.MemberID, req.Generation = commitVersion, m.Group, m.ID, m.Generation
	t, p := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return formatter.AppendRequest(nil, req, 0)
}

// CommitCheck is the check of replies to CommitFrame.
func CommitCheck(topic string) Check {
	code := 4 + 1 + 4 + 1 + 1 + len(topic) + 1 + 4
	return Check{codes: []int{code}, head: code + 2}
}

// Commit is the load of members that commit: connection i is member i, and commits for partition i of the topic.
func Commit(topic string, members []Member) Load {
	load := Load{Check: CommitCheck(topic), Conns: len(members), InFlight: 1}
	load.Frames = func(conn, _ int) (frames [][]byte) {
		for offset := range int64(64) {
			frames = append(frames, CommitFrame(members[conn], topic, int32(conn), offset))
		}
		return frames
	}
	return load
}
