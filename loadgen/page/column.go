package page

import (
	"math"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/result"
)

// column is a piece of the time axis: one interval of the run, or several that lie end to end, put together.
type column struct {
	from, to  float64 // seconds from the start of the schedule
	counts    meter.Counts
	maxLag    time.Duration
	hist      *hdr.Histogram // of the clock that is drawn over time; nil: nothing recorded
	broker    *result.SecondCost
	generator *result.SecondCost
}

func (c *column) seconds() float64 { return c.to - c.from }

// rate is a counter a second.
func (c *column) rate(n meter.Counter) float64 { return float64(c.counts[n]) / c.seconds() }

// mostColumns is how many a chart shows; a longer run has several intervals in one.
const mostColumns = 240

// tailSeconds is the length below which a last interval joins the one before: rates over a moment are noise, and
// leaving it out would hide what it holds.
const tailSeconds = 0.5

// columnsOf cuts a run into columns, none of which reaches over a gap between intervals.
func columnsOf(r *result.Run, clock meter.Clock) ([]column, error) {
	intervals := r.Series.Intervals
	each := (len(intervals) + mostColumns - 1) / mostColumns
	var list []column
	held := 0
	for i := range intervals {
		k := &intervals[i]
		if k.To <= k.From {
			continue
		}
		last := len(list) - 1
		tail := i == len(intervals)-1 && (k.To-k.From).Seconds() < tailSeconds
		if last < 0 || held >= each && !tail || list[last].to != k.From.Seconds() {
			list, held = append(list, column{from: k.From.Seconds(), to: k.From.Seconds()}), 0
			last++
		}
		h, err := k.Hist(clock)
		if err != nil {
			return nil, err
		}
		var s result.Second
		if i < len(r.Seconds) {
			s = r.Seconds[i]
		}
		list[last].add(k, h, s)
		held++
	}
	return list, nil
}

func (c *column) add(k *meter.Kept, h *hdr.Histogram, s result.Second) {
	length := (k.To - k.From).Seconds()
	c.broker = join(c.broker, s.Broker, c.seconds(), length)
	c.generator = join(c.generator, s.Generator, c.seconds(), length)
	c.to = k.To.Seconds()
	c.counts = c.counts.Plus(k.Counts)
	c.maxLag = max(c.maxLag, k.MaxLag)
	switch {
	case h == nil:
	case c.hist == nil:
		c.hist = h
	default:
		c.hist.Merge(h)
	}
}

// join adds up CPU time over two stretches, and keeps the larger memory.
func join(a, b *result.SecondCost, aSeconds, bSeconds float64) *result.SecondCost {
	switch {
	case b == nil:
		return a
	case a == nil:
		c := *b
		return &c
	}
	return &result.SecondCost{
		Cores: (a.Cores*aSeconds + b.Cores*bSeconds) / (aSeconds + bSeconds),
		Anon:  max(a.Anon, b.Anon), File: max(a.File, b.File),
	}
}

// steps makes a line over columns: flat within each, broken where a value is not there or a column does not begin where
// the one before ended.
func steps(columns []column, value func(c *column) float64) []Point {
	var list []Point
	end := math.NaN()
	for i := range columns {
		c := &columns[i]
		v := value(c)
		if c.from != end && len(list) > 0 {
			list = append(list, Point{c.from, math.NaN()})
		}
		list = append(list, Point{c.from, v}, Point{c.to, v})
		end = c.to
	}
	return list
}

// largest is the largest value of a line, gaps aside.
func largest(lines ...[]Point) float64 {
	most := 0.0
	for _, points := range lines {
		for _, p := range points {
			if !math.IsNaN(p.Y) {
				most = max(most, p.Y)
			}
		}
	}
	return most
}

// timeAxis spans the columns.
func timeAxis(columns []column) Axis {
	a := Axis{Title: "seconds from the start of the schedule", High: 1}
	if len(columns) > 0 {
		a.Low, a.High = columns[0].from, columns[len(columns)-1].to
	}
	return a
}
