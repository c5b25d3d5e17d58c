// Package drive puts a load on a broker: producers that follow the schedule whatever the broker does, and consumers
// that say when records arrived.
//
// What it promises:
//
//   - Open loop: record i is due at a moment that depends on i alone. A late record is sent as soon as it can be; none
//     is skipped, and none is sent early to make up.
//   - The response clock starts at the due moment, the service clock when the request with the record is written.
//     Between them lie the schedule's lag, linger, and the wait in the client's buffer; the part of the lag in which
//     the broker had all it may have is counted apart, so that a slow broker and a slow generator can be told from
//     each other.
//   - Records that are due in the warm-up are sent and waited for like any other, and not measured.
//   - Raw mode has no client library on either side: prebuilt requests, and bare fetches of which the heads of batches
//     are read. It keeps the three clocks; the records of a batch share one due moment.
//     Requests that are late share a system call; each keeps its due moment. What a broken raw connection leaves of the
//     schedule was due, and counts as failed.
//   - Stopping early loses no answer that came: what was sent is waited for, within a bound.
//
// Concurrency: a pacer is a goroutine on a thread of its own, because a sleeping goroutine wakes up to a millisecond
// late; answers come on the client's goroutines. Reserve keeps a P for each such thread: it changes GOMAXPROCS, so that
// a process has one run at a time. Everything ends before the call returns.
package drive
