package meter

import (
	"sync"
	"sync/atomic"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Counter is something counted beside the latencies.
type Counter uint8

// The counters. Each is a sum over the run.
const (
	Scheduled     Counter = iota // records whose time came
	Sent                         // records handed to the client
	Acked                        // records answered without an error (acks 0: written to the socket)
	AckedBytes                   // their values and keys
	Errors                       // records answered with an error
	Consumed                     // records that consumers got
	ConsumedBytes                // their values and keys
	Batches                      // batches written
	BatchRecs                    // records in them
	BatchBytes                   // their bytes before compression
	WireBytes                    // their bytes after it
	Requests                     // produce requests answered
	LagNs                        // sum of schedule lag: handed to the client − meant to be, over all records
	BlockedNs                    // of that: what the waits for a broker made that had all it may have (in flight, buffer)
	Clamped                      // latencies outside the histograms' range
	Negative                     // end-to-end times below zero: clocks or stamps are wrong
	Unstamped                    // consumed records of which nobody knows when they were due
	CounterEnd    Counter = iota
)

var counterNames = [CounterEnd]string{
	"scheduled", "sent", "acked", "acked_bytes", "errors", "consumed", "consumed_bytes", "batches", "batch_records",
	"batch_bytes", "wire_bytes", "requests", "lag_ns", "blocked_ns", "clamped", "negative", "unstamped",
}

// String is the counter's name in files.
func (c Counter) String() string { return counterNames[c] }

// Counts are all counters.
type Counts [CounterEnd]int64

// Minus is the difference to an earlier reading.
func (c Counts) Minus(before Counts) Counts {
	for i := range c {
		c[i] -= before[i]
	}
	return c
}

// Plus is the sum.
func (c Counts) Plus(more Counts) Counts {
	for i := range c {
		c[i] += more[i]
	}
	return c
}

// Meter gathers a run. New makes one.
type Meter struct {
	start  time.Time // of the schedule, on the monotonic clock
	shards []*Shard
	next   atomic.Int64

	counts [CounterEnd]atomic.Int64
	maxLag atomic.Int64
	last   atomic.Int64 // when something was last recorded, from start

	cutMu sync.Mutex
	spare [Clocks]*hdr.Histogram
	was   Counts
	cutAt time.Duration
}

// maxShards bounds the histograms, which take 200 KB each; beyond it workers share.
const maxShards = 8

// New begins to gather. start is the schedule's.
func New(start time.Time, workers int) *Meter {
	m := &Meter{start: start}
	for range max(1, min(workers, maxShards)) {
		s := &Shard{m: m}
		for c := range s.live {
			s.live[c] = NewHistogram()
		}
		m.shards = append(m.shards, s)
	}
	for c := range m.spare {
		m.spare[c] = NewHistogram()
	}
	return m
}

// Start is when the schedule began.
func (m *Meter) Start() time.Time { return m.start }

// Shard gives a worker something to record into.
func (m *Meter) Shard() *Shard { return m.shards[int(m.next.Add(1)-1)%len(m.shards)] }

// Add counts.
func (m *Meter) Add(c Counter, n int64) { m.counts[c].Add(n) }

// Lag counts how late a record was handed to the client, and how much of that it waited for the broker.
func (m *Meter) Lag(lag, blocked time.Duration) { m.LagOf(lag, blocked, 1) }

// LagOf is Lag for so many records that went together.
func (m *Meter) LagOf(lag, blocked time.Duration, records int64) {
	m.counts[LagNs].Add(int64(lag) * records)
	m.counts[BlockedNs].Add(int64(blocked) * records)
	for {
		was := m.maxLag.Load()
		if int64(lag) <= was || m.maxLag.CompareAndSwap(was, int64(lag)) {
			return
		}
	}
}

// Last is when a record was last answered or consumed, from the start of the schedule: the end of what was measured.
func (m *Meter) Last() time.Duration { return time.Duration(m.last.Load()) }

// Done notes that a record was answered or consumed.
func (m *Meter) Done(now time.Time) { m.last.Store(int64(now.Sub(m.start))) }

// Counts reads the counters.
func (m *Meter) Counts() Counts {
	var c Counts
	for i := range c {
		c[i] = m.counts[i].Load()
	}
	return c
}

// Shard is where one or a few workers record. Safe for concurrent use.
type Shard struct {
	m    *Meter
	mu   sync.Mutex
	live [Clocks]*hdr.Histogram
}

// Record keeps one latency. It allocates nothing.
func (s *Shard) Record(c Clock, latency time.Duration) { s.RecordN(c, latency, 1) }

// RecordN keeps the same latency for so many records.
func (s *Shard) RecordN(c Clock, latency time.Duration, records int64) {
	v := int64(latency)
	if v < Lowest || v > Highest {
		if c == EndToEnd && v < 0 {
			s.m.Add(Negative, records)
		} else if v > Highest {
			s.m.Add(Clamped, records)
		}
		v = max(Lowest, min(Highest, v))
	}
	s.mu.Lock()
	_ = s.live[c].RecordValues(v, records) // cannot fail within the range
	s.mu.Unlock()
}

// Skip begins the first interval later than the schedule: at the end of a warm-up, in which nothing is recorded. It may
// be called late, and loses nothing.
func (m *Meter) Skip(to time.Time) {
	m.cutMu.Lock()
	m.cutAt = to.Sub(m.start)
	m.cutMu.Unlock()
}

// Interval is what happened in a second.
type Interval struct {
	From, To time.Duration // from the start of the schedule
	Counts   Counts
	MaxLag   time.Duration
	Hist     [Clocks]*hdr.Histogram // nil: nothing recorded
}

// Cut ends an interval at now: it gives what was recorded since the cut before.
func (m *Meter) Cut(now time.Time) Interval {
	m.cutMu.Lock()
	defer m.cutMu.Unlock()
	iv := Interval{From: m.cutAt, To: now.Sub(m.start), MaxLag: time.Duration(m.maxLag.Swap(0))}
	m.cutAt = iv.To
	for _, s := range m.shards {
		for c := range s.live {
			s.mu.Lock()
			full := s.live[c]
			s.live[c] = m.spare[c]
			s.mu.Unlock()
			if full.TotalCount() > 0 {
				if iv.Hist[c] == nil {
					iv.Hist[c] = NewHistogram()
				}
				iv.Hist[c].Merge(full)
				full.Reset()
			}
			m.spare[c] = full
		}
	}
	is := m.Counts()
	iv.Counts, m.was = is.Minus(m.was), is
	return iv
}
