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
		records: 200000, perSecond: 2408.709895, mib: 2.35, averageMs: 6065.09, maxMs: 14927,
		p50Ms: 5979, p95Ms: 13891, p99Ms: 13953, p999Ms: 14924,
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	// What the client logs while it closes stands behind the summary.
	got, err = producerSaid(printed + "2026-11-26T18:04:15,831 WARN NetworkClient: closed\n")
	if err != nil || got != want {
		t.Errorf("with a warning behind it: %+v, %v", got, err)
	}
	summary := strings.LastIndex(printed, "200000 records sent")
	if got, err := producerSaid(printed[:summary]); err == nil {
		t.Errorf("no summary, and %+v was read", got)
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
