package meter

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestNothingIsLostBetweenIntervals: whatever the interleaving of recorders and cuts, each latency is in exactly one
// interval, and the counters of the intervals add up.
func TestNothingIsLostBetweenIntervals(t *testing.T) {
	const workers, each = 12, 5_000
	m := New(time.Now(), workers)
	var s Series
	stop := make(chan struct{})
	cutter := make(chan error)
	go func() {
		for {
			if err := s.Keep(m.Cut(time.Now())); err != nil {
				cutter <- err
				return
			}
			select {
			case <-stop:
				cutter <- s.Keep(m.Cut(time.Now()))
				return
			default:
			}
		}
	}()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			shard, rng := m.Shard(), rand.New(rand.NewPCG(uint64(w), 1))
			for range each {
				shard.Record(Response, time.Duration(rng.Int64N(int64(time.Second))))
				shard.Record(Service, time.Millisecond)
				m.Add(Acked, 1)
			}
		})
	}
	wg.Wait()
	close(stop)
	if err := <-cutter; err != nil {
		t.Fatal(err)
	}
	for c := range Clock(Clocks) {
		h, err := s.Total(c)
		if err != nil {
			t.Fatal(err)
		}
		want := int64(workers * each)
		if c == EndToEnd {
			want = 0
		}
		if h.TotalCount() != want {
			t.Errorf("%v: %d latencies, want %d", c, h.TotalCount(), want)
		}
	}
	if got := s.Counts()[Acked]; got != workers*each {
		t.Errorf("%d acked in the intervals, want %d", got, workers*each)
	}
	for i := 1; i < len(s.Intervals); i++ {
		if s.Intervals[i].From != s.Intervals[i-1].To {
			t.Fatalf("interval %d begins at %v, the one before ends at %v", i, s.Intervals[i].From, s.Intervals[i-1].To)
		}
	}
}

// TestEdges: what does not fit is put at the edge and counted.
func TestEdges(t *testing.T) {
	m := New(time.Now(), 1)
	s := m.Shard()
	s.Record(EndToEnd, -time.Second)
	s.Record(EndToEnd, 0)
	s.Record(Response, 2*time.Hour)
	c := m.Counts()
	if c[Negative] != 1 || c[Clamped] != 1 {
		t.Errorf("%d negative and %d clamped, want 1 and 1", c[Negative], c[Clamped])
	}
	iv := m.Cut(time.Now())
	if got := iv.Hist[EndToEnd].TotalCount(); got != 2 {
		t.Errorf("%d end-to-end times, want 2", got)
	}
	if got := iv.Hist[Response].Max(); got < Highest {
		t.Errorf("the largest is %v, want %v at least", time.Duration(got), time.Duration(Highest))
	}
}

func TestLag(t *testing.T) {
	m := New(time.Now(), 1)
	m.Lag(3*time.Millisecond, time.Millisecond)
	m.Lag(time.Millisecond, 0)
	iv := m.Cut(time.Now())
	if iv.MaxLag != 3*time.Millisecond || iv.Counts[LagNs] != 4e6 || iv.Counts[BlockedNs] != 1e6 {
		t.Errorf("%v, %d ns, %d ns", iv.MaxLag, iv.Counts[LagNs], iv.Counts[BlockedNs])
	}
	if again := m.Cut(time.Now()); again.MaxLag != 0 || again.Counts[LagNs] != 0 {
		t.Errorf("a second cut still has %v", again.MaxLag)
	}
}

func TestRecordAllocatesNothing(t *testing.T) {
	s := New(time.Now(), 1).Shard()
	if n := testing.AllocsPerRun(1000, func() { s.Record(Response, time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	s := New(time.Now(), 1).Shard()
	for i := range b.N {
		s.Record(Response, time.Duration(i%1_000_000)*time.Microsecond)
	}
}

// TestSkipLosesNothing: what was recorded before a late call belongs to the first interval.
func TestSkipLosesNothing(t *testing.T) {
	start := time.Now()
	m := New(start, 1)
	m.Shard().Record(Response, time.Millisecond)
	m.Add(Acked, 1)
	m.Lag(time.Second, 0)
	m.Skip(start.Add(5 * time.Second))
	iv := m.Cut(start.Add(6 * time.Second))
	if iv.From != 5*time.Second || iv.To != 6*time.Second || iv.Counts[Acked] != 1 || iv.MaxLag != time.Second ||
		iv.Hist[Response] == nil || iv.Hist[Response].TotalCount() != 1 {
		t.Errorf("%+v", iv)
	}
}
