package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// Heartbeat, key 12, versions 0 to 4.
//
// Behaviour: it keeps a member in its group, and tells it of a rebalance. While the coordinator loads it succeeds
// without looking.
//
// Versions: 3 static members, 4 flexible.
//
// Departures: none.
func (b *Broker) heartbeat(q *request) {
	req := kmsg.NewPtrHeartbeatRequest()
	if decode(q, req) {
		b.askGroup(q, req.Group, req, nil)
	}
}
