// Package adoption takes over the data directories of Apache Kafka.
//
// It reads a Kafka node's own metadata log (newest snapshot and the log above it), sorts what stands in it into what
// Tailrace serves and what it does not, looks at the log directories, and says in a Plan what an adoption would do and
// whatever speaks against it. Carrying the plan out writes one thing: Tailrace's own metadata log, in metadata.log.dir.
//
// What it promises:
//
//   - Kafka's files are read and never written to, in metadata log and log directories alike: until Tailrace serves
//     them, Kafka starts on them as if nothing had been.
//   - Nothing is dropped silently: each record of a kind that is not served is in the plan, by kind and by name. A kind
//     or a version that is not known at all refuses the adoption.
//   - What would lose data, or show records that must not be seen, refuses it: partitions of other brokers, moves under
//     way, tiered storage, transactions.
//   - Ids, offsets, leader epochs, partition epochs and broker epochs only grow: Tailrace's log begins where Kafka's
//     ends. Producer ids begin far above Kafka's, so that Kafka, given the directories back, never hands out an id
//     that Tailrace has.
//   - Interrupted at any point, it can be run again (quorum.Seed).
//
// Concurrency: a Plan belongs to one goroutine. Locks of all log directories are held while it is made and carried out.
package adoption
