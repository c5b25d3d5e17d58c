package meter

import (
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Series is a run's intervals in order. The intervals of a run lie end to end.
type Series struct {
	Intervals []Kept
}

// Kept is an interval as it is kept: its histograms are encoded, because an hour of them would take gigabytes.
type Kept struct {
	From, To time.Duration
	Counts   Counts
	MaxLag   time.Duration
	Encoded  [Clocks][]byte // V2 with base64, as a line of a log has it; nil: nothing recorded
}

// Keep appends an interval.
func (s *Series) Keep(iv Interval) error {
	k := Kept{From: iv.From, To: iv.To, Counts: iv.Counts, MaxLag: iv.MaxLag}
	for c, h := range iv.Hist {
		if h == nil {
			continue
		}
		var err error
		if k.Encoded[c], err = h.Encode(hdr.V2CompressedEncodingCookieBase); err != nil {
			return err
		}
	}
	s.Intervals = append(s.Intervals, k)
	return nil
}

// Hist decodes the histogram of an interval; nil: nothing recorded.
func (k *Kept) Hist(c Clock) (*hdr.Histogram, error) {
	if k.Encoded[c] == nil {
		return nil, nil
	}
	return hdr.Decode(k.Encoded[c])
}

// Total merges the histograms of all intervals of a clock.
func (s *Series) Total(c Clock) (*hdr.Histogram, error) {
	sum := NewHistogram()
	for i := range s.Intervals {
		h, err := s.Intervals[i].Hist(c)
		if err != nil {
			return nil, err
		}
		if h != nil {
			sum.Merge(h)
		}
	}
	return sum, nil
}

// Counts sums the counters.
func (s *Series) Counts() Counts {
	var c Counts
	for i := range s.Intervals {
		c = c.Plus(s.Intervals[i].Counts)
	}
	return c
}

// Span is the time that the intervals cover.
func (s *Series) Span() time.Duration {
	if len(s.Intervals) == 0 {
		return 0
	}
	return s.Intervals[len(s.Intervals)-1].To - s.Intervals[0].From
}
