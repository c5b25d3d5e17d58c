package main

import (
	"errors"

	"tailrace/benchmarks/rawclient"
)

// measureBare loads a bare loop with a client that keeps no clocks: as many connections and requests in flight as raw
// was measured with, and batches of as many bytes. What raw mode falls short of this rate is what its clocks cost.
func (l *limiting) measureBare(raw limit) (limit, error) {
	server, err := l.startLoop()
	if err != nil {
		return limit{}, err
	}
	acks := int16(1)
	if l.sync {
		acks = -1
	}
	batch := rawclient.NewBatch(int(raw.batch), int(l.base.RecordSize.Max()))
	load := rawclient.Produce("limits", l.base.Partitions, acks, batch)
	load.Addr, load.Conns, load.InFlight = server.Addr, l.base.Connections, l.base.InFlight
	s, err := rawclient.Measure(load, server.Process, l.base.Warmup, l.base.Duration)
	if err := errors.Join(err, server.Discard()); err != nil {
		return limit{}, err
	}
	m := limit{Records: s.Rate() * raw.records}
	m.MBps = m.Records * raw.MBps / raw.Records // keys and values, as there
	m.CPUPerGB = s.ServerCPU.Seconds() / s.Wall.Seconds() / (m.MBps / 1e3)
	return m, nil
}
