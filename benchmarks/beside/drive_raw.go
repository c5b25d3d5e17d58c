package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tailrace/benchmarks/loop"
	"tailrace/benchmarks/rawclient"
	"tailrace/benchmarks/scenario"
)

// rawLoad is what the rows of produce and fetch say.
type rawLoad struct {
	batch           rawclient.Batch
	inflated        int // bytes of the batch before compression
	conns, inFlight int
	partitions      int
	acks            int16
	fetch           int // bytes asked for; 0: produce
}

const (
	kib = 1 << 10
	mib = 1 << 20

	ramp = 300 * time.Millisecond // before each window
)

// rawLoadOf reads a row.
func rawLoadOf(r *scenario.Row) (l rawLoad, err error) {
	s := settingsOf(r)
	record, batch := int(s.bytes("record", "1KiB")), s.text("batch", "one")
	total := 0
	if batch != "one" {
		total = int(s.bytes("batch", ""))
	}
	l.conns, l.inFlight = s.count("connections", 1), s.count("in-flight", 1)
	l.partitions = s.count("partitions", 1)
	switch acks := s.text("acks", "1"); acks {
	case "1":
		l.acks = 1
	case "all":
		l.acks = -1
	default:
		s.wrong("acks", fmt.Errorf("%q: 1 or all, for prebuilt requests that wait for their answers", acks))
	}
	if r.Driver == "fetch" {
		l.fetch = int(s.bytes("fetch", "1MiB"))
	}
	codec, payload := s.text("codec", "none"), s.text("payload", "random")
	if err := s.done(); err != nil {
		return l, err
	}
	if payload == "json" {
		l.batch, l.inflated, err = jsonBatch(total, record, codec)
		return l, err
	}
	if codec != "none" {
		return l, fmt.Errorf("%s: random bytes do not compress: payload json", r.Name)
	}
	l.batch = rawclient.NewBatch(total, record)
	l.inflated = len(l.batch.Bytes)
	return l, nil
}

// produce is a driver: prebuilt requests, sent again and again, as many in flight as the row says.
func produce(_ context.Context, c *contest, s *served, r *scenario.Row, window time.Duration) (
	values map[string]float64, note string, err error,
) {
	l, err := rawLoadOf(r)
	if err != nil {
		return nil, "", err
	}
	var sample rawclient.Sample
	err = c.withTopic(s, r, l.partitions, func(topic string) error {
		load := rawclient.Produce(topic, l.partitions, l.acks, l.batch)
		load.Addr, load.Conns, load.InFlight = s.addr, l.conns, l.inFlight
		// Every partition has taken a record before the window begins.
		if err := rawclient.Run(load, int64(l.partitions/l.conns+1)); err != nil {
			return err
		}
		sample, err = rawclient.Measure(load, s.process, ramp, window)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return l.values(sample, s, l.inflated)
}

// fetch is a driver: a topic is filled, and read in turn in requests of a given size.
func fetch(_ context.Context, c *contest, s *served, r *scenario.Row, window time.Duration) (
	values map[string]float64, note string, err error,
) {
	l, err := rawLoadOf(r)
	if err != nil {
		return nil, "", err
	}
	var sample rawclient.Sample
	size := max(l.fetch, len(l.batch.Bytes))
	err = c.withTopic(s, r, 1, func(topic string) error {
		load, err := rawclient.FillAndFetch(s.addr, topic, l.batch, size)
		if err != nil {
			return err
		}
		load.Addr, load.Conns, load.InFlight = s.addr, l.conns, l.inFlight
		sample, err = rawclient.Measure(load, s.process, ramp, window)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return l.values(sample, s, size)
}

// values are the figures of a sample; bytes is what one request moves, uncompressed.
func (l *rawLoad) values(m rawclient.Sample, s *served, bytes int) (map[string]float64, string, error) {
	records := float64(l.batch.Records)
	if l.fetch > 0 {
		records *= max(1, float64(l.fetch/len(l.batch.Bytes)))
	}
	perRequest := m.PerRequest()
	v := map[string]float64{
		"cpuUsPerRequest":    perRequest / 1e3,
		"cpuNsPerRecord":     perRequest / records,
		"cpuSecondsPerGB":    perRequest / float64(bytes),
		"requestsPerSecond":  m.Rate(),
		"recordsPerSecond":   m.Rate() * records,
		"megabytesPerSecond": m.Rate() * float64(bytes) / 1e6,
		"brokerCores":        m.ServerCPU.Seconds() / m.Wall.Seconds(),
		"clientCores":        m.ClientCPU.Seconds() / m.Wall.Seconds(),
		"compressionRatio":   float64(l.inflated) / float64(len(l.batch.Bytes)),
	}
	return v, "", s.memoryInto(v)
}

// memoryInto adds what the system holds.
func (s *served) memoryInto(v map[string]float64) error {
	anon, file, err := s.process.Memory()
	v["anonMiB"], v["fileMiB"] = float64(anon)/mib, float64(file)/mib
	return err
}

// loopFlags are those of the bare loop for a row. The plain loop reads a request's length, then its body, and answers
// each alone; the best one does what decision 0001 found best for this load.
func loopFlags(system scenario.System, r *scenario.Row) ([]string, error) {
	l, err := rawLoadOf(r)
	if err != nil {
		return nil, err
	}
	flags := loop.BatchFlags(len(l.batch.Bytes), l.batch.Records)
	if r.Durability == scenario.Synced {
		flags = append(flags, "--sync", "--syncers", "32", "--syncfs-above", "3")
	}
	if l.partitions > 1 {
		flags = append(flags, "--file-bytes", strconv.Itoa(16*mib))
	}
	if system == scenario.Loop {
		return append(flags, loop.PlainFlags()...), nil
	}
	return append(flags, loop.BestFlags(len(l.batch.Bytes), l.fetch, r.Durability == scenario.Synced)...), nil
}
