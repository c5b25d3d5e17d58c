// Package loadgen will hold the load lab: open-loop load for any Kafka-compatible broker, three clocks per record,
// lossless HDR histograms, reports with confidence intervals, and the tuner.
//
// The room is furnished by the issue "The load lab". It speaks to brokers as a client and never imports broker. What
// measures the engine meanwhile stands in benchmarks.
//
// Promise: a record's latency counts from the moment it was meant to be sent, not from the moment it was sent.
package loadgen
