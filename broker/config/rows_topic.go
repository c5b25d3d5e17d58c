package config

// topicTable is the order of the topic keys in docs/CONFIG.md and DescribeConfigs.
func topicTable() []Def {
	return assemble([][]Def{
		topicSegments, topicRetention, topicDurability, topicMessages, topicCompaction, topicReplicas, topicOther,
		topicThrottles, topicRecordBound, topicTiered, topicTieredOff,
	})
}

var topicSegments = topicFamily("Segments", Served, "",
	topicRow{row{"segment.bytes", Int, "1073741824", least(1 << 20),
		"The size at which a segment file is closed and the next begun."}, "log.segment.bytes"},
	topicRow{row{"segment.ms", Long, "604800000", least(1),
		"The age at which a segment is closed even if it is small, so that retention can reach its records."},
		"log.roll.ms log.roll.hours*3600000"},
	topicRow{row{"segment.jitter.ms", Long, "0", least(0),
		"Up to this much is taken off segment.ms at random, so that partitions do not all roll at once."},
		"log.roll.jitter.ms log.roll.jitter.hours*3600000"},
	topicRow{row{"segment.index.bytes", Int, "10485760", least(4),
		"The largest index of a segment; a full one closes the segment. Files start small and grow."},
		"log.index.size.max.bytes"},
	topicRow{row{"index.interval.bytes", Int, "4096", least(0),
		"The log bytes between two index entries: smaller finds offsets faster and makes larger indexes."},
		"log.index.interval.bytes"},
	topicRow{row{"preallocate", Bool, "false", free,
		"Whether a segment gets all its blocks when it is made. Tailrace reserves blocks ahead in growing steps " +
			"in any case."}, "log.preallocate"},
	topicRow{row{"file.delete.delay.ms", Long, "60000", least(0),
		"How long the files of a dropped segment stay on disk under the name .deleted."}, "log.segment.delete.delay.ms"},
)

var topicRetention = topicFamily("Retention", Served, "",
	topicRow{row{"cleanup.policy", List, "delete", listOf("compact", "delete"),
		"delete drops old segments; compact keeps the newest record of each key and refuses records without one; " +
			"both do both; empty keeps everything."}, "log.cleanup.policy"},
	topicRow{row{"retention.ms", Long, "604800000", least(-1),
		"The age at which records are dropped, a segment at a time; -1 keeps them for ever. A record's time counts " +
			"at most as the time of its append, so a client's wrong clock cannot keep data for ever."},
		"log.retention.ms log.retention.minutes*60000 log.retention.hours*3600000"},
	topicRow{row{"retention.bytes", Long, "-1", free,
		"The size of a partition beyond which its oldest segments are dropped; -1 sets no bound."}, "log.retention.bytes"},
)

var topicDurability = topicFamily("Durability", Served, "",
	topicRow{row{"tailrace.flush.before.ack", String, "auto", flushBeforeAck,
		"Whether acks=all waits for this node's disk: always; never, which is Kafka's behaviour; or auto: only while " +
			"the in-sync set has one member, whose disk is then the only copy. Internal topics always wait."},
		"tailrace.flush.before.ack"},
	topicRow{row{"flush.messages", Long, maxInt64, least(1),
		"Sync the log after this many records, whoever waits or not."}, "log.flush.interval.messages"},
	topicRow{row{"flush.ms", Long, maxInt64, least(0),
		"Sync the log when its oldest unsynced record is this old."},
		"log.flush.interval.ms log.flush.scheduler.interval.ms"},
	topicRow{row{"min.insync.replicas", Int, "1", least(1),
		"The in-sync replicas, leader included, without which acks=all is refused with NOT_ENOUGH_REPLICAS."},
		"min.insync.replicas"},
)

