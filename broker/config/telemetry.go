package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// ClientMetrics is the table of the settings of a client-metrics subscription (KIP-714). They are kept and shown;
// without something that receives metrics they have no effect, in Kafka as well.
var ClientMetrics = atOnce([][]Def{family("Subscriptions", Later, "client telemetry is not served yet",
	row{"interval.ms", Int, "300000", Check{Text: "100 … 3600000"}, "How often a client reports."},
	row{"match", List, "", free, "Which clients: NAME=PATTERN, …, by client_id, client_software_name and the like."},
	row{"metrics", List, "", free, "Which metrics, by the beginning of their names; * for all."},
)})

var metricsIndex = index(ClientMetrics)

// The bounds of interval.ms.
const (
	minPushMs = 100
	maxPushMs = 3_600_000
)

// matchParameters are what a subscription may tell clients apart by.
var matchParameters = []string{"client_instance_id", "client_id", "client_software_name", "client_software_version",
	"client_source_address", "client_source_port"}

// CheckClientMetrics judges the settings of a subscription, in Kafka's words.
func CheckClientMetrics(overrides map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		d, known := metricsIndex[name]
		if !known {
			return &RequestError{name, "Unknown client metrics configuration: " + name}
		}
		v, reason := d.parse(overrides[name])
		if reason != "" {
			return &InvalidError{name, d.refusal(overrides[name], reason)}
		}
		switch x := v.(type) {
		case int64:
			if x < minPushMs || x > maxPushMs {
				return &RequestError{name, fmt.Sprintf("Invalid value %d for %s, interval must be between 100 and 3600000 "+
					"(1 hour)", x, name)}
			}
		case []string:
			if name == "match" {
				if err := checkMatch(x); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func checkMatch(patterns []string) error {
	for _, p := range patterns {
		parameter, pattern, ok := strings.Cut(p, "=")
		_, err := regexp.Compile(strings.TrimSpace(pattern))
		if !ok || err != nil || !slices.Contains(matchParameters, strings.TrimSpace(parameter)) {
			return &InvalidError{"match", "Illegal client matching pattern: " + p}
		}
	}
	return nil
}

// DescribeClientMetrics gives the settings of a subscription.
func DescribeClientMetrics(overrides map[string]string) []Row {
	rows := make([]Row, 0, len(ClientMetrics))
	for i := range ClientMetrics {
		d := &ClientMetrics[i]
		row := describe(d, nil, false)
		if text, set := overrides[d.Name]; set {
			row.Value, row.Null, row.Source = d.canonical(text), false, SourceClientMetrics
		}
		rows = append(rows, row)
	}
	return rows
}

// ListsOf is ListsTopic for groups and client metrics.
func ListsOf(table []Def, name string) (standard string, list bool) {
	for i := range table {
		if table[i].Name == name && table[i].Kind == List {
			return table[i].Default, true
		}
	}
	return "", false
}
