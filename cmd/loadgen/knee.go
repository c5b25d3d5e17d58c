package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tailrace/loadgen"
	"tailrace/loadgen/meter"
	"tailrace/loadgen/page"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
	"tailrace/loadgen/search"
)

// kneeFile holds the result of a search for a knee.
const kneeFile = "knee.json"

// kneeDocument is kneeFile; its keys are stable.
type kneeDocument struct {
	Version  int               `json:"version"`
	Goal     string            `json:"goal"`
	Settings map[string]string `json:"settings"`
	*search.Knee
}

func newKnee() *cobra.Command {
	var (
		flags     planFlags
		goal      string
		from      string
		precision float64
		own       []string
		yes       bool
	)
	cmd := &cobra.Command{
		Use:   "knee [SCENARIO.yaml]",
		Short: "Find the highest rate that meets a latency goal",
		Long: "Measure at one rate after the other, until the highest is found at which the goal is met and every record\n" +
			"is sent when it is due. Each measurement is a run with a report of its own below --out; --duration and\n" +
			"--warmup are those of one measurement.",
		Example: "  loadgen knee --goal 'p99<10ms' --bootstrap-server 127.0.0.1:9092 --max-rate 200k --out knee",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			g, err := search.ParseGoal(goal)
			if err != nil {
				return usage("--goal: %w", err)
			}
			start, err := plan.ParseCount(from)
			if err != nil || start <= 0 {
				return usage("--from: %q is no rate", from)
			}
			if precision <= 1 {
				return usage("--precision must be above 1, such as 1.05")
			}
			scenario := ""
			if len(args) > 0 {
				scenario = args[0]
			}
			p, err := flags.plan(scenario)
			if err != nil {
				return err
			}
			if p.IsSet("rate") {
				return usage("--rate is what knee looks for: bound it with --from and --max-rate")
			}
			return findKnee(cmd, p, &search.KneeSearch{Goal: g, Start: start, Precision: precision,
				MaxRate: p.MaxRate}, own, yes)
		},
	}
	flags.addTo(cmd)
	cmd.Flags().Lookup("duration").DefValue, cmd.Flags().Lookup("warmup").DefValue = "8s", "2s"
	cmd.Flags().StringVar(&goal, "goal", "p99<10ms", "what must be met: `p99<10ms`, max<1s, e2e.p99.9<50ms")
	cmd.Flags().StringVar(&from, "from", "1k", "`rate` to begin with, records a second")
	cmd.Flags().Float64Var(&precision, "precision", 1.05,
		"stop when the best rate and the next worse are so close (`ratio`)")
	cmd.Flags().StringArrayVar(&own, "own-broker-set", nil, "setting `key=value` of the lab's own broker; may be repeated")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not wait before loading a broker on another machine")
	return cmd
}

func findKnee(cmd *cobra.Command, p *plan.Plan, s *search.KneeSearch, own []string, yes bool) error {
	for name, value := range map[string]string{"duration": "8s", "warmup": "2s"} {
		if !p.IsSet(name) {
			if err := p.Set(name, value); err != nil {
				return err
			}
		}
	}
	if p.Out == "" {
		p.Out = "knee-" + time.Now().UTC().Format("20060102T150405Z")
	}
	if err := beforeOthers(cmd, p, yes); err != nil {
		return err
	}
	if err := os.MkdirAll(p.Out, 0o755); err != nil {
		return err
	}
	stop, err := oneBroker(cmd, p, own)
	if err != nil {
		return err
	}
	defer stop()
	errs := cmd.ErrOrStderr()
	s.Measure = func(rate float64) (search.Point, error) { return measureRate(cmd, p, s, rate) }
	s.Tell = func(pt search.Point, why string) {
		mark := "too high"
		if pt.Good {
			mark = "good"
		}
		fmt.Fprintf(errs, "%-40s %10.0f records/s: %s %8.3g ms, achieved %.0f/s: %s\n", why, pt.Rate, s.Goal.Percentile,
			pt.Latency[s.Goal.Percentile], pt.Achieved, mark)
	}
	k, err := s.Find()
	if err != nil {
		return err
	}
	if err := writeKnee(p, s.Goal, k); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintln(out, kneeSentence(s.Goal, k))
	if k.Rate == 0 && !k.Generator {
		return &codeError{exitThreshold, nil}
	}
	fmt.Fprintf(out, "%d measurements in %s\n", len(k.Points), p.Out)
	if k.Generator {
		return &codeError{exitGenerator, nil}
	}
	return nil
}

