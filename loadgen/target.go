package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/loadgen/link"
	"tailrace/loadgen/machine"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// target is the broker under load, and the topic on it.
type target struct {
	p       *plan.Plan
	link    *link.Link
	admin   *kadm.Client
	own     *Own
	topic   string
	created bool
	bare    bool               // no broker: it has no topics
	starts  kadm.ListedOffsets // where consumers begin, in a topic that was there
}

// reachWithin bounds the first contact: a broker that is not there is an error at once, not a hanging program.
const reachWithin = 5 * time.Second

// adminWithin bounds calls to a broker that is there.
const adminWithin = 30 * time.Second

// reach finds the broker, or starts one.
func (u *run) reach(ctx context.Context) (*target, error) {
	t := &target{p: u.p}
	if u.o.Bare != nil {
		return t, u.reachBare(t)
	}
	if u.p.BootstrapServer == "" {
		if u.o.Own == nil {
			return nil, errors.New("no broker is named: give --bootstrap-server HOST:PORT")
		}
		u.o.Progress(Progress{Step: "starting a broker"})
		own, err := u.o.Own()
		if err != nil {
			return nil, fmt.Errorf("start a broker of the lab's own: %w", err)
		}
		t.own = &own
		u.p.BootstrapServer = own.Address
		defer func() { u.p.BootstrapServer = "" }()
	}
	way, err := link.New(u.p)
	if err == nil {
		t.link = way
		u.o.Progress(Progress{Step: "connecting to " + u.p.BootstrapServer})
		err = u.greet(ctx, t)
	}
	if err != nil {
		t.close()
		return nil, err
	}
	for _, name := range t.link.Ignored {
		u.warn("the client property %s has no effect here", name)
	}
	return t, nil
}

// reachBare starts a bare loop.
func (u *run) reachBare(t *target) error {
	if !u.p.Raw || u.p.Consumers > 0 || u.p.Acks == plan.AcksNone {
		return errors.New("a bare loop takes raw produce requests with acks, and has no consumers")
	}
	own, err := u.o.Bare()
	if err != nil {
		return fmt.Errorf("start a bare loop: %w", err)
	}
	t.own, t.bare = &own, true
	b := &u.r.Broker
	b.Address, b.Own, b.PID, b.Software = own.Address, true, own.PID, "bare loop"
	u.p.BootstrapServer = own.Address
	defer func() { u.p.BootstrapServer = "" }()
	if t.link, err = link.New(u.p); err != nil {
		t.close()
	}
	return err
}

// greet makes the first contact and recognises the broker.
func (u *run) greet(ctx context.Context, t *target) error {
	cl, err := t.client()
	if err != nil {
		return err
	}
	t.admin = kadm.NewClient(cl)
	ctx, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	b := &u.r.Broker
	b.Address, b.Own = u.p.BootstrapServer, t.own != nil
	if err := cl.Ping(ctx); err != nil {
		return fmt.Errorf("no broker answers at %s: %w", u.p.BootstrapServer, plainCause(err))
	}
	meta, err := t.admin.BrokerMetadata(ctx)
	if err != nil {
		return fmt.Errorf("the broker at %s does not say who it is: %w", u.p.BootstrapServer, plainCause(err))
	}
	b.ClusterID, b.Nodes = meta.Cluster, len(meta.Brokers)
	if versions, err := t.admin.ApiVersions(ctx); err == nil {
		for _, v := range versions {
			b.Version = v.VersionGuess()
		}
	}
	t.recognise(ctx, b, meta)
	b.PID = u.p.BrokerPID
	switch {
	case b.PID != 0:
	case t.own != nil:
		b.PID = t.own.PID
	default:
		b.PID = localPID(u.p.BootstrapServer)
	}
	return nil
}

// plainCause takes the wrapping off that says no more than the sentence around it.
func plainCause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	return err
}

