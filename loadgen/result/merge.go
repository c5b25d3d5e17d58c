package result

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"tailrace/loadgen/meter"
)

// ErrApart says that runs are no parts of one load.
var ErrApart = errors.New("they do not overlap in time, so they are no parts of one load (are the hosts' clocks set?)")

// HostsKey is where a merged run keeps, in Extra, how many hosts made the load.
const HostsKey = "hosts"

// cell is the length of the seconds of a merged run.
const cell = time.Second

// Merge makes one run of the parts of a load that several hosts put on a broker at the same time. Histograms are
// merged and counters summed, second by second: seconds of the hosts are laid on each other by their wall clocks, and
// stay whole, so that one is off by half a second at most. Latencies are those of each host's own clock and need no
// agreement.
//
// The verdict's sentence is left to the caller. The parts are not changed.
func Merge(parts []*Run) (*Run, error) {
	if len(parts) < 2 {
		return nil, errors.New("one report alone is whole already: give two or more")
	}
	first := parts[0]
	for _, p := range parts {
		if p.Started.Before(first.Started) {
			first = p
		}
	}
	m := &Run{Schema: Schema, Label: first.Label, Settings: first.Settings, Started: first.Started, Topic: first.Topic,
		Versions: first.Versions, Machine: first.Machine, Broker: first.Broker, Errors: map[string]int64{},
		Fingerprint: fmt.Sprintf("%s-%d", first.Fingerprint, len(parts)),
		Extra:       map[string]float64{HostsKey: float64(len(parts))}}
	if err := overlap(parts); err != nil {
		return nil, err
	}
	if err := m.mergeSeries(parts); err != nil {
		return nil, err
	}
	m.mergeRest(parts)
	if err := m.Summarize(); err != nil {
		return nil, err
	}
	m.mergeCosts(parts)
	return m, nil
}

// measured is when a run measured, on its wall clock.
func (r *Run) measured() (from, to time.Time) {
	list := r.Series.Intervals
	if len(list) == 0 {
		return r.Started, r.Started
	}
	return r.Started.Add(list[0].From), r.Started.Add(list[len(list)-1].To)
}

// overlap refuses parts that were not made at the same time.
func overlap(parts []*Run) error {
	from, to := parts[0].measured()
	for _, p := range parts[1:] {
		a, b := p.measured()
		if a.After(from) {
			from = a
		}
		if b.Before(to) {
			to = b
		}
	}
	if !from.Before(to) {
		return ErrApart
	}
	return nil
}

// place says in which second of the merged run each interval of a part lies. The part's own phase against the grid is
// taken off first, so that a jitter at the edge of a second does not put two of its intervals into one cell.
func place(p *Run, origin time.Time) []int {
	offset := p.Started.Sub(origin)
	at, phases := make([]float64, len(p.Series.Intervals)), []float64(nil)
	for i, k := range p.Series.Intervals {
		at[i] = float64(offset+(k.From+k.To)/2)/float64(cell) - 0.5
		phases = append(phases, at[i]-math.Round(at[0])-float64(i))
	}
	slices.Sort(phases)
	out := make([]int, len(at))
	for i := range at {
		out[i] = int(max(0, math.Round(at[i]-max(-0.5, min(0.5, phases[len(phases)/2])))))
	}
	return out
}

// mergeSeries lays the intervals of the parts onto a grid of seconds that begins with the earliest of them.
func (r *Run) mergeSeries(parts []*Run) error {
	origin, end := parts[0].measured()
	for _, p := range parts[1:] {
		a, b := p.measured()
		if a.Before(origin) {
			origin = a
		}
		if b.After(end) {
			end = b
		}
	}
	lead := origin.Sub(r.Started)
	n := int(math.Ceil(float64(end.Sub(origin)) / float64(cell)))
	type sum struct {
		iv meter.Interval
		s  Second
	}
	sums := make([]sum, n)
	for _, p := range parts {
		for i, at := range place(p, origin) {
			k, to := &p.Series.Intervals[i], &sums[min(at, n-1)]
			to.iv.Counts, to.iv.MaxLag = to.iv.Counts.Plus(k.Counts), max(to.iv.MaxLag, k.MaxLag)
			for c := range meter.Clock(meter.Clocks) {
				h, err := k.Hist(c)
				if err != nil {
					return err
				}
				to.iv.Hist[c] = plus(to.iv.Hist[c], h)
			}
			if i < len(p.Seconds) {
				to.s.Generator = plusCost(to.s.Generator, p.Seconds[i].Generator)
				to.s.Broker = larger(to.s.Broker, p.Seconds[i].Broker)
			}
		}
	}
	for i := range sums {
		iv := &sums[i].iv
		iv.From, iv.To = lead+time.Duration(i)*cell, lead+time.Duration(i+1)*cell
		if i == n-1 {
			iv.To = end.Sub(r.Started)
		}
		if err := r.Series.Keep(*iv); err != nil {
			return err
		}
		r.Seconds = append(r.Seconds, sums[i].s)
	}
	return nil
}

