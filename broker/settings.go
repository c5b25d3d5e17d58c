package broker

import (
	"maps"
	"sync"

	"tailrace/batch"
	"tailrace/batch/codec"
	"tailrace/broker/config"
	"tailrace/broker/metadata"
	"tailrace/broker/partition"
	"tailrace/segment"
)

// settings shares one partition.Config among all topics with the same
// overrides: ten thousand partitions with the defaults cost one.
type settings struct {
	mu   sync.Mutex
	last map[string]string // overrides of made
	made *partition.Config
	none *partition.Config // without overrides
}

// topicConfig is what a topic's settings mean. Stored overrides that are not
// understood are named once and left out, so that the topic can be opened.
func (b *Broker) topicConfig(name string, img *metadata.Image) *partition.Config {
	overrides := img.Config(metadata.Resource{Type: metadata.ResourceTopic, Name: name})
	s := &b.settings
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case metadata.IsInternal(name): // a few topics, each with settings of its own
		return b.partitionConfig(overrides, name)
	case len(overrides) == 0:
		if s.none == nil {
			s.none = b.partitionConfig(nil, name)
		}
		return s.none
	case s.made == nil || !maps.Equal(overrides, s.last):
		s.last, s.made = overrides, b.partitionConfig(overrides, name)
	}
	return s.made
}

func (b *Broker) partitionConfig(overrides map[string]string, name string) *partition.Config {
	c, err := b.config.Topic(overrides)
	if err != nil {
		b.logger.Warn("stored topic settings that are not valid here are ignored", "topic", name, "error", err)
	}
	flush := flushMode(c.FlushBeforeAck)
	if metadata.IsInternal(name) {
		flush = partition.FlushAlways // an answer of a coordinator is kept, whatever is set for the others
	}
	return &partition.Config{
		Rules: batch.Rules{
			Compacted: c.Cleanup.Compacts(), LogAppendTime: c.TimestampType == config.LogAppendTime,
			BeforeMaxMs: c.TimestampBeforeMaxMs, AfterMaxMs: c.TimestampAfterMaxMs,
			MaxMessageBytes: c.MaxMessageBytes, FromClient: true, MaxInflatedBytes: b.config.MaxInflatedBytes,
			Compression: codec.Policy{
				Producer: c.Compression == config.CompressAsProduced, ID: codec.ID(max(c.Compression, 0)),
				Level: c.CompressionLevel(),
			},
		},
		Log: segment.Config{
			SegmentBytes: c.SegmentBytes, SegmentMs: c.SegmentMs, SegmentJitterMs: c.SegmentJitterMs,
			IndexBytes: c.IndexBytes, IndexIntervalBytes: c.IndexIntervalBytes,
			RetentionMs: c.RetentionMs, RetentionBytes: c.RetentionBytes,
			FileDeleteDelayMs: c.FileDeleteDelayMs, Delete: c.Cleanup.Deletes(), Preallocate: c.Preallocate,
		},
		Flush:             flush,
		FlushMessages:     c.FlushMessages,
		FlushMs:           c.FlushMs,
		MinInsyncReplicas: c.MinInsyncReplicas,
		ProducerExpiryMs:  b.config.ProducerIDExpirationMs,
		IdleCloseMs:       b.config.IdleLogCloseMs,
	}
}

func flushMode(f config.FlushBeforeAck) partition.FlushMode {
	switch f {
	case config.FlushAlways:
		return partition.FlushAlways
	case config.FlushNever:
		return partition.FlushNever
	}
	return partition.FlushAuto
}
