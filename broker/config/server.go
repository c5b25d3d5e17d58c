package config

// Server is the typed snapshot of the broker's settings. It is immutable: share it freely; With gives another one.
// Fields carry the key that feeds them; sizes are bytes, times milliseconds. Keys that only give defaults to topics are
// in Topic(nil).
type Server struct {
	// Who this node is.
	NodeID    int    `key:"node.id"`
	Rack      string `key:"broker.rack"`         // "" = none
	ClusterID string `key:"tailrace.cluster.id"` // "" = make one when the data directory is empty

	// Where it listens. Listeners holds the ones to bind; a controller listener is never among them.
	Listeners           []Listener        `key:"listeners"`
	Advertised          []Listener        `key:"advertised.listeners"` // empty = the address a client came in by
	Protocols           map[string]string `key:"listener.security.protocol.map"`
	InterBrokerListener string            `key:"inter.broker.listener.name"`
	ControllerListeners []string          `key:"controller.listener.names"`
	Roles               []string          `key:"process.roles"`
	QuorumVoters        []string          `key:"controller.quorum.voters"`
	QuorumBootstrap     []string          `key:"controller.quorum.bootstrap.servers"`

	// What a connection may cost.
	SocketRequestMaxBytes    int   `key:"socket.request.max.bytes"`
	SocketSendBufferBytes    int   `key:"socket.send.buffer.bytes"`    // -1 = the kernel tunes it
	SocketReceiveBufferBytes int   `key:"socket.receive.buffer.bytes"` // -1 = the kernel tunes it
	QueuedMaxRequestBytes    int64 `key:"queued.max.request.bytes"`    // -1 = Tailrace chooses
	ConnectionsMaxIdleMs     int64 `key:"connections.max.idle.ms"`     // negative = never
	MaxConnections           int   `key:"max.connections"`
	MaxConnectionsPerIP      int   `key:"max.connections.per.ip"`
	FetchMaxBytes            int   `key:"fetch.max.bytes"`
	FetchSessionSlots        int   `key:"max.incremental.fetch.session.cache.slots"`
	DescribePartitionsMax    int   `key:"max.request.partition.size.limit"`

	// Topics that are made without being told how.
	NumPartitions            int  `key:"num.partitions"`
	DefaultReplicationFactor int  `key:"default.replication.factor"`
	AutoCreateTopics         bool `key:"auto.create.topics.enable"`
	DeleteTopics             bool `key:"delete.topic.enable"`

	// Consumer groups and what they commit.
	GroupInitialRebalanceDelayMs  int   `key:"group.initial.rebalance.delay.ms"`
	GroupMinSessionMs             int   `key:"group.min.session.timeout.ms"`
	GroupMaxSessionMs             int   `key:"group.max.session.timeout.ms"`
	GroupMaxSize                  int   `key:"group.max.size"`
	OffsetsTopicPartitions        int   `key:"offsets.topic.num.partitions"`
	OffsetsTopicReplicationFactor int   `key:"offsets.topic.replication.factor"`
	OffsetsTopicSegmentBytes      int   `key:"offsets.topic.segment.bytes"`
	OffsetsTopicCodec             int   `key:"offsets.topic.compression.codec"`
	OffsetsRetentionMinutes       int   `key:"offsets.retention.minutes"`
	OffsetsRetentionCheckMs       int64 `key:"offsets.retention.check.interval.ms"`
	OffsetMetadataMaxBytes        int   `key:"offset.metadata.max.bytes"`

	// Where data lies, and the clocks of its upkeep.
	LogDirs                []string `key:"log.dirs"`
	MetadataDir            string   `key:"metadata.log.dir"`
	RetentionCheckMs       int64    `key:"log.retention.check.interval.ms"`
	HighWatermarkMs        int64    `key:"replica.high.watermark.checkpoint.interval.ms"`
	ProducerIDExpirationMs int64    `key:"producer.id.expiration.ms"`
	IdleLogCloseMs         int64    `key:"tailrace.idle.log.close.ms"`
	MaxOpenFiles           int      `key:"tailrace.max.open.files"` // 0 = from the process's own limit
	SyncParallelism        int      `key:"tailrace.sync.parallelism"`
	AppendMappedMaxBytes   int      `key:"tailrace.append.mapped.max.bytes"`
	SendfileMinBytes       int      `key:"tailrace.sendfile.min.bytes"`
	MaxInflatedBytes       int      `key:"tailrace.max.inflated.bytes"`
	ReserveFreeBytes       int64    `key:"tailrace.reserve.free.bytes"`

	// Compaction.
	CleanerEnable         bool    `key:"log.cleaner.enable"`
	CleanerThreads        int     `key:"log.cleaner.threads"`
	CleanerDedupeBytes    int64   `key:"log.cleaner.dedupe.buffer.size"` // over all threads
	CleanerDedupeLoad     float64 `key:"log.cleaner.io.buffer.load.factor"`
	CleanerBufferBytes    int     `key:"log.cleaner.io.buffer.size"` // over all threads
	CleanerBytesPerSecond float64 `key:"log.cleaner.io.max.bytes.per.second"`
	CleanerBackoffMs      int64   `key:"log.cleaner.backoff.ms"`

	set     map[string]entry    // what was set at start, by key
	dynamic [2]map[string]entry // what was set since: for the cluster, for this broker
	topics  TopicConfig         // what a topic without overrides gets
}

// Origin says where the value of a broker key comes from.
func (s *Server) Origin(name string) Origin {
	if e, ok := s.entryOf(name); ok {
		return e.origin
	}
	return Origin{}
}

// Value is the text of a broker key in force: what was set, else the default. It is "" for an unset key without a
// default and for an unknown one, and never a password: those read as "(hidden)".
func (s *Server) Value(name string) string {
	d, ok := brokerIndex[name]
	if !ok {
		return ""
	}
	text := d.Default
	if e, ok := s.entryOf(name); ok {
		text = e.value
	}
	if d.Sensitive && text != "" {
		return "(hidden)"
	}
	return text
}
