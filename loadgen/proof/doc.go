// Package proof finds out what a broker lost: numbered records are written while it is killed, and all that it holds
// afterwards is read back and held against what it has acknowledged.
//
// What it promises:
//
//   - A record counts as acknowledged only when the client library said so, and as lost only when it is nowhere in its
//     partition although the log was read to its end.
//   - Damage is found: each record carries a checksum of its own.
//   - What a level of acks forbids is decided here, once: see Finding.Breaches.
//
// A Ledger may be used from any goroutine; a Trial belongs to one.
package proof
