package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// TopicConfig holds every served topic key, typed. It is immutable; topics without overrides share one. Sizes are
// bytes, times milliseconds.
type TopicConfig struct {
	Cleanup              Cleanup        `key:"cleanup.policy"`
	SegmentBytes         int            `key:"segment.bytes"`
	SegmentMs            int64          `key:"segment.ms"`
	SegmentJitterMs      int64          `key:"segment.jitter.ms"`
	IndexBytes           int            `key:"segment.index.bytes"`
	IndexIntervalBytes   int            `key:"index.interval.bytes"`
	RetentionMs          int64          `key:"retention.ms"`    // -1 = for ever
	RetentionBytes       int64          `key:"retention.bytes"` // negative = no bound
	FileDeleteDelayMs    int64          `key:"file.delete.delay.ms"`
	MinCompactionLagMs   int64          `key:"min.compaction.lag.ms"`
	MaxCompactionLagMs   int64          `key:"max.compaction.lag.ms"` // MaxInt64 = no bound
	MinDirtyRatio        float64        `key:"min.cleanable.dirty.ratio"`
	DeleteRetentionMs    int64          `key:"delete.retention.ms"`
	Preallocate          bool           `key:"preallocate"`
	FlushMessages        int64          `key:"flush.messages"` // MaxInt64 = never for this reason
	FlushMs              int64          `key:"flush.ms"`       // MaxInt64 = never for this reason
	FlushBeforeAck       FlushBeforeAck `key:"tailrace.flush.before.ack"`
	MinInsyncReplicas    int            `key:"min.insync.replicas"`
	MaxMessageBytes      int            `key:"max.message.bytes"`
	Compression          Compression    `key:"compression.type"`
	GzipLevel            int            `key:"compression.gzip.level"` // -1 = the codec's default
	LZ4Level             int            `key:"compression.lz4.level"`
	ZstdLevel            int            `key:"compression.zstd.level"`
	TimestampType        TimestampType  `key:"message.timestamp.type"`
	TimestampBeforeMaxMs int64          `key:"message.timestamp.before.max.ms"`
	TimestampAfterMaxMs  int64          `key:"message.timestamp.after.max.ms"`
}

// Cleanup is the set of cleanup.policy. Empty means that nothing is ever removed (Kafka since KIP-1161).
type Cleanup uint8

// The members of a Cleanup set.
const (
	CleanupDelete  Cleanup = 1 << iota // drop segments by age and size
	CleanupCompact                     // keep the newest record of each key; records without a key are refused
)

// Deletes reports whether segments are dropped by age and size.
func (c Cleanup) Deletes() bool { return c&CleanupDelete != 0 }

// Compacts reports whether the topic keeps the newest record of each key.
func (c Cleanup) Compacts() bool { return c&CleanupCompact != 0 }

// Compression is compression.type. Values ≥ 0 are the codec bits of a record batch.
type Compression int8

// What a topic's batches are stored as.
const (
	CompressAsProduced Compression = -1 // keep the producer's bytes
	CompressNone       Compression = 0
	CompressGzip       Compression = 1
	CompressSnappy     Compression = 2
	CompressLZ4        Compression = 3
	CompressZstd       Compression = 4
)

// TimestampType is message.timestamp.type; the values are the timestamp bit of a record batch.
type TimestampType int8

// Whose clock stamps a record.
const (
	CreateTime    TimestampType = 0
	LogAppendTime TimestampType = 1
)

// FlushBeforeAck is tailrace.flush.before.ack: whether an acks=all answer waits for this node's disk.
type FlushBeforeAck uint8

// When acks=all waits for the disk.
const (
	FlushAuto   FlushBeforeAck = iota // only while the in-sync set has one member
	FlushAlways                       // always
	FlushNever                        // never: Kafka's own behaviour
)

// CompressionLevel is the level that belongs to the topic's codec; meaningless for codecs without levels.
func (c *TopicConfig) CompressionLevel() int {
	switch c.Compression {
	case CompressGzip:
		return c.GzipLevel
	case CompressLZ4:
		return c.LZ4Level
	case CompressZstd:
		return c.ZstdLevel
	}
	return 0
}

// worded is a field type whose values are words in the file.
type worded interface{ fromWords(words []string) }

func (c *Cleanup) fromWords(words []string) {
	*c = 0
	for _, w := range words {
		*c |= map[string]Cleanup{"delete": CleanupDelete, "compact": CleanupCompact}[w]
	}
}

func (c *Compression) fromWords(words []string) {
	*c = map[string]Compression{
		"producer": CompressAsProduced, "uncompressed": CompressNone, "gzip": CompressGzip,
		"snappy": CompressSnappy, "lz4": CompressLZ4, "zstd": CompressZstd,
	}[words[0]]
}

