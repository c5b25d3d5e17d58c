package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"tailrace/benchmarks/rawclient"
	"tailrace/benchmarks/scenario"
)

const (
	settle   = 2 * time.Second // until what a storm of connections left behind is collected
	dialers  = 8               // that open the idle connections
	busy     = 8               // connections that produce, one request in flight on each
	busyFor  = 5 * time.Second
	warmBusy = 10 * time.Second // the same load before any figure: what compiles while it runs has compiled it then

	busyTopic = "busy"
	spareFDs  = 200 // files of this process besides the idle connections
)

// connections is a driver: what idle connections weigh, and what they do to the response times of busy ones.
func connections(ctx context.Context, l *life, r *scenario.Row) (
	values map[string]float64, note string, err error,
) {
	set := settingsOf(r)
	n := set.count("connections", 10_000)
	if err := errors.Join(set.done(), raiseFiles(n+spareFDs)); err != nil {
		return nil, "", err
	}
	if err := l.begin(); err != nil {
		return nil, "", err
	}
	err = rawclient.Ask(l.addr, func(q *rawclient.Caller) error { return q.CreateTopics(busy, busyTopic) })
	if err != nil {
		return nil, "", err
	}
	if _, err := l.until(func(q *rawclient.Caller) error {
		return q.FetchAll([]string{busyTopic}, busy, 0)
	}); err != nil {
		return nil, "", err
	}
	if _, err := l.busyP99(warmBusy); err != nil {
		return nil, "", err
	}
	v := map[string]float64{}
	if v["quietP99Ms"], err = l.busyP99(busyFor); err != nil {
		return nil, "", err
	}
	if err := l.idleConnections(ctx, n, v); err != nil {
		return nil, "", err
	}
	if compiles(l.system) {
		note = "the heap is partly touched before a connection comes: its growth is less than what one weighs"
	}
	return v, note, nil
}

// idleConnections opens them, and measures what they weigh and what the busy ones get beside them.
func (l *life) idleConnections(ctx context.Context, n int, v map[string]float64) error {
	if err := rest(ctx, settle); err != nil {
		return err
	}
	before, err := l.process.Resident()
	if err != nil {
		return err
	}
	at := time.Now()
	open, err := l.openAll(n)
	defer func() {
		for _, q := range open {
			_ = q.Close()
		}
	}()
	if err != nil {
		return err
	}
	v["connectsPerSecond"] = float64(n) / time.Since(at).Seconds()
	if err := rest(ctx, settle); err != nil {
		return err
	}
	if err := l.memoryInto(v); err != nil {
		return err
	}
	v["kibPerConnection"] = ((v["anonMiB"]+v["fileMiB"])*mib - float64(before)) / float64(n) / kib
	v["busyP99Ms"], err = l.busyP99(busyFor)
	return err
}

// openAll opens n connections that have each asked for ApiVersions.
func (l *life) openAll(n int) (open []*rawclient.Caller, err error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for d := range dialers {
		wg.Go(func() {
			for range (n + dialers - 1 - d) / dialers {
				q, failed := rawclient.Dial(l.addr)
				if failed == nil {
					failed = q.ApiVersions()
				}
				mu.Lock()
				if q != nil {
					open = append(open, q)
				}
				if failed != nil {
					err = fmt.Errorf("connection %d: %w", len(open), failed)
				}
				stop := err != nil
				mu.Unlock()
				if stop {
					return
				}
			}
		})
	}
	wg.Wait()
	return open, err
}

// busyP99 produces one record a request over the busy connections, and returns the 99th percentile of the response
// time.
func (l *life) busyP99(window time.Duration) (float64, error) {
	load := rawclient.Produce(busyTopic, busy, 1, rawclient.NewBatch(0, 100))
	load.Addr, load.Conns = l.addr, busy
	took, err := rawclient.Latencies(load, window)
	if err != nil {
		return 0, err
	}
	slices.Sort(took)
	return ms(took[len(took)*99/100]), nil
}

// raiseFiles lets this process, and those it starts, open so many files.
func raiseFiles(n int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Max < uint64(n) {
		return fmt.Errorf("%d open files are needed and at most %d allowed: raise the hard limit (ulimit -Hn)", n, limit.Max)
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}
