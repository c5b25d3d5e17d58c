package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tailrace/loadgen"
	"tailrace/loadgen/machine"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
	"tailrace/loadgen/search"
)

// tuning is a sweep under way.
type tuning struct {
	base *plan.Plan
	aim  search.Aim
	doc  tuneDocument

	goesOn  bool // with what a directory holds
	own     bool // the broker is the lab's
	ctx     context.Context
	runs    int              // report directories so far
	machine *machine.Machine // probed once
	written int64            // bytes, about
}

// Whose CPU a record costs.
const (
	cpuBroker  = "broker"
	cpuMachine = "generator and broker together" // the broker's process is not to be seen: all that this machine did
	cpuClient  = "generator alone"               // the broker is elsewhere
)

// planOf is the plan of a cell, at the target rate if there is one. The bound of bytes is for the sweep and not for
// each run: room keeps it.
func (t *tuning) planOf(c search.Cell) (*plan.Plan, error) {
	p := t.base.Clone()
	if p.MaxBytes = 0; t.doc.Rate > 0 {
		p.Rate = plan.Rate{Shape: plan.Constant, From: t.doc.Rate, To: t.doc.Rate}
	}
	for _, kv := range c.Settings() {
		if err := p.Set(kv[0], kv[1]); err != nil {
			return nil, err
		}
	}
	if p.InFlight != 5 {
		if err := p.Set("idempotence", "false"); err != nil {
			return nil, err
		}
	}
	return p, p.Check()
}

// measure is one measurement of a cell: at the target rate, then as fast as it goes.
func (t *tuning) measure(c search.Cell, length float64) (search.Sample, error) {
	began := time.Now()
	m := search.Sample{Cell: c}
	p, err := t.planOf(c)
	if err != nil {
		return m, err
	}
	p.Duration = time.Duration(length * 1e9)
	if err := t.room(p); err != nil {
		return m, err
	}
	before := machine.ReadLoad()
	r, err := t.once(p, "rate", &m)
	if err != nil {
		return m, err
	}
	t.cost(r, p, &m, before)
	m.Kept = r.Verdict.Bound == result.BoundNone && r.Totals.Failed == 0
	m.Generator = r.Verdict.Bound == result.BoundGenerator
	if m.Latency, err = t.latency(r); err != nil {
		return m, err
	}
	if err := t.fullSpeed(c, length, &m); err != nil {
		return m, err
	}
	m.Took = time.Since(began).Seconds()
	t.doc.Samples = append(t.doc.Samples, withCell(m, c, length))
	return m, t.save()
}

func withCell(m search.Sample, c search.Cell, length float64) search.Sample {
	m.Cell, m.Length = c, length
	return m
}

// fullSpeed measures MB/s: at full speed, or at the bound of the rate.
func (t *tuning) fullSpeed(c search.Cell, length float64, m *search.Sample) error {
	p, err := t.planOf(c)
	if err != nil {
		return err
	}
	p.Duration, p.Consumers, p.Rate = time.Duration(length*1e9), 0, plan.Rate{}
	switch {
	case p.MaxRate > 0:
		p.Rate = plan.Rate{Shape: plan.Constant, From: p.MaxRate, To: p.MaxRate}
	case t.base.MaxBytes > 0:
		// By count, so that nothing exceeds the bound however fast the broker is.
		p.Warmup, p.Records = 0, int64(4*t.doc.Rate*length)
	}
	if err := t.room(p); err != nil {
		return err
	}
	r, err := t.once(p, "full", m)
	if err != nil {
		return err
	}
	m.MBps = max(r.Totals.Bytes/1e6, 1e-6)
	m.Client = r.Verdict.Bound == result.BoundGenerator
	m.Capped = p.MaxRate > 0 && r.Verdict.Bound == result.BoundNone
	return nil
}

// room ends the sweep when the next run might write more than the bound allows.
func (t *tuning) room(p *plan.Plan) error {
	if need := p.Bytes(); t.base.MaxBytes > 0 && need >= 0 && t.written+need > t.base.MaxBytes {
		return &search.Stop{Why: fmt.Sprintf("the next run might exceed --max-bytes %s", plan.FormatSize(t.base.MaxBytes))}
	}
	return nil
}

