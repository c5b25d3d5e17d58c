package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/coordinator"
	"tailrace/broker/metadata"
	"tailrace/wire/errcode"
)

// FindCoordinator, key 10, versions 0 to 6.
//
// Behaviour: the coordinator of a group is the leader of its partition of __consumer_offsets, at the address that
// Metadata gives on this connection. Transactions get UNSUPPORTED_VERSION, which no client retries.
//
// Versions: 1 key type, 3 flexible, 4 several keys at once, 6 share groups.
//
// Departures: the request that makes __consumer_offsets is answered when it is there; Kafka answers
// COORDINATOR_NOT_AVAILABLE first and lets the client ask again. No transaction and no share group is served.

// The key types.
const (
	coordinatorGroup       = 0
	coordinatorTransaction = 1
	coordinatorShare       = 2
)

// What clients are told of things that are not served yet.
const transactionsUnavailable = "transactions are not served by this version of Tailrace: " +
	"use an idempotent producer without a transactional.id"

func (b *Broker) findCoordinator(q *request) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	if req.CoordinatorType != coordinatorGroup {
		b.coordinatorsFound(q, req)
		return
	}
	b.withGroups(func() { b.coordinatorsFound(q, req) })
}

func (b *Broker) coordinatorsFound(q *request, req *kmsg.FindCoordinatorRequest) {
	img := b.quorum.Image()
	nodes := b.nodes(q, img)
	resp := kmsg.NewPtrFindCoordinatorResponse()
	if q.hdr.Version < 4 {
		c := b.coordinatorOf(req.CoordinatorType, req.CoordinatorKey, nodes, img)
		resp.NodeID, resp.Host, resp.Port = c.NodeID, c.Host, c.Port
		resp.ErrorCode, resp.ErrorMessage = c.ErrorCode, c.ErrorMessage
		if *c.ErrorMessage == "" {
			none := errcode.Code(c.ErrorCode).Name() // Kafka's text for success
			resp.ErrorMessage = &none
		}
		q.reply(resp)
		return
	}
	for _, key := range req.CoordinatorKeys {
		resp.Coordinators = append(resp.Coordinators, b.coordinatorOf(req.CoordinatorType, key, nodes, img))
	}
	q.reply(resp)
}

func (b *Broker) coordinatorOf(
	keyType int8, key string, nodes []node, img *metadata.Image,
) kmsg.FindCoordinatorResponseCoordinator {
	c := kmsg.NewFindCoordinatorResponseCoordinator()
	code, message := coordinatorRefused(keyType)
	c.Key, c.NodeID, c.Port, c.ErrorMessage = key, -1, -1, &message
	if code == errcode.None {
		code = errcode.CoordinatorNotAvailable
		leader := b.groupLeader(key, img)
		for _, n := range nodes {
			if n.id == leader {
				c.NodeID, c.Host, c.Port = n.id, n.host, n.port
				code = errcode.None
			}
		}
		if code != errcode.None {
			message = code.Message()
		}
	}
	c.ErrorCode = int16(code)
	return c
}

// groupLeader is the broker that leads the partition of a group; -1 if there is none, or if it is this one and cannot
// open it, or its directory has failed since.
func (b *Broker) groupLeader(id string, img *metadata.Image) int32 {
	t := b.topics.load().byName[metadata.ConsumerOffsetsTopic]
	if t == nil {
		return -1
	}
	index := coordinator.Partition(id, int32(len(t.parts)))
	p := leaderOf(img, t.id, index)
	if p == nil {
		return -1
	}
	if local := t.parts[index].p; p.Leader == int32(b.config.NodeID) && (local == nil || local.Dir().Offline() != nil) {
		return -1
	}
	return p.Leader
}

func coordinatorRefused(keyType int8) (errcode.Code, string) {
	switch keyType {
	case coordinatorGroup:
		return errcode.None, ""
	case coordinatorTransaction:
		return errcode.UnsupportedVersion, transactionsUnavailable
	case coordinatorShare:
		return errcode.UnsupportedVersion, "share groups are not served by this version of Tailrace"
	}
	return errcode.InvalidRequest, "the coordinator type is unknown"
}
