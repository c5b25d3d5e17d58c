package config

const (
	noThreads = "goroutines share the processors; there are no such threads to count"
	noWaiting = "waiting requests are held by one timer wheel and leave it when they are answered"
	ownGauges = "Tailrace measures itself its own way"
)

var threadRows = [][]Def{
	family("Threads and queues", Ignored, noThreads,
		row{"num.network.threads", Int, "3", least(1), "Threads that read and write sockets."},
		row{"num.io.threads", Int, "8", least(1), "Threads that handle requests."},
		row{"background.threads", Int, "10", least(1), "Threads for upkeep."},
	),
	family("Threads and queues", Ignored, "each connection has a bounded queue of its own, and all share "+
		"queued.max.request.bytes",
		row{"queued.max.requests", Int, "500", least(1), "Requests that may wait for a thread."},
	),
	family("Threads and queues", Ignored, noWaiting,
		row{"producer.purgatory.purge.interval.requests", Int, "1000", free, "When waiting produce requests are tidied."},
		row{"fetch.purgatory.purge.interval.requests", Int, "1000", free, "When waiting fetch requests are tidied."},
		row{"delete.records.purgatory.purge.interval.requests", Int, "1", free, "When waiting deletions are tidied."},
	),
	family("Threads and queues", Served, "",
		row{"max.request.partition.size.limit", Int, "2000", least(1),
			"Partitions in one answer of DescribeTopicPartitions at most; the client asks for the rest."},
	),
	family("Threads and queues", Ignored, "only what is served is advertised",
		row{"unstable.api.versions.enable", Bool, "false", free, "Whether unfinished API versions are offered."},
		row{"unstable.feature.versions.enable", Bool, "false", free, "Whether unfinished features are offered."},
	),
}

var metricRows = [][]Def{
	family("Metrics", Ignored, ownGauges,
		row{"metric.reporters", List, "org.apache.kafka.common.metrics.JmxReporter", free,
			"Java classes that report metrics."},
		row{"metrics.num.samples", Int, "2", least(1), "Samples of a metric."},
		row{"metrics.sample.window.ms", Long, "30000", least(1), "Length of a sample."},
		row{"metrics.recording.level", String, "INFO", free, "Which metrics are kept."},
		row{"kafka.metrics.reporters", List, "", free, "Older Java classes that report metrics."},
		row{"kafka.metrics.polling.interval.secs", Int, "10", least(1), "How often those are asked."},
	),
	family("Metrics", Later, "client telemetry is not served yet",
		row{"telemetry.max.bytes", Int, "1048576", least(1), "The largest report of a client."},
	),
}

var removedRows = [][]Def{
	family("Gone from Kafka", Refused, "Kafka left ZooKeeper with version 4; Tailrace keeps its metadata itself and "+
		"joins no cluster by it: leave the setting out",
		row{"zookeeper.connect", String, null, free, "The ZooKeeper of a cluster."},
	),
	family("Gone from Kafka", Removed, "use listeners and advertised.listeners",
		row{"port", String, null, free, "Port to listen on."},
		row{"host.name", String, null, free, "Address to listen on."},
		row{"advertised.port", String, null, free, "Port told to clients."},
		row{"advertised.host.name", String, null, free, "Host told to clients."},
		row{"control.plane.listener.name", String, null, free, "Listener of the controller's requests."},
	),
	family("Gone from Kafka", Removed, "only the record format of Kafka 0.11 and later is stored",
		row{"log.message.format.version", String, null, free, "Format of stored records."},
		row{"log.message.downconversion.enable", String, null, free, "Whether they are converted for old clients."},
		row{"inter.broker.protocol.version", String, null, free, "What brokers speak among themselves."},
	),
	family("Gone from Kafka", Removed,
		"use log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms",
		row{"log.message.timestamp.difference.max.ms", String, null, free, "How far off a record's time may be."},
	),
	family("Gone from Kafka", Removed, "it has no successor",
		row{"broker.id.generation.enable", String, null, free, "Whether ZooKeeper gives out numbers."},
		row{"reserved.broker.max.id", String, null, free, "The largest number given by hand."},
		row{"auto.include.jmx.reporter", String, null, free, "Whether JMX is there without being named."},
		row{"leader.imbalance.per.broker.percentage", String, null, free, "Imbalance that is put up with."},
		row{"controlled.shutdown.max.retries", String, null, free, "Attempts to hand over leadership."},
		row{"controlled.shutdown.retry.backoff.ms", String, null, free, "The pause between them."},
		row{"offsets.commit.required.acks", String, null, free, "Acknowledgements of a commit."},
		row{"replica.lag.max.messages", String, null, free, "How far a replica may lag."},
		row{"group.coordinator.new.enable", String, null, free, "Whether the newer coordinator runs."},
		row{"group.share.enable", String, null, free, "Whether share groups are offered."},
		row{"group.share.max.groups", String, null, free, "How many of them."},
		row{"password.encoder.secret", Password, null, free, "What stored passwords are encoded with."},
		row{"delegation.token.master.key", Password, null, free, "The older delegation.token.secret.key."},
	),
}
