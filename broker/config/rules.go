package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// dropOvertaken takes back what a flag made meaningless: --listen moves the listeners, so addresses that a weaker
// source advertised for the old ones, and the name it gave inter-broker traffic, no longer hold.
func (l *loader) dropOvertaken() {
	set := l.server.set
	flag := set["listeners"].origin
	if flag.Level != FromFlag {
		return
	}
	for _, name := range []string{"advertised.listeners", "inter.broker.listener.name"} {
		if e, ok := set[name]; ok && e.origin.Level < FromSet {
			l.warn(WarnDropped, fmt.Sprintf("%s (%s) is left aside, because %s replaces the listeners",
				name, e.origin.Where, flag.Where), name)
			delete(set, name)
			if name == "inter.broker.listener.name" {
				l.server.InterBrokerListener = ""
			}
		}
	}
}

// identity settles node.id, which older files call broker.id.
func (l *loader) identity() {
	set := l.server.set
	old, hasOld := set["broker.id"]
	if !hasOld || strings.TrimSpace(old.value) == "-1" { // -1: let the broker choose
		return
	}
	id, err := strconv.Atoi(strings.TrimSpace(old.value))
	now, hasNow := set["node.id"]
	switch {
	case err != nil: // said by readAll
	case hasNow && now.origin.Level == old.origin.Level && id != l.server.NodeID:
		l.refuse("node.id", fmt.Sprintf("node.id=%d and broker.id=%d name the same thing: leave broker.id out",
			l.server.NodeID, id))
	case !hasNow || old.origin.Level > now.origin.Level:
		l.server.NodeID = id
		set["node.id"] = entry{old.value, old.origin}
	}
}

const oneNode = "a cluster of several nodes is not served yet"

// quorum refuses whatever would make this node part of a larger cluster.
func (l *loader) quorum() {
	s := l.server
	if !slices.Contains(s.Roles, "broker") || !slices.Contains(s.Roles, "controller") {
		l.refuse("process.roles", fmt.Sprintf("process.roles=%s needs other nodes, and %s: "+
			"write process.roles=broker,controller or leave it out", strings.Join(s.Roles, ","), oneNode))
	}
	if n := len(s.QuorumVoters); n > 1 {
		l.refuse("controller.quorum.voters", fmt.Sprintf("%d quorum voters are named, and %s: "+
			"name this node alone or leave the setting out", n, oneNode))
	} else if n == 1 {
		id, _, ok := strings.Cut(s.QuorumVoters[0], "@")
		if voter, err := strconv.Atoi(strings.TrimSpace(id)); !ok || err != nil {
			l.refuse("controller.quorum.voters", fmt.Sprintf("%q is not a voter: write ID@HOST:PORT", s.QuorumVoters[0]))
		} else if voter != s.NodeID {
			l.refuse("controller.quorum.voters", fmt.Sprintf("the quorum voter is node %d and this is node %d, and %s: "+
				"set node.id=%d or leave the setting out", voter, s.NodeID, oneNode, voter))
		}
	}
	if n := len(s.QuorumBootstrap); n > 1 {
		l.refuse("controller.quorum.bootstrap.servers", fmt.Sprintf("%d controllers are named, and %s: "+
			"name this node alone or leave the setting out", n, oneNode))
	}
}

// network settles what is bound, with which protocol, and what is advertised.
func (l *loader) network() {
	s := l.server
	for i, name := range s.ControllerListeners {
		s.ControllerListeners[i] = strings.ToUpper(name)
	}
	all, err := ParseListeners(strings.TrimSpace(l.text("listeners")))
	if err != nil {
		return // said by readAll
	}
	if s.Protocols, err = parseProtocolMap(l.text("listener.security.protocol.map")); err != nil {
		return
	}
	for _, listener := range all {
		if slices.Contains(s.ControllerListeners, listener.Name) {
			continue // accepted and not bound: the controller is in this process
		}
		listener.Protocol = s.Protocols[listener.Name]
		switch listener.Protocol {
		case "PLAINTEXT":
			s.Listeners = append(s.Listeners, listener)
		case "":
			l.refuse("listeners", fmt.Sprintf("listener %s has no security protocol: add %s:PLAINTEXT to "+
				"listener.security.protocol.map", listener.Name, listener.Name))
		default:
			l.refuse("listeners", fmt.Sprintf("listener %s asks for %s, which is not served yet: "+
				"only PLAINTEXT is; it is not opened unprotected in its place", listener, listener.Protocol))
		}
	}
	if len(s.Listeners) == 0 {
		l.refuse("listeners", "no listener is left for clients: all of "+l.text("listeners")+
			" are refused or in controller.listener.names")
		return
	}
	l.advertise()
	l.interBroker()
	l.exposed()
}

func (l *loader) bound(name string) bool {
	return slices.ContainsFunc(l.server.Listeners, func(b Listener) bool { return b.Name == name })
}

func (l *loader) advertise() {
	const key = "advertised.listeners"
	s := l.server
	text := strings.TrimSpace(l.text(key))
	if text == "" {
		return
	}
	all, err := parseEndpoints(text)
	if err != nil {
		l.refuse(key, err.Error())
		return
	}
	for _, a := range all {
		host, _ := netip.ParseAddr(a.Host)
		switch {
		case slices.Contains(s.ControllerListeners, a.Name):
			continue
		case !l.bound(a.Name):
			l.refuse(key, fmt.Sprintf("%s advertises a listener that listeners=%s does not open", a, l.text("listeners")))
		case host.IsValid() && host.IsUnspecified():
			l.refuse(key, fmt.Sprintf("%s cannot be reached by anyone: name the host as clients know it, "+
				"or leave the setting out to answer with the address a client came in by", a))
		case a.Port == 0:
			l.refuse(key, fmt.Sprintf("%s: port 0 cannot be advertised; leave the setting out", a))
		case slices.ContainsFunc(s.Advertised, func(b Listener) bool { return b.Name == a.Name }):
			l.refuse(key, fmt.Sprintf("listener %s is advertised twice", a.Name))
		default:
			a.Protocol = s.Protocols[a.Name]
			s.Advertised = append(s.Advertised, a)
		}
	}
}

