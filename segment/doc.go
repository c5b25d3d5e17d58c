// Package segment is the storage engine: the log of one partition as a chain of segment files, Kafka's own, byte for
// byte. It knows record batches by their headers, files by vfs, and nothing of topics, leaders or clients.
//
// # A log
//
//	            Start                                                        End
//	              v                                                           v
//	00000000000000000000.log     00000000000000000300.log     00000000000000000612.log
//	+---------------------+      +---------------------+      +---------------+ - - - - +
//	| [0..9][10..12] ...  |      | [300..305] ...      |      | [612] ...     | zeros   |
//	+---------------------+      +---------------------+      +---------------+ - - - - +
//	      sealed                       sealed                       active
//
// Each segment has a log file of record batches, back to back, and three indexes beside it (package index). A segment
// holds offsets from its base, which names it, up to the next one's base; inside, offsets ascend and may have gaps. The
// log start may lie anywhere, inside a batch too.
//
// # The life of a segment
//
//	            roll: one rename          roll            finish, by a helper
//	 prepared -----------------> active -------> sealing ----------------------> sealed
//	 .cleaned                     |  ^                                           |   |
//	 made by a helper when        |  |  append                      Rest, budget |   | Retain, Truncate
//	 the active one is 3/4 full   v  |                                           v   v
//	                             at rest (trimmed, closed) <--- read --- at rest      .deleted, then unlinked by Purge
//
//	prepared  empty, mapped, its first space reserved; dropped by a start. The rename is what makes it part of the log.
//	active    mapped, with zeros written ahead of the tail (see writer). The only one that has a mapping.
//	sealing   no longer appended to, not trimmed yet. A kill leaves zeros behind its batches; every open knows them.
//	sealed    trimmed; read by pread and sendfile, never through a mapping, because its pages may not be in memory.
//	          Compaction puts one sealed segment in the place of several (see Replacement); theirs become .deleted.
//	at rest   no descriptor, no mapping: some hundred bytes of memory. Opened by its first use.
//
// # What it promises
//
//   - A batch is in the log, whole, when Append has returned nil, and survives a kill of the process from then on. It
//     survives a power cut when a Sync that began later has returned.
//   - After an error of Append nothing was appended. A full disk is such an error, and reading goes on; a failed sync
//     ends all appending, because the kernel forgets what it could not write.
//   - After a power cut the log is a prefix of what was appended that holds everything below the recovery point; there
//     is no hole in it. What may be missing is decided by recover, what is damage is refused by file and position.
//   - Bytes that were handed out in a span are never overwritten, nor cut while they may be on their way (see
//     Truncate).
//   - Read gives whole batches, as a span: no byte is copied. A span is called hot only where its pages were written
//     lately, so that whoever sends it may touch the mapping without stalling a processor.
//   - Append and Read allocate nothing. What takes long (reserving, preparing, trimming, unmapping) is done ahead or
//     afterwards by one helper job a log.
//
// # What it takes for granted
//
//   - fdatasync makes a file's data, size and extents durable, fsync of a directory its entries; neither says anything
//     of the other, or of anything written before that it was not asked for.
//   - What was not synced may survive in any part and order, down to sectors of 512 bytes; a rename is one step.
//   - The page cache survives the process. So after a kill, unlike after a power cut, only the last write can be torn:
//     what has a successor is believed by its header (believe.go), and the start costs the end of the log, not all that
//     was never synced.
//   - Nobody else writes in the directory: logdir holds its lock.
//
// # Concurrency
//
// Everything may be called from any goroutine. Appends to one log are serialized by a mutex, under which there is
// neither a sync nor, if the helpers keep pace, a reservation; readers take no lock while the files they need are open:
// they read the chain and the tail of its last segment from atomics. Callbacks (OnDirty aside) run under locks of the
// log and must not call it. Log's comment has the order of the locks.
package segment