// recognise tells Tailrace from others by a setting that only it has, and learns what an acknowledgement means.
func (t *target) recognise(ctx context.Context, b *result.Broker, meta kadm.Metadata) {
	b.Software = "Apache Kafka or compatible"
	if len(meta.Brokers) == 0 {
		return
	}
	configs, err := t.admin.DescribeBrokerConfigs(ctx, meta.Brokers[0].NodeID)
	if err != nil || len(configs) == 0 {
		return
	}
	flush, every := "", ""
	for _, c := range configs[0].Configs {
		switch c.Key {
		case "tailrace.flush.before.ack":
			flush = c.MaybeValue()
			b.Software, b.Version = "Tailrace", "" // the guess is about releases of Kafka
		case "log.flush.interval.messages":
			every = c.MaybeValue()
		}
	}
	switch {
	case b.Software == "Tailrace" && (flush == "always" || flush == "auto" && b.Nodes == 1):
		b.Durability = "synced with acks=all, page cache otherwise"
	case every == "1":
		b.Durability = "synced"
	default:
		b.Durability = "page cache"
	}
}

// localPID finds the broker's process when the address is one of this machine.
func localPID(address string) int {
	first, _, _ := strings.Cut(address, ",")
	host, port, err := net.SplitHostPort(first)
	if err != nil || !loopback(host) {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return machine.Listener(n)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Remote reports whether a plan's broker may be another machine.
func Remote(p *plan.Plan) bool {
	for a := range strings.SplitSeq(p.BootstrapServer, ",") {
		host, _, err := net.SplitHostPort(a)
		if p.BootstrapServer != "" && (err != nil || !loopback(host)) {
			return true
		}
	}
	return false
}

// client makes a client for this broker; what opts say is stronger.
func (t *target) client(opts ...kgo.Opt) (*kgo.Client, error) {
	all := append(slices.Clone(t.link.Options), kgo.Dialer(t.link.Dial))
	return kgo.NewClient(append(all, opts...)...)
}

// makeTopic makes the topic of the run, or looks at the one that is there.
func (t *target) makeTopic(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, adminWithin)
	defer cancel()
	t.topic = t.p.Topic
	if t.topic == "" {
		t.topic = "loadgen-" + id
	}
	switch {
	case t.bare:
		return nil
	case t.p.UseExistingTopic:
		return t.existing(ctx)
	}
	configs := map[string]*string{}
	for k, v := range t.p.TopicConfig {
		configs[k] = &v
	}
	r, err := t.admin.CreateTopic(ctx, int32(t.p.Partitions), int16(t.p.ReplicationFactor), configs, t.topic)
	switch {
	case errors.Is(err, kerr.TopicAlreadyExists):
		return fmt.Errorf("topic %s exists already: give --use-existing-topic to write into it, or another --topic", t.topic)
	case err != nil && r.ErrMessage != "":
		return fmt.Errorf("topic %s was not created: %s", t.topic, r.ErrMessage)
	case err != nil:
		return fmt.Errorf("topic %s was not created: %w", t.topic, err)
	}
	t.created = true
	return t.settled(ctx)
}

// leaders are the addresses of the leaders of the topic's partitions, for raw connections, which find nothing
// themselves.
func (t *target) leaders(ctx context.Context) ([]string, error) {
	if t.bare {
		return slices.Repeat([]string{t.own.Address}, t.p.Partitions), nil
	}
	if t.link.SASL {
		return nil, errors.New("raw mode does not authenticate: leave --raw out, or measure without SASL")
	}
	ctx, cancel := context.WithTimeout(ctx, adminWithin)
	defer cancel()
	meta, err := t.admin.Metadata(ctx, t.topic)
	if err != nil {
		return nil, err
	}
	addresses := map[int32]string{}
	for _, b := range meta.Brokers {
		addresses[b.NodeID] = net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
	}
	list := make([]string, t.p.Partitions)
	for i := range list {
		p, ok := meta.Topics[t.topic].Partitions[int32(i)]
		if list[i] = addresses[p.Leader]; !ok || list[i] == "" {
			return nil, fmt.Errorf("partition %d of topic %s has no leader", i, t.topic)
		}
	}
	return list, nil
}

// existing learns about a topic that was there before the run.
func (t *target) existing(ctx context.Context) error {
	topics, err := t.admin.ListTopics(ctx, t.topic)
	if err != nil {
		return err
	}
	found, ok := topics[t.topic]
	if !ok || found.Err != nil {
		return fmt.Errorf("topic %s is not there: leave --use-existing-topic out to have it made", t.topic)
	}
	if t.p.IsSet("partitions") && t.p.Partitions != len(found.Partitions) {
		return fmt.Errorf("topic %s has %d partitions, not %d", t.topic, len(found.Partitions), t.p.Partitions)
	}
	t.p.Partitions = len(found.Partitions)
	if t.p.Producers == 0 {
		t.starts, err = t.admin.ListStartOffsets(ctx, t.topic)
	} else {
		t.starts, err = t.admin.ListEndOffsets(ctx, t.topic)
	}
	return err
}

// settled waits until every partition of a new topic has a leader that knows it is one: Kafka tells of leaders before
// they serve, and a raw request that comes in between is refused.
func (t *target) settled(ctx context.Context) error {
	for {
		topics, err := t.admin.ListTopics(ctx, t.topic)
		ready := err == nil && topics[t.topic].Err == nil && len(topics[t.topic].Partitions) == t.p.Partitions
		for _, p := range topics[t.topic].Partitions {
			ready = ready && p.Err == nil && p.Leader >= 0
		}
		if ready {
			ends, err := t.admin.ListEndOffsets(ctx, t.topic)
			ready = err == nil && ends.Error() == nil && len(ends[t.topic]) == t.p.Partitions
		}
		if ready {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("topic %s has no leader for each of its partitions after %v", t.topic, adminWithin)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// consumerOptions are those of one consumer: a member of the run's group, or a reader of every partition.
func (t *target) consumerOptions(ctx context.Context, p *plan.Plan, group string) ([]kgo.Opt, error) {
	opts := []kgo.Opt{kgo.FetchMaxWait(500 * time.Millisecond)}
	if p.Group {
		if t.starts != nil {
			if err := t.admin.CommitAllOffsets(ctx, group, t.starts.Offsets()); err != nil {
				return nil, fmt.Errorf("the offsets that the group begins at: %w", err)
			}
		}
		return append(opts, kgo.ConsumerGroup(group), kgo.ConsumeTopics(t.topic),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())), nil
	}
	at := map[int32]kgo.Offset{}
	for i := range int32(p.Partitions) {
		at[i] = kgo.NewOffset().At(0)
		if o, ok := t.starts.Lookup(t.topic, i); ok {
			at[i] = kgo.NewOffset().At(o.Offset)
		}
	}
	return append(opts, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t.topic: at})), nil
}

// dropTopic deletes the topic if the run made it, also when the run was interrupted.
func (t *target) dropTopic() error {
	if !t.created || t.p.KeepTopic {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), adminWithin)
	defer cancel()
	if t.p.Group {
		_, _ = t.admin.DeleteGroups(ctx, "loadgen-"+strings.TrimPrefix(t.topic, "loadgen-")) // it expires by itself too
	}
	_, err := t.admin.DeleteTopic(ctx, t.topic)
	return err
}

func (t *target) close() {
	if t.admin != nil {
		t.admin.Close()
	}
	if t.own != nil {
		_ = t.own.Stop()
	}
}

// clientVersion is the release of the client library that is built in.
func clientVersion() string {
	const module = "github.com/twmb/franz-go"
	info, _ := debug.ReadBuildInfo()
	if info != nil {
		for _, d := range info.Deps {
			if d.Path == module {
				return "franz-go " + d.Version
			}
		}
	}
	return "franz-go"
}
