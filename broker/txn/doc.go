// Package txn will hold the transaction state machine: producer-id allocation for transactional ids, the two-phase
// commit of markers, time-outs, and KIP-890's epoch bump.
//
// The room is furnished by a later issue. Until then the broker finalizes metadata.version only, and a client that asks
// for transactions fails at once with a non-retriable code.
//
// Promise: a pure machine. No socket, no file, no clock: `now` is an argument and effects are returned. Not safe for
// concurrent use; broker/coordinator serializes calls per shard.
package txn
