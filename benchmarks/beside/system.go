package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tailrace/benchmarks/proc"
	"tailrace/benchmarks/rawclient"
	"tailrace/benchmarks/scenario"
)

// served is a system that is up.
type served struct {
	system  scenario.System
	addr    string
	process *proc.Process
	dir     string // a directory of its own; what it stores lies below logs
	server  *proc.Server
}

// broker reports whether a system has topics.
func broker(s scenario.System) bool { return s != scenario.Loop && s != scenario.BestLoop }

// compiles reports whether a system compiles while it runs.
func compiles(s scenario.System) bool { return s == scenario.Kafka || s == scenario.Kafka4g }

// heaps are the sizes of the JVM's, least and most alike, as Kafka's start script sets them.
var heaps = map[scenario.System]string{scenario.Kafka: "1g", scenario.Kafka4g: "4g"}

// logs is where a system's partitions lie, in directories that both name alike.
func (s *served) logs() string {
	if s.system == scenario.Tailrace {
		return filepath.Join(s.dir, "data", "log")
	}
	return filepath.Join(s.dir, "data")
}

// start runs a broker pinned to the server's core, on a new directory, until it answers.
func (c *contest) start(system scenario.System) (*served, error) {
	l, err := c.newLife(system)
	if err != nil {
		return nil, err
	}
	if err := l.begin(); err != nil {
		return nil, l.end(err)
	}
	return l.served, nil
}

// startLoop runs a bare loop for one row.
func (c *contest) startLoop(system scenario.System, r *scenario.Row) (*served, error) {
	flags, err := loopFlags(system, r)
	if err != nil {
		return nil, err
	}
	s, err := proc.StartServer(c.serverCore, "", c.loop, append([]string{"serve", "--keep"}, flags...)...)
	if err != nil {
		return nil, err
	}
	return &served{system, s.Addr, s.Process, s.Dir, s}, nil
}

// stop asks the system to end, and waits. Kafka is killed: Java ends a SIGTERM with a code that looks like a failure,
// and nothing of Kafka's is wanted any more.
func (s *served) stop() error {
	if compiles(s.system) {
		s.server.Kill()
		return nil
	}
	return s.server.Stop()
}

// discard ends the system and removes its directory.
func (s *served) discard() error {
	return errors.Join(s.stop(), os.RemoveAll(s.dir))
}

// gone reports whether the system has ended by itself.
func (s *served) gone() bool {
	_, err := s.process.CPU()
	return err != nil
}

// lastWords ends a system that went wrong, and returns the end of what it printed.
func (s *served) lastWords() string {
	s.server.Kill()
	return s.printed()
}

// printed is the end of what the process printed, errors first if there are any: Kafka says a lot about each partition.
func (s *served) printed() string {
	const atMost = 20
	lines := strings.Split(strings.TrimSpace(s.server.Output()), "\n")
	var wrong []string
	for _, line := range lines {
		if strings.Contains(line, " ERROR ") || strings.Contains(line, "Exception") || strings.Contains(line, " FATAL ") {
			wrong = append(wrong, line)
		}
	}
	if len(wrong) > 0 {
		lines = wrong
	}
	return strings.Join(lines[max(0, len(lines)-atMost):], "\n")
}

// Deleted data leaves memory and disk soon, on both systems, or a row would share the disk with the bytes of those
// before it, and would fill memory that proc.Warm has not made ready. For a topic that is deleted, Kafka asks the
// broker's setting and not the topic's: a minute, else. It begins to delete 30 s after its start, within the warm-up.
const (
	deleteDelay      = "file.delete.delay.ms"
	kafkaDeletesSoon = "log.segment.delete.delay.ms=100"
)

// durabilityKeys set what an ack means, for a topic. Kafka's flush.messages=1 is log.flush.interval.messages=1 for one
// topic: every append is synced before it is acknowledged. Tailrace's own key speaks of acks all alone, so a synced row
// with acks 1 needs flush.messages there too.
func durabilityKeys(system scenario.System, r *scenario.Row) map[string]string {
	keys := map[string]string{deleteDelay: "100"}
	d := r.Durability
	switch {
	case system == scenario.Tailrace && d == scenario.Synced && r.With["acks"] == "1":
		keys["flush.messages"] = "1"
	case system == scenario.Tailrace && d == scenario.Synced:
		keys["tailrace.flush.before.ack"] = "always"
	case system == scenario.Tailrace && d == scenario.PageCache:
		keys["tailrace.flush.before.ack"] = "never"
	case d == scenario.Synced:
		keys["flush.messages"] = "1"
	}
	return keys
}

// withTopic makes a topic for a row, lets it be measured, and deletes it.
func (c *contest) withTopic(s *served, r *scenario.Row, partitions int, measure func(topic string) error) (err error) {
	c.number++
	topic := fmt.Sprintf("bench-%04d", c.number)
	if !broker(s.system) {
		return measure(topic)
	}
	admin, err := rawclient.Dial(s.addr)
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := admin.CreateTopic(topic, partitions, durabilityKeys(s.system, r)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, admin.DeleteTopic(topic)) }()
	return measure(topic)
}
