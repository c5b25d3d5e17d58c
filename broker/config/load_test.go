package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func load(t *testing.T, src Sources) (*Server, []Warning) {
	t.Helper()
	s, warnings, err := Load(src)
	if err != nil {
		t.Fatal(err)
	}
	return s, warnings
}

func ofKind(warnings []Warning, kind WarnKind) []string {
	var texts []string
	for _, w := range warnings {
		if w.Kind == kind {
			texts = append(texts, w.Text)
		}
	}
	return texts
}

func TestNothingSet(t *testing.T) {
	s, warnings := load(t, Sources{})
	if len(warnings) > 0 {
		t.Errorf("warnings without settings: %v", warnings)
	}
	if got := fmt.Sprint(s.Listeners); got != "[PLAINTEXT://127.0.0.1:9092 PLAINTEXT://[::1]:9092]" {
		t.Errorf("listeners %s", got)
	}
	if s.NodeID != 1 || s.Advertised != nil || !slices.Equal(s.LogDirs, []string{"tailrace-data/log"}) ||
		s.MetadataDir != "tailrace-data/meta" || s.InterBrokerListener != "PLAINTEXT" || !s.AutoCreateTopics {
		t.Errorf("%+v", s)
	}
	if c, err := s.Topic(nil); err != nil || c.FlushBeforeAck != FlushAuto || c.RetentionMs != 604800000 ||
		c.Cleanup != CleanupDelete || c.Compression != CompressAsProduced || c.GzipLevel != -1 {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestShippedFile: Kafka 4.3.1's own server.properties starts Tailrace unchanged.
func TestShippedFile(t *testing.T) {
	content, err := os.ReadFile("testdata/server.properties")
	if err != nil {
		t.Fatal(err)
	}
	s, warnings := load(t, Sources{File: "server.properties", Content: content})
	if got := fmt.Sprint(s.Listeners, s.Advertised); got != "[PLAINTEXT://:9092] [PLAINTEXT://localhost:9092]" {
		t.Errorf("listeners %s", got)
	}
	if s.LogDirs[0] != "/tmp/kraft-combined-logs" || s.MetadataDir != "/tmp/kraft-combined-logs.meta" {
		t.Errorf("directories %v, %s", s.LogDirs, s.MetadataDir)
	}
	if s.SocketSendBufferBytes != 102400 || s.RetentionCheckMs != 300000 || s.Protocols["CONTROLLER"] != "PLAINTEXT" {
		t.Errorf("%+v", s)
	}
	want := map[WarnKind]string{
		WarnExposed: "PLAINTEXT://:9092 can be reached",
		WarnIgnored: "num.recovery.threads.per.data.dir (server.properties:20)",
		WarnLater:   "transaction.state.log.replication.factor (server.properties:25), ",
	}
	for _, w := range warnings {
		if part := want[w.Kind]; part == "" || !strings.Contains(w.Text, part) {
			t.Errorf("warning %+v", w)
		}
		delete(want, w.Kind)
	}
	if len(want) > 0 {
		t.Errorf("missing warnings %v", want)
	}
}

// TestPrecedence sets one key in every subset of the sources: the strongest wins and says where it stood.
func TestPrecedence(t *testing.T) {
	const key = "tailrace.flush.before.ack"
	for subset := range 1 << 5 {
		src, want, origin := Sources{}, "auto", Origin{}
		if subset&1 != 0 {
			src.Dev, want, origin = true, "never", Origin{FromDev, "--dev"}
		}
		if subset&2 != 0 {
			src.File, src.Content = "f", []byte("\n"+key+"=always\n")
			want, origin = "always", Origin{FromFile, "f:2"}
		}
		if subset&4 != 0 {
			src.Env = []string{"PATH=/bin", "TAILRACE_FLUSH_BEFORE_ACK=never"}
			want, origin = "never", Origin{FromEnv, "TAILRACE_FLUSH_BEFORE_ACK"}
		}
		if subset&8 != 0 {
			src.Sets = []string{key + "=never", key + "=auto"}
			want, origin = "auto", Origin{FromSet, "--set"}
		}
		if subset&16 != 0 {
			src.Flags = []Setting{{key, "always", "--flag"}}
			want, origin = "always", Origin{FromFlag, "--flag"}
		}
		s, warnings := load(t, src)
		c, _ := s.Topic(nil)
		if s.Value(key) != want || s.Origin(key) != origin || c.FlushBeforeAck.String() != want {
			t.Errorf("subset %05b: %s from %v, want %s from %v", subset, s.Value(key), s.Origin(key), want, origin)
		}
		if got := len(ofKind(warnings, WarnUndurable)); got != map[bool]int{true: 1}[subset == 1] {
			t.Errorf("subset %05b: %d warnings of --dev", subset, got)
		}
	}
}

// TestUnits: the strongest source decides between units, Kafka's order within one source.
func TestUnits(t *testing.T) {
	for _, c := range []struct {
		file, set string
		want      int64
	}{
		{"log.retention.hours=1\nlog.retention.minutes=2\nlog.retention.ms=3", "", 3},
		{"log.retention.hours=1\nlog.retention.minutes=2", "", 120000},
		{"log.retention.hours=1", "", 3600000}, {"log.retention.hours=-1", "", -1}, {"log.retention.ms=-7", "", -1},
		{"log.retention.ms=3", "log.retention.hours=2", 7200000},
	} {
		src := Sources{File: "f", Content: []byte(c.file)}
		if c.set != "" {
			src.Sets = []string{c.set}
		}
		s, _ := load(t, src)
		if topic, _ := s.Topic(nil); topic.RetentionMs != c.want {
			t.Errorf("%q, %q: %d, want %d", c.file, c.set, topic.RetentionMs, c.want)
		}
	}
	s, _ := load(t, Sources{Sets: []string{
		"log.roll.hours=2", "log.roll.jitter.hours=1", "log.flush.scheduler.interval.ms=9"}})
	if c, _ := s.Topic(nil); c.SegmentMs != 7200000 || c.SegmentJitterMs != 3600000 || c.FlushMs != 9 {
		t.Errorf("%+v", c)
	}
}

func TestRefusals(t *testing.T) {
	for settings, want := range map[string]string{
		"listeners=SSL://:9093": "f:1: listener SSL://:9093 asks for SSL, which is not served yet",
		"listeners=A://:9092;listener.security.protocol.map=A:SASL_PLAINTEXT": "asks for SASL_PLAINTEXT",
		"listeners=A://:9092":                                  "listener A has no security protocol: add A:PLAINTEXT",
		"listeners=CONTROLLER://:9093":                         "no listener is left for clients",
		"listeners=PLAINTEXT:9092":                             "Invalid value PLAINTEXT:9092 for configuration listeners",
		"listener.security.protocol.map=PLAINTEXT:TLS":         `"TLS" is not a protocol of listener PLAINTEXT`,
		"advertised.listeners=PLAINTEXT://0.0.0.0:9092":        "cannot be reached by anyone",
		"advertised.listeners=PLAINTEXT://a:0":                 "port 0 cannot be advertised",
		"advertised.listeners=X://a:1":                         "advertises a listener that",
		"advertised.listeners=PLAINTEXT://a:1,PLAINTEXT://b:2": "advertised twice",
		"advertised.listeners=nonsense":                        "is not a listener",
		"inter.broker.listener.name=X":                         "X is not among listeners",
		"authorizer.class.name=a.B":                            "f:1: authorizer.class.name=a.B is refused: access control",
		"super.users=User:a":                                   "is refused",
		"delegation.token.secret.key=sesame":                   "delegation.token.secret.key=(hidden) is refused",
		"security.inter.broker.protocol=SSL":                   "only PLAINTEXT is served yet",
		"principal.builder.class=a.B":                          "loads no Java classes",
		"config.providers=file":                                "loads no Java classes",
		"remote.log.storage.system.enable=true":                "tiered storage is not served",
		"zookeeper.connect=a:2181":                             "Kafka left ZooKeeper",
		"process.roles=controller":                             "write process.roles=broker,controller",
		"process.roles=broker":                                 "write process.roles=broker,controller",
		"process.roles=both":                                   "String must be one of: broker, controller",
		"controller.quorum.voters=1@a:1,2@b:1":                 "2 quorum voters are named",
		"controller.quorum.voters=2@a:1":                       "the quorum voter is node 2 and this is node 1",
		"controller.quorum.voters=a:1":                         "write ID@HOST:PORT",
		"controller.quorum.bootstrap.servers=a:1,b:1":          "2 controllers are named",
		"node.id=1;broker.id=2":                                "node.id=1 and broker.id=2 name the same thing",
		"node.id=-1":                                           "Value must be at least 0",
		"num.partitions=0":                                     "f:1: Invalid value 0 for configuration num.partitions: ",
		"num.io.threads=x":                                     "Not a number of type INT",
		"log.segment.bytes=5":                                  "Value must be at least 1048576",
		"log.roll.ms=0":                                        "Invalid value 0 for configuration log.roll.ms: Value",
		"log.retention.ms=0":                                   "must be unlimited (-1) or",
		"log.dirs=a,a/":                                        "the log directory a is named twice",
		"log.dirs=/a,/a/b":                                     "the log directory /a/b lies inside /a",
		"log.dirs=/a;metadata.log.dir=/a":                      "lie inside one another",
		"log.dirs=/a;metadata.log.dir=/a/meta":                 "lie inside one another",
		"queued.max.request.bytes=1000":                        "a request of the largest size would wait for ever",
		"max.connections=0":                                    "nobody can connect",
		"max.connections.per.ip=0":                             "nobody can connect",
		"tailrace.flush.before.ack=maybe":                      "String must be one of: auto, always, never",
		"tailrace.cluster.id=a b":                              "only letters, digits",
		"log.cleaner.min.compaction.lag.ms=9;log.cleaner.max.compaction.lag.ms=5": "must not be larger",
		"just a line": "",
		"broken":      `f:1: "broken" has no value`,
	} {
		_, _, err := Load(Sources{File: "f", Content: []byte(strings.ReplaceAll(settings, ";", "\n"))})
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", settings, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", settings, err, want)
		}
	}
}

