package broker

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"tailrace/broker/config"
	"tailrace/broker/logdir"
	"tailrace/broker/quorum"
	"tailrace/netio"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/wire"
)

// Options is what a broker is started with.
type Options struct {
	Config *config.Server
	FS     vfs.FS // nil: the real one
	Logger *slog.Logger
}

// Broker is a running broker.
type Broker struct {
	config *config.Server
	fs     vfs.FS
	logger *slog.Logger

	adoption    *quorum.Adoption // nil: the directories were never Kafka's
	clusterID   string
	incarnation wire.TopicID
	epoch       atomic.Int64 // broker epoch: the offset of the registration record
	advertised  []wire.APIRange

	dirs   []*logdir.Dir
	clean  *logdir.Cleaner // nil: nothing is compacted
	quorum quorum.Log
	topics topicTable
	files  *segment.Files
	jobs   *jobs
	groups *groupCoordinator

	server    *netio.Server
	listeners []listener
	wheel     *wheel
	sessions  fetchSessions

	producerIDs producerIDs
	settings    settings
	refusals    refusals

	fewReplicas sync.Once    // said that internal topics get fewer than is set
	noGroups    atomic.Int64 // when it was last said that the topic of the groups cannot be made, s since 1970

	offline  chan error // the last log directory has failed
	failed   atomic.Int32
	unopened atomic.Int32 // partitions that the disk refused to open, not for damage
	stopping atomic.Bool
}

// ClusterID is the id of the cluster that this broker belongs to.
func (b *Broker) ClusterID() string { return b.clusterID }

// Addrs lists the bound addresses, HOST:PORT.
func (b *Broker) Addrs() []string {
	list := make([]string, len(b.listeners))
	for i, l := range b.listeners {
		list[i] = l.addr.String()
	}
	return list
}

// Failed delivers the error that leaves the broker without any usable log
// directory: then the process must end, as Kafka's does.
func (b *Broker) Failed() <-chan error { return b.offline }

// Stats returns the counters of the network engine, which prove the paths
// that replies took.
func (b *Broker) Stats() netio.Stats { return b.server.Stats() }
