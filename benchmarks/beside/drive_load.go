package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tailrace/benchmarks/scenario"
	"tailrace/loadgen"
	"tailrace/loadgen/machine"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
	"tailrace/loadgen/search"
)

// openLoop is a driver: loadgen's own load, with the settings of a scenario file for loadgen run. A rate may be a part
// of Kafka's knee: "50% of knee".
func openLoop(ctx context.Context, c *contest, s *served, r *scenario.Row, window time.Duration) (
	map[string]float64, string, error,
) {
	p, err := c.planOf(s, r)
	if err != nil {
		return nil, "", err
	}
	p.Duration = window
	run, err := runPlan(ctx, p)
	if err != nil {
		return nil, "", err
	}
	v, note := figures(run)
	if _, seen := v["anonMiB"]; !seen {
		return v, note, s.memoryInto(v)
	}
	return v, note, nil
}

// leadIn is the warm-up of each load: the time in which a client opens its connections.
const leadIn = 700 * time.Millisecond

// planOf makes loadgen's plan of a row.
func (c *contest) planOf(s *served, r *scenario.Row) (*plan.Plan, error) {
	p := plan.Default()
	p.BootstrapServer, p.BrokerPID = s.addr, s.process.PID()
	p.Warmup = leadIn
	p.TopicConfig = durabilityKeys(s.system, r)
	var errs []error
	for name, value := range r.With {
		if name == "goal" {
			continue
		}
		if part, ok := strings.CutSuffix(value, ofKnee); ok && name == "rate" {
			rate, err := c.partOfKnee(part)
			if err != nil {
				return nil, err
			}
			value = strconv.FormatFloat(rate, 'f', 0, 64)
		}
		errs = append(errs, p.Set(name, value))
	}
	return p, errors.Join(errs...)
}

// here describes the machine once, when this process is pinned: a load of seconds does not probe it each time.
var here = sync.OnceValue(func() machine.Machine { return machine.Here(".") })

func runPlan(ctx context.Context, p *plan.Plan) (*result.Run, error) {
	m := here()
	run, err := loadgen.Run(ctx, p, loadgen.Options{Machine: &m})
	switch {
	case err != nil:
		return nil, err
	case run.Partial:
		return nil, errors.New(run.Interrupted)
	}
	for text, n := range run.Errors {
		return nil, fmt.Errorf("%d × %s", n, text)
	}
	return run, nil
}

// figures are the values of a run, and what limited it.
func figures(r *result.Run) (map[string]float64, string) {
	t := &r.Totals
	v := map[string]float64{
		"offeredPerSecond": t.Offered, "achievedPerSecond": t.Achieved, "recordsPerSecond": t.Achieved,
		"megabytesPerSecond": t.Bytes / 1e6, "consumedPerSecond": t.Consumed, "recordsPerRequest": t.RecordsPerReq,
		"compressionRatio": t.Ratio, "maxLagMs": t.MaxLagMs, "clientCores": r.Generator.Cores,
		"clientUsPerRecord": r.Generator.NsPerRecord / 1e3,
	}
	if c := r.Broker.Cost; c != nil {
		v["brokerCores"], v["cpuUsPerRecord"], v["cpuSecondsPerGB"] = c.Cores, c.NsPerRecord/1e3, c.SecondsPerGB
	}
	// What the broker held in the last second of the load. Afterwards the topic is gone, and some of the memory with it.
	if n := len(r.Seconds); n > 0 && r.Seconds[n-1].Broker != nil {
		b := r.Seconds[n-1].Broker
		v["anonMiB"], v["fileMiB"] = float64(b.Anon)/mib, float64(b.File)/mib
	}
	for clock, curve := range r.Clocks {
		for percentile, name := range map[string]string{"50": "P50", "99": "P99", "99.9": "P999"} {
			v[clock+name+"Ms"] = curve.At[percentile]
		}
		v[clock+"MaxMs"] = curve.Max
	}
	switch r.Verdict.Bound {
	case result.BoundNone:
		return v, ""
	case result.BoundGenerator:
		return v, "the load generator was the limit"
	}
	return v, r.Verdict.Why
}

const (
	kneeRow = "knee"      // the row whose results say where Kafka's knee lies
	ofKnee  = "% of knee" // ends a rate that is a part of it
)

// partOfKnee is a rate: so many percent of the median of the knees that were found since this machine booted. Kafka's
// knee is the same whatever is changed here.
func (c *contest) partOfKnee(percent string) (float64, error) {
	part, err := strconv.ParseFloat(percent, 64)
	if err != nil {
		return 0, err
	}
	var knees []float64
	for _, m := range c.raw.Measurements {
		if m.Row == kneeRow && m.System == scenario.Kafka && m.Failed == "" && c.raw.Places[m.Place].BootID == c.bootID {
			knees = append(knees, m.Values["kneePerSecond"])
		}
	}
	if len(knees) == 0 {
		return 0, errors.New("Kafka's knee is not known: measure it first (--groups knee)")
	}
	slices.Sort(knees)
	return part / 100 * knees[len(knees)/2], nil
}

// knee is a driver: it looks for the highest rate that meets the row's goal.
func knee(ctx context.Context, c *contest, s *served, r *scenario.Row, _ time.Duration) (
	map[string]float64, string, error,
) {
	goal, err := search.ParseGoal(r.With["goal"])
	if err != nil {
		return nil, "", err
	}
	last := map[float64]*result.Run{}
	find := search.KneeSearch{Goal: goal, Start: 16000, Precision: 1.15}
	find.Measure = func(rate float64) (search.Point, error) {
		p, err := c.planOf(s, r)
		if err != nil {
			return search.Point{}, err
		}
		if err := p.Set("rate", strconv.FormatFloat(rate, 'f', 0, 64)); err != nil {
			return search.Point{}, err
		}
		p.Duration = kneeWindow
		run, err := runPlan(ctx, p)
		if err != nil {
			return search.Point{}, err
		}
		last[rate] = run
		return pointOf(run, rate, goal), nil
	}
	k, err := find.Find()
	if err != nil {
		return nil, "", err
	}
	if k.Rate == 0 {
		return nil, "", fmt.Errorf("%s was not met at any rate from %.0f records/s on", goal, find.Start)
	}
	v, _ := figures(last[k.Rate])
	v["kneePerSecond"] = k.Rate
	note := k.Why
	if k.Generator {
		note = "the load generator was the limit: " + note
	}
	return v, note, nil
}

// kneeWindow is how long each rate is held.
const kneeWindow = 3 * time.Second

// pointOf is what the search wants to know of a run.
func pointOf(r *result.Run, rate float64, goal search.Goal) search.Point {
	p := search.Point{
		Rate: rate, Achieved: r.Totals.Achieved, Latency: map[string]float64{},
		Kept: r.Verdict.Bound == result.BoundNone, Generator: r.Verdict.Bound == result.BoundGenerator,
	}
	if c := r.Clocks[goal.Clock]; c != nil {
		p.Latency[goal.Percentile] = c.At[goal.Percentile]
		if goal.Percentile == "max" {
			p.Latency["max"] = c.Max
		}
		p.Good = p.Kept && p.Latency[goal.Percentile] < float64(goal.Below)/1e6
	}
	return p
}
