package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// SyncGroup, key 14, versions 0 to 5.
//
// Behaviour: the leader brings the assignment, the others wait for theirs.
//
// Versions: 3 static members, 4 flexible, 5 protocol type and name.
//
// Departures: none.
func (b *Broker) syncGroup(q *request) {
	q.ownBody() // the assignments are kept
	req := kmsg.NewPtrSyncGroupRequest()
	if decode(q, req) {
		b.askGroup(q, req.Group, req, nil)
	}
}
