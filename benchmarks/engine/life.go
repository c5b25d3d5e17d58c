package main

import (
	"time"

	"tailrace/benchmarks/rawclient"
)

const (
	idleConnections = 1000
	settle          = 2 * time.Second // until what a start or a storm of connections left behind is collected
)

// measureStart takes the time from exec on an empty directory to the ack of the first record, whose topic the broker
// creates by itself.
func measureStart(b *bench) ([]Result, error) {
	r := Result{Row: "start", Title: "exec to first ack, topic auto-created", Unit: "ms", Bar: 100}
	for range b.alternations {
		begin := time.Now()
		s, err := b.startTailrace("")
		if err != nil {
			return nil, err
		}
		err = rawclient.Ask(s.Addr, func(c *rawclient.Caller) error { return c.FirstAck("first") })
		if err != nil {
			return nil, err
		}
		r.Values = append(r.Values, float64(time.Since(begin).Microseconds())/1e3)
		if err := s.Discard(); err != nil {
			return nil, err
		}
	}
	r.judge()
	return []Result{r}, nil
}

// measureMemory takes the resident memory of a broker that has started and has nothing to do.
func measureMemory(b *bench) ([]Result, error) {
	r := Result{Row: "memory", Title: "idle, RssAnon + RssFile", Unit: "MB", Bar: 40}
	for range b.alternations {
		s, err := b.startTailrace("")
		if err != nil {
			return nil, err
		}
		time.Sleep(settle)
		bytes, err := s.Resident()
		if err != nil {
			return nil, err
		}
		r.Values = append(r.Values, float64(bytes)/1e6)
		if err := s.Discard(); err != nil {
			return nil, err
		}
	}
	r.judge()
	return []Result{r}, nil
}

// measureConnections takes the growth of that memory by connections that have asked for ApiVersions, as every client
// does, and then nothing more.
func measureConnections(b *bench) ([]Result, error) {
	r := Result{Row: "connections", Title: "each of 1,000 idle connections", Unit: "KiB", Bar: 10}
	for range b.alternations {
		s, err := b.startTailrace("")
		if err != nil {
			return nil, err
		}
		time.Sleep(settle)
		before, err := s.Resident()
		if err != nil {
			return nil, err
		}
		var open []*rawclient.Caller
		for range idleConnections {
			c, err := rawclient.Dial(s.Addr)
			if err != nil {
				return nil, err
			}
			open = append(open, c)
			if err := c.ApiVersions(); err != nil {
				return nil, err
			}
		}
		time.Sleep(settle)
		after, err := s.Resident()
		if err != nil {
			return nil, err
		}
		r.Values = append(r.Values, float64(after-before)/idleConnections/kib)
		for _, c := range open {
			_ = c.Close()
		}
		if err := s.Discard(); err != nil {
			return nil, err
		}
	}
	r.judge()
	return []Result{r}, nil
}
