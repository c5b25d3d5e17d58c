// Package group will hold the consumer-group state machines: classic groups (JoinGroup, SyncGroup, Heartbeat,
// OffsetCommit) and the KIP-848 protocol.
//
// The room is furnished by the issue "Consumer groups, and every client family on the engine". Until then the broker
// answers FindCoordinator for groups with COORDINATOR_NOT_AVAILABLE and advertises none of the group APIs.
//
// Promise: a pure machine. No socket, no file, no clock: `now` is an argument and effects are returned, so that one
// transcript test can replay any history. Not safe for concurrent use; broker/coordinator serializes calls per shard.
package group
