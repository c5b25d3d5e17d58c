// Package batch reads, checks, stamps and builds Kafka's record batch, format 2 (the only one since Kafka 4.0).
//
// It owns the bytes of a batch: View gives the header's fields over the bytes as they came from the socket or the
// file, Validator decides whether a produced batch may enter a log, Walker hands out its records, Builder makes one.
// It knows neither offsets already given nor producers: sequence numbers are judged in broker/partition.
//
// What it promises:
//
//   - Nothing here panics on any bytes, and every length is compared with the bytes left before it is used.
//   - A batch that the Validator let through can be read by every consumer: its counts, offsets, lengths and
//     timestamps agree with its header, its CRC is right, and it inflates within the limit.
//   - Validating a batch allocates nothing once the Validator's scratch has grown to the usual size, and copies no
//     key or value: the walk goes from length to length. Only batches that must be rewritten are copied.
//   - Bytes 0-15 (offset, length, leader epoch, outside the CRC) can be stamped without touching the rest.
//
// A View is plain bytes: whoever owns the bytes owns it. Validator, Walker and Builder belong to one goroutine at a
// time; Rules may be shared by all.
package batch
