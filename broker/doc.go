// Package broker turns connections into answers: it dispatches each request
// by the API table, runs one handler file per API (api_NN_name.go, so that
// the folder reads as the protocol), and owns the broker's life: open the
// directories, join the quorum, recover the partitions, listen, stop.
//
// What it promises:
//
//   - What is advertised works: ApiVersions is made from the same table that
//     dispatches.
//   - A handler never blocks the goroutine that reads the connection on
//     another client, on a sync or on the metadata log: such a request parks
//     as a value and is completed by whoever makes its condition true.
//   - Each request is answered exactly once, in the order of its connection
//     (netio keeps the order).
//   - A hot request (Produce, Fetch) allocates nothing once warm.
//
// Concurrency: handlers run on the connections' goroutines; completions run on
// whichever goroutine completes: another connection, a sync round, the apply
// goroutine of the metadata log, the timer wheel. A parked request carries an
// atomic state, and only the one who moves it from parked to done completes
// it.
package broker
