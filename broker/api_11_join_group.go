package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// JoinGroup, key 11, versions 0 to 9.
//
// Behaviour: the rules are those of broker/group. A member waits for the others without holding up its connection: the
// answer takes its place in the order of the replies.
//
// Versions: 1 rebalance time-out, 4 MEMBER_ID_REQUIRED, 5 static members, 6 flexible, 7 protocol type in the answer, 8
// reason, 9 skip_assignment.
//
// Departures: none.
func (b *Broker) joinGroup(q *request) {
	q.ownBody() // the subscriptions are kept
	req := kmsg.NewPtrJoinGroupRequest()
	if decode(q, req) {
		b.askGroup(q, req.Group, req, nil)
	}
}
