package result

import (
	"math"
	"strconv"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"tailrace/loadgen/meter"
)

// Summarize fills what follows from the series: clocks, totals, seconds. Call it when the series is complete.
func (r *Run) Summarize() error {
	r.Clocks = map[string]*Curve{}
	for c := range meter.Clock(meter.Clocks) {
		h, err := r.Series.Total(c)
		if err != nil {
			return err
		}
		if h.TotalCount() > 0 {
			r.Clocks[c.Tag()] = CurveOf(h)
		}
	}
	r.sumUp()
	return nil
}

// CurveOf summarizes a histogram.
func CurveOf(h *hdr.Histogram) *Curve {
	c := &Curve{
		Count: h.TotalCount(), Mean: h.Mean() / 1e6, Min: float64(h.Min()) / 1e6, Max: float64(h.Max()) / 1e6,
		At: make(map[string]float64, len(Percentiles)),
	}
	for _, p := range Percentiles {
		c.At[PercentileName(p)] = float64(h.ValueAtPercentile(p)) / 1e6
	}
	return c
}

// PercentileName is 99.9 as text.
func PercentileName(p float64) string { return strconv.FormatFloat(p, 'f', -1, 64) }

func (r *Run) sumUp() {
	n, t := r.Series.Counts(), &r.Totals
	if t.Seconds == 0 { // the one who ran it knows when the last answer came; the intervals end a little later
		t.Seconds = r.Series.Span().Seconds()
	}
	t.Scheduled, t.Acked, t.AckedBytes = n[meter.Scheduled], n[meter.Acked], n[meter.AckedBytes]
	t.Failed, t.Received = n[meter.Errors], n[meter.Consumed]
	t.Negative, t.Unstamped, t.Clamped = n[meter.Negative], n[meter.Unstamped], n[meter.Clamped]
	t.Achieved = ratio(float64(t.Acked), t.Seconds)
	t.Bytes = ratio(float64(t.AckedBytes), t.Seconds)
	t.Consumed = ratio(float64(t.Received), t.Seconds)
	t.RecordsPerReq = ratio(float64(n[meter.Acked]), float64(n[meter.Requests]))
	t.RecordsPerB = ratio(float64(n[meter.BatchRecs]), float64(n[meter.Batches]))
	t.BatchBytes = ratio(float64(n[meter.BatchBytes]), float64(n[meter.Batches]))
	t.Ratio = ratio(float64(n[meter.BatchBytes]), float64(n[meter.WireBytes]))
	t.MeanLagMs = ratio(float64(n[meter.LagNs]), float64(n[meter.Sent])) / 1e6
	t.BlockedShare = ratio(float64(n[meter.BlockedNs]), float64(n[meter.LagNs]))
	t.MaxLagMs = 0
	var rates []float64
	for i := range r.Series.Intervals {
		k := &r.Series.Intervals[i]
		t.MaxLagMs = max(t.MaxLagMs, ms(k.MaxLag))
		if length := (k.To - k.From).Seconds(); length > 0.5 {
			rates = append(rates, float64(k.Counts[meter.Acked])/length)
		}
	}
	t.RateVariation = variation(rates)
}

// ratio is a/b, and 0 where there is nothing to divide by.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// variation is the standard deviation divided by the mean.
func variation(list []float64) float64 {
	if len(list) < 2 {
		return 0
	}
	var sum, squares float64
	for _, v := range list {
		sum += v
	}
	mean := sum / float64(len(list))
	for _, v := range list {
		squares += (v - mean) * (v - mean)
	}
	return ratio(math.Sqrt(squares/float64(len(list)-1)), mean)
}

// secondsOf lists the intervals as run.json has them, keeping what was measured beside them.
func (r *Run) secondsOf() []Second {
	list := make([]Second, len(r.Series.Intervals))
	for i := range r.Series.Intervals {
		k := &r.Series.Intervals[i]
		if i < len(r.Seconds) {
			list[i] = r.Seconds[i]
		}
		list[i].From, list[i].To, list[i].MaxLagMs = k.From.Seconds(), k.To.Seconds(), ms(k.MaxLag)
		list[i].Counts = map[string]int64{}
		for c := range meter.CounterEnd {
			if v := k.Counts[c]; v != 0 {
				list[i].Counts[meter.Counter(c).String()] = v
			}
		}
	}
	return list
}
