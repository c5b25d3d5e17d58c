// Package coordinator will run a state machine (broker/group, broker/txn) on a partition of an internal topic: load it
// by replay, append its effects, answer when they are durable, roll back when the append failed, and keep its timers.
//
// The room is furnished by the issue that brings consumer groups.
//
// Promise: one shard is entered by one goroutine at a time; an effect is applied at append and answered when durable; a
// failed append reloads that shard alone.
package coordinator
