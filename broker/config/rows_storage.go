package config

const (
	maxInt32 = "2147483647"
	maxInt64 = "9223372036854775807"
)

// topicDefaultRows are the broker keys that give topics their defaults; topicTable says what each one does.
var topicDefaultRows = [][]Def{
	family("Topic creation", Served, "",
		row{"num.partitions", Int, "1", least(1), "Partitions of a topic that is created without a number."},
		row{"default.replication.factor", Int, "1", least(1),
			"Replicas of a topic that is created without a number. Only 1 can be met while this node is alone."},
		row{"auto.create.topics.enable", Bool, "true", free,
			"Whether a client that asks for an unknown topic, and allows it, creates it."},
		row{"delete.topic.enable", Bool, "true", free, "Whether topics may be deleted."},
	),
	family("Topic defaults", Served, "",
		row{"log.cleanup.policy", List, "delete", listOf("compact", "delete"), "Default of the topic key cleanup.policy."},
		row{"log.segment.bytes", Int, "1073741824", least(1 << 20), "Default of segment.bytes."},
		row{"log.roll.ms", Long, null, free, "Default of segment.ms; wins over log.roll.hours."},
		row{"log.roll.hours", Int, "168", least(1), "Default of segment.ms, in hours."},
		row{"log.roll.jitter.ms", Long, null, free, "Default of segment.jitter.ms; wins over log.roll.jitter.hours."},
		row{"log.roll.jitter.hours", Int, "0", least(0), "Default of segment.jitter.ms, in hours."},
		row{"log.retention.ms", Long, null, free, "Default of retention.ms; wins over the minutes and the hours."},
		row{"log.retention.minutes", Int, null, free, "Default of retention.ms, in minutes; wins over the hours."},
		row{"log.retention.hours", Int, "168", free, "Default of retention.ms, in hours; negative keeps for ever."},
		row{"log.retention.bytes", Long, "-1", free, "Default of retention.bytes, per partition."},
		row{"log.index.size.max.bytes", Int, "10485760", least(4), "Default of segment.index.bytes."},
		row{"log.index.interval.bytes", Int, "4096", least(0), "Default of index.interval.bytes."},
		row{"log.segment.delete.delay.ms", Long, "60000", least(0), "Default of file.delete.delay.ms."},
		row{"log.preallocate", Bool, "false", free, "Default of preallocate."},
		row{"log.flush.interval.messages", Long, maxInt64, least(1), "Default of flush.messages."},
		row{"log.flush.interval.ms", Long, null, free, "Default of flush.ms; wins over log.flush.scheduler.interval.ms."},
		row{"log.flush.scheduler.interval.ms", Long, maxInt64, free,
			"Default of flush.ms where log.flush.interval.ms is unset."},
		row{"min.insync.replicas", Int, "1", least(1), "Default of the topic key of the same name."},
		row{"message.max.bytes", Int, "1048588", least(0), "Default of max.message.bytes."},
		row{"compression.type", String, "producer", compressionTypes, "Default of the topic key of the same name."},
		row{"compression.gzip.level", Int, "-1", betweenOr(1, 9, -1), "Default of the topic key of the same name."},
		row{"compression.lz4.level", Int, "9", between(1, 17), "Default of the topic key of the same name."},
		row{"compression.zstd.level", Int, "3", between(-131072, 22), "Default of the topic key of the same name."},
		row{"log.message.timestamp.type", String, "CreateTime", timestampTypes, "Default of message.timestamp.type."},
		row{"log.message.timestamp.before.max.ms", Long, maxInt64, least(0), "Default of message.timestamp.before.max.ms."},
		row{"log.message.timestamp.after.max.ms", Long, "3600000", least(0), "Default of message.timestamp.after.max.ms."},
		row{"tailrace.flush.before.ack", String, "auto", flushBeforeAck, "Default of the topic key of the same name."},
	),
	family("Topic defaults", Later, perRecord,
		row{"max.decompressed.message.bytes", Int, "2147483639", between(1, 2147483639),
			"Default of the topic key of the same name."},
	),
	family("Topic defaults", Later, alone,
		row{"unclean.leader.election.enable", Bool, "false", free, "Default of the topic key of the same name."},
	),
	family("Topic defaults", Served, "",
		row{"log.cleaner.delete.retention.ms", Long, "86400000", least(0), "Default of delete.retention.ms."},
		row{"log.cleaner.min.compaction.lag.ms", Long, "0", least(0), "Default of min.compaction.lag.ms."},
		row{"log.cleaner.max.compaction.lag.ms", Long, maxInt64, least(1), "Default of max.compaction.lag.ms."},
		row{"log.cleaner.min.cleanable.ratio", Double, "0.5", between(0, 1), "Default of min.cleanable.dirty.ratio."},
	),
}

const perRecord = "single records are not measured yet: tailrace.max.inflated.bytes bounds the whole inflated batch"

var (
	compressionTypes = oneOf("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")
	timestampTypes   = oneOf("CreateTime", "LogAppendTime")
	flushBeforeAck   = oneOf("auto", "always", "never")
)

