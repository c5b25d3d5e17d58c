// Package vfs is the file seam: every durable change that Tailrace makes (write, store through a mapping, truncate,
// allocate, sync, create, rename, remove) goes through FS, File and Mapping. OS is the real thing on Linux; faultfs
// keeps files in memory, fails the n-th operation and shows what a power cut may leave behind.
//
// What the room promises:
//   - A mapping is stored into only below the end that its owner has reserved, and a fault in a mapped page (full
//     disk, bad sector, file cut by somebody else) is an error, not the end of the process.
//   - Bytes of a file travel as a Span: a counted reference, a position and a length. A file closes, and its mapping
//     goes, when the last reference is released, never under a send.
//   - Rename is durable only after SyncDir. WriteFileAtomic is the one way to replace a small file; nothing outside
//     this room renames with package os.
//   - Nothing here retries a failed sync: the kernel reports a lost page once and then forgets it.
//
// Concurrency: FS, File, Ref and Span may be used from many goroutines at once. A Mapping may be used by many
// readers beside one writer, as long as nobody reads bytes that are being stored; Reserve may run beside both.
// Close and Unmap must come after every other use, which is what Ref is for.
//
// Linux only.
package vfs
