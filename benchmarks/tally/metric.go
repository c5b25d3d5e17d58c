package tally

import (
	"math"
	"strconv"
	"strings"

	"tailrace/loadgen/page"
)

// Sense says whether a reader wants more or less of a metric.
type Sense int

// The senses.
const (
	Less    Sense = iota // a cost, a time
	More                 // a rate
	Neutral              // it says what was measured, and is nobody's merit
)

// Metric is how a figure of the raw results is named and written for readers.
type Metric struct {
	Heading string
	Unit    string // behind a number; one that begins with / or % joins it without a space
	Sense   Sense
}

// metrics are all that the scenarios name. The name of a metric ends in its unit; the heading says what it is of.
var metrics = map[string]Metric{
	"cpuUsPerRequest": {"CPU", "µs/request", Less},
	"cpuUsPerRecord":  {"CPU", "µs/record", Less},
	"cpuNsPerRecord":  {"CPU", "ns/record", Less},
	"cpuSecondsPerGB": {"CPU", "s/GB", Less},
	"cpuSeconds":      {"CPU", "s", Less},
	"cpuMsPerSecond":  {"CPU", "ms/s", Less},
	"brokerCores":     {"broker's CPU", "cores", Less},
	"clientCores":     {"client's CPU", "cores", Neutral},

	"requestsPerSecond":  {"requests", "/s", More},
	"recordsPerSecond":   {"records", "/s", More},
	"achievedPerSecond":  {"achieved records", "/s", More},
	"connectsPerSecond":  {"connects", "/s", More},
	"megabytesPerSecond": {"throughput", "MB/s", More},
	"kneePerSecond":      {"knee, records", "/s", More},
	"switchesPerSecond":  {"context switches", "/s", Less},

	"responseP50Ms": {"response p50", "ms", Less},
	"responseP99Ms": {"response p99", "ms", Less},
	"quietP99Ms":    {"response p99 when quiet", "ms", Less},
	"busyP99Ms":     {"response p99 beside idle ones", "ms", Less},
	"e2eP50Ms":      {"e2e p50", "ms", Less},
	"e2eP99Ms":      {"e2e p99", "ms", Less},
	"e2eP999Ms":     {"e2e p99.9", "ms", Less},
	"e2eMaxMs":      {"e2e max", "ms", Less},
	"averageMs":     {"mean", "ms", Less},
	"p99Ms":         {"p99", "ms", Less},
	"p999Ms":        {"p99.9", "ms", Less},

	"startMs":       {"time to the first ack", "ms", Less},
	"recoveryMs":    {"time to the first fetches", "ms", Less},
	"createSeconds": {"until all have leaders that serve", "s", Less},
	"answerSeconds": {"answers after kill -9", "s", Less},
	"checkedGB":     {"written before", "GB", Neutral},
	"cachedGB":      {"of it in the page cache", "GB", Neutral},

	"anonMiB":          {"anonymous memory", "MiB", Less},
	"fileMiB":          {"file-backed memory", "MiB", Less},
	"residentMiB":      {"resident memory", "MiB", Less},
	"installedMiB":     {"installed", "MiB", Less},
	"kibPerConnection": {"memory a connection", "KiB", Less},

	"compressionRatio":  {"compression ratio", "", Neutral},
	"recordsPerRequest": {"records/request", "", Neutral},
}

// MetricOf describes a metric. One that is not in the table stands for itself, so that a figure is never lost.
func MetricOf(name string) Metric {
	if m, ok := metrics[name]; ok {
		return m
	}
	return Metric{Heading: name, Sense: Neutral}
}

// head is the metric in the head of a column.
func (m Metric) head() string {
	switch {
	case m.Unit == "":
		return m.Heading
	case strings.HasPrefix(m.Unit, "/"):
		return m.Heading + m.Unit
	}
	return m.Heading + ", " + m.Unit
}

// short is the metric within a sentence: requests/s, e2e p99.
func (m Metric) short() string {
	if strings.HasPrefix(m.Unit, "/") {
		return m.Heading + m.Unit
	}
	return m.Heading
}

// with puts the unit behind a text of numbers.
func (m Metric) with(text string) string {
	if m.Unit == "" || strings.HasPrefix(m.Unit, "/") {
		return text + m.Unit
	}
	return text + " " + m.Unit
}

// text is a median with its range: 44.4 µs/request (43.1–46.0).
func (m Metric) text(s Spread) string {
	if s.N == 0 {
		return "—"
	}
	return m.with(number(s.Median)) + span(s, number)
}

// span is the range of a spread in brackets; there is none of a single value.
func span(s Spread, format func(float64) string) string {
	if s.N < 2 {
		return ""
	}
	return " (" + format(s.Low) + "–" + format(s.High) + ")"
}

// number keeps three significant digits, and all digits of a whole number with commas.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a >= 99.95:
		return page.Count(v)
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 0.9995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 2-int(math.Floor(math.Log10(math.Abs(v)))), 64)
}

// times is a ratio with its range: ×2.70 (2.51–3.10).
func times(s Spread) string {
	if s.N == 0 {
		return "—"
	}
	return "×" + number(s.Median) + span(s, number)
}

// percent is a share with its range: 99 % (94–106).
func percent(s Spread) string {
	if s.N == 0 {
		return "—"
	}
	whole := func(v float64) string {
		if v < 0.0995 {
			return strconv.FormatFloat(100*v, 'f', 1, 64)
		}
		return page.Count(100 * v)
	}
	return whole(s.Median) + " %" + span(s, whole)
}
