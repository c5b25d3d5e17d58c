package group

import (
	"bytes"
	"encoding/hex"
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// member is one member of a group.
type member struct {
	id           string
	instance     *string // group instance id of a static member (KIP-345)
	clientID     string
	clientHost   string
	protocolType string
	rebalanceMs  int32
	sessionMs    int32
	protocols    []protocol
	assignment   []byte

	session timer
	join    *parked // a JoinGroup that waits
	sync    *parked // a SyncGroup that waits
	syncDue bool    // its SyncGroup of this generation has not come
	fresh   bool    // it has not been through a join phase: a waiting JoinGroup does not keep it alive for ever
}

// protocol is one that a member offers, with what it has to say to the leader about it.
type protocol struct {
	name     string
	metadata []byte
}

// parked is a call that waits for others.
type parked struct {
	to      any
	version int16
	gone    bool // its connection is: nobody to answer
}

// waits is true of a member that need not send heartbeats, because a call of its own is parked here.
func (n *member) waits() bool { return !n.fresh && (n.join != nil || n.sync != nil) }

func (n *member) metadata(name string) []byte {
	for i := range n.protocols {
		if n.protocols[i].name == name {
			return n.protocols[i].metadata
		}
	}
	return nil
}

// offers says whether the member has these protocols, the same bytes in the same order.
func (n *member) offers(protocols []protocol) bool {
	if len(n.protocols) != len(protocols) {
		return false
	}
	for i := range protocols {
		if n.protocols[i].name != protocols[i].name || !bytes.Equal(n.protocols[i].metadata, protocols[i].metadata) {
			return false
		}
	}
	return true
}

// protocolsOf takes the protocols out of a request, of several with one name the first: counted twice it would never
// be found to be everybody's.
func protocolsOf(req *kmsg.JoinGroupRequest) []protocol {
	list := make([]protocol, 0, len(req.Protocols))
next:
	for i := range req.Protocols {
		p := &req.Protocols[i]
		for j := range list {
			if list[j].name == p.Name {
				continue next
			}
		}
		list = append(list, protocol{p.Name, bytes.Clone(p.Metadata)})
	}
	return list
}

// newMemberID makes an id as Kafka does: the group instance id, or else the client id, with a random UUID behind it.
func (m *Machine) newMemberID(clientID string, instance *string) string {
	var u [16]byte
	m.config.Random(u[:])
	u[6] = u[6]&0x0f | 0x40 // version 4
	u[8] = u[8]&0x3f | 0x80 // variant of RFC 9562
	text := make([]byte, 0, 37)
	text = append(text, '-')
	for i, end := range [...]int{4, 6, 8, 10, 16} {
		start := [...]int{0, 4, 6, 8, 10}[i]
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, u[start:end])
	}
	prefix := clientID
	if instance != nil {
		prefix = *instance
	}
	return prefix[:min(len(prefix), math.MaxInt16-len(text))] + string(text)
}