func (t *TimestampType) fromWords(words []string) {
	*t = map[string]TimestampType{"CreateTime": CreateTime, "LogAppendTime": LogAppendTime}[words[0]]
}

func (f *FlushBeforeAck) fromWords(words []string) {
	*f = map[string]FlushBeforeAck{"auto": FlushAuto, "always": FlushAlways, "never": FlushNever}[words[0]]
}

// String is the word of the settings file.
func (f FlushBeforeAck) String() string { return [...]string{"auto", "always", "never"}[f] }

// Topic gives the settings of a topic with these overrides; without any, all topics share one TopicConfig.
//
// The result is never nil: overrides that are unknown or invalid are left out of it and named in the error, so that a
// topic whose stored settings another version wrote can still be opened. A caller that is asked to store overrides
// (CreateTopics, AlterConfigs) refuses on error; each of its parts is an *InvalidError in Kafka's words.
func (s *Server) Topic(overrides map[string]string) (*TopicConfig, error) {
	if len(overrides) == 0 {
		return &s.topics, nil
	}
	c := s.topics
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		if _, known := topicIndex[name]; !known {
			problems = append(problems, unknownTopicKey(name))
		}
	}
	for i := range Topic {
		d := &Topic[i]
		text, set := overrides[d.Name]
		if !set {
			continue
		}
		v, err := d.override(text)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		bind(&c, topicFields, d.Name, v)
	}
	problems = append(problems, s.topicRelations(overrides)...)
	return &c, errors.Join(problems...)
}

// ValidateTopic checks overrides against the table and the built-in broker defaults, in Kafka's words.
func ValidateTopic(overrides map[string]string) error {
	_, err := builtin.Topic(overrides)
	return err
}

// InvalidError refuses one setting. Broker handlers answer it with INVALID_CONFIG and the text.
type InvalidError struct {
	Name string // the setting
	Text string // the whole sentence
}

// Error is the sentence.
func (e *InvalidError) Error() string { return e.Text }

// RequestError refuses one setting where Kafka answers INVALID_REQUEST: it does so for settings of brokers and of
// client metrics.
type RequestError struct {
	Name, Text string
}

// Error is the sentence.
func (e *RequestError) Error() string { return e.Text }

func unknownTopicKey(name string) error {
	text := "Unknown topic config name: " + name
	if near, ok := NearestTopic(name); ok {
		text += " (did you mean " + near + "?)"
	}
	return &InvalidError{name, text}
}

// override parses a topic's value and refuses what the engine must not ignore.
func (d *Def) override(text string) (any, error) {
	v, reason := d.parse(text)
	if reason != "" {
		return nil, &InvalidError{d.Name, d.refusal(text, reason)}
	}
	if d.Status == Refused && show(v) != d.Default {
		return nil, &InvalidError{d.Name, invalid(d.Name, text, d.Why)}
	}
	return v, nil
}

// topicRelations are Kafka's checks between topic keys (LogConfig.validateValues).
func (s *Server) topicRelations(overrides map[string]string) []error {
	least, most := s.topicNumber("min.compaction.lag.ms", overrides), s.topicNumber("max.compaction.lag.ms", overrides)
	if least > most {
		return []error{&InvalidError{"min.compaction.lag.ms", fmt.Sprintf(
			"conflict topic config setting min.compaction.lag.ms (%d) > max.compaction.lag.ms (%d)", least, most)}}
	}
	return nil
}

func (s *Server) topicNumber(name string, overrides map[string]string) int64 {
	d := topicIndex[name]
	if text, set := overrides[name]; set {
		if v, reason := d.parse(text); reason == "" {
			return v.(int64)
		}
	}
	text, _ := s.topicDefault(d)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic("BUG: the default of " + name + " is not a number: " + text)
	}
	return n
}

// topicDefault is what a topic without an override gets for d, and the broker key that gave it: the strongest
// synonym that was set (a flag outranks a file; within one source the order is Kafka's: ms, then minutes, then hours).
func (s *Server) topicDefault(d *Def) (value string, from *Synonym) {
	var best entry
	for i := range d.Synonyms {
		syn := &d.Synonyms[i]
		if e, ok := s.entryOf(syn.Name); ok && (from == nil || e.origin.Level > best.origin.Level) {
			best, from = e, syn
		}
	}
	if from == nil {
		return d.Default, nil
	}
	bd := brokerIndex[from.Name]
	v, reason := bd.parse(best.value)
	if reason != "" { // refused by Load, which still wants a complete snapshot
		return d.Default, nil
	}
	if n, ok := v.(int64); ok {
		if n < 0 && d.Name == "retention.ms" {
			v = int64(-1) // unlimited, in whatever unit it was said
		} else {
			v = n * from.Scale // an int32 of hours times 3,600,000 fits in 63 bits
		}
	}
	return show(v), from
}
