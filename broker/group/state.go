package group

import "tailrace/broker/effect"

// state is where a group stands. How it moves (ClassicGroupState.java):
//
//	          a member joins
//	Empty ───────────────────────► PreparingRebalance ◄──────────────┐
//	  ▲                             │     ▲        │                 │ a member joins anew, changes,
//	  │   nobody is left            │     │        │ all have        │ leaves or is not heard of;
//	  └─────────────────────────────┘     │        │ joined, or      │ the leader joins again
//	                                      │        ▼ time is up      │
//	     a member joins, changes,   CompletingRebalance ─────────► Stable
//	     leaves, or does not sync                    the leader syncs
//
// Dead is the state told of a group that is not there. Kafka also has dead groups in memory, for a moment; here a group
// that is removed is gone at once.
type state uint8

const (
	empty state = iota
	preparing
	completing
	stable
)

const stateDead = "Dead"

func (s state) String() string {
	return [...]string{"Empty", "PreparingRebalance", "CompletingRebalance", "Stable"}[s]
}

// group is one classic group. A simple group, which only commits offsets, is an empty one without protocol type.
type group struct {
	id           string
	state        state
	previous     state
	stateMs      int64  // since when; -1: not known. Stable keeps the time of CompletingRebalance, which its record has
	protocolType string // "": none yet
	protocol     string // "": none chosen
	leader       string // member id; "": none
	generation   int32

	members  []*member // in the order of joining, which is the order of everything that is told of them
	byID     map[string]*member
	byStatic map[string]*member   // by group instance id
	pending  map[string]*timer    // member ids handed out (MEMBER_ID_REQUIRED) and not used yet
	support  map[string]int       // protocol name: how many members have it
	topics   map[string]struct{}  // what the members subscribe to; nil: not known (ClassicGroup.subscribedTopics)
	offsets  map[string]partition // by topic

	joining  int // members whose JoinGroup waits
	syncDue  int // members of this generation that have not sent SyncGroup
	joinTime timer
	syncTime timer

	initial     bool // joinTime is the initial delay (KIP-134)
	grew        bool // a member was added during the initial delay, which prolongs it
	delayMs     int64
	remainingMs int64 // how much longer the initial delay may become

	logged bool // the log has a group record, so that its end needs a tombstone in any case
}

// partition is the committed offsets of a topic by partition.
type partition map[int32]*committed

func newGroup(id string, nowMs int64) *group {
	g := &group{id: id, stateMs: nowMs, byID: map[string]*member{}}
	g.joinTime = timer{kind: timerJoin, group: g}
	g.syncTime = timer{kind: timerSync, group: g}
	return g
}

func (g *group) to(s state, nowMs int64) {
	g.previous, g.state = g.state, s
	if s != stable {
		g.stateMs = nowMs
	}
}

// add takes a new member in. The caller has checked that its protocols fit.
func (g *group) add(n *member) {
	if len(g.members) == 0 {
		g.protocolType = n.protocolType
	}
	if n.instance != nil {
		if g.byStatic == nil {
			g.byStatic = map[string]*member{}
		}
		g.byStatic[*n.instance] = n
	}
	if g.leader == "" {
		g.leader = n.id
	}
	g.members = append(g.members, n)
	g.byID[n.id] = n
	g.count(n.protocols, 1)
}

// remove takes a member out and finds another leader if it was the leader. Its parked calls are the caller's to answer.
func (g *group) remove(n *member) {
	for i := range g.members {
		if g.members[i] == n {
			g.members = append(g.members[:i], g.members[i+1:]...)
			break
		}
	}
	delete(g.byID, n.id)
	if n.instance != nil {
		delete(g.byStatic, *n.instance)
	}
	g.count(n.protocols, -1)
	if n.join != nil {
		g.joining--
	}
	g.synced(n)
	if g.leader == n.id {
		g.leader = ""
		if len(g.members) > 0 {
			g.leader = g.members[0].id
		}
	}
}

// synced says that n's SyncGroup is no longer waited for.
func (g *group) synced(n *member) {
	if n.syncDue {
		n.syncDue = false
		g.syncDue--
	}
}

func (g *group) count(protocols []protocol, by int) {
	if g.support == nil {
		g.support = map[string]int{}
	}
	for i := range protocols {
		name := protocols[i].name
		if g.support[name] += by; g.support[name] == 0 {
			delete(g.support, name)
		}
	}
}

// fits says whether one with these protocols can join: of the group's type, with one that all members have.
func (g *group) fits(protocolType string, protocols []protocol) bool {
	if g.state == empty {
		return protocolType != "" && len(protocols) > 0
	}
	if g.protocolType != protocolType {
		return false
	}
	for i := range protocols {
		if g.support[protocols[i].name] == len(g.members) {
			return true
		}
	}
	return false
}

// choose gives the protocol with the most votes: each member votes for the first of its own that all members have. Of
// several with the same number the one voted for first wins, where Kafka leaves it to a hash table.
func (g *group) choose() string {
	votes, best := map[string]int{}, ""
	for _, n := range g.members {
		for i := range n.protocols {
			if name := n.protocols[i].name; g.support[name] == len(g.members) {
				votes[name]++
				break
			}
		}
	}
	for _, n := range g.members {
		for i := range n.protocols {
			if name := n.protocols[i].name; votes[name] > votes[best] {
				best = name
			}
		}
	}
	return best
}

func (g *group) allJoined() bool { return g.joining == len(g.members) && len(g.pending) == 0 }

// rebalanceMs is how long a join or sync phase may take: the longest that a member allows.
func (g *group) rebalanceMs() int64 {
	longest := int64(0)
	for _, n := range g.members {
		longest = max(longest, int64(n.rebalanceMs))
	}
	return longest
}

// subscribedTo says whether offsets of topic are in use by living members. A group of consumers whose subscriptions
// are not known is taken to use all topics.
func (g *group) subscribedTo(topic string) bool {
	if g.topics == nil {
		return g.protocolType == consumerProtocol
	}
	_, ok := g.topics[topic]
	return ok
}

// record is the group as it stands, for the log.
func (g *group) record() effect.Record {
	s := stored{protocolType: g.protocolType, protocol: g.protocol, leader: g.leader, generation: g.generation,
		stateMs: g.stateMs, members: make([]storedMember, 0, len(g.members))}
	for _, n := range g.members {
		s.members = append(s.members, storedMember{id: n.id, instance: n.instance, clientID: n.clientID,
			clientHost: n.clientHost, rebalanceMs: n.rebalanceMs, sessionMs: n.sessionMs,
			subscription: n.metadata(g.protocol), assignment: n.assignment})
	}
	return s.record(g.id)
}
