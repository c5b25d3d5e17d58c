// Package coordinator runs pure state machines (broker/group, broker/txn) on the partitions of an internal topic. One
// led partition is one shard: a machine, the log that it can be made again from, and the calls that wait for it.
//
// It owns the order of things: events queue at their shard; the records of many steps become one batch; an effect is
// applied when it is appended and answered when it is durable, whatever tailrace.flush.before.ack says. An answer
// without records waits for what was appended before it, because it may tell of it.
//
// What it promises:
//
//   - A shard is entered by one goroutine at a time, which exists only while the shard has something to do. A shard at
//     rest costs its machine and nothing else.
//   - Every call is answered or refused exactly once. What was answered survives a crash.
//   - After a failed append or sync the shard, and no other one, is made again by replay. Calls in flight get an error
//     that clients retry; whether their records count is what the log says then.
//   - A shard's state equals a replay of its partition, but for what only lives in memory.
//
// Concurrency: everything may be called from any goroutine. Waiters are told with no lock held, on the goroutine of the
// shard or of a sync round, and must not block.
package coordinator