// once is a run with a report, but for its page: drawing one takes time, and `loadgen report` can do it later.
func (t *tuning) once(p *plan.Plan, kind string, m *search.Sample) (*result.Run, error) {
	t.runs++
	name := filepath.Join("runs", fmt.Sprintf("%03d-%s", t.runs, kind))
	dir := filepath.Join(t.base.Out, name)
	for result.Prepare(dir) != nil && t.runs < 1e6 { // a sweep that was cut short has left one
		t.runs++
		name = filepath.Join("runs", fmt.Sprintf("%03d-%s", t.runs, kind))
		dir = filepath.Join(t.base.Out, name)
	}
	p.Label = string(m.Cell)
	r, err := loadgen.Run(t.ctx, p, loadgen.Options{
		Command: append([]string{"loadgen"}, os.Args[1:]...), Version: version(), Dir: dir, Machine: t.machine,
	})
	switch {
	case t.ctx.Err() != nil:
		return nil, &codeError{exitInterrupted, errors.New("interrupted")}
	case err != nil:
		return nil, err
	}
	if t.machine == nil {
		t.machine = &r.Machine
	}
	written := int64(r.Totals.Achieved * (p.Duration + p.Warmup).Seconds() * float64(p.RecordSize.Max()))
	if p.Bytes() >= 0 {
		written = p.Bytes()
	}
	t.written += written
	m.Bytes += written
	m.Runs = append(m.Runs, name)
	t.doc.Broker = r.Broker
	t.doc.Broker.Own = t.own
	return r, r.Write(dir)
}

// cost is the CPU of a record: the broker's, if its process is known.
func (t *tuning) cost(r *result.Run, p *plan.Plan, m *search.Sample, before machine.Load) {
	m.ClientCPU = r.Generator.NsPerRecord
	records := r.Totals.Achieved * (p.Duration + p.Warmup).Seconds()
	switch {
	case r.Broker.Cost != nil:
		m.CPU, t.doc.CPUOf = r.Broker.Cost.NsPerRecord, cpuBroker
	case loadgen.Remote(p):
		m.CPU, t.doc.CPUOf = m.ClientCPU, cpuClient
	default:
		now := machine.ReadLoad()
		const tick = 1e9 / 100 // the kernel's, in nanoseconds
		busy := float64((now.Total-now.Idle)-(before.Total-before.Idle)) * tick
		m.CPU, t.doc.CPUOf = busy/max(records, 1), cpuMachine
	}
}

// nothingCame stands for the latency of a run in which nothing was acknowledged: the longest that is kept.
const nothingCame = 3.6e6

func (t *tuning) latency(r *result.Run) (float64, error) {
	goal, at := latencyOf(t.aim), map[string]float64{}
	if r.Totals.Acked == 0 {
		return nothingCame, nil
	}
	if err := latencies(r, goal, at); err != nil {
		return 0, err
	}
	return max(at[goal.Percentile], 1e-3), nil
}

// firstRate finds the target rate when none is given: a quarter of what the first cell reaches in two seconds.
func (t *tuning) firstRate(cmd *cobra.Command) error {
	if t.doc.Rate > 0 {
		return t.warm(cmd)
	}
	if t.base.MaxRate > 0 {
		t.doc.Rate = max(1, math.Floor(t.base.MaxRate/2))
		return t.warm(cmd)
	}
	if t.base.MaxBytes > 0 {
		return usage("--max-bytes needs a --rate: finding one takes as many bytes as the broker can write")
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "looking for a target rate …")
	p, err := t.planOf(search.Cells(t.doc.Axes)[0])
	if err != nil {
		return err
	}
	p.Duration, p.Rate, p.Consumers = 2*time.Second, plan.Rate{}, 0
	r, err := t.once(p, "first", &search.Sample{})
	if err != nil {
		return err
	}
	digits := math.Pow(10, math.Floor(math.Log10(max(r.Totals.Achieved/4, 1))))
	t.doc.Rate = max(1, math.Floor(r.Totals.Achieved/4/digits)*digits)
	return nil
}

// warmFor is how long a broker that the lab did not start is loaded before the first measurement: one that compiles
// itself as it goes would make the first cells look bad.
const warmFor = 3 * time.Second

// warm loads a broker that may need it. Looking for a rate does the same.
func (t *tuning) warm(cmd *cobra.Command) error {
	if t.own || t.base.MaxBytes > 0 || len(t.doc.Samples) > 0 {
		return nil
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "warming the broker up …")
	p, err := t.planOf(search.Cells(t.doc.Axes)[0])
	if err != nil {
		return err
	}
	p.Duration, p.Consumers = warmFor, 0
	_, err = t.once(p, "warm-up", &search.Sample{})
	return err
}
