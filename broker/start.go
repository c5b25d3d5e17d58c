package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"syscall"
	"time"

	"tailrace/broker/logdir"
	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
	"tailrace/netio"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/wire"
)

// Start brings a broker up, in this order: the log directories (locks, who
// they belong to, what they remember), the metadata log, the registration,
// which gives the broker epoch, the partitions with their recovery, and only
// then the listeners: whoever connects meets a broker that knows its data. On
// an error everything that was opened is closed again.
func Start(o Options) (b *Broker, err error) {
	b = &Broker{
		config: o.Config, fs: o.FS, logger: o.Logger, files: new(segment.Files), jobs: newJobs(2),
		wheel: newWheel(), offline: make(chan error, 1), advertised: advertised(),
	}
	if b.fs == nil {
		b.fs = vfs.OS
	}
	b.sessions = fetchSessions{limit: b.config.FetchSessionSlots, byID: map[int32]*fetchSession{}}
	rand.Read(b.incarnation[:])
	b.boundFiles()
	defer func() {
		if err != nil {
			b.abandon()
			b = nil
		}
	}()
	// Ports are bound first and served last: a port in use is known before
	// anything on disk has been touched.
	b.server = b.newServer()
	for _, step := range []func() error{
		b.bind, b.findAdoption, b.openDirs, b.openQuorum, b.register, b.openPartitions, b.startCleaner,
	} {
		if err = step(); err != nil {
			return b, err
		}
	}
	for i := range b.listeners {
		go b.serve(&b.listeners[i])
	}
	return b, nil
}

// bind listens on every configured address.
func (b *Broker) bind() error {
	first := map[string]int{}
	for _, l := range b.config.Listeners {
		if port, ok := first[l.Name]; ok && l.Port == 0 {
			l.Port = port // the second address of a pair shares the port that the kernel chose
		}
		s, err := b.server.Listen(context.Background(), l.Name, l.Address())
		if err != nil {
			if b.optionalLoopback(l.Host, err) {
				continue
			}
			return listenError(l.Address(), err)
		}
		b.listeners = append(b.listeners, listener{name: l.Name, addr: s.Addr(), socket: s})
		first[l.Name] = s.Addr().Port
	}
	return nil
}

// optionalLoopback: the default listens on both loopback addresses, and a
// machine without IPv6 has only one.
func (b *Broker) optionalLoopback(host string, err error) bool {
	return host == "::1" && len(b.config.Listeners) > 1 &&
		(errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT))
}

func listenError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("address %s is in use%s: stop that process, or give another --listen", address, byWhom(address))
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("address %s may not be bound: ports below 1024 need CAP_NET_BIND_SERVICE, "+
			"or give another --listen", address)
	}
	return fmt.Errorf("cannot listen on %s: %w", address, err)
}

// openDirs opens the log directories. One that cannot be opened stops the
// start: a broker that came up without half its data would look healthy.
func (b *Broker) openDirs() error {
	for _, path := range b.config.LogDirs {
		d, err := logdir.Open(logdir.Options{
			FS: b.fs, Path: path, ClusterID: b.knownClusterID(), NodeID: int32(b.config.NodeID),
			Parallel: b.config.SyncParallelism, Logger: b.logger, OnOffline: b.dirFailed,
			ReserveFreeBytes: b.config.ReserveFreeBytes, Adopted: b.adoption != nil,
			Schedule: logdir.Schedule{
				Retain:        time.Duration(b.config.RetentionCheckMs) * time.Millisecond,
				HighWatermark: time.Duration(b.config.HighWatermarkMs) * time.Millisecond,
			},
		})
		if err != nil {
			return err
		}
		b.dirs = append(b.dirs, d)
		b.clusterID = d.Identity().ClusterID
	}
	return nil
}

// startCleaner begins to compact what is to be compacted.
func (b *Broker) startCleaner() error {
	c := b.config
	if !c.CleanerEnable || c.CleanerThreads == 0 {
		return nil
	}
	b.clean = logdir.StartCleaner(b.dirs, logdir.CleanerOptions{
		Threads: c.CleanerThreads, DedupeBytes: c.CleanerDedupeBytes, DedupeLoad: c.CleanerDedupeLoad,
		BufferBytes: c.CleanerBufferBytes, BytesPerSecond: c.CleanerBytesPerSecond,
		Backoff: time.Duration(c.CleanerBackoffMs) * time.Millisecond,
	})
	return nil
}

func (b *Broker) knownClusterID() string {
	if b.clusterID != "" {
		return b.clusterID
	}
	return b.config.ClusterID
}

