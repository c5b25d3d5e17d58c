package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"tailrace/benchmarks/proc"
	"tailrace/benchmarks/rawclient"
)

// kafkaPort and the next one are Apache Kafka's while it is measured.
const kafkaPort = 29392

// server is what one measurement loads.
type server struct {
	*proc.Server
	broker bool // it has topics
	stays  bool // it serves the next measurement as well
}

// startBroker starts what is measured: Tailrace, or what stands in for it.
func (b *bench) startBroker(loopFlags []string) (*server, error) {
	switch b.as {
	case "tailrace":
		s, err := b.startTailrace("")
		return &server{Server: s, broker: true}, err
	case "loop":
		return b.startLoop(loopFlags)
	case "kafka":
		return b.startKafka()
	}
	return nil, fmt.Errorf("--as %s: tailrace, loop or kafka", b.as)
}

// name is what the samples of the measured server stand under.
func (b *bench) name() string {
	if b.as == "loop" {
		return "stand-in"
	}
	return b.as
}

// startTailrace runs the broker on a directory, or, if dir is empty, on a new one.
func (b *bench) startTailrace(dir string) (*proc.Server, error) {
	if b.as != "tailrace" || b.serverBinary == "" {
		return nil, fmt.Errorf("this row needs Tailrace itself (--as tailrace --server-binary FILE)")
	}
	flags := append([]string{"serve", "--listen", "127.0.0.1:0"}, strings.Fields(b.serverFlags)...)
	return proc.StartServer(b.serverCore, dir, b.serverBinary, flags...)
}

func (b *bench) startLoop(flags []string) (*server, error) {
	s, err := proc.StartServer(b.serverCore, "", b.loopBinary, append([]string{"serve", "--keep"}, flags...)...)
	return &server{Server: s}, err
}

// startKafka starts Apache Kafka once; it stays until the end, since it needs seconds to start and to warm up.
func (b *bench) startKafka() (*server, error) {
	if b.kafka != nil {
		return b.kafka, nil
	}
	dir, err := os.MkdirTemp("", "tailrace-bench-kafka-")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(b.kafkaScript, "up", filepath.Join(dir, "kafka"), strconv.Itoa(kafkaPort))
	cmd.Env = append(os.Environ(), "KAFKA_CPU="+strconv.Itoa(b.serverCore))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("start Kafka: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		return nil, err
	}
	b.kafka = &server{
		Server: &proc.Server{Process: proc.Attach(pid), Addr: fmt.Sprintf("127.0.0.1:%d", kafkaPort), Dir: dir},
		broker: true, stays: true,
	}
	return b.kafka, nil
}

func (b *bench) stopKafka() {
	if b.kafka == nil {
		return
	}
	if err := exec.Command(b.kafkaScript, "down", filepath.Join(b.kafka.Dir, "kafka")).Run(); err != nil {
		fmt.Fprintln(os.Stderr, "engine: stop Kafka:", err)
	}
	_ = os.RemoveAll(b.kafka.Dir)
}

// with runs a measurement on a server with a new topic, and discards topic and server.
func (b *bench) with(s *server, partitions int, measure func(topic string) (rawclient.Sample, error)) (
	sample rawclient.Sample, err error,
) {
	b.number++
	topic := fmt.Sprintf("bench-%04d", b.number)
	if s.broker {
		var admin *rawclient.Caller
		if admin, err = rawclient.Dial(s.Addr); err != nil {
			return sample, err
		}
		defer admin.Close()
		if err := admin.CreateTopics(partitions, topic); err != nil {
			return sample, err
		}
		defer func() {
			if s.stays && err == nil {
				err = admin.DeleteTopic(topic)
			}
		}()
	}
	sample, err = measure(topic)
	if !s.stays {
		if discarded := s.Discard(); err == nil {
			err = discarded
		}
	}
	return sample, err
}
