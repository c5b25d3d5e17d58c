package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// LeaveGroup, key 13, versions 0 to 5.
//
// Behaviour: members leave, each with an answer of its own.
//
// Versions: 3 several members at once, by member id or instance id, 4 flexible, 5 reason.
//
// Departures: none.
func (b *Broker) leaveGroup(q *request) {
	req := kmsg.NewPtrLeaveGroupRequest()
	if decode(q, req) {
		b.askGroup(q, req.Group, req, nil)
	}
}
