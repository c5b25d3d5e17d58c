package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestWith: a broker's own setting wins over the cluster's, both over what was set at start, and s stays as it was.
func TestWith(t *testing.T) {
	s, _ := load(t, Sources{Sets: []string{"message.max.bytes=1000", "log.retention.hours=2"}})
	bytes := func(s *Server) int { c, _ := s.Topic(nil); return c.MaxMessageBytes }
	cluster := map[string]string{"message.max.bytes": "2000", "producer.id.expiration.ms": "5"}
	node := map[string]string{"message.max.bytes": "3000", "log.retention.ms": "7"}
	one, err := s.With(Dynamic{Cluster: cluster})
	both, err2 := s.With(Dynamic{Cluster: cluster, Node: node})
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if bytes(s) != 1000 || bytes(one) != 2000 || bytes(both) != 3000 {
		t.Errorf("message.max.bytes is %d, %d, %d", bytes(s), bytes(one), bytes(both))
	}
	if both.ProducerIDExpirationMs != 5 || s.ProducerIDExpirationMs == 5 {
		t.Errorf("producer.id.expiration.ms is %d, at start %d", both.ProducerIDExpirationMs, s.ProducerIDExpirationMs)
	}
	if c, _ := both.Topic(nil); c.RetentionMs != 7 {
		t.Errorf("retention.ms is %d: the hours of the start win over the broker's milliseconds", c.RetentionMs)
	}
	if o := both.Origin("message.max.bytes"); o.Level != FromNode || both.Value("message.max.bytes") != "3000" {
		t.Errorf("message.max.bytes comes from %+v", o)
	}
	if rows := both.DescribeCluster(); len(rows) != 2 || rows[0].Source != SourceCluster {
		t.Errorf("the cluster's settings are %+v", rows)
	}
}

// TestWithUnknown: what another version has stored is left out and named, the rest counts.
func TestWithUnknown(t *testing.T) {
	got, err := builtin.With(Dynamic{Node: map[string]string{
		"no.such": "1", "node.id": "9", "log.segment.bytes": "x", "message.max.bytes": "77",
	}})
	for _, name := range []string{"no.such", "node.id", "log.segment.bytes"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
	if c, _ := got.Topic(nil); c.MaxMessageBytes != 77 || got.NodeID != builtin.NodeID {
		t.Errorf("max.message.bytes %d, node.id %d", c.MaxMessageBytes, got.NodeID)
	}
}

func TestCheckDynamic(t *testing.T) {
	const words = "String must be one of: compact, delete"
	for text, want := range map[string]string{
		"message.max.bytes=5":     "",
		"node.id=4":               "Cannot update these configs dynamically: [node.id]",
		"max.connections=4":       "Cannot update these configs dynamically: [max.connections]",
		"message.max.byte=4":      "Unknown broker config name: message.max.byte (did you mean message.max.bytes?)",
		"log.cleanup.policy=a":    "Invalid value a for configuration log.cleanup.policy: " + words,
		"log.retention.ms=0":      "log.retention.ms must be unlimited (-1) or, greater than or equal to 1",
		"log.segment.bytes=1":     "Invalid value 1 for configuration log.segment.bytes: Value must be at least 1048576",
		"zookeeper.connect=here":  "Cannot update these configs dynamically: [zookeeper.connect]",
		"host.name=here":          "Unknown broker config name: host.name",
		"compression.type=snappy": "",
	} {
		key, value, _ := strings.Cut(text, "=")
		err := builtin.CheckDynamic(map[string]string{key: value})
		var refused *RequestError
		got := ""
		if err != nil {
			got = err.Error()
		}
		unknown := strings.HasPrefix(want, "Unknown")
		if got != want && !(unknown && strings.HasPrefix(got, want)) || want != "" && errors.As(err, &refused) == unknown {
			t.Errorf("%s: %q (%T), want %q", text, got, err, want)
		}
	}
}

// TestDynamicKeys: each of them is a served setting that takes effect without a restart, and is described as such.
func TestDynamicKeys(t *testing.T) {
	feeds := map[string]bool{"producer.id.expiration.ms": true}
	for i := range Topic {
		for _, s := range Topic[i].Synonyms {
			feeds[s.Name] = true
		}
	}
	for name := range dynamicKeys {
		if d := brokerIndex[name]; d == nil || d.Status != Served || d.Restart || !feeds[name] {
			t.Errorf("%s cannot be changed while the broker runs: %+v", name, d)
		}
	}
	changeable := 0
	for _, row := range builtin.Describe() {
		if !row.ReadOnly {
			changeable++
		}
	}
	if changeable != len(dynamicKeys) {
		t.Errorf("%d settings are described as changeable, %d are", changeable, len(dynamicKeys))
	}
}

func TestGroupSettings(t *testing.T) {
	for text, want := range map[string]string{
		"consumer.session.timeout.ms=50000": "",
		"consumer.session.timeout.ms=1": "consumer.session.timeout.ms must be greater than or equal to " +
			"group.consumer.min.session.timeout.ms",
		"consumer.session.timeout.ms=90000": "consumer.session.timeout.ms must be less than or equal to " +
			"group.consumer.max.session.timeout.ms",
		"streams.num.standby.replicas=3": "streams.num.standby.replicas must be less than or equal to " +
			"group.streams.max.standby.replicas",
		"share.isolation.level=loud": "Invalid value loud for configuration share.isolation.level: " +
			"String must be one of: read_committed, read_uncommitted",
		"share.auto.offset.reset=by_duration:PT1H": "",
		"consumer.sesion.timeout.ms=1": "Unknown group config name: consumer.sesion.timeout.ms " +
			"(did you mean consumer.session.timeout.ms?)",
	} {
		key, value, _ := strings.Cut(text, "=")
		got := ""
		if err := builtin.CheckGroup(map[string]string{key: value}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	rows := builtin.DescribeGroup(map[string]string{"consumer.session.timeout.ms": "50000"})
	i := slices.IndexFunc(rows, func(r Row) bool { return r.Name == "consumer.session.timeout.ms" })
	if r := rows[i]; r.Value != "50000" || r.Source != SourceGroup || len(r.Synonyms) != 2 ||
		r.Synonyms[1] != (RowSynonym{"group.consumer.session.timeout.ms", "45000", false, SourceDefault}) {
		t.Errorf("%+v", r)
	}
}

func TestClientMetricsSettings(t *testing.T) {
	for text, want := range map[string]string{
		"interval.ms=1000":            "",
		"interval.ms=1":               "Invalid value 1 for interval.ms, interval must be between 100 and 3600000 (1 hour)",
		"match=client_id=a.*":         "",
		"match=client_id":             "Illegal client matching pattern: client_id",
		"match=shoe_size=43":          "Illegal client matching pattern: shoe_size=43",
		"match=client_id=(":           "Illegal client matching pattern: client_id=(",
		"metrics=*":                   "",
		"push=1":                      "Unknown client metrics configuration: push",
		"interval.ms=x":               "Invalid value x for configuration interval.ms: Not a number of type INT",
		"match=client_id=a,client_=b": "Illegal client matching pattern: client_=b",
	} {
		key, value, _ := strings.Cut(text, "=")
		got := ""
		if err := CheckClientMetrics(map[string]string{key: value}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	rows := DescribeClientMetrics(map[string]string{"metrics": "a,b"})
	if r := rows[2]; r.Value != "a,b" || r.Source != SourceClientMetrics {
		t.Errorf("%+v", r)
	}
}