var topicMessages = topicFamily("Records", Served, "",
	topicRow{row{"max.message.bytes", Int, "1048588", least(0),
		"The largest record batch accepted, as stored, with its header."}, "message.max.bytes"},
	topicRow{row{"compression.type", String, "producer", compressionTypes,
		"What batches are stored as: producer keeps the bytes as they came, which costs nothing; any other word " +
			"makes the broker recompress what differs."}, "compression.type"},
	topicRow{row{"compression.gzip.level", Int, "-1", betweenOr(1, 9, -1),
		"The level when the broker compresses with gzip; -1 is the codec's own choice."}, "compression.gzip.level"},
	topicRow{row{"compression.lz4.level", Int, "9", between(1, 17),
		"The level when the broker compresses with lz4."}, "compression.lz4.level"},
	topicRow{row{"compression.zstd.level", Int, "3", between(-131072, 22),
		"The level when the broker compresses with zstd."}, "compression.zstd.level"},
	topicRow{row{"message.timestamp.type", String, "CreateTime", timestampTypes,
		"Whose clock stamps records: the producer's, or the broker's at append."}, "log.message.timestamp.type"},
	topicRow{row{"message.timestamp.before.max.ms", Long, maxInt64, least(0),
		"A record whose time is further back than this is refused (CreateTime only)."},
		"log.message.timestamp.before.max.ms"},
	topicRow{row{"message.timestamp.after.max.ms", Long, "3600000", least(0),
		"A record whose time is further ahead than this is refused (CreateTime only)."},
		"log.message.timestamp.after.max.ms"},
)

var topicCompaction = topicFamily("Compaction", Served, "",
	topicRow{row{"delete.retention.ms", Long, "86400000", least(0),
		"How long a deletion stays visible to readers after compaction."}, "log.cleaner.delete.retention.ms"},
	topicRow{row{"min.compaction.lag.ms", Long, "0", least(0),
		"How old a record must be before compaction may touch it."}, "log.cleaner.min.compaction.lag.ms"},
	topicRow{row{"max.compaction.lag.ms", Long, maxInt64, least(1),
		"How old a record may get before compaction must touch it."}, "log.cleaner.max.compaction.lag.ms"},
	topicRow{row{"min.cleanable.dirty.ratio", Double, "0.5", between(0, 1),
		"The share of uncompacted bytes at which a log is worth cleaning."}, "log.cleaner.min.cleanable.ratio"},
)

var topicReplicas = topicFamily("Replication", Later, alone,
	topicRow{row{"unclean.leader.election.enable", Bool, "false", free,
		"Whether a replica that lags may lead when no other is left, at the price of records."},
		"unclean.leader.election.enable"},
)

var topicOther = topicFamily("Share groups", Later, "share groups are not served yet",
	topicRow{row{"errors.deadletterqueue.group.enable", Bool, "false", free,
		"Whether share groups may put undeliverable records into this topic."}, ""},
)

var topicThrottles = topicFamily("Replication", Later, alone,
	topicRow{row{"leader.replication.throttled.replicas", List, "",
		replicaList("leader.replication.throttled.replicas"),
		"Replicas slowed on the sending side, as PARTITION:NODE, …, or * for all."}, ""},
	topicRow{row{"follower.replication.throttled.replicas", List, "",
		replicaList("follower.replication.throttled.replicas"),
		"Replicas slowed on the receiving side, as PARTITION:NODE, …, or * for all."}, ""},
)

var topicRecordBound = topicFamily("Records", Later, perRecord,
	topicRow{row{"max.decompressed.message.bytes", Int, "2147483639", between(1, 2147483639),
		"The largest single record, inflated."}, "max.decompressed.message.bytes"},
)

var topicTiered = topicFamily("Tiered storage", Refused, noTier,
	topicRow{row{"remote.storage.enable", Bool, "false", free,
		"Whether closed segments go to remote storage."}, ""},
)

var topicTieredOff = topicFamily("Tiered storage", Ignored, noTier,
	topicRow{row{"local.retention.ms", Long, "-2", least(-2), "Age up to which a tiered topic stays on local disk."},
		"log.local.retention.ms"},
	topicRow{row{"local.retention.bytes", Long, "-2", least(-2), "Size up to which a tiered topic stays on local disk."},
		"log.local.retention.bytes"},
	topicRow{row{"remote.copy.lag.ms", Long, "0", least(-1), "Age at which a closed segment is due for copying."},
		"log.remote.copy.lag.ms"},
	topicRow{row{"remote.copy.lag.bytes", Long, "-1", least(-1),
		"Newer bytes at which a closed segment is due for copying."},
		"log.remote.copy.lag.bytes"},
	topicRow{row{"remote.log.copy.disable", Bool, "false", free, "Stops copying and keeps what is remote readable."}, ""},
	topicRow{row{"remote.log.delete.on.disable", Bool, "false", free,
		"Drops what is remote when tiering is turned off."}, ""},
)
