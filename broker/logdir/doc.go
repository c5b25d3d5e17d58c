// Package logdir owns a Kafka log directory: who may use it (the lock), what
// it is (meta.properties), how it was left (the clean-stop marker and the boot
// mark), the offsets it remembers (the checkpoints), and when its files are
// made durable (sync rounds). Its Cleaner decides which log of several
// directories is compacted next.
//
// What it promises:
//
//   - Everything in a log directory carries a name that Kafka knows; what is
//     ours alone is a plain file at the top level whose name begins with
//     "tailrace-". Kafka refuses to start on an unknown directory, not on an
//     unknown file.
//   - A checkpoint is replaced as a whole (temporary file, fsync, rename, fsync
//     of the directory). Kafka's checkpoint files carry no checksum, so
//     "tailrace-checksums" holds one for each: a flipped digit is noticed at
//     start and costs a longer recovery, not wrong offsets.
//   - Group commit: every log that has a waiter when a sync round starts is
//     synced in that round; one round runs while the next one gathers.
//   - After the first failed sync nothing in the directory is synced again: the
//     kernel reports a lost page once and forgets it, so a second, successful
//     fsync would prove nothing.
//
// Concurrency: a Dir is safe for use by any goroutine. Its keeper goroutine
// writes checkpoints; its two round goroutines sync. All end with Close. A
// Cleaner has goroutines of its own, which end with Stop; that comes first.
package logdir
