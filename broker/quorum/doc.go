// Package quorum keeps the metadata log and drives the image that it adds up to.
//
// It owns the files of metadata.log.dir, the goroutine that appends to them, and the one current image. Whoever wants
// the cluster changed proposes records, or a decision that makes them, and is told when the image has reached them. A
// single node is a quorum of one; Log is what a raft group offers as well.
//
// What it promises:
//
//   - A proposal is answered after its records are on disk (fdatasync) and in the image. All proposals that wait are
//     written and synced together, and each is decided on the image that the one before it leaves.
//   - A turn is one record batch: after a crash all of it is there or nothing, and only the last batch of the log can
//     be torn. A torn last batch is cut; damage anywhere else, or below what is known to be synced, refuses to open
//     and names file and position.
//   - Offsets are indexes: one record, one offset. The leader epoch is the term, and every open begins a new one, which
//     is on disk before the first record of that term.
//   - After the first failed sync nothing is appended or answered with success any more.
//   - A full disk fails proposals with ErrNoSpace, gives up the reserve so that what is not a creation still goes
//     through, and comes back by itself.
//
// The files. Those in __cluster_metadata-0 are in Kafka's own format (KIP-595, KIP-630), so that kafka-dump-log
// --cluster-metadata-decoder reads them:
//
//	__cluster_metadata-0/
//	  00000000000000000000.log                         record batches; one file from snapshot to snapshot
//	  00000000000000001234-0000000007.checkpoint       snapshot: everything below offset 1234, written in epoch 7
//	  leader-epoch-checkpoint                          "<epoch> <first offset>" per term
//	  quorum-state                                     JSON: the term, and who leads it
//	tailrace-metadata.json                             whose log this is: cluster and node
//	tailrace-adopted.json                              where the log was adopted from, if it was (Seed)
//	tailrace-synced                                    below this offset everything was synced; with a CRC
//	tailrace-reserve                                   1 MiB of blocks, given up on a full disk
//
// The log is not a segment.Log: it is read only when the broker starts, from end to end, so it needs no index and no
// spans, and its rule for a torn tail is exact because no two batches are ever unsynced at once.
//
// Concurrency: a Log may be used by any number of goroutines. Decisions, subscribers and done callbacks run on its one
// goroutine and must not block; they may propose.
package quorum
