package broker

import (
	"maps"
	"strconv"
	"sync"
	"sync/atomic"

	"tailrace/batch"
	"tailrace/batch/codec"
	"tailrace/broker/config"
	"tailrace/broker/metadata"
	"tailrace/broker/partition"
	"tailrace/segment"
	"tailrace/segment/clean"
)

// settings shares one partition.Config among all topics with the same
// overrides: ten thousand partitions with the defaults cost one.
type settings struct {
	live atomic.Pointer[config.Server] // nil while nothing was changed since the start

	mu   sync.Mutex
	last map[string]string // overrides of made
	made *partition.Config
	none *partition.Config // without overrides
}

// live is the broker's settings in force: those of the start, with what was
// changed since then.
func (b *Broker) live() *config.Server {
	if s := b.settings.live.Load(); s != nil {
		return s
	}
	return b.config
}

// goLive puts the broker settings of an image in force for what is asked from
// now on. Partitions are told by reconfigureAll.
func (b *Broker) goLive(img *metadata.Image) {
	of := func(name string) map[string]string {
		return img.Config(metadata.Resource{Type: metadata.ResourceBroker, Name: name})
	}
	d := config.Dynamic{Cluster: of(""), Node: of(strconv.Itoa(b.config.NodeID))}
	s := &b.settings
	if len(d.Cluster)+len(d.Node) == 0 && s.live.Load() == nil {
		return
	}
	now, err := b.config.With(d)
	if err != nil {
		b.logger.Warn("stored broker settings that are not valid here are ignored", "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live.Store(now)
	s.last, s.made, s.none = nil, nil, nil
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
	live := b.live()
	c, err := live.Topic(overrides)
	if err != nil {
		b.logger.Warn("stored topic settings that are not valid here are ignored", "topic", name, "error", err)
	}
	flush := flushMode(c.FlushBeforeAck)
	if metadata.IsInternal(name) {
		flush = partition.FlushAlways // an answer of a coordinator is kept, whatever is set for the others
	}
	var compaction *clean.Config
	segmentMs := c.SegmentMs
	if c.Cleanup.Compacts() {
		compaction = &clean.Config{
			MinLagMs: c.MinCompactionLagMs, MaxLagMs: c.MaxCompactionLagMs,
			MinDirtyRatio: c.MinDirtyRatio, DeleteRetentionMs: c.DeleteRetentionMs,
		}
		// An active segment is not compacted, so it must not get too old (LogConfig.maxSegmentMs of Kafka).
		segmentMs = min(segmentMs, c.MaxCompactionLagMs)
	}
	return &partition.Config{
		Clean: compaction,
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
			SegmentBytes: c.SegmentBytes, SegmentMs: segmentMs, SegmentJitterMs: c.SegmentJitterMs,
			IndexBytes: c.IndexBytes, IndexIntervalBytes: c.IndexIntervalBytes,
			RetentionMs: c.RetentionMs, RetentionBytes: c.RetentionBytes,
			FileDeleteDelayMs: c.FileDeleteDelayMs, Delete: c.Cleanup.Deletes(), Preallocate: c.Preallocate,
		},
		Flush:             flush,
		FlushMessages:     c.FlushMessages,
		FlushMs:           c.FlushMs,
		MinInsyncReplicas: c.MinInsyncReplicas,
		ProducerExpiryMs:  live.ProducerIDExpirationMs,
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
