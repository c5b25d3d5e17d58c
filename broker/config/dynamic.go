package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// dynamicKeys are the broker keys that can be changed while the broker runs: those of Kafka's (DynamicBrokerConfig)
// that are served, and the topic default of our own. All the others are read at start.
var dynamicKeys = func() map[string]bool {
	keys := map[string]bool{}
	for name := range strings.FieldsSeq(`
		log.cleanup.policy log.segment.bytes log.roll.ms log.roll.jitter.ms log.retention.ms log.retention.bytes
		log.index.size.max.bytes log.index.interval.bytes log.segment.delete.delay.ms log.preallocate
		log.flush.interval.messages log.flush.interval.ms min.insync.replicas message.max.bytes
		compression.type compression.gzip.level compression.lz4.level compression.zstd.level
		log.message.timestamp.type log.message.timestamp.before.max.ms log.message.timestamp.after.max.ms
		producer.id.expiration.ms tailrace.flush.before.ack`) {
		keys[name] = true
	}
	return keys
}()

// Dynamic is what the cluster remembers of broker settings: for all of its brokers, and for this one, which wins.
type Dynamic struct {
	Cluster, Node map[string]string
}

// With gives the snapshot under changed settings; s itself stays as it is. Stored settings that are unknown, invalid
// or only read at start are left out of the result, which is never nil, and named in the error: a broker must come up
// with what another version has stored. Who is asked to store settings asks CheckDynamic first.
func (s *Server) With(d Dynamic) (*Server, error) {
	c := *s
	c.dynamic = [2]map[string]entry{{}, {}}
	var problems []error
	for i, layer := range []map[string]string{d.Cluster, d.Node} {
		for _, name := range slices.Sorted(maps.Keys(layer)) {
			if err := checkDynamic(name, layer[name]); err != nil {
				problems = append(problems, err)
				continue
			}
			c.dynamic[i][name] = entry{layer[name], Origin{FromCluster + Level(i), dynamicOrigins[i]}}
		}
	}
	for i := range Broker {
		if e, ok := c.entryOf(Broker[i].Name); ok && dynamicKeys[Broker[i].Name] {
			if v, reason := Broker[i].parse(e.value); reason == "" {
				bind(&c, serverFields, Broker[i].Name, v)
			}
		}
	}
	l := loader{server: &c}
	l.topicDefaults()
	return &c, errors.Join(append(problems, l.problems...)...)
}

var dynamicOrigins = [2]string{"set for the cluster", "set for this broker"}

func checkDynamic(name, text string) error {
	d, known := brokerIndex[name]
	switch {
	case !known || d.Status == Removed:
		sentence := "Unknown broker config name: " + name
		if near, ok := Nearest(name); ok {
			sentence += " (did you mean " + near + "?)"
		}
		return &InvalidError{name, sentence}
	case !dynamicKeys[name]:
		return notDynamic(name)
	}
	if _, reason := d.parse(text); reason != "" {
		return &RequestError{name, d.refusal(text, reason)}
	}
	return nil
}

func notDynamic(names ...string) error {
	return &RequestError{names[0],
		fmt.Sprintf("Cannot update these configs dynamically: [%s]", strings.Join(names, ", "))}
}

// CheckDynamic judges the settings that one layer would hold: of the cluster, or of this broker. The error is a
// *RequestError in Kafka's words, or an *InvalidError for a key that nobody knows; Kafka stores such a key.
func (s *Server) CheckDynamic(layer map[string]string) error {
	names := slices.Sorted(maps.Keys(layer))
	var fixed []string
	for _, name := range names {
		if d, known := brokerIndex[name]; known && d.Status != Removed && !dynamicKeys[name] {
			fixed = append(fixed, name)
		}
	}
	if len(fixed) > 0 {
		return notDynamic(fixed...)
	}
	for _, name := range names {
		if err := checkDynamic(name, layer[name]); err != nil {
			return err
		}
	}
	then, err := s.With(Dynamic{Node: layer})
	if err == nil && then.topics.RetentionMs == 0 {
		err = &RequestError{"log.retention.ms", "log.retention.ms must be unlimited (-1) or, greater than or equal to 1"}
	}
	return err
}

// Lists reports whether a broker key holds a list, and its value when nothing is set in the layer.
func (s *Server) Lists(name string) (standard string, list bool) {
	d, ok := brokerIndex[name]
	if !ok || d.Kind != List {
		return "", false
	}
	return d.Default, true
}

// ListsTopic is Lists for topic keys: the value of a topic without an override.
func (s *Server) ListsTopic(name string) (standard string, list bool) {
	d, ok := topicIndex[name]
	if !ok || d.Kind != List {
		return "", false
	}
	standard, _ = s.topicDefault(d)
	return standard, true
}

// entryOf is the strongest of what was set for a broker key: for this broker, for the cluster, or at start.
func (s *Server) entryOf(name string) (entry, bool) {
	for _, layer := range [...]map[string]entry{s.dynamic[1], s.dynamic[0]} {
		if e, ok := layer[name]; ok {
			return e, true
		}
	}
	e, ok := s.set[name]
	return e, ok
}
