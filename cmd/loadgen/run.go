package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tailrace/loadgen"
	"tailrace/loadgen/page"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// planFlags are the flags of a plan on one command line, in the order in which they were given.
type planFlags struct {
	given [][2]string
}

// setting is a flag that only notes what was said; the plan checks it.
type setting struct {
	to  *planFlags
	row *plan.Setting
}

func (s *setting) String() string { return s.row.Default }
func (s *setting) Type() string   { return s.row.Value }

func (s *setting) Set(text string) error {
	if err := plan.Default().Set(s.row.Name, text); err != nil {
		return errors.Unwrap(err)
	}
	s.to.given = append(s.to.given, [2]string{s.row.Name, text})
	return nil
}

// addTo declares a flag for each setting of the plan's table, but for those that the verb decides itself.
func (f *planFlags) addTo(cmd *cobra.Command, but ...string) {
	flags := cmd.Flags()
	for i := range plan.Settings {
		row := &plan.Settings[i]
		if slices.Contains(but, row.Name) {
			continue
		}
		shorthand := map[string]string{"property": "X"}[row.Name]
		flag := flags.VarPF(&setting{f, row}, row.Name, shorthand, row.Doc)
		if row.Switch {
			flag.NoOptDefVal = "true"
		}
	}
}

// plan reads the scenario file, then the flags over it.
func (f *planFlags) plan(scenario string) (*plan.Plan, error) {
	p := plan.Default()
	if scenario != "" {
		if err := p.Read(scenario); err != nil {
			return nil, usage("%w", err)
		}
	}
	for _, g := range f.given {
		if err := p.Set(g[0], g[1]); err != nil {
			return nil, usage("%w", err)
		}
	}
	return p, nil
}

func newRun() *cobra.Command {
	var (
		flags planFlags
		again string
		own   []string
		yes   bool
	)
	cmd := &cobra.Command{
		Use:   "run [SCENARIO.yaml]",
		Short: "Put a load on a broker and report what came of it",
		Long: "Put a load on a broker, open loop: each record is due at its moment whatever the broker does, and its\n" +
			"response time counts from then. A scenario file holds the same settings as the flags; a flag is stronger.",
		Example: "  loadgen run --rate 50k --duration 30s\n" +
			"  loadgen run --bootstrap-server broker:9092 --rate 10k --acks all --record-size 1KiB --out before",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			scenario := ""
			if len(args) > 0 {
				scenario = args[0]
			}
			p, err := flags.plan(scenario)
			if again != "" {
				p, err = planOf(again, scenario, &flags)
			}
			if err != nil {
				return err
			}
			return runPlan(cmd, p, own, yes)
		},
	}
	flags.addTo(cmd)
	cmd.Flags().StringVar(&again, "again", "", "repeat the run in this `dir`; flags are stronger")
	cmd.Flags().StringArrayVar(&own, "own-broker-set", nil, "setting `key=value` of the lab's own broker; may be repeated")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not wait before loading a broker on another machine")
	return cmd
}

// planOf is the plan of an earlier run, with the flags over it.
func planOf(dir, scenario string, flags *planFlags) (*plan.Plan, error) {
	if scenario != "" {
		return nil, usage("--again repeats a run as it was: it takes no scenario file")
	}
	r, err := result.Read(dir)
	if err != nil {
		return nil, err
	}
	p, err := r.Plan()
	if err != nil {
		return nil, err
	}
	p.Out = ""
	for _, g := range flags.given {
		if err := p.Set(g[0], g[1]); err != nil {
			return nil, usage("%w", err)
		}
	}
	return p, nil
}

// runPlan runs a plan as often as it says.
func runPlan(cmd *cobra.Command, p *plan.Plan, own []string, yes bool) error {
	if err := p.Check(); err != nil {
		return usage("%w", err)
	}
	if p.Out == "" {
		p.Out = "loadgen-" + time.Now().UTC().Format("20060102T150405Z")
	}
	if err := beforeOthers(cmd, p, yes); err != nil {
		return err
	}
	if p.Repeat == 1 {
		_, err := runInto(cmd, p, own, p.Out)
		return err
	}
	if err := result.Prepare(p.Out); err != nil {
		return usage("%w", err)
	}
	var bound error
	for i := range p.Repeat {
		fmt.Fprintf(cmd.ErrOrStderr(), "run %d of %d\n", i+1, p.Repeat)
		_, err := runInto(cmd, p.Clone(), own, filepath.Join(p.Out, fmt.Sprintf("%03d", i+1)))
		if err != nil && !generatorBound(err) {
			return err
		}
		bound = cmp.Or(bound, err)
	}
	return bound
}

