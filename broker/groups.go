package broker

import (
	"cmp"
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"tailrace/batch/codec"
	"tailrace/broker/coordinator"
	"tailrace/broker/group"
	"tailrace/broker/metadata"
	"tailrace/broker/partition"
	"tailrace/broker/quorum"
	"tailrace/wire"
)

// The groups live in __consumer_offsets: each in the partition that its name gives, whose leader is its coordinator.
// The topic is made when the first client asks for a coordinator.

// groupCoordinator runs broker/group on the partitions of __consumer_offsets that this broker leads.
type groupCoordinator = coordinator.Coordinator[group.Event]

func (b *Broker) newGroups() *groupCoordinator {
	cfg := b.config
	config := &group.Config{
		InitialRebalanceDelayMs: cfg.GroupInitialRebalanceDelayMs,
		MinSessionMs:            cfg.GroupMinSessionMs,
		MaxSessionMs:            cfg.GroupMaxSessionMs,
		MaxSize:                 cfg.GroupMaxSize,
		MaxMetadataBytes:        cfg.OffsetMetadataMaxBytes,
		OffsetsRetentionMs:      int64(cfg.OffsetsRetentionMinutes) * 60_000,
		OffsetsRetentionCheckMs: cfg.OffsetsRetentionCheckMs,
		Random:                  func(p []byte) { rand.Read(p) },
	}
	return coordinator.New(coordinator.Options[group.Event]{
		New:    func() coordinator.Machine[group.Event] { return group.New(config) },
		Tick:   group.Tick{},
		NowMs:  func() int64 { return time.Now().UnixMilli() },
		Timer:  b.newShardTimer,
		Codec:  codec.ID(cfg.OffsetsTopicCodec),
		Logger: b.logger,
	})
}

// shardTimer is a shard's place in the wheel.
type shardTimer struct {
	wheel *wheel
	entry timerEntry
}

func (b *Broker) newShardTimer(fire func()) coordinator.Timer {
	t := &shardTimer{wheel: b.wheel}
	t.entry.fire = fire
	return t
}

// Set implements coordinator.Timer.
func (t *shardTimer) Set(after time.Duration) {
	t.wheel.disarm(&t.entry)
	t.wheel.arm(&t.entry, after)
}

// leadGroups makes this broker the coordinator of the groups of a partition.
func (b *Broker) leadGroups(p *partition.Partition) {
	if p.Topic == metadata.ConsumerOffsetsTopic {
		b.groups.Lead(p)
	}
}

// forgetTopic tells the coordinators that a topic is gone: their own, or one that offsets are committed for. It comes
// before the partitions go.
func (b *Broker) forgetTopic(t *topic) {
	if t.name != metadata.ConsumerOffsetsTopic {
		b.groups.Announce(group.TopicsDeleted{Topics: []group.TopicRef{{Name: t.name, ID: t.id}}})
		return
	}
	for _, s := range t.parts {
		if s.p != nil {
			b.groups.Resign(s.p)
		}
	}
}

// groupPartitions is how many partitions the topic of the groups has; 0 while there is no such topic.
func (b *Broker) groupPartitions() int32 {
	t := b.topics.load().byName[metadata.ConsumerOffsetsTopic]
	if t == nil {
		return 0
	}
	return int32(len(t.parts))
}

// withGroups calls then when the topic of the groups is there, on this goroutine or on that of the metadata log. If it
// cannot be made, then finds it missing.
func (b *Broker) withGroups(then func()) {
	if b.groupPartitions() > 0 {
		then()
		return
	}
	var results []metadata.CreatedTopic
	b.quorum.ProposeFunc(
		func(img *metadata.Image, _ wire.Offset) (records []metadata.Record) {
			topics := []metadata.NewTopic{b.internalTopic(img, metadata.ConsumerOffsetsTopic)}
			records, results = metadata.CreateTopics(img, topics, b.createSettings(false))
			return records
		},
		func(_ wire.Offset, err error) {
			if b.groupPartitions() == 0 && !errors.Is(err, quorum.ErrClosed) {
				b.reportNoGroups(err, results)
			}
			then()
		})
}

// reportNoGroups says, once in 10 s, why no group can be served; clients ask again and again.
func (b *Broker) reportNoGroups(err error, results []metadata.CreatedTopic) {
	for _, r := range results {
		if err == nil && !r.OK() {
			err = errors.New(cmp.Or(r.Message, r.Code.Message()))
		}
	}
	now := time.Now().Unix()
	if last := b.noGroups.Load(); now-last >= 10 && b.noGroups.CompareAndSwap(last, now) {
		b.logger.Error("the topic of the consumer groups cannot be made: no group is served",
			"topic", metadata.ConsumerOffsetsTopic, "error", err)
	}
}

// internalTopic is how the broker makes a topic for itself. A replication factor that the cluster is too small for is
// lowered, and a warning says so.
func (b *Broker) internalTopic(img *metadata.Image, name string) metadata.NewTopic {
	cfg := b.config
	rf, _, lowered := img.InternalReplication(int16(cfg.OffsetsTopicReplicationFactor), 1)
	if lowered {
		b.fewReplicas.Do(func() {
			b.logger.Warn("an internal topic gets fewer replicas than offsets.topic.replication.factor asks for: "+
				"there are not so many brokers", "topic", name, "replicas", rf, "wanted", cfg.OffsetsTopicReplicationFactor)
		})
	}
	value := func(s string) *string { return &s }
	return metadata.NewTopic{
		Name: name, Partitions: int32(cfg.OffsetsTopicPartitions), ReplicationFactor: rf,
		Configs: []metadata.ConfigEntry{
			{Name: "cleanup.policy", Value: value("compact")},
			{Name: "compression.type", Value: value("producer")},
			{Name: "segment.bytes", Value: value(strconv.Itoa(max(cfg.OffsetsTopicSegmentBytes, 1<<20)))},
		},
	}
}
