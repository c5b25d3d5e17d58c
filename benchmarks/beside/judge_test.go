package main

import (
	"os"
	"strings"
	"testing"
)

func TestTheProducersSummaryIsRead(t *testing.T) {
	printed := printedBy(t, "testdata/producer-perf.txt")
	got, err := producerSaid(printed)
	want := producerFigures{
		records: 30000, perSecond: 4965.243297, mib: 4.85, averageMs: 0.4, maxMs: 9,
		p50Ms: 0, p95Ms: 1, p99Ms: 3, p999Ms: 8,
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	// What the client logs while it closes stands behind the summary.
	got, err = producerSaid(printed + "2026-11-26T18:04:15,831 WARN NetworkClient: closed\n")
	if err != nil || got != want {
		t.Errorf("with a warning behind it: %+v, %v", got, err)
	}
	summary := strings.LastIndex(printed, "30000 steady state")
	if got, err := producerSaid(printed[:summary]); err == nil {
		t.Errorf("no summary, and %+v was read", got)
	}
}

func TestTheConsumersFiguresAreRead(t *testing.T) {
	got, err := consumerSaid(printedBy(t, "testdata/consumer-perf.txt"))
	want := consumerFigures{
		records: 40000, bytes: 40000 * kib, bytesPerSecond: 9.7754 * mib, fetchedPerSecond: 88.5771 * mib,
		rebalanceMs: 3555,
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	// A tool that gave up says so between the header and the figures.
	if got, err := consumerSaid(printedBy(t, "testdata/consumer-perf-timeout.txt")); err != nil || got.records != 0 {
		t.Errorf("after a timeout: %+v, %v", got, err)
	}
	if got, err := consumerSaid("start.time, end.time, MB.sec\n1, 2, 3\n"); err == nil {
		t.Errorf("columns are missing, and %+v was read", got)
	}
}

func printedBy(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