// dirFailed counts failed directories; with the last one the process must end.
func (b *Broker) dirFailed(_ *logdir.Dir, err error) {
	if int(b.failed.Add(1)) == len(b.config.LogDirs) {
		b.stopNow(fmt.Errorf("FATAL: no log directory is usable any more: %w", err))
	}
}

func (b *Broker) stopNow(err error) {
	select {
	case b.offline <- err:
	default:
	}
}

func (b *Broker) openQuorum() error {
	q, err := quorum.OpenSingle(quorum.Options{
		FS: b.fs, Dir: b.config.MetadataDir, ClusterID: b.clusterID, NodeID: int32(b.config.NodeID),
		Now:   func() int64 { return time.Now().UnixMilli() },
		Warn:  func(msg string, args ...any) { b.logger.Warn(msg, args...) },
		Fatal: b.stopNow,
	})
	if err != nil {
		return err
	}
	b.quorum = q
	return nil
}

// register records this life of the broker. A directory whose log ends cannot
// be proved (no clean stop, and the machine has restarted since) opens a new
// leader epoch for every partition before anything is served.
func (b *Broker) register() error {
	reg := metadata.Broker{ID: int32(b.config.NodeID), Incarnation: metadata.UUID(b.incarnation)}
	if b.config.Rack != "" {
		reg.Rack = &b.config.Rack
	}
	unproved := false
	for _, d := range b.dirs {
		id, err := wire.ParseTopicID(d.Identity().DirectoryID)
		if err != nil {
			return fmt.Errorf("log directory %s: directory.id: %w", d.Path(), err)
		}
		reg.LogDirs = append(reg.LogDirs, id)
		unproved = unproved || (!d.Clean() && !d.SameBoot())
	}
	for _, l := range b.listeners {
		host, port := b.registeredAt(l)
		if !hasEndpoint(reg.Endpoints, l.name) {
			reg.Endpoints = append(reg.Endpoints, metadata.Endpoint{Name: l.name, Host: host, Port: uint16(port)})
		}
	}
	reg.Features = []metadata.FeatureRange{{
		Name: metadata.FeatureMetadataVersion, Min: metadata.MinLevel, Max: metadata.LatestLevel,
	}}
	var refused metadata.Result
	err := b.proposeAndWait(func(img *metadata.Image, next wire.Offset) []metadata.Record {
		records, epoch, r := metadata.RegisterBroker(img, reg, next)
		refused = r
		b.epoch.Store(epoch)
		if unproved {
			records = append(records, metadata.BumpLeaderEpochs(img, reg.ID)...)
		}
		return records
	})
	if err == nil && !refused.OK() {
		err = fmt.Errorf("this broker cannot register: %s", refused.Message)
	}
	return err
}

func hasEndpoint(list []metadata.Endpoint, name string) bool {
	for _, e := range list {
		if e.Name == name {
			return true
		}
	}
	return false
}

func (b *Broker) registeredAt(l listener) (string, int32) {
	host, port := splitAddr(l.addr)
	if a, ok := b.advertisedFor(l.name); ok && a.Host != "" {
		return a.Host, int32(a.Port)
	}
	return host, port
}

// proposeAndWait is for start and stop, where there is nobody to answer later.
func (b *Broker) proposeAndWait(decide quorum.Decide) error {
	ch := make(chan error, 1)
	b.quorum.ProposeFunc(decide, func(_ wire.Offset, err error) { ch <- err })
	return <-ch
}

// newServer makes the network engine, which does nothing until it listens.
func (b *Broker) newServer() *netio.Server {
	cfg := b.config
	return netio.New(netio.Config{
		MaxFrameBytes: cfg.SocketRequestMaxBytes,
		Budget:        netio.NewBudget(b.requestBudget()),
		IdleTimeout:   idleTimeout(cfg.ConnectionsMaxIdleMs),
		MaxConns:      cfg.MaxConnections,
		MaxConnsPerIP: cfg.MaxConnectionsPerIP,
		SendfileMin:   cfg.SendfileMinBytes,
		SendBuf:       cfg.SocketSendBufferBytes,
		RecvBuf:       cfg.SocketReceiveBufferBytes,
		OnRefused:     b.refused,
	}, b)
}

// serve answers the clients of one listener until the broker stops.
func (b *Broker) serve(l *listener) {
	if err := l.socket.Serve(); err != nil && !b.stopping.Load() {
		b.stopNow(fmt.Errorf("FATAL: listener %s failed: %w", l.addr, err))
	}
}

// idleTimeout: a negative connections.max.idle.ms means never.
func idleTimeout(ms int64) time.Duration {
	if ms < 0 {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}
