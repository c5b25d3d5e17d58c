// Package realclients lets programs that nobody here wrote judge the broker: kcat (librdkafka), franz-go and Apache
// Kafka's own log dump tool, on real input and against a broker in a process of its own.
//
// It owns no code that ships; all of it are tests behind the build tag realclients, each a part of scripts/test.
// Environment:
//
//	TAILRACE_TEST_AGAINST=kafka   the main job runs against Apache Kafka, to prove the tests themselves
//	TAILRACE_TEST_SEED=N          repeats the random moments of a run
//
// The tests run one after another.
package realclients
