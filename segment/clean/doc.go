// Package clean is key compaction: it rewrites the sealed segments of a log so that of the records with one key only
// the newest is left, and makes few segments of many.
//
//	          cleaned            dirty                  not yet
//	+--------------------+---------------------+---------------------+
//	| a newest record    | read once into the  | the active segment, |
//	| for each key       | table of keys       | what is too young   |
//	+--------------------+---------------------+---------------------+
//	0                    Debt.From             Debt.To               log end
//	<-- rewritten by Clean, group by group ---->
//
// It owns the rules of what stays (Cleaner and LogCleanerManager of Kafka 4.4); how segments take the place of others
// is segment's business, when a log is cleaned that of broker/logdir, and up to where that of broker/partition.
//
// # What it promises
//
//   - No offset changes, and no record is lost but one that a newer one of its key supersedes, one without key, one of
//     an aborted transaction, or a tombstone.
//   - A tombstone (a record without value) stays for delete.retention.ms after the cleaning that met it first. It then
//     goes after the records that it deletes, for good before: no crash brings a deleted key back.
//   - The last batch of each producer stays, if only as an empty one, so that idempotence is not affected; so does the
//     last batch of each segment that is made, so that segments adjoin.
//   - Batches stay in their codec, and stay as they are, byte for byte, if nothing in them goes.
//   - Memory is bounded: 24 bytes a key up to a limit, at which the cleaning ends earlier in the log and a later one
//     goes on; two buffers; one inflated batch.
//   - Damage ends the cleaning with an error before anything of that group is replaced.
//
// # Concurrency
//
// A log is cleaned by one goroutine at a time; everything else may be done to it meanwhile. No lock is held but for the
// moment in which segments are exchanged.
package clean
