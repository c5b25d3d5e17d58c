// Package benchmarks is the room of measurements; its sub-rooms do the work:
//
//   - loop: servers of about a hundred lines with no broker in them, the ceiling every figure is printed against;
//   - limits: the program that runs them, and the measurements that chose among their paths;
//   - rawclient: a client with prebuilt requests that costs as little as possible beside the server it measures;
//   - proc: starting pinned processes and reading their CPU and memory;
//   - scenario: what is measured side by side with Apache Kafka (benchmarks/scenarios), read and checked;
//   - tally: the raw results of that, and the tables and charts that follow from them;
//   - beside: the program that measures it, ./scripts/bench;
//   - engine: every row of ./scripts/bench engine, its bar, and the program that writes BENCHMARKS.md.
//
// Promise: figures are the server's CPU per request (or per GB), medians of alternating runs on pinned cores, because
// that is what survives a noisy machine. Measurements share nothing and run one at a time.
package benchmarks
