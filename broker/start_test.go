package broker_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tailrace/broker"
	"tailrace/broker/config"
)

// otherBroker is the address of a broker that the tests of the protocol are run against instead of one in this process:
// an Apache Kafka there proves the tests themselves (scripts/kafka up DIR 19092; TAILRACE_TEST_BROKER=127.0.0.1:19092).
// Tests that need settings, a restart or the broker's counters always run one of their own.
var otherBroker = os.Getenv("TAILRACE_TEST_BROKER")

// node is a broker under test.
type node struct {
	*broker.Broker
	addr string
	dir  string
	sets []string
	log  logText
}

// serve is a broker with the default settings, in this process or the one that TAILRACE_TEST_BROKER names. Only groups
// do not wait for more members at first.
func serve(t testing.TB) *node {
	t.Helper()
	if otherBroker != "" {
		return &node{addr: otherBroker}
	}
	return start(t, noGroupDelay)
}

const noGroupDelay = "group.initial.rebalance.delay.ms=0"

// start runs a broker on a free port and an empty directory. Settings are key=value.
func start(t testing.TB, sets ...string) *node {
	t.Helper()
	n := &node{dir: t.TempDir(), sets: sets}
	n.open(t)
	t.Cleanup(func() { n.stop(t) })
	return n
}

// open starts the broker on its directory, for the first time or again.
func (n *node) open(t testing.TB) {
	t.Helper()
	src := config.Sources{Sets: n.sets, Flags: config.DataDir(n.dir)}
	if !strings.Contains(strings.Join(n.sets, "\n"), "listeners=") {
		src.Flags = append(src.Flags, config.Setting{Key: "listeners", Value: "PLAINTEXT://127.0.0.1:0"})
	}
	cfg, _, err := config.Load(src)
	if err != nil {
		t.Fatal(err)
	}
	n.Broker, err = broker.Start(broker.Options{Config: cfg, Logger: slog.New(slog.NewTextHandler(&n.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	n.addr = n.Addrs()[0]
}

func (n *node) stop(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// restart ends the broker, in order or by a crash, and starts it again on its directory.
func (n *node) restart(t testing.TB, crash bool) {
	t.Helper()
	if crash {
		if err := n.Crash(); err != nil {
			t.Fatalf("crash: %v", err)
		}
	} else {
		n.stop(t)
	}
	n.open(t)
}

// settled waits until a new topic can be used everywhere. Tailrace answers CreateTopics only then; Apache Kafka before.
func (p *peer) settled(topic string, partitions int32) {
	p.t.Helper()
	if otherBroker == "" {
		return
	}
	for until := time.Now().Add(answerWithin); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		ready := int32(0)
		for i := range partitions {
			if p.listOffset(10, topic, i, -2).ErrorCode == 0 {
				ready++
			}
		}
		if ready == partitions {
			return
		}
	}
	p.t.Fatalf("topic %s did not get ready", topic)
}

// logText keeps what the broker logs.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
