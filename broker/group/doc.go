// Package group is the consumer-group machine: classic groups (JoinGroup, SyncGroup, Heartbeat, LeaveGroup) and the
// offsets that groups commit.
//
// It owns the groups whose records lie in one partition of __consumer_offsets, and the bytes of those records. What
// happens comes in as an Event with the time; what is to be done about it (records to append, answers to give, when to
// be woken) goes out as effect.Effects. It is given its state by Replay, so that state is always a function of the log,
// but for what only lives in memory: parked calls, deadlines, members of a rebalance under way.
//
// Promise: a pure machine. No socket, no file, no clock, no randomness of its own: `now` and Config.Random are
// arguments, so that one transcript can replay any history. Every call is answered exactly once, unless it is Gone.
// Semantics are those of Kafka 4.4's classic groups; where a rule comes from is said beside it. Otherwise than in Kafka
//
//   - what Kafka leaves to the order of a hash table (who leads after the leader left, which of two protocols with as
//     many votes) goes by the order of joining;
//   - a waiting call is answered when its member calls again (REBALANCE_IN_PROGRESS) or is removed from a sync phase
//     (UNKNOWN_MEMBER_ID), where Kafka forgets it;
//   - a group that somebody was given a member id for is not removed for want of offsets;
//   - a commit of which nothing is stored makes no group;
//   - while no static member comes back the end of the join phase is tried every second at most.
//
// Not safe for concurrent use: broker/coordinator enters one machine from one goroutine at a time.
package group