// oneBroker starts a broker for all measurements when the plan names none.
func oneBroker(cmd *cobra.Command, p *plan.Plan, own []string) (stop func(), err error) {
	if p.BootstrapServer != "" {
		return func() {}, nil
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "starting a broker …")
	o, err := startOwn(own)
	if err != nil {
		return nil, err
	}
	p.BootstrapServer = o.Address
	return func() {
		if err := o.Stop(); err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "loadgen: "+err.Error())
		}
	}, nil
}

// measureRate is one measurement: a run at a rate.
func measureRate(cmd *cobra.Command, base *plan.Plan, s *search.KneeSearch, rate float64) (search.Point, error) {
	p := base.Clone()
	p.Rate = plan.Rate{Shape: plan.Constant, From: rate, To: rate}
	dir := filepath.Join(base.Out, fmt.Sprintf("%03d", len(s.Points)+1))
	if err := result.Prepare(dir); err != nil {
		return search.Point{}, err
	}
	r, err := loadgen.Run(cmd.Context(), p, loadgen.Options{
		Command: append([]string{"loadgen"}, os.Args[1:]...), Version: version(), Dir: dir,
	})
	switch {
	case cmd.Context().Err() != nil:
		return search.Point{}, &codeError{exitInterrupted, errors.New("interrupted")}
	case err != nil:
		return search.Point{}, err
	}
	if err := errors.Join(r.Write(dir), page.Write(dir, r)); err != nil {
		return search.Point{}, err
	}
	pt := search.Point{
		Achieved: r.Totals.Achieved, Kept: r.Verdict.Bound == result.BoundNone && r.Totals.Failed == 0,
		Generator: r.Verdict.Bound == result.BoundGenerator, Dir: filepath.Base(dir), Latency: map[string]float64{},
	}
	return pt, latencies(r, s.Goal, pt.Latency)
}

// latencies takes the percentiles of the goal's clock out of a run: those of its summary, and the goal's own.
func latencies(r *result.Run, g search.Goal, into map[string]float64) error {
	c := r.Clocks[g.Clock]
	if c == nil {
		return fmt.Errorf("the goal is about %s times, and none were measured: give --consumers", g.Clock)
	}
	maps.Copy(into, c.At)
	if into["max"] = c.Max; g.Percentile == "max" {
		return nil
	}
	clock, err := meter.ClockOf(g.Clock)
	if err != nil {
		return err
	}
	h, err := r.Series.Total(clock)
	if err != nil {
		return err
	}
	p, err := strconv.ParseFloat(g.Percentile, 64)
	if err != nil {
		return err
	}
	into[g.Percentile] = float64(h.ValueAtPercentile(p)) / 1e6
	return nil
}

func writeKnee(p *plan.Plan, g search.Goal, k *search.Knee) error {
	doc := kneeDocument{Version: 1, Goal: g.String(), Settings: map[string]string{}, Knee: k}
	for i := range plan.Settings {
		doc.Settings[plan.Settings[i].Name] = plan.Settings[i].Get(p)
	}
	b, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.Out, kneeFile), append(b, '\n'), 0o644); err != nil {
		return err
	}
	return drawKnee(p, g, k)
}

// drawKnee draws latency over load.
func drawKnee(p *plan.Plan, g search.Goal, k *search.Knee) error {
	d := &page.Knee{
		Name: p.Label, About: "acks=" + p.Acks.String() + ", values of " + p.RecordSize.String() + ", batches of " +
			plan.FormatSize(p.BatchSize) + ", linger " + plan.FormatDuration(p.Linger),
		Verdict: kneeSentence(g, k), Goal: g.String(), GoalMs: float64(g.Below) / 1e6, Watched: g.Percentile, Rate: k.Rate,
	}
	for _, pt := range k.Points {
		d.Points = append(d.Points, page.KneePoint{
			Rate: pt.Rate, Achieved: pt.Achieved, Latency: pt.Latency, Good: pt.Good, Why: "run " + pt.Dir,
		})
	}
	f, err := os.Create(filepath.Join(p.Out, "knee.html"))
	if err != nil {
		return err
	}
	return errors.Join(page.KneePage(f, d), f.Close())
}

func kneeSentence(g search.Goal, k *search.Knee) string {
	if k.Rate == 0 {
		return k.Why
	}
	return fmt.Sprintf("%.0f records/s meet %s; %s", k.Rate, g, k.Why)
}
