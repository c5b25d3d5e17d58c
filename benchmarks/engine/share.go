package main

import (
	"fmt"
	"strings"

	"tailrace/benchmarks/loop"
	"tailrace/benchmarks/rawclient"
)

// share is a row about CPU per request, beside the loop.
type share struct {
	title           string
	conns, inFlight int
	size, value     int     // bytes of a batch (0 = one record) and of a record's value
	fetch           int     // bytes asked for by a fetch (1 = one batch); 0 = produce
	bar             float64 // loop ÷ broker
	baseline        float64 // µs per request of the plain loop, where it was measured first
}

// slower is how much slower than the baseline the plain loop may be before that is said.
const slower = 1.25

func shareRow(name string, s share) row {
	return row{name, func(b *bench) ([]Result, error) { return s.measure(b, name) }}
}

// plain are the flags of the loop that shares are taken of; best those of the best one known for this load.
func (s *share) plain(batch rawclient.Batch) []string {
	return append(batchFlags(batch), loop.PlainFlags()...)
}

func (s *share) best(batch rawclient.Batch) []string {
	return append(batchFlags(batch), loop.BestFlags(len(batch.Bytes), s.fetch, false)...)
}

func batchFlags(batch rawclient.Batch) []string {
	return loop.BatchFlags(len(batch.Bytes), batch.Records)
}

func (s *share) measure(b *bench, name string) ([]Result, error) {
	batch := rawclient.NewBatch(s.size, s.value)
	r := Result{Row: name, Title: s.title, Unit: "of the loop", Bar: s.bar, Higher: true, Percent: true}
	for range b.alternations {
		loop, err := b.startLoop(s.plain(batch))
		if err != nil {
			return nil, err
		}
		if err := r.add("loop", s, b, loop, batch); err != nil {
			return nil, err
		}
		broker, err := b.startBroker(s.plain(batch))
		if err != nil {
			return nil, err
		}
		if err := r.add(b.name(), s, b, broker, batch); err != nil {
			return nil, err
		}
		if !b.best {
			continue
		}
		if loop, err = b.startLoop(s.best(batch)); err != nil {
			return nil, err
		}
		if err := r.add("best loop", s, b, loop, batch); err != nil {
			return nil, err
		}
	}
	r.Values = ratios(r.Samples["loop"], r.Samples[b.name()], rawclient.Sample.PerRequest)
	r.judge()
	s.notes(b, &r, batch)
	return []Result{r}, nil
}

// add measures one server once.
func (r *Result) add(name string, s *share, b *bench, on *server, batch rawclient.Batch) error {
	sample, err := b.with(on, 1, func(topic string) (rawclient.Sample, error) {
		load, err := s.load(on.Addr, topic, batch)
		if err != nil {
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

func (s *share) load(addr, topic string, batch rawclient.Batch) (load rawclient.Load, err error) {
	if s.fetch == 0 {
		load = rawclient.Produce(topic, 1, 1, batch)
	} else if load, err = rawclient.FillAndFetch(addr, topic, batch, max(s.fetch, len(batch.Bytes))); err != nil {
		return load, err
	}
	load.Addr, load.Conns, load.InFlight = addr, s.conns, s.inFlight
	return load, nil
}

// notes says what the figures were made of.
func (s *share) notes(b *bench, r *Result, batch rawclient.Batch) {
	micros := func(name string) float64 { return median(each(r.Samples[name], rawclient.Sample.PerRequest)) / 1e3 }
	var parts []string
	names := []string{b.name(), "loop"}
	if b.best {
		names = append(names, "best loop")
	}
	for _, name := range names {
		part := fmt.Sprintf("%s %.1f µs a request", name, micros(name))
		switch {
		case s.size > 0 && s.value < kib:
			part += fmt.Sprintf(" = %.0f ns a record", micros(name)*1e3/float64(batch.Records))
		case s.size > 0:
			part += fmt.Sprintf(" = %.2f CPU-s per GB", micros(name)*1e3/float64(max(s.fetch, len(batch.Bytes))))
		}
		rate := median(each(r.Samples[name], rawclient.Sample.Rate))
		parts = append(parts, fmt.Sprintf("%s (%.0f/s)", part, rate))
	}
	r.Notes = append(r.Notes, strings.Join(parts, ", "))
	if b.best {
		best := ratios(r.Samples["best loop"], r.Samples[b.name()], rawclient.Sample.PerRequest)
		r.Notes = append(r.Notes, fmt.Sprintf("%.0f %% of the best loop", 100*median(best)))
	}
	if now := micros("loop"); now > slower*s.baseline {
		r.Notes = append(r.Notes, fmt.Sprintf("the loop is slower than its %.1f µs elsewhere by more than a quarter",
			s.baseline))
	}
}
