package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tailrace/benchmarks/scenario"
)

// idleFor is how long an idle system is left alone before it is looked at, and how long it is looked at then.
const idleFor = 10 * time.Second

// idle is a driver: what a system costs that has started and has nothing to do.
func idle(ctx context.Context, l *life, r *scenario.Row) (
	values map[string]float64, note string, err error,
) {
	if err := settingsOf(r).done(); err != nil {
		return nil, "", err
	}
	if err := l.begin(); err != nil {
		return nil, "", err
	}
	v := map[string]float64{}
	if err := rest(ctx, idleFor); err != nil {
		return nil, "", err
	}
	if err := l.memoryInto(v); err != nil {
		return nil, "", err
	}
	v["residentMiB"] = v["anonMiB"] + v["fileMiB"]
	if err := l.idleInto(ctx, v); err != nil {
		return nil, "", err
	}
	bytes, err := l.c.installed(l.system)
	v["installedMiB"] = float64(bytes) / mib
	if compiles(l.system) {
		note = "a Java runtime has to be installed as well"
	}
	return v, note, err
}

// idleInto adds what a while without any request costs.
func (l *life) idleInto(ctx context.Context, v map[string]float64) error {
	p := l.process
	cpu, err := p.CPU()
	if err != nil {
		return err
	}
	switches, err := p.Switches()
	if err != nil {
		return err
	}
	at := time.Now()
	if err := rest(ctx, idleFor); err != nil {
		return err
	}
	cpuAfter, err1 := p.CPU()
	switchesAfter, err2 := p.Switches()
	seconds := time.Since(at).Seconds()
	v["cpuMsPerSecond"] = ms(cpuAfter-cpu) / seconds
	v["switchesPerSecond"] = float64(switchesAfter.Since(switches)) / seconds
	return errors.Join(err1, err2)
}

// installed is the size of the files that a system consists of.
func (c *contest) installed(system scenario.System) (sum int64, err error) {
	files := []string{c.tailrace}
	if compiles(system) {
		classPath, err := c.kafka(system, "jars")
		if err != nil {
			return 0, err
		}
		if files, err = filepath.Glob(strings.TrimSpace(classPath)); err != nil {
			return 0, err
		}
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return 0, err
		}
		sum += info.Size()
	}
	return sum, nil
}

// rest waits, unless the run is ended.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