// TestAccepted: what asks for nothing that is missing starts, however it is spelled.
func TestAccepted(t *testing.T) {
	for _, settings := range []string{
		"authorizer.class.name=", "controller.quorum.voters=1@localhost:9093", "node.id=5\ncontroller.quorum.voters=5@a:1",
		"broker.id=7\ncontroller.quorum.voters=7@a:1", "broker.id=-1", "node.id=3\nbroker.id=3",
		"remote.log.storage.system.enable=FALSE", "security.inter.broker.protocol=PLAINTEXT", "ssl.keystore.location=/x",
		"listeners=PLAINTEXT://[::1]:0,plaintext://127.0.0.1:0", "process.roles=controller, broker",
		"listeners=PLAINTEXT://:9092,C://:9093\ncontroller.listener.names=c\n" +
			"listener.security.protocol.map=C:SSL,PLAINTEXT:PLAINTEXT",
		"advertised.listeners=PLAINTEXT://:19092", "log.retention.bytes=-1", "queued.max.request.bytes=104857600",
		"zookeeper.connection.timeout.ms=6000", "listener.name.plaintext.ssl.client.auth=required", "log.dirs=/a,/b",
	} {
		if _, _, err := Load(Sources{File: "f", Content: []byte(settings)}); err != nil {
			t.Errorf("%s: %v", settings, err)
		}
	}
}

