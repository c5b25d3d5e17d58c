package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Setting is one row of the table.
type Setting struct {
	Name    string // of the flag, of the key in a scenario file and in run.json
	Default string
	Value   string // what stands for the value in help: rate, size, duration …
	Family  string
	Doc     string
	Load    bool // part of the fingerprint: it changes the load that a broker sees
	Switch  bool // a flag without a value means true
	Set     func(p *Plan, text string) error
	Get     func(p *Plan) string
}

// The families, in the order of the help.
const (
	familyBroker   = "Broker"
	familyTopic    = "Topic"
	familyLoad     = "Load"
	familyProducer = "Producer"
	familyReport   = "Report"
	familySafety   = "Safety"
)

// Settings is the table, in the order of the help. Read-only.
var Settings = slices.Concat(brokerSettings, topicSettings, loadSettings, producerSettings, reportSettings)

var byName = func() map[string]*Setting {
	m := make(map[string]*Setting, len(Settings))
	for i := range Settings {
		m[Settings[i].Name] = &Settings[i]
	}
	return m
}()

// Find returns the row of a setting, or nil.
func Find(name string) *Setting { return byName[name] }

func unknown(name string) error {
	best, distance := "", 4
	for i := range Settings {
		if d := edits(name, Settings[i].Name); d < distance {
			best, distance = Settings[i].Name, d
		}
	}
	if best != "" {
		return fmt.Errorf("there is no setting %q; did you mean %s?", name, best)
	}
	return fmt.Errorf("there is no setting %q: loadgen run --help lists them", name)
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

var brokerSettings = []Setting{
	{Name: "bootstrap-server", Value: "HOST:PORT", Family: familyBroker,
		Doc: "the broker to measure; without it a Tailrace is started in a temporary directory, measured and removed",
		Set: text(func(p *Plan) *string { return &p.BootstrapServer }),
		Get: func(p *Plan) string { return p.BootstrapServer }},
	{Name: "command-config", Value: "file", Family: familyBroker,
		Doc: "Kafka client properties: security.protocol, sasl.*, ssl.* (PEM)",
		Set: text(func(p *Plan) *string { return &p.CommandConfig }),
		Get: func(p *Plan) string { return p.CommandConfig }},
	{Name: "property", Value: "key=value", Family: familyBroker,
		Doc: "a client property over those of the file; may be repeated",
		Set: pairs(func(p *Plan) *map[string]string { return &p.Properties }),
		Get: func(p *Plan) string { return joined(p.Properties) }},
	{Name: "broker-pid", Default: "0", Value: "pid", Family: familyBroker,
		Doc: "process whose CPU and memory are read; found by its port when the broker runs on this machine",
		Set: whole(func(p *Plan) *int { return &p.BrokerPID }, 0),
		Get: func(p *Plan) string { return strconv.Itoa(p.BrokerPID) }},
}

var topicSettings = []Setting{
	{Name: "topic", Value: "name", Family: familyTopic,
		Doc: "topic to use (default: loadgen-<run id>, deleted at the end)",
		Set: text(func(p *Plan) *string { return &p.Topic }), Get: func(p *Plan) string { return p.Topic }},
	{Name: "use-existing-topic", Default: "false", Switch: true, Family: familyTopic,
		Doc: "allow producing into a topic that this run did not create",
		Set: yes(func(p *Plan) *bool { return &p.UseExistingTopic }),
		Get: func(p *Plan) string { return truth(p.UseExistingTopic) }},
	{Name: "keep-topic", Default: "false", Switch: true, Family: familyTopic, Doc: "do not delete the topic at the end",
		Set: yes(func(p *Plan) *bool { return &p.KeepTopic }),
		Get: func(p *Plan) string { return truth(p.KeepTopic) }},
	{Name: "partitions", Default: "1", Value: "n", Load: true, Family: familyTopic, Doc: "partitions of the topic",
		Set: whole(func(p *Plan) *int { return &p.Partitions }, 1),
		Get: func(p *Plan) string { return strconv.Itoa(p.Partitions) }},
	{Name: "replication-factor", Default: "1", Value: "n", Load: true, Family: familyTopic,
		Doc: "replicas of each partition",
		Set: whole(func(p *Plan) *int { return &p.ReplicationFactor }, 1),
		Get: func(p *Plan) string { return strconv.Itoa(p.ReplicationFactor) }},
	{Name: "topic-config", Value: "key=value", Load: true, Family: familyTopic,
		Doc: "a setting of the topic; may be repeated",
		Set: pairs(func(p *Plan) *map[string]string { return &p.TopicConfig }),
		Get: func(p *Plan) string { return joined(p.TopicConfig) }},
}

var loadSettings = []Setting{
	{Name: "rate", Default: "max", Value: "rate", Load: true, Family: familyLoad,
		Doc: "records a second: 50k, max, a ramp 1k..50k, steps 10k,20k,30k",
		Set: parsed(func(p *Plan) *Rate { return &p.Rate }, ParseRate),
		Get: func(p *Plan) string { return p.Rate.String() }},
	{Name: "duration", Default: "30s", Value: "duration", Load: true, Family: familyLoad,
		Doc: "how long to measure, behind the warm-up",
		Set: parsed(func(p *Plan) *time.Duration { return &p.Duration }, ParseDuration),
		Get: func(p *Plan) string { return FormatDuration(p.Duration) }},
	{Name: "warmup", Default: "5s", Value: "duration", Load: true, Family: familyLoad,
		Doc: "load before the measurement, which is thrown away",
		Set: parsed(func(p *Plan) *time.Duration { return &p.Warmup }, ParseDuration),
		Get: func(p *Plan) string { return FormatDuration(p.Warmup) }},
	{Name: "records", Default: "0", Value: "n", Load: true, Family: familyLoad,
		Doc: "end after so many measured records, whatever the duration; 0 = by duration",
		Set: parsed(func(p *Plan) *int64 { return &p.Records }, func(s string) (int64, error) {
			n, err := ParseCount(s)
			return int64(n), err
		}), Get: func(p *Plan) string { return FormatCount(float64(p.Records)) }},
	{Name: "record-size", Default: "1KiB", Value: "size", Load: true, Family: familyLoad,
		Doc: "size of a value: 1KiB, uniform:100..4KiB, normal:1KiB,200, lognormal:500,20KiB",
		Set: parsed(func(p *Plan) *Size { return &p.RecordSize }, ParseSizes),
		Get: func(p *Plan) string { return p.RecordSize.String() }},
	{Name: "payload", Default: "random", Value: "what", Load: true, Family: familyLoad,
		Doc: "what values are made of: random, ratio:3, file:PATH (its lines)",
		Set: parsed(func(p *Plan) *Payload { return &p.Payload }, ParsePayload),
		Get: func(p *Plan) string { return p.Payload.String() }},
	{Name: "keys", Default: "none", Value: "what", Load: true, Family: familyLoad,
		Doc: "keys: none, uniform:10k, zipf:10k,1.1",
		Set: parsed(func(p *Plan) *Keys { return &p.Keys }, ParseKeys),
		Get: func(p *Plan) string { return p.Keys.String() }},
	{Name: "seed", Default: "1", Value: "n", Load: true, Family: familyLoad,
		Doc: "of everything that is random in the load",
		Set: parsed(func(p *Plan) *uint64 { return &p.Seed }, func(s string) (uint64,
			error) {
			return strconv.ParseUint(s, 10, 64)
		}),
		Get: func(p *Plan) string { return strconv.FormatUint(p.Seed, 10) }},
	{Name: "producers", Default: "1", Value: "n", Load: true, Family: familyLoad,
		Doc: "producers, each with its own connection",
		Set: whole(func(p *Plan) *int { return &p.Producers }, 0),
		Get: func(p *Plan) string { return strconv.Itoa(p.Producers) }},
	{Name: "consumers", Default: "1", Value: "n", Load: true, Family: familyLoad,
		Doc: "consumers, which give the end-to-end clock; 0 for none",
		Set: whole(func(p *Plan) *int { return &p.Consumers }, 0),
		Get: func(p *Plan) string { return strconv.Itoa(p.Consumers) }},
	{Name: "group", Default: "false", Switch: true, Load: true, Family: familyLoad,
		Doc: "the consumers share the partitions as a consumer group; without it each reads all of them",
		Set: yes(func(p *Plan) *bool { return &p.Group }), Get: func(p *Plan) string { return truth(p.Group) }},
	{Name: "raw", Default: "false", Switch: true, Load: true, Family: familyLoad,
		Doc: "prebuilt requests and bare fetches in place of a client library: the broker is measured and not the client",
		Set: yes(func(p *Plan) *bool { return &p.Raw }), Get: func(p *Plan) string { return truth(p.Raw) }},
}

var producerSettings = []Setting{
	{Name: "acks", Default: "all", Value: "0|1|all", Load: true, Family: familyProducer, Doc: "what a producer waits for",
		Set: parsed(func(p *Plan) *Acks { return &p.Acks }, parseAcks),
		Get: func(p *Plan) string { return p.Acks.String() }},
	{Name: "idempotence", Default: "true", Switch: true, Load: true, Family: familyProducer,
		Doc: "number the batches so that a retry is never written twice; off by itself with acks 0 or 1",
		Set: yes(func(p *Plan) *bool { return &p.Idempotence }),
		Get: func(p *Plan) string { return truth(p.Idempotence) }},
	{Name: "batch-size", Default: "16KiB", Value: "size", Load: true, Family: familyProducer,
		Doc: "most bytes of a batch before compression (batch.size); a larger record still goes, alone",
		Set: parsed(func(p *Plan) *int64 { return &p.BatchSize }, ParseSize),
		Get: func(p *Plan) string { return FormatSize(p.BatchSize) }},
	{Name: "linger", Default: "5ms", Value: "duration", Load: true, Family: familyProducer,
		Doc: "how long a batch waits for more records (linger.ms; Kafka's default is 5 ms since 4.0)",
		Set: parsed(func(p *Plan) *time.Duration { return &p.Linger }, ParseDuration),
		Get: func(p *Plan) string { return FormatDuration(p.Linger) }},
	{Name: "in-flight", Default: "5", Value: "n", Load: true, Family: familyProducer,
		Doc: "requests on a connection that wait for their answer (max.in.flight.requests.per.connection)",
		Set: whole(func(p *Plan) *int { return &p.InFlight }, 1),
		Get: func(p *Plan) string { return strconv.Itoa(p.InFlight) }},
	{Name: "connections", Default: "1", Value: "n", Load: true, Family: familyProducer,
		Doc: "connections of a producer in raw mode",
		Set: whole(func(p *Plan) *int { return &p.Connections }, 1),
		Get: func(p *Plan) string { return strconv.Itoa(p.Connections) }},
	{Name: "buffer", Default: "100000", Value: "n", Load: true, Family: familyProducer,
		Doc: "records of a producer that wait or are on their way; when it is full the schedule lags, and the report says so",
		Set: whole(func(p *Plan) *int { return &p.Buffer }, 1),
		Get: func(p *Plan) string { return strconv.Itoa(p.Buffer) }},
	{Name: "compression", Default: "none", Value: "codec", Load: true, Family: familyProducer,
		Doc: "none, gzip, snappy, lz4, zstd; a level as zstd:3",
		Set: parsed(func(p *Plan) *Codec { return &p.Compression }, ParseCodec),
		Get: func(p *Plan) string { return p.Compression.String() }},
	{Name: "transaction-interval", Default: "0", Value: "duration", Load: true, Family: familyProducer,
		Doc: "commit a transaction so often; 0 = no transactions",
		Set: parsed(func(p *Plan) *time.Duration { return &p.TxnInterval }, ParseDuration),
		Get: func(p *Plan) string { return FormatDuration(p.TxnInterval) }},
}

var reportSettings = []Setting{
	{Name: "out", Value: "dir", Family: familyReport, Doc: "directory of the report (default: loadgen-<UTC time>)",
		Set: text(func(p *Plan) *string { return &p.Out }), Get: func(p *Plan) string { return p.Out }},
	{Name: "label", Value: "text", Family: familyReport, Doc: "what the run is called in reports and comparisons",
		Set: text(func(p *Plan) *string { return &p.Label }), Get: func(p *Plan) string { return p.Label }},
	{Name: "repeat", Default: "1", Value: "n", Family: familyReport,
		Doc: "run so many times, each into a directory of its own below the report's, so that compare has repeats",
		Set: whole(func(p *Plan) *int { return &p.Repeat }, 1),
		Get: func(p *Plan) string { return strconv.Itoa(p.Repeat) }},
	{Name: "max-rate", Default: "0", Value: "rate", Family: familySafety,
		Doc: "never offer more records a second than this; 0 = no bound",
		Set: parsed(func(p *Plan) *float64 { return &p.MaxRate }, ParseCount),
		Get: func(p *Plan) string { return FormatCount(p.MaxRate) }},
	{Name: "max-bytes", Default: "0", Value: "size", Family: familySafety,
		Doc: "never write more bytes than this in all; 0 = no bound",
		Set: parsed(func(p *Plan) *int64 { return &p.MaxBytes }, ParseSize),
		Get: func(p *Plan) string { return FormatSize(p.MaxBytes) }},
}

// The kinds of settings, as functions that make a Set.

func parsed[T any](field func(*Plan) *T, parse func(string) (T, error)) func(*Plan, string) error {
	return func(p *Plan, s string) error {
		v, err := parse(s)
		if err == nil {
			*field(p) = v
		}
		return err
	}
}

func text(field func(*Plan) *string) func(*Plan, string) error {
	return func(p *Plan, s string) error { *field(p) = strings.TrimSpace(s); return nil }
}

func whole(field func(*Plan) *int, least int) func(*Plan, string) error {
	return func(p *Plan, s string) error {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < least {
			return fmt.Errorf("%q is no number of %d or more", s, least)
		}
		*field(p) = n
		return nil
	}
}

func yes(field func(*Plan) *bool) func(*Plan, string) error {
	return parsed(field, func(s string) (bool, error) {
		b, err := strconv.ParseBool(strings.TrimSpace(s))
		if err != nil {
			err = fmt.Errorf("%q is neither true nor false", s)
		}
		return b, err
	})
}

func truth(b bool) string { return strconv.FormatBool(b) }

// pairs adds key=value pairs, several of them on lines of their own.
func pairs(field func(*Plan) *map[string]string) func(*Plan, string) error {
	return func(p *Plan, s string) error {
		m := field(p)
		for line := range strings.SplitSeq(s, "\n") {
			if strings.TrimSpace(line) == "" {
				continue
			}
			key, value, ok := strings.Cut(line, "=")
			if key = strings.TrimSpace(key); !ok || key == "" {
				return fmt.Errorf("%q is not key=value", line)
			}
			if *m == nil {
				*m = map[string]string{}
			}
			(*m)[key] = strings.TrimSpace(value)
		}
		return nil
	}
}

func joined(m map[string]string) string {
	var b strings.Builder
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(k + "=" + m[k])
	}
	return b.String()
}

func parseAcks(s string) (Acks, error) {
	switch strings.TrimSpace(s) {
	case "0":
		return AcksNone, nil
	case "1":
		return AcksLeader, nil
	case "all", "-1":
		return AcksAll, nil
	}
	return 0, fmt.Errorf("%q is no acks: write 0, 1 or all", s)
}
