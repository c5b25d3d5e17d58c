// Package meter holds the clocks of a load run: latencies in HDR histograms, second by second, and the counters beside
// them.
//
// Three clocks, never averaged and never mixed:
//
//   - Response counts from the moment a record was meant to be sent. It is what a user of the system waits for, and the
//     only one that shows what a stalled broker does to an open load.
//   - Service counts from the moment the request with the record was written to the connection. It hides the wait
//     before that (coordinated omission) and is there to show how much.
//   - EndToEnd counts from the intended moment to the consumer's hands, on one monotonic clock of one process.
//
// Values are nanoseconds in histograms of 3 significant digits from 1 µs to 1 h; what lies outside is put at the edge
// and counted. Percentiles of several intervals or runs come from merged histograms, never from averaged percentiles.
//
// Concurrency: each worker records through a Shard; shards may be shared, they lock. Cut swaps the histograms of all
// shards at the end of a second, so that a record is in exactly one interval: the one in which its answer came.
package meter
