// Package faultfs is a vfs.FS in memory that fails on demand and knows what a power cut may leave behind.
//
// What is durable, and so survives every CrashClone:
//   - bytes, size and reserved blocks of a file as they were at its last successful Sync, SyncData or SyncFS;
//   - a directory's entries as they were at its last SyncDir (or SyncFS). A file that was synced in a directory
//     that was not may be lost, and so may everything below a directory whose own entry is not durable.
//
// Of the rest any subset may survive: each 512-byte sector by itself, in its old state or in one it had since the
// last sync, the size independent of the sectors (a grown size with zeros in it, or bytes without their size),
// reserved blocks, entries. The one order that is kept is that of entry changes touching the same name. So a
// program that truncates and then writes must sync in between, or be ready for old bytes among the new.
//
// After a failed sync, what it should have made durable is lost for good although reads still show it, and the next
// sync succeeds: this is what Linux does.
//
// It is stricter than the real thing where that finds mistakes: a store through a mapping must lie below the
// reserved end, inside the size and in allocated blocks, else the error begins with "BUG:". Mapping.View is nil
// and File.Fd not ok, so the copy paths run. Modification times are operation counts, so runs with one seed are
// alike.
//
// Concurrency: everything may be used from many goroutines; one mutex per FS orders all of it.
package faultfs
