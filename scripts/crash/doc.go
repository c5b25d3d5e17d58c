// Package crash kills a running broker, fills its disk, feeds it nonsense and flips bytes in its files, and then looks
// whether anything that was acknowledged is missing.
//
// It owns three things:
//
//   - the load: a process of its own that writes by idempotent producers, all the way through the deaths of the broker,
//     and keeps a ledger of what was acknowledged where (ledger.go says how; records.go what a record holds);
//   - the Checker, which holds that ledger against what is read back. It knows nothing of Tailrace: a Broker of Apache
//     Kafka can stand in (TAILRACE_TEST_AGAINST=kafka);
//   - the table of bad input, each row with a real child process.
//
// The Checker and the whole way from a lost batch to its report are proved themselves: by its own tests, and by a
// build of the broker (-tags plant_lost_batch) that acknowledges a batch without keeping it.
//
// What needs a built broker has the build tag realclients and runs as parts of scripts/test. Environment:
//
//	TAILRACE_TEST_SEED=N       repeats the moments of a run
//	TAILRACE_CRASH_ROUNDS=N    kills so many times (50 without it)
//	TAILRACE_TEST_AGAINST=kafka
//
// Concurrency: a Checker and a Ledger belong to one goroutine; a LedgerWriter may be used by many.
package crash
