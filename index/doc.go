// Package index reads and writes the three index files that lie beside a segment's log, byte for byte as Kafka does:
// the sparse offset index (.index), the time index (.timeindex) and the index of aborted transactions (.txnindex).
//
// What the room promises:
//   - An index is a hint that can always be rebuilt from the log. Nothing here is trusted on its own: an entry says
//     where to look, the caller compares it with the batch it finds there, and a file that cannot be right (size,
//     order, range) is ErrDamaged, never a panic.
//   - Entries are written when the batch is appended, through a mapping whose blocks were reserved before, so that a
//     full disk is a clean error and never SIGBUS. The reserve starts at 4 KiB and doubles. Trim takes it back.
//   - Append and the lookups of an open index allocate nothing.
//
// Concurrency: one writer (Append, Reserve, Trim) beside any number of readers. An entry is published after its bytes.
// Close must come after every other use.
package index
