package config

import (
	"errors"
	"math"
	"testing"
)

// TestTopicTexts holds refusals to the sentences that Apache Kafka 4.4.0 answered for the same values.
func TestTopicTexts(t *testing.T) {
	number, word := "Not a number of type ", "String must be one of: "
	for _, c := range []struct{ name, value, reason string }{
		{"segment.bytes", "5", "Value must be at least 1048576"}, {"segment.bytes", "abc", number + "INT"},
		{"segment.bytes", "", number + "INT"}, {"segment.bytes", "99999999999", number + "INT"},
		{"segment.bytes", "1e6", number + "INT"}, {"segment.bytes", "0x200000", number + "INT"},
		{"retention.ms", "-2", "Value must be at least -1"}, {"retention.ms", "x", number + "LONG"},
		{"cleanup.policy", "COMPACT", word + "compact, delete"}, {"min.insync.replicas", "1.0", number + "INT"},
		{"compression.type", "GZIP", word + "uncompressed, zstd, lz4, snappy, gzip, producer"},
		{"compression.type", "", word + "uncompressed, zstd, lz4, snappy, gzip, producer"},
		{"compression.gzip.level", "0", "Value must be between 1 and 9 or equal to -1"},
		{"compression.lz4.level", "18", "Value must be no more than 17"},
		{"compression.zstd.level", "23", "Value must be no more than 22"},
		{"preallocate", "yes", "Expected value to be either true or false"},
		{"min.cleanable.dirty.ratio", "1.5", "Value must be no more than 1"},
		{"min.cleanable.dirty.ratio", "abc", number + "DOUBLE"},
		{"message.timestamp.type", "createtime", word + "CreateTime, LogAppendTime"},
		{"max.decompressed.message.bytes", "0", "Value must be at least 1"},
	} {
		want := "Invalid value " + c.value + " for configuration " + c.name + ": " + c.reason
		err := ValidateTopic(map[string]string{c.name: c.value})
		var typed *InvalidError
		if err == nil || err.Error() != want || !errors.As(err, &typed) || typed.Name != c.name {
			t.Errorf("%s=%s: got %v, want %s", c.name, c.value, err, want)
		}
	}
	for want, overrides := range map[string]map[string]string{
		"Unknown topic config name: foo":                                      {"foo": "1"},
		"Unknown topic config name: retention.m (did you mean retention.ms?)": {"retention.m": "1"},
		"Unknown topic config name: log.dirs":                                 {"log.dirs": "1"},
		"Configuration 'cleanup.policy' values must not be empty.":            {"cleanup.policy": "delete,"},
		"conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)": {
			"min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5"},
		"Invalid value true for configuration remote.storage.enable: tiered storage is not served": {
			"remote.storage.enable": "true"},
	} {
		if err := ValidateTopic(overrides); err == nil || err.Error() != want {
			t.Errorf("%v: got %v, want %s", overrides, err, want)
		}
	}
}

func TestTopicOverrides(t *testing.T) {
	s, _, err := Load(Sources{Sets: []string{"log.segment.bytes=2097152", "compression.type=zstd"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Topic(map[string]string{
		"cleanup.policy": " compact , delete ", "retention.ms": "9223372036854775807", "segment.index.bytes": "+1024",
		"message.timestamp.type": "LogAppendTime", "preallocate": "TRUE", "tailrace.flush.before.ack": "always",
		"compression.zstd.level": "7", "remote.storage.enable": "false", "leader.replication.throttled.replicas": "0:1,1:1",
	})
	if err != nil || !c.Cleanup.Compacts() || !c.Cleanup.Deletes() || c.RetentionMs != math.MaxInt64 || !c.Preallocate ||
		c.IndexBytes != 1024 || c.TimestampType != LogAppendTime || c.FlushBeforeAck != FlushAlways ||
		c.SegmentBytes != 2<<20 || c.Compression != CompressZstd || c.CompressionLevel() != 7 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := s.Topic(map[string]string{"cleanup.policy": ""}); err != nil || c.Cleanup != 0 {
		t.Errorf("an empty cleanup.policy keeps everything: %v, %v", c.Cleanup, err)
	}
	// Stored by another version: what is understood counts, the rest is named.
	c, err = s.Topic(map[string]string{"retention.ms": "5", "segment.bytes": "1", "message.format.version": "3.0"})
	if err == nil || c.RetentionMs != 5 || c.SegmentBytes != 2<<20 {
		t.Errorf("%+v, %v", c, err)
	}
	one, _ := s.Topic(nil)
	two, _ := s.Topic(map[string]string{})
	if one != two {
		t.Error("topics without overrides do not share their settings")
	}
}

func TestDescribe(t *testing.T) {
	s, _, err := Load(Sources{File: "f", Content: []byte(
		"log.retention.hours=2\nssl.key.password=sesame\nlog.segment.bytes= 2097152\nbroker.id=4\n")})
	if err != nil {
		t.Fatal(err)
	}
	find := func(rows []Row, name string) Row {
		for _, r := range rows {
			if r.Name == name {
				return r
			}
		}
		t.Fatalf("no row %s", name)
		return Row{}
	}
	topic := s.DescribeTopic(map[string]string{"segment.bytes": "+1048576"})
	if len(topic) != len(Topic) {
		t.Errorf("%d rows of %d topic keys", len(topic), len(Topic))
	}
	check := func(r Row, value string, source Source, synonyms ...RowSynonym) {
		t.Helper()
		if r.Value != value || r.Source != source || len(r.Synonyms) != len(synonyms) {
			t.Errorf("%+v", r)
			return
		}
		for i := range synonyms {
			if r.Synonyms[i] != synonyms[i] {
				t.Errorf("%s: synonym %+v, want %+v", r.Name, r.Synonyms[i], synonyms[i])
			}
		}
	}
	check(find(topic, "segment.bytes"), "1048576", SourceTopic, RowSynonym{"segment.bytes", "1048576", false, SourceTopic},
		RowSynonym{"log.segment.bytes", "2097152", false, SourceStaticBroker},
		RowSynonym{"log.segment.bytes", "1073741824", false, SourceDefault})
	check(find(topic, "retention.ms"), "7200000", SourceStaticBroker,
		RowSynonym{"log.retention.hours", "2", false, SourceStaticBroker},
		RowSynonym{"log.retention.hours", "168", false, SourceDefault})
	check(find(topic, "max.message.bytes"), "1048588", SourceDefault,
		RowSynonym{"message.max.bytes", "1048588", false, SourceDefault})
	check(find(topic, "preallocate"), "false", SourceDefault, RowSynonym{"log.preallocate", "false", false, SourceDefault})

	broker := s.Describe()
	check(find(broker, "log.cleaner.io.max.bytes.per.second"), "1.7976931348623157E308", SourceDefault,
		RowSynonym{"log.cleaner.io.max.bytes.per.second", "1.7976931348623157E308", false, SourceDefault})
	if r := find(broker, "node.id"); r.Value != "4" || !r.ReadOnly || r.Kind != 3 {
		t.Errorf("%+v", r)
	}
	if r := find(broker, "ssl.key.password"); r.Value != "" || !r.Null || !r.Sensitive || r.Source != SourceStaticBroker {
		t.Errorf("a password is shown: %+v", r)
	}
	if r := find(broker, "log.retention.ms"); !r.Null || r.Source != SourceDefault {
		t.Errorf("%+v", r)
	}
	if s.Value("ssl.key.password") != "(hidden)" {
		t.Error("Value shows a password")
	}
}
