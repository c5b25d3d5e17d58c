package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"tailrace/benchmarks/rawclient"
	"tailrace/benchmarks/scenario"
)

const (
	toolsPackage = "org.apache.kafka.tools."
	toolHeap     = "-Xmx512M" // what Kafka's own start scripts give both tools
)

// perfProduce is a driver: kafka-producer-perf-test, with a topic of one partition.
func perfProduce(ctx context.Context, c *contest, s *served, r *scenario.Row, _ time.Duration) (
	values map[string]float64, note string, err error,
) {
	set := settingsOf(r)
	records, record := set.count("records", 500_000), set.bytes("record", "1KiB")
	throughput, properties := set.text("throughput", "-1"), strings.Fields(set.text("properties", ""))
	warm := set.count("warm-up", records/4) // records: the tool's own first second is that of a cold Java
	if err := set.done(); err != nil {
		return nil, "", err
	}
	err = c.withTopic(s, r, 1, func(topic string) error {
		args := []string{
			"ProducerPerformance", "--bootstrap-server", s.addr, "--topic", topic, "--throughput", throughput,
			"--num-records", strconv.Itoa(records), "--record-size", strconv.FormatInt(record, 10),
			"--warmup-records", strconv.Itoa(warm),
		}
		if len(properties) > 0 {
			args = append(append(args, "--command-property"), properties...)
		}
		printed, cpu, err := c.judge(ctx, s, args)
		if err != nil {
			return err
		}
		said, err := producerSaid(printed)
		if err != nil {
			return err
		}
		if said.records != float64(records-warm) {
			return fmt.Errorf("kafka-producer-perf-test sent %.0f records of %d:\n%s", said.records, records-warm, printed)
		}
		values = map[string]float64{
			"recordsPerSecond":   said.perSecond,
			"megabytesPerSecond": said.perSecond * float64(record) / 1e6,
			"averageMs":          said.averageMs, "maxMs": said.maxMs,
			"p50Ms": said.p50Ms, "p99Ms": said.p99Ms, "p999Ms": said.p999Ms,
			"cpuSecondsPerGB": cpu.Seconds() / (float64(records) * float64(record) / 1e9),
		}
		return nil
	})
	return values, "", err
}

// perfConsume is a driver: kafka-consumer-perf-test, on a topic of one partition that is filled beforehand.
func perfConsume(ctx context.Context, c *contest, s *served, r *scenario.Row, _ time.Duration) (
	values map[string]float64, note string, err error,
) {
	set := settingsOf(r)
	records, record := set.count("records", 500_000), int(set.bytes("record", "1KiB"))
	if err := set.done(); err != nil {
		return nil, "", err
	}
	err = c.withTopic(s, r, 1, func(topic string) error {
		batch := rawclient.NewBatch(64*kib, record)
		fill := rawclient.Produce(topic, 1, 1, batch)
		fill.Addr, fill.Conns, fill.InFlight = s.addr, 1, 8
		if err := rawclient.Run(fill, int64(records/batch.Records+1)); err != nil {
			return fmt.Errorf("fill %s: %w", topic, err)
		}
		printed, cpu, err := c.judge(ctx, s, []string{
			"ConsumerPerformance", "--bootstrap-server", s.addr, "--topic", topic,
			"--num-records", strconv.Itoa(records),
		})
		if err != nil {
			return err
		}
		said, err := consumerSaid(printed)
		if err != nil {
			return err
		}
		if said.records < float64(records) {
			return fmt.Errorf("kafka-consumer-perf-test read %.0f records of %d:\n%s", said.records, records, printed)
		}
		values = map[string]float64{
			"megabytesPerSecond": said.fetchedPerSecond / 1e6, "wholeMegabytesPerSecond": said.bytesPerSecond / 1e6,
			"rebalanceMs": said.rebalanceMs, "cpuSecondsPerGB": cpu.Seconds() / (said.bytes / 1e9),
		}
		return nil
	})
	return values, "", err
}

// judge runs one of Kafka's tools on the client's core, and returns what it printed and what the broker spent on it.
// The start of the tool's own Java is in the time of the broker, which has nothing to do then, and not in the tool's.
func (c *contest) judge(ctx context.Context, s *served, args []string) (string, time.Duration, error) {
	before, err := s.process.CPU()
	if err != nil {
		return "", 0, err
	}
	tool := toolsPackage + args[0]
	pinned := append([]string{"-c", strconv.Itoa(c.clientCore), c.kafkaScript, "tool", toolHeap, tool}, args[1:]...)
	out, err := exec.CommandContext(ctx, "taskset", pinned...).CombinedOutput()
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w; it printed:\n%s", tool, err, out)
	}
	after, err := s.process.CPU()
	return string(out), after - before, err
}

// producerSummary is the line of figures of kafka-producer-perf-test for what came behind its warm-up. Its MB are MiB,
// its percentiles whole milliseconds.
const producerSummary = "%f steady state records sent, %f records/sec (%f MB/sec), %f ms avg latency, " +
	"%f ms max latency, %f ms 50th, %f ms 95th, %f ms 99th, %f ms 99.9th."

type producerFigures struct {
	records, perSecond, mib, averageMs, maxMs float64
	p50Ms, p95Ms, p99Ms, p999Ms               float64
}

// producerSaid reads what kafka-producer-perf-test printed: lines about each few seconds, a summary with the warm-up,
// and one without it.
func producerSaid(printed string) (f producerFigures, err error) {
	for line := range strings.Lines(printed) {
		var g producerFigures
		_, no := fmt.Sscanf(line, producerSummary, &g.records, &g.perSecond, &g.mib, &g.averageMs, &g.maxMs,
			&g.p50Ms, &g.p95Ms, &g.p99Ms, &g.p999Ms)
		if no == nil {
			return g, nil
		}
	}
	return f, fmt.Errorf("kafka-producer-perf-test printed no summary:\n%s", printed)
}

// consumerFigures are what is read of kafka-consumer-perf-test, in bytes; its own MB are MiB. Its join of a group is in
// the whole time, and not in the time of its fetches.
type consumerFigures struct {
	records, bytes, bytesPerSecond, fetchedPerSecond, rebalanceMs float64
}

// consumerSaid reads what kafka-consumer-perf-test printed: a header and a line of figures.
func consumerSaid(printed string) (f consumerFigures, err error) {
	columns := map[string]*float64{
		"data.consumed.in.nMsg": &f.records, "data.consumed.in.MB": &f.bytes, "MB.sec": &f.bytesPerSecond,
		"fetch.MB.sec": &f.fetchedPerSecond, "rebalance.time.ms": &f.rebalanceMs,
	}
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	var names []string
	for _, line := range lines {
		if strings.HasPrefix(line, "start.time, ") {
			names = strings.Split(line, ", ")
		}
	}
	figures := strings.Split(lines[len(lines)-1], ", ")
	found := 0
	for i, name := range names {
		column := columns[name]
		if column == nil || i >= len(figures) {
			continue
		}
		n, failed := strconv.ParseFloat(figures[i], 64)
		*column, err = n, errors.Join(err, failed)
		found++
	}
	if found < len(columns) {
		err = errors.Join(err, fmt.Errorf("%d columns of %d", found, len(columns)))
	}
	if err != nil {
		return f, fmt.Errorf("kafka-consumer-perf-test ended without its figures (%w):\n%s", err, printed)
	}
	f.bytes, f.bytesPerSecond, f.fetchedPerSecond = f.bytes*mib, f.bytesPerSecond*mib, f.fetchedPerSecond*mib
	return f, nil
}
