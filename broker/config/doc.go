// Package config declares every setting of Tailrace once and derives all else from that table: the typed snapshot
// that code reads, the server.properties parser's vocabulary, KAFKA_* and TAILRACE_* environment names, --set and
// flags, the rows of DescribeConfigs, the checks of CreateTopics and AlterConfigs, and docs/CONFIG.md.
//
// The table follows Apache Kafka 4.4: each of its public broker and topic keys has a row with its name, kind, default
// and bounds, and each row says what this engine does with it (see [Status]). Departures in default are said in the
// row's text. Keys of our own begin with "tailrace.".
//
// Promises:
//   - A key that asks for security or for a cluster that is not served stops the start; it is never ignored.
//   - A key that is accepted without effect is named in a warning when it is set to anything but its default.
//   - Every value knows where it came from: flag, --set, environment, file and line, or default.
//   - Topic values are refused in Kafka's own words, so that tools that match them keep working.
//   - The room is pure: it reads no file, no environment and no clock. The caller hands over what it has read.
//
// Concurrency: [Broker] and [Topic] are read-only after init; [Server] and [TopicConfig] are immutable snapshots and
// may be shared freely. Nothing here belongs to a hot path: partitions keep a pointer to their TopicConfig.
package config
