package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tailrace/benchmarks/scenario"
)

// driver puts one kind of load on a system. Either load or life is set.
type driver struct {
	// load measures a system that is up, for a window.
	load func(ctx context.Context, c *contest, s *served, r *scenario.Row, window time.Duration) (
		values map[string]float64, note string, err error)
	// life starts and stops the system by itself.
	life func(ctx context.Context, l *life, r *scenario.Row) (
		values map[string]float64, note string, err error)
	loops  bool          // it can load a bare loop, which is started for each row
	warms  bool          // it serves to warm a system
	beside time.Duration // what it takes besides its window, for the estimate
}

// drivers are those that a row may name.
var drivers = map[string]driver{
	"produce":  {load: produce, loops: true, warms: true},
	"fetch":    {load: fetch, loops: true, warms: true},
	"load":     {load: openLoop, warms: true, beside: 2 * time.Second},
	"catch-up": {load: catchUp, beside: 12 * time.Second},
	"knee":     {load: knee, beside: 40 * time.Second},

	"start":       {life: firstAck, beside: 5 * time.Second},
	"recovery":    {life: recovery, beside: 60 * time.Second},
	"idle":        {life: idle, beside: 25 * time.Second},
	"connections": {life: connections, beside: 35 * time.Second},
	"partitions":  {life: partitions, beside: 60 * time.Second},

	"perf-produce": {load: perfProduce, beside: 9 * time.Second},
	"perf-consume": {load: perfConsume, beside: 8 * time.Second},
}

// on reports whether the driver can load a system.
func (d driver) on(s scenario.System) bool { return broker(s) || d.loops }

// checkDrivers finds rows that name no driver, before an hour is spent on the others.
func (c *contest) checkDrivers() error {
	var wrong []error
	for _, s := range c.book.Scenarios {
		for _, r := range s.Rows {
			d, ok := drivers[r.Driver]
			if !ok {
				wrong = append(wrong, fmt.Errorf("%s: %s: no driver %q", s.File, r.Name, r.Driver))
				continue
			}
			for _, system := range c.book.Groups[r.Group].Systems {
				if r.On(system) && !d.on(system) {
					wrong = append(wrong, fmt.Errorf("%s: %s: driver %s cannot load a %s: name the row's systems", s.File,
						r.Name, r.Driver, system))
				}
			}
			if restarts := c.book.Groups[r.Group].Restarts; restarts != (d.life != nil) {
				wrong = append(wrong, fmt.Errorf("%s: %s: driver %s does not fit into group %s", s.File, r.Name, r.Driver,
					r.Group))
			}
		}
	}
	return errors.Join(wrong...)
}

// live has a driver measure a system that it starts and stops by itself, on a directory of its own.
func (c *contest) live(ctx context.Context, d driver, system scenario.System, r *scenario.Row) (
	values map[string]float64, note string, err error,
) {
	l, err := c.newLife(system)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = l.end(err) }()
	return d.life(ctx, l, r)
}

// measure loads a system that is up, or, in its place, a bare loop that is made for the row.
func (d driver) measure(ctx context.Context, c *contest, system scenario.System, s *served, r *scenario.Row,
	window time.Duration,
) (values map[string]float64, note string, err error) {
	if s == nil {
		if s, err = c.startLoop(system, r); err != nil {
			return nil, "", err
		}
		defer func() { err = errors.Join(err, s.discard()) }()
	}
	return d.load(ctx, c, s, r, window)
}