func TestEveryFaultIsSaid(t *testing.T) {
	_, _, err := Load(Sources{Sets: []string{
		"num.partitons=3", "num.partitions=0", "nonsense", "authorizer.class.name=x"}})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 4 {
		t.Fatalf("got %v", err)
	}
	var first *SettingError
	if !errors.As(err, &first) || first.Text != `unknown setting "num.partitons": did you mean num.partitions?` {
		t.Errorf("got %v", first)
	}
}

func TestWarnings(t *testing.T) {
	env := []string{"KAFKA_HEAP_OPTS=-Xmx1g", "KAFKA_NUM_PARTITON=3"}
	_, warnings := load(t, Sources{File: "f", Env: env, Content: []byte(
		"foo=1\nnum.partitions=2\nnum.partitions=3\nhost.name=a\nnum.io.threads=8\nbackground.threads=9\n" +
			"confluent.x=y\ngroup.consumer.max.size=5\nmessage.max.bytes=200000000\n")})
	want := []string{
		"num.partitions is set twice, at f:2 and f:3: the later one counts",
		`f:1: unknown setting "foo" has no effect`,
		`KAFKA_NUM_PARTITON: unknown setting "num.partiton" has no effect: did you mean num.partitions?`,
		"message.max.bytes=200000000, socket.request.max.bytes=104857600: message.max.bytes should not be larger: " +
			"the largest batch allowed does not fit into the largest request allowed",
		"set, but what they configure is not served yet: group.consumer.max.size (f:8)",
		"set, but without effect on Tailrace: confluent.x (f:7), background.threads (f:6)",
		"set, but gone from Kafka 4 and without effect: host.name (f:4; use listeners and advertised.listeners)",
	}
	for _, text := range want {
		if !slices.ContainsFunc(warnings, func(w Warning) bool { return w.Text == text }) {
			t.Errorf("no warning %q in\n%+v", text, warnings)
		}
	}
}