func (l *loader) interBroker() {
	s := l.server
	if s.InterBrokerListener == "" {
		s.InterBrokerListener = s.Listeners[0].Name
	}
	s.InterBrokerListener = strings.ToUpper(s.InterBrokerListener)
	if !l.bound(s.InterBrokerListener) {
		l.refuse("inter.broker.listener.name", fmt.Sprintf("%s is not among listeners=%s",
			s.InterBrokerListener, l.text("listeners")))
	}
}

func (l *loader) exposed() {
	var open []string
	for _, b := range l.server.Listeners {
		if !b.Loopback() {
			open = append(open, b.String())
		}
	}
	if len(open) > 0 {
		l.warn(WarnExposed, strings.Join(open, ", ")+" can be reached from other machines without authentication: "+
			"whoever reaches it may read, write and delete everything", "listeners")
	}
}

// relation is a rule between settings. Rules that Kafka has as well stop the start; the rest are warned of, because
// Kafka starts with such values.
type relation struct {
	keys   []string // the first is named as the culprit
	fatal  bool
	broken func(s *Server) bool
	reason string
}

var relations = []relation{
	{[]string{"queued.max.request.bytes", "socket.request.max.bytes"}, true, func(s *Server) bool {
		return s.QueuedMaxRequestBytes > 0 && s.QueuedMaxRequestBytes < int64(s.SocketRequestMaxBytes)
	}, "must not be smaller: a request of the largest size would wait for ever for its memory"},
	{[]string{"log.retention.ms", "log.retention.minutes", "log.retention.hours"}, true, func(s *Server) bool {
		return s.topics.RetentionMs == 0
	}, "must be unlimited (-1) or, greater than or equal to 1: nothing could be read before it is dropped"},
	{[]string{"max.connections.per.ip"}, true, func(s *Server) bool { return s.MaxConnectionsPerIP == 0 },
		"must be at least 1, or nobody can connect (max.connections.per.ip.overrides is not served yet)"},
	{[]string{"max.connections"}, true, func(s *Server) bool { return s.MaxConnections == 0 },
		"must be at least 1, or nobody can connect"},
	{[]string{"log.cleaner.dedupe.buffer.size", "log.cleaner.threads"}, true, func(s *Server) bool {
		return s.CleanerThreads > 0 && s.CleanerDedupeBytes/int64(s.CleanerThreads) <= 1<<20
	}, "must be at least 1MB per cleaner thread: less holds too few keys"},
	{[]string{"log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"}, true, func(s *Server) bool {
		return len(s.topicRelations(nil)) > 0
	}, "must not be larger: a record would have to be compacted before it may be"},
	{[]string{"message.max.bytes", "socket.request.max.bytes"}, false, func(s *Server) bool {
		return s.topics.MaxMessageBytes > s.SocketRequestMaxBytes
	}, "should not be larger: the largest batch allowed does not fit into the largest request allowed"},
	{[]string{"message.max.bytes", "log.segment.bytes"}, false, func(s *Server) bool {
		return s.topics.MaxMessageBytes > s.topics.SegmentBytes
	}, "should not be larger: a batch must fit into one segment, else it is refused with RECORD_LIST_TOO_LARGE"},
	{[]string{"log.index.interval.bytes", "log.segment.bytes"}, false, func(s *Server) bool {
		return s.topics.IndexIntervalBytes > s.topics.SegmentBytes
	}, "should not be larger: segments would have no index entry and every read would scan from their start"},
	{[]string{"tailrace.max.inflated.bytes", "message.max.bytes"}, false, func(s *Server) bool {
		return s.MaxInflatedBytes < s.topics.MaxMessageBytes
	}, "should not be smaller: a batch that is allowed compressed could never be inflated"},
	{[]string{"default.replication.factor"}, false, func(s *Server) bool { return s.DefaultReplicationFactor > 1 },
		"should be 1 while this node is alone: topics that ask for the default are refused with " +
			"INVALID_REPLICATION_FACTOR"},
	{[]string{"min.insync.replicas", "default.replication.factor"}, false, func(s *Server) bool {
		return s.topics.MinInsyncReplicas > s.DefaultReplicationFactor
	}, "should not be larger: acks=all would be refused with NOT_ENOUGH_REPLICAS on every new topic"},
	{[]string{"fetch.max.bytes", "message.max.bytes"}, false, func(s *Server) bool {
		return s.FetchMaxBytes < s.topics.MaxMessageBytes
	}, "should not be smaller: one large batch then exceeds the bound of every answer it is in"},
}

func (l *loader) relations() {
	if len(l.problems) > 0 {
		return // values that are refused already would be judged twice
	}
	for _, r := range relations {
		if !r.broken(l.server) {
			continue
		}
		culprit := r.keys[0]
		var shown []string
		for _, key := range r.keys {
			if value := l.server.Value(key); value != "" {
				shown = append(shown, key+"="+value)
			}
		}
		text := strings.Join(shown, ", ") + ": " + culprit + " " + r.reason
		if r.fatal {
			l.refuse(culprit, text)
		} else {
			l.warn(WarnRelation, text, r.keys...)
		}
	}
}
