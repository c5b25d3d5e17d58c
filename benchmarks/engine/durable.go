package main

import (
	"fmt"
	"strconv"

	"tailrace/benchmarks/rawclient"
)

// durable is a row about acks that wait for the disk: 64 connections, one request in flight on each, one record of
// 1 KiB, acks all.
type durable struct {
	partitions int
	rate       float64 // bar: acks a second; 0 = none
	share      float64 // bar: of the loop's rate; 0 = none
}

const (
	durableConns = 64
	durableFile  = 16 * mib // of the loop, for each partition
)

func syncRow(name string, d durable) row {
	return row{name, func(b *bench) ([]Result, error) { return d.measure(b, name) }}
}

func (d *durable) measure(b *bench, name string) ([]Result, error) {
	batch := rawclient.NewBatch(0, kib)
	flags := append(batchFlags(batch), "--read", "frame", "--store", "pwrite", "--sync",
		"--syncers", strconv.Itoa(b.syncers), "--syncfs-above", strconv.Itoa(b.syncfsAbove))
	if d.partitions > 1 {
		flags = append(flags, "--file-bytes", strconv.Itoa(durableFile))
	}
	r := Result{Row: name, Title: fmt.Sprintf("acks after the disk, %d partitions", d.partitions), Higher: true}
	for range b.alternations {
		loop, err := b.startLoop(flags)
		if err != nil {
			return nil, err
		}
		if err := d.add(&r, "loop", b, loop, batch); err != nil {
			return nil, err
		}
		broker, err := b.startBroker(flags)
		if err != nil {
			return nil, err
		}
		if err := d.add(&r, b.name(), b, broker, batch); err != nil {
			return nil, err
		}
	}
	ours, loops := each(r.Samples[b.name()], rawclient.Sample.Rate), each(r.Samples["loop"], rawclient.Sample.Rate)
	if d.share > 0 {
		r.Values = ratios(r.Samples[b.name()], r.Samples["loop"], rawclient.Sample.Rate)
		r.Bar, r.Percent, r.Unit = d.share, true, "of the loop's rate"
	} else {
		r.Values, r.Bar, r.Unit = ours, d.rate, "acks/s"
	}
	r.judge()
	r.Notes = append(r.Notes, fmt.Sprintf("%s %.0f acks/s at %.1f µs of CPU, loop %.0f acks/s at %.1f µs", b.name(),
		median(ours), median(each(r.Samples[b.name()], rawclient.Sample.PerRequest))/1e3,
		median(loops), median(each(r.Samples["loop"], rawclient.Sample.PerRequest))/1e3))
	return []Result{r}, nil
}

func (d *durable) add(r *Result, name string, b *bench, on *server, batch rawclient.Batch) error {
	sample, err := b.with(on, d.partitions, func(topic string) (rawclient.Sample, error) {
		load := rawclient.Produce(topic, d.partitions, -1, batch)
		load.Addr, load.Conns, load.InFlight = on.Addr, durableConns, 1
		// Every partition has taken a record before the window begins.
		if err := rawclient.Run(load, int64(d.partitions/durableConns+1)); err != nil {
			return rawclient.Sample{}, err
		}
		return rawclient.Measure(load, on.Process, b.warmUp, b.window)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.sample(name, sample)
	return nil
}