var storageRows = [][]Def{
	family("Storage", Served, "",
		row{"log.dirs", List, "tailrace-data/log", free,
			"The directories that hold the partitions, in Kafka's own format. --data DIR means DIR/log. Kafka's " +
				"default is /tmp/kafka-logs."},
		row{"log.dir", List, null, free, "The older name of log.dirs, which wins over it."},
		row{"metadata.log.dir", String, "tailrace-data/meta", free,
			"The directory of the metadata log; never one that lies in a log directory. --data DIR means DIR/meta; " +
				"with log.dirs alone it is the first log directory's path with .meta appended."},
		row{"log.retention.check.interval.ms", Long, "300000", least(1), "How often old segments are looked for."},
		row{"replica.high.watermark.checkpoint.interval.ms", Long, "5000", least(1),
			"How often replication-offset-checkpoint is written."},
		row{"producer.id.expiration.ms", Int, "86400000", least(1),
			"A producer that has been silent this long is forgotten, and with it the means to tell its repeats."},
	),
	family("Storage", Ignored, "a changed offset is checkpointed within a second",
		row{"log.flush.offset.checkpoint.interval.ms", Int, "60000", least(0),
			"How often recovery-point-offset-checkpoint is written."},
		row{"log.flush.start.offset.checkpoint.interval.ms", Int, "60000", least(0),
			"How often log-start-offset-checkpoint is written."},
	),
	family("Storage", Ignored, "Tailrace opens logs by need and checks only what was not synced",
		row{"num.recovery.threads.per.data.dir", Int, "2", least(1), "Threads that check logs after a crash."},
	),
	family("Storage", Later, "directories cannot be cordoned yet",
		row{"cordoned.log.dirs", List, "", free, "Log directories that get no new partition."},
	),
	family("Storage", Later, alone,
		row{"log.dir.failure.timeout.ms", Long, "30000", least(1),
			"How long a failed directory may stay unreported to the controller before the broker stops."},
	),
	family("Storage", Ignored, "producers are looked over as their partitions are written",
		row{"producer.id.expiration.check.interval.ms", Int, "600000", least(1),
			"How often silent producers are looked for."},
	),
	family("Storage", Ignored, "upkeep starts with the broker",
		row{"log.initial.task.delay.ms", Long, "30000", least(0), "How long after the start upkeep begins."},
	),
}

var tailraceRows = [][]Def{
	family("Tailrace's own", Served, "",
		row{"tailrace.sync.parallelism", Int, "32", between(1, 1024),
			"Files synced at a time in one round of a log directory."},
		row{"tailrace.append.mapped.max.bytes", Int, "16384", between(0, 16<<20),
			"Batches up to this size are copied into the mapped tail of their segment, larger ones written by pwrite; " +
				"0 never maps."},
		row{"tailrace.sendfile.min.bytes", Int, "65536", between(0, 1<<30),
			"Record ranges from this size on are sent by sendfile, smaller ones by one writev out of the mapping."},
		row{"tailrace.max.inflated.bytes", Int, "67108864", between(1<<16, 1<<30),
			"The most bytes one compressed batch may inflate to where the broker must look inside; a larger one is " +
				"refused. It bounds what a hostile batch can cost."},
		row{"tailrace.idle.log.close.ms", Long, "60000", least(100),
			"A log that nobody wrote or read for this long gives its descriptors and mappings back."},
		row{"tailrace.max.open.files", Int, "0", between(0, 1<<20),
			"Log files held open at a time over all partitions, the longest unused closing first; 0 chooses by the " +
				"limits of the process."},
		row{"tailrace.reserve.free.bytes", Long, "16777216", least(0),
			"While a log directory's file system has less room than this, produce requests for it are refused with a " +
				"retriable error; fetches go on. On a small file system it is a twentieth of it at most."},
	),
}

var cleanerRows = [][]Def{
	family("Log cleaner", Served, "",
		row{"log.cleaner.enable", Bool, "true", free,
			"Whether topics with cleanup.policy=compact are compacted. Without it __consumer_offsets grows for ever."},
		row{"log.cleaner.threads", Int, "1", least(0), "Logs compacted at a time; 0 compacts none."},
		row{"log.cleaner.dedupe.buffer.size", Long, "134217728", free,
			"Memory for the keys seen, 24 bytes each, over all threads; more than 1 MiB a thread. It is taken while a log " +
				"is compacted, and no more of it than the log can need. What does not fit waits for the next pass."},
		row{"log.cleaner.io.buffer.size", Int, "524288", least(0),
			"Memory for reading and writing, over all threads; a thread has 256 KiB for each at least."},
		row{"log.cleaner.io.buffer.load.factor", Double, "0.9", free,
			"How full the table of keys may get: more holds more keys and takes longer to look them up. At most 0.95 is used."},
		row{"log.cleaner.io.max.bytes.per.second", Double, "1.7976931348623157E308", free,
			"Bytes that compaction reads and writes in a second, over all threads."},
		row{"log.cleaner.backoff.ms", Long, "15000", least(0), "The pause when there is nothing to compact."},
	),
}
