package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// FindCoordinator, key 10, versions 0 to 6.
//
// Behaviour: there are no coordinators yet. Groups get COORDINATOR_NOT_AVAILABLE,
// which clients retry, so that a consumer starts as soon as a broker that
// serves groups takes over the directory. Transactions get
// UNSUPPORTED_VERSION, which no client retries.
//
// Versions: 1 key type, 3 flexible, 4 several keys at once, 6 share groups.
//
// Departures: no group or transaction is served.

// The key types.
const (
	coordinatorGroup       = 0
	coordinatorTransaction = 1
	coordinatorShare       = 2
)

// What clients are told of things that are not served yet.
const (
	groupsUnavailable       = "consumer groups are not served by this version of Tailrace: consume without a group id"
	transactionsUnavailable = "transactions are not served by this version of Tailrace: " +
		"use an idempotent producer without a transactional.id"
)

func (b *Broker) findCoordinator(q *request) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	if !decode(q, req) {
		return
	}
	resp := kmsg.NewPtrFindCoordinatorResponse()
	code, message := noCoordinator(req.CoordinatorType)
	resp.NodeID, resp.Port = -1, -1
	if q.hdr.Version < 4 {
		resp.ErrorCode = int16(code)
		resp.ErrorMessage = &message
		q.reply(resp)
		return
	}
	for _, key := range req.CoordinatorKeys {
		c := kmsg.NewFindCoordinatorResponseCoordinator()
		c.Key, c.NodeID, c.Port = key, -1, -1
		c.ErrorCode, c.ErrorMessage = int16(code), &message
		resp.Coordinators = append(resp.Coordinators, c)
	}
	q.reply(resp)
}

func noCoordinator(keyType int8) (errcode.Code, string) {
	switch keyType {
	case coordinatorGroup:
		return errcode.CoordinatorNotAvailable, groupsUnavailable
	case coordinatorTransaction:
		return errcode.UnsupportedVersion, transactionsUnavailable
	case coordinatorShare:
		return errcode.UnsupportedVersion, "share groups are not served by this version of Tailrace"
	}
	return errcode.InvalidRequest, "the coordinator type is unknown"
}