func plus(sum, more *hdr.Histogram) *hdr.Histogram {
	if sum == nil || more == nil {
		if more != nil {
			return more
		}
		return sum
	}
	sum.Merge(more)
	return sum
}

func plusCost(sum, more *SecondCost) *SecondCost {
	if sum == nil || more == nil {
		if more == nil {
			return sum
		}
		return &SecondCost{more.Cores, more.Anon, more.File}
	}
	return &SecondCost{sum.Cores + more.Cores, sum.Anon + more.Anon, sum.File + more.File}
}

// larger is one of two readings of the same broker: it is one process, seen by each host that it runs on.
func larger(a, b *SecondCost) *SecondCost {
	if a == nil || b != nil && b.Cores > a.Cores {
		return b
	}
	return a
}

// mergeRest merges what is no series: ids, notes, errors, bounds.
func (r *Run) mergeRest(parts []*Run) {
	var ids, hosts, topics []string
	for _, p := range parts {
		name := p.Machine.Host + " (" + p.ID + ")"
		ids, hosts, topics = append(ids, p.ID), append(hosts, p.Machine.Host), append(topics, p.Topic)
		if p.Partial {
			r.Partial, r.Interrupted = true, name+": "+p.Interrupted
		}
		for text, n := range p.Errors {
			r.Errors[text] += n
		}
		for _, w := range p.Verdict.Warnings {
			r.Verdict.Warnings = append(r.Verdict.Warnings, name+": "+w)
		}
		if b := p.Verdict.Bound; b != BoundNone && r.Verdict.Bound != BoundGenerator {
			r.Verdict.Bound, r.Verdict.Why = b, "on "+name+", "+p.Verdict.Why
		}
		r.Steal = max(r.Steal, p.Steal)
	}
	slices.Sort(ids)
	r.ID = strings.Join(ids, "+")
	r.Machine.Host = strings.Join(slices.Compact(hosts), ", ")
	slices.Sort(topics)
	if topics = slices.Compact(topics); len(topics) > 1 {
		r.Topic = strings.Join(topics, ", ")
		r.Verdict.Warnings = append(r.Verdict.Warnings, "the hosts wrote into topics of their own: "+r.Topic)
	}
}

// mergeCosts sums what the generators used, and takes the broker's cost from the host that saw most of it.
func (r *Run) mergeCosts(parts []*Run) {
	r.Totals.Offered, r.Totals.OverrunMs, r.Generator = 0, 0, Cost{}
	for _, p := range parts {
		r.Totals.Offered += p.Totals.Offered
		r.Totals.OverrunMs = max(r.Totals.OverrunMs, p.Totals.OverrunMs)
		r.Totals.GeneratorShare = max(r.Totals.GeneratorShare, p.Totals.GeneratorShare)
		g := &r.Generator
		g.CPUSeconds, g.Cores = g.CPUSeconds+p.Generator.CPUSeconds, g.Cores+p.Generator.Cores
		g.CoresAllowed += p.Generator.CoresAllowed
		g.PeakAnon, g.PeakFile = g.PeakAnon+p.Generator.PeakAnon, g.PeakFile+p.Generator.PeakFile
		if b := p.Broker.Cost; b != nil && (r.Broker.Cost == nil || b.CPUSeconds > r.Broker.Cost.CPUSeconds) {
			cost := *b
			r.Broker.Cost, r.Broker.PID = &cost, p.Broker.PID
		}
	}
	for _, c := range []*Cost{&r.Generator, r.Broker.Cost} {
		if c != nil {
			c.NsPerRecord = ratio(c.CPUSeconds*1e9, float64(r.Totals.Acked))
			c.SecondsPerGB = ratio(c.CPUSeconds, float64(r.Totals.AckedBytes)/1e9)
		}
	}
}
