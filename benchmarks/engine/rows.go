package main

import "strings"

const (
	kib = 1 << 10
	mib = 1 << 20
)

// row is one line of the table, or the few that one measurement yields.
type row struct {
	name    string
	measure func(b *bench) ([]Result, error)
}

func (r row) is(wanted string) bool { return strings.HasPrefix(r.name, wanted) }

// rows are the figures that the engine is held to, with their bars. baseline is what the plain loop cost where Apache
// Kafka was measured first (a 2-core EPYC VM, Linux 6.18), in µs of CPU per request:
//
//	produce 64 KiB × 1 KiB: 0.72 CPU-s per GB  = 47.2 µs     fetch 1 MiB:  0.241 CPU-s per GB = 252.7 µs
//	produce 64 KiB × 100 B: 81 ns per record   = 48.7 µs     fetch 64 KiB: 78.6 µs
//	produce one 100 B record: 9.1 µs                         fetch one 100 B record: 48 µs
//
// The set-ups that gave those figures again, and are therefore used: producing over 2 connections × 6 requests in
// flight, also for one record a request; fetching over 1 connection × 1 request in flight.
var rows = []row{
	shareRow("produce-64k-1k", share{
		title: "produce, 64 KiB batches of 1 KiB records", conns: 2, inFlight: 6, size: 64 * kib, value: kib,
		bar: 0.60, baseline: 47.2,
	}),
	shareRow("produce-64k-100", share{
		title: "produce, 64 KiB batches of 100 B records", conns: 2, inFlight: 6, size: 64 * kib, value: 100,
		bar: 0.50, baseline: 48.7,
	}),
	shareRow("produce-1", share{
		title: "produce, one 100 B record a request", conns: 2, inFlight: 6, value: 100,
		bar: 0.60, baseline: 9.1,
	}),
	shareRow("fetch-1m", share{
		title: "fetch, 1 MiB", fetch: mib, conns: 1, inFlight: 1, size: 64 * kib, value: kib,
		bar: 0.85, baseline: 252.7,
	}),
	shareRow("fetch-64k", share{
		title: "fetch, 64 KiB", fetch: 64 * kib, conns: 1, inFlight: 1, size: 64 * kib, value: kib,
		bar: 0.80, baseline: 78.6,
	}),
	shareRow("fetch-1", share{
		title: "fetch, one 100 B record a request", fetch: 1, conns: 1, inFlight: 1, value: 100,
		bar: 0.60, baseline: 48,
	}),
	syncRow("sync-1", durable{partitions: 1, rate: 40_000}),
	syncRow("sync-64", durable{partitions: 64, share: 0.60}),
	syncRow("sync-1000", durable{partitions: 1000}),
	{"commits", measureCommits},
	{"start", measureStart},
	{"memory", measureMemory},
	{"connections", measureConnections},
	{"partitions", measurePartitions},
}
