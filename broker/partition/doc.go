// Package partition gives a log Kafka's meaning: who leads it and since when
// (leader epochs), what consumers may see (high watermark, last stable
// offset), what a producer has already written (idempotence), and who waits
// for what.
//
// A partition has four numbers, in records:
//
//	log end           the offset the next record gets
//	high watermark    what consumers see: the minimum of the log ends of the
//	                  in-sync replicas. It never waits for a disk.
//	durable end       below it, this replica's log is synced
//	last stable       below it, no transaction is open (at most the high
//	                  watermark)
//
// acks=all completes at the high watermark; with one in-sync replica and
// tailrace.flush.before.ack not "never" it completes at
// min(high watermark, durable end).
//
// What it promises:
//
//   - An append is all or nothing. On an error nothing has changed, whatever
//     the error was.
//   - A retry of one of a producer's last five batches is answered with the
//     offsets it was given the first time, also after a restart.
//   - A start reads a log once: epochs and producers are learnt from what
//     segment.Open shows, and after a kill from headers (replay.go).
//   - A waiter is told exactly once, from the goroutine that made its
//     condition true, and never while a lock of the partition is held.
//   - Append and Read allocate nothing once warm.
//
// Concurrency: everything may be called from any goroutine. Lock order:
// Partition.mu, then Partition.ackMu; segment's own locks come below both.
// Reads take no lock.
package partition
