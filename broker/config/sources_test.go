package config

import (
	"reflect"
	"strings"
	"testing"
)

// TestListenFlag: --listen over a file for other listeners takes the file's advertised addresses with it.
func TestListenFlag(t *testing.T) {
	flag, err := ListenFlag("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file := []byte("listeners=EXT://:9092\nadvertised.listeners=EXT://a:9092\ninter.broker.listener.name=EXT\n")
	s, warnings := load(t, Sources{Flags: []Setting{flag}, File: "f", Content: file})
	if s.Listeners[0].Address() != "127.0.0.1:0" || s.Advertised != nil || s.InterBrokerListener != "PLAINTEXT" {
		t.Errorf("%+v", s)
	}
	if dropped := ofKind(warnings, WarnDropped); len(dropped) != 2 {
		t.Errorf("warnings %v", warnings)
	}
	s, _ = load(t, Sources{Flags: []Setting{flag}, Sets: []string{"advertised.listeners=PLAINTEXT://b:1"}})
	if len(s.Advertised) != 1 || s.Advertised[0].Host != "b" {
		t.Errorf("--set advertised.listeners was dropped: %v", s.Advertised)
	}
	for _, bad := range []string{"9092", "::1:9092", "host", "a:b", ""} {
		if _, err := ListenFlag(bad); err == nil {
			t.Errorf("--listen %q was accepted", bad)
		}
	}
}

func TestDataDir(t *testing.T) {
	s, _ := load(t, Sources{Flags: DataDir("/d/"), Env: []string{"KAFKA_LOG_DIRS=/x", "KAFKA_METADATA_LOG_DIR=/y"}})
	if s.LogDirs[0] != "/d/log" || s.MetadataDir != "/d/meta" || s.Origin("log.dirs").String() != "--data" {
		t.Errorf("%v %s", s.LogDirs, s.MetadataDir)
	}
	if s, _ = load(t, Sources{Flags: DataDir(DefaultData)}); s.LogDirs[0] != builtin.LogDirs[0] ||
		s.MetadataDir != builtin.MetadataDir {
		t.Errorf("%v and %s are not the defaults", s.LogDirs, s.MetadataDir)
	}
	s, _ = load(t, Sources{Env: []string{"KAFKA_LOG_DIR=/x/, /y"}})
	if !reflect.DeepEqual(s.LogDirs, []string{"/x", "/y"}) || s.MetadataDir != "/x.meta" ||
		s.Value("log.dirs") != "/x,/y" || s.Value("metadata.log.dir") != "/x.meta" {
		t.Errorf("%v %s", s.LogDirs, s.MetadataDir)
	}
}

func TestEnvironment(t *testing.T) {
	for name, want := range map[string]string{
		"KAFKA_LOG_DIRS": "log.dirs", "KAFKA_A__B___C_D": "a_b-c.d", "KAFKA_A____B": "a-.b",
		"CLUSTER_ID":                "tailrace.cluster.id",
		"TAILRACE_SYNC_PARALLELISM": "tailrace.sync.parallelism", "TAILRACE_NUM_PARTITIONS": "num.partitions",
		"TAILRACE_FOO": "tailrace.foo", "KAFKA_TAILRACE_CLUSTER_ID": "tailrace.cluster.id", "KAFKA_": "", "PATH": "",
		"KAFKA_HEAP_OPTS": "", "KAFKA_LOG4J_LOGGERS": "", "KAFKA_JMX_PORT": "", "KAFKA_GC_LOG_OPTS": "",
		"KAFKA_PORT_9092_TCP_ADDR": "", "KAFKA_SERVICE_PORT": "", "TAILRACE_SERVICE_HOST": "", "KAFKA_OPTS": "",
	} {
		if got, ok := environmentKey(name); got != want || ok != (want != "") {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	s, _ := load(t, Sources{Env: []string{"TAILRACE_NUM_PARTITIONS=4", "KAFKA_NUM_PARTITIONS=3",
		"CLUSTER_ID=4L6g3nShT-eMCtK--X86sw", "KAFKA_BROKER_RACK="}})
	if s.NumPartitions != 4 || s.ClusterID != "4L6g3nShT-eMCtK--X86sw" || s.Rack != "" {
		t.Errorf("%+v", s)
	}
}

func TestParseListeners(t *testing.T) {
	all, err := ParseListeners("PLAINTEXT://:9092,internal://localhost:9093, V6://[::1]:0")
	want := []Listener{{"PLAINTEXT", "", "", 9092}, {"INTERNAL", "", "localhost", 9093}, {"V6", "", "::1", 0}}
	if err != nil || !reflect.DeepEqual(all, want) || all[0].Loopback() || !all[1].Loopback() || !all[2].Loopback() {
		t.Errorf("%v, %v", all, err)
	}
	for text, want := range map[string]string{
		"A://a:1,A://b:2": "used twice", "A://:1,B://h:1": "are the same address", "://h:1": "write NAME://HOST:PORT",
		"A://h": "wants HOST:PORT", "A://::1:9092": "IPv6 in brackets", "A://h:65536": "not a number from 0 to 65535",
		"A://h:-1": "not a number", "A://h/x:1": "neither a host name", "A://h:1,": "write NAME://HOST:PORT",
		"A://127.0.0.1:1,A://127.0.0.2:1": "only an IPv4 and an IPv6",
	} {
		if _, err := ParseListeners(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