// generatorBound tells whether a run ended with nothing worse than a generator that was too slow: others may follow it.
func generatorBound(err error) bool {
	var coded *codeError
	return errors.As(err, &coded) && coded.code == exitGenerator
}

// grace is how long a person has to think again before another machine is loaded.
const grace = 3 * time.Second

// beforeOthers says what is about to happen to a broker on another machine.
func beforeOthers(cmd *cobra.Command, p *plan.Plan, yes bool) error {
	if !loadgen.Remote(p) {
		return nil
	}
	topic, rate, size := p.Topic, p.Rate.String()+" records/s", "as many bytes as it takes"
	if topic == "" {
		topic = "a topic of its own"
	}
	if n := p.Bytes(); n >= 0 {
		size = "about " + plan.FormatSize(n>>20<<20) + " in all"
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "about to load %s: %s, %s, %s\n", p.BootstrapServer, topic, rate, size)
	if yes {
		return nil
	}
	select {
	case <-cmd.Context().Done():
		return &codeError{exitInterrupted, errors.New("interrupted before anything was sent")}
	case <-time.After(grace):
		return nil
	}
}

// runInto runs a plan once and writes the report.
func runInto(cmd *cobra.Command, p *plan.Plan, own []string, dir string) (*result.Run, error) {
	if err := result.Prepare(dir); err != nil {
		return nil, usage("%w", err)
	}
	show := newLive(cmd.ErrOrStderr())
	r, err := loadgen.Run(cmd.Context(), p, loadgen.Options{
		Command: append([]string{"loadgen"}, os.Args[1:]...), Version: version(), Dir: dir,
		Own: func() (loadgen.Own, error) { return startOwn(own) }, Progress: show.progress,
	})
	show.end()
	if err != nil {
		_ = os.Remove(dir) // only if it is empty
		var bad *plan.SettingError
		switch {
		case errors.As(err, &bad):
			return nil, usage("%w", err)
		case cmd.Context().Err() != nil:
			return nil, &codeError{exitInterrupted, errors.New("interrupted before anything was measured")}
		}
		return nil, err
	}
	if err := r.Write(dir); err != nil {
		return r, err
	}
	if err := page.Write(dir, r); err != nil {
		return r, err
	}
	tell(cmd.OutOrStdout(), r, dir)
	switch {
	case r.Partial:
		return r, &codeError{exitInterrupted, nil}
	case r.Fruitless():
		return r, &codeError{exitFailed, nil}
	case r.Verdict.Bound == result.BoundGenerator:
		return r, &codeError{exitGenerator, nil}
	}
	return r, nil
}

// tell prints a run for a person.
func tell(w io.Writer, r *result.Run, dir string) {
	fmt.Fprintln(w, r.Verdict.Sentence)
	for _, warning := range r.Verdict.Warnings {
		fmt.Fprintln(w, "  note: "+warning)
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "%-12s", "ms")
	for _, p := range result.Percentiles {
		fmt.Fprintf(w, "%10s", "p"+result.PercentileName(p))
	}
	fmt.Fprintf(w, "%10s%12s\n", "max", "records")
	for _, clock := range []string{"response", "service", "e2e"} {
		c := r.Clocks[clock]
		if c == nil {
			continue
		}
		fmt.Fprintf(w, "%-12s", clock)
		for _, p := range result.Percentiles {
			fmt.Fprintf(w, "%10.3f", c.At[result.PercentileName(p)])
		}
		fmt.Fprintf(w, "%10.3f%12d\n", c.Max, c.Count)
	}
	fmt.Fprintln(w)
	t := r.Totals
	fmt.Fprintf(w, "achieved %.0f records/s, %.2f MB/s", t.Achieved, t.Bytes/1e6)
	if t.Offered > 0 {
		fmt.Fprintf(w, " of %.0f records/s offered", t.Offered)
	}
	fmt.Fprintf(w, "; %.1f records a batch", t.RecordsPerB)
	if t.Ratio > 1.01 {
		fmt.Fprintf(w, ", compressed %.2f times", t.Ratio)
	}
	fmt.Fprintln(w)
	if c := r.Broker.Cost; c != nil {
		fmt.Fprintf(w, "broker %.2f cores, %.0f ns a record, %.2f CPU-s a GB, %s resident (%s of it its own)\n", c.Cores,
			c.NsPerRecord, c.SecondsPerGB, plan.FormatSize((c.PeakAnon+c.PeakFile)>>20<<20), plan.FormatSize(c.PeakAnon>>20<<20))
	}
	fmt.Fprintf(w, "loadgen %.2f cores of %d, %.0f ns a record\n", r.Generator.Cores, r.Generator.CoresAllowed,
		r.Generator.NsPerRecord)
	fmt.Fprintf(w, "report in %s\n", strings.TrimSuffix(dir, "/"))
}
