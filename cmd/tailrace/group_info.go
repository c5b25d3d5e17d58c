package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// groupInfo is what a coordinator tells of a group, of either protocol.
type groupInfo struct {
	name        string
	kind        string // classic or consumer; empty if the group does not exist
	state       string // Dead if the group does not exist
	assignor    string
	coordinator kadm.BrokerDetail
	members     []memberInfo
}

type memberInfo struct {
	id, instance, host, client string
	assigned                   kadm.TopicsSet
}

// stateDead is the state of a group that does not exist.
const stateDead = "Dead"

// patienceCoordinator is how long a command waits for a coordinator. The first question about any group makes a broker
// create __consumer_offsets, and the client itself gives up sooner than that may take.
var patienceCoordinator = 20 * time.Second

// lookGroups asks the coordinators for groups, in the order of the names.
func lookGroups(ctx context.Context, adm *kadm.Client, names ...string) ([]groupInfo, error) {
	for began := time.Now(); ; {
		list, err := askGroups(ctx, adm, names...)
		coming := errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kerr.CoordinatorLoadInProgress) ||
			errors.Is(err, kerr.NotCoordinator)
		if !coming || time.Since(began) > patienceCoordinator {
			return list, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// askGroups is one attempt. A classic group is asked for by DescribeGroups; what that does not know may be a group of
// the newer protocol (KIP-848), where the broker has it.
func askGroups(ctx context.Context, adm *kadm.Client, names ...string) ([]groupInfo, error) {
	classic, err := adm.DescribeGroups(ctx, names...)
	if err != nil {
		return nil, shardError(err)
	}
	var missing []string
	found := map[string]groupInfo{}
	for _, name := range names {
		g, told := classic[name]
		switch {
		case told && errors.Is(g.Err, kerr.GroupIDNotFound), told && g.Err == nil && g.State == stateDead:
			missing = append(missing, name)
			found[name] = groupInfo{name: name, state: stateDead, coordinator: g.Coordinator}
		case !told:
			return nil, fmt.Errorf("group %q: the broker tells nothing of it", name)
		case g.Err != nil:
			return nil, fmt.Errorf("group %q: %w", name, &refusal{reason(g.Err, g.ErrMessage), g.Err})
		default:
			found[name] = classicInfo(g)
		}
	}
	if len(missing) > 0 {
		newer, _ := adm.DescribeConsumerGroups(ctx, missing...) // a broker without the protocol has none of them
		for name, g := range newer {
			if g.Err == nil {
				found[name] = consumerInfo(g)
			}
		}
	}
	var list []groupInfo
	for _, name := range names {
		list = append(list, found[name])
	}
	return list, nil
}

func classicInfo(g kadm.DescribedGroup) groupInfo {
	info := groupInfo{
		name: g.Group, kind: "classic", state: g.State, assignor: g.Protocol, coordinator: g.Coordinator,
	}
	for _, m := range g.Members {
		mi := memberInfo{id: m.MemberID, host: m.ClientHost, client: m.ClientID, assigned: kadm.TopicsSet{}}
		if m.InstanceID != nil {
			mi.instance = *m.InstanceID
		}
		if c, ok := m.Assigned.AsConsumer(); ok {
			for _, t := range c.Topics {
				mi.assigned.Add(t.Topic, t.Partitions...)
			}
		}
		info.members = append(info.members, mi)
	}
	return info
}

func consumerInfo(g kadm.DescribedConsumerGroup) groupInfo {
	info := groupInfo{
		name: g.Group, kind: "consumer", state: g.State, assignor: g.AssignorName, coordinator: g.Coordinator,
	}
	for _, m := range g.Members {
		mi := memberInfo{id: m.MemberID, host: m.ClientHost, client: m.ClientID, assigned: m.Assignment}
		if m.InstanceID != nil {
			mi.instance = *m.InstanceID
		}
		info.members = append(info.members, mi)
	}
	return info
}

// partitions counts what a member has.
func (m *memberInfo) partitions() (n int) {
	for _, ps := range m.assigned {
		n += len(ps)
	}
	return n
}

// owners maps each assigned partition to its member.
func (g *groupInfo) owners() map[spot]*memberInfo {
	all := map[spot]*memberInfo{}
	for i := range g.members {
		for topic, ps := range g.members[i].assigned {
			for p := range ps {
				all[spot{topic, p}] = &g.members[i]
			}
		}
	}
	return all
}

// shardError is the first thing that went wrong of a request that went to several brokers.
func shardError(err error) error {
	var shards *kadm.ShardErrors
	if errors.As(err, &shards) && len(shards.Errs) > 0 {
		return &refusal{reason(shards.Errs[0].Err, ""), shards.Errs[0].Err}
	}
	return err
}

// refusal is an error in the words of reason.
type refusal struct {
	text string
	err  error
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.err }

// groupNames lists the groups of consumers, whatever their state; the groups of other programs (Connect) are left out.
func groupNames(ctx context.Context, adm *kadm.Client) ([]string, error) {
	listed, err := adm.ListGroups(ctx)
	if err != nil {
		return nil, shardError(err)
	}
	var names []string
	for _, g := range listed {
		if g.ProtocolType == "consumer" || g.ProtocolType == "" {
			names = append(names, g.Group)
		}
	}
	slices.Sort(names)
	return names, nil
}
