// Package realclients lets programs that nobody here wrote judge the broker: client libraries of many languages, their
// own test suites, and Apache Kafka's tools, on real input and against a broker in a process of its own.
//
// It owns no code that ships; all of it are tests behind the build tag realclients, each a part of scripts/test. A
// library is driven by a small program; DRIVERS.md says how that is called; goclients has those of Go, drivers the
// others. Kafka's tools run one script against Kafka and Tailrace, many in one JVM (drivers/java/Tools.java);
// testdata/tools_differences.txt lists what they may print otherwise.
// Environment:
//
//	TAILRACE_TEST_AGAINST=kafka   the main job and the tools run against Apache Kafka, to prove the tests themselves
//	TAILRACE_TEST_SEED=N          repeats the random moments of a run
//
// The tests run one after another.
package realclients
