package config

const alone = "this node is a cluster of one; several nodes are not served yet"

var identityRows = [][]Def{
	family("Identity", Served, "",
		row{"node.id", Int, "1", least(0), "The number of this node in its cluster. Kafka has no default."},
		row{"broker.id", Int, "-1", free, "The old name of node.id; -1 leaves the choice to node.id."},
		row{"process.roles", List, "broker,controller", listOf("broker", "controller"),
			"What this process is. Both roles, because the controller lives in the broker's process; one alone is " +
				"refused."},
		row{"broker.rack", String, null, free,
			"The rack or zone this node stands in. Clients see it in Metadata and may prefer near replicas."},
		row{"controller.quorum.voters", List, "", free,
			"The voters of the metadata quorum as ID@HOST:PORT. One voter, this node, is accepted; several are refused."},
		row{"controller.quorum.bootstrap.servers", List, "", free,
			"Where to find the metadata quorum. One address is accepted and not dialled; several are refused."},
		row{"tailrace.cluster.id", String, null, spelled("up to 64 letters, digits, _ and -", checkClusterID),
			"The cluster id to write when the data directory is empty; unset, one is made. The variable CLUSTER_ID " +
				"of Kafka's container image sets it as well."},
	),
}

func checkClusterID(text string) string {
	for _, r := range text {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-') {
			return "only letters, digits, _ and - may stand in a cluster id"
		}
	}
	if len(text) > 64 {
		return "a cluster id has at most 64 characters"
	}
	return ""
}

var networkRows = [][]Def{
	family("Network", Served, "",
		row{"listeners", List, "PLAINTEXT://127.0.0.1:9092,PLAINTEXT://[::1]:9092", spelled("NAME://HOST:PORT, …",
			checkListeners),
			"Where clients are accepted. An empty host is every interface, port 0 lets the kernel choose. Kafka's " +
				"default is every interface; Tailrace's is loopback alone. Listeners named in " +
				"controller.listener.names are accepted and not opened; SSL and SASL listeners are refused."},
		row{"advertised.listeners", List, null, free,
			"The addresses that Metadata tells clients, one per listener name. Unset, a client is told the address at " +
				"which it reached the broker, which is right wherever no address translation lies between."},
		row{"listener.security.protocol.map", String,
			"PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
			spelled("NAME:PROTOCOL, …", checkProtocolMap),
			"The security protocol of each listener name. Entries for listeners that are not opened are accepted."},
		row{"inter.broker.listener.name", String, null, free,
			"The listener that other nodes use; unset, the first one. It must be among listeners."},
		row{"controller.listener.names", List, "CONTROLLER", free,
			"Listeners of the metadata quorum. They are not opened while the quorum is this process alone."},
		row{"socket.request.max.bytes", Int, "104857600", least(1),
			"The largest request read from a connection; a larger one closes it and is named in the log."},
		row{"socket.send.buffer.bytes", Int, "-1", least(-1),
			"SO_SNDBUF of a connection; -1 lets the kernel tune it, which is faster. Kafka's default is 102400."},
		row{"socket.receive.buffer.bytes", Int, "-1", least(-1),
			"SO_RCVBUF of a connection; -1 lets the kernel tune it, which is faster. Kafka's default is 102400."},
		row{"queued.max.request.bytes", Long, "-1", least(-1),
			"The bytes that requests in flight may hold over all connections, charged as they arrive; beyond it " +
				"connections are not read. -1 chooses by the memory of the machine."},
		row{"connections.max.idle.ms", Long, "600000", free,
			"A connection without a request for this long is closed; negative keeps it for ever."},
		row{"max.connections", Int, "2147483647", least(0), "Connections accepted at a time, over all listeners."},
		row{"max.connections.per.ip", Int, "2147483647", least(0), "Connections accepted at a time from one address."},
		row{"fetch.max.bytes", Int, "57671680", least(1024),
			"The most record bytes one fetch answer carries, whatever the client asks for. The first batch is sent " +
				"even if it is larger."},
		row{"max.incremental.fetch.session.cache.slots", Int, "1000", least(0),
			"Fetch sessions remembered at a time; a client without one sends its whole list of partitions each time."},
	),
	family("Network", Later, "connection quotas are not served yet",
		row{"max.connections.per.ip.overrides", String, "", free, "Other limits for single hosts: a list of HOST:N."},
		row{"max.connection.creation.rate", Int, "2147483647", least(0), "New connections a second."},
	),
	family("Network", Later, alone,
		row{"request.timeout.ms", Int, "30000", free, "How long a request to another node may take."},
		row{"socket.connection.setup.timeout.ms", Long, "10000", free,
			"How long connecting to another node may take at first."},
		row{"socket.connection.setup.timeout.max.ms", Long, "30000", free,
			"How long connecting to another node may take at last."},
	),
	family("Network", Ignored, "the kernel's net.core.somaxconn bounds the queue",
		row{"socket.listen.backlog.size", Int, "50", least(1), "Connections that may wait to be accepted."},
	),
	family("Network", Ignored, "listeners open when the broker is ready to serve, all at once",
		row{"early.start.listeners", List, null, free, "Listeners to open before authorization is loaded."},
	),
}
