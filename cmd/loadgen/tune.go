package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tailrace/loadgen/plan"
	"tailrace/loadgen/search"
)

// tuneAxis is a setting that tune tries values of.
type tuneAxis struct {
	name, values, doc string // values: tried when neither a flag nor the scenario says anything; empty = the plan's own
}

var tuneAxes = []tuneAxis{
	{"acks", "1,all", "levels to try; 0 promises nothing and must be asked for"},
	{"batch-size", "16KiB,128KiB", "batch sizes to try"},
	{"linger", "0,5ms,20ms", "lingers to try"},
	{"compression", "none,lz4,zstd", "codecs to try, with levels as zstd:3"},
	{"partitions", "", "numbers of partitions to try"},
	{"in-flight", "", "numbers of requests in flight to try (others than 5 switch idempotence off)"},
}

// tuneDefaults are settings of the plan that tune has its own defaults for. Random bytes would tell that compression
// never pays; records of real systems shrink to a third or so.
var tuneDefaults = [][2]string{{"payload", "ratio:3"}, {"warmup", "400ms"}, {"consumers", "0"}}

// tuneFlags are the command line of tune.
type tuneFlags struct {
	plan   planFlags
	axes   []string // by tuneAxes
	aim    string
	budget string
	times  int // the front is measured at the last length
	resume string
	own    []string
	yes    bool
}

func newTune() *cobra.Command {
	var f tuneFlags
	cmd := &cobra.Command{
		Use:   "tune [SCENARIO.yaml]",
		Short: "Find the producer settings that suit a goal, by measuring",
		Long: "Measure combinations of acks, batch size, linger and compression (and partitions, requests in flight):\n" +
			"all of them briefly, those that no other clearly beats for longer, the best of them again and again.\n" +
			"Each is measured at the target rate (latency, CPU) and as fast as it goes (MB/s). What comes out are the\n" +
			"combinations that nothing beats, a recommendation for the goal, and files with it for three clients.\n" +
			"The target rate is --rate; without it, a quarter of what the first combination reaches.",
		Example: "  loadgen tune --goal 'p99<10ms' --bootstrap-server 127.0.0.1:9092 --rate 20k --out tuned\n" +
			"  loadgen tune --goal max-throughput --acks all --compression none,zstd:1,zstd:3 --budget 10m\n" +
			"  loadgen tune --resume tuned",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := f.tuning(cmd, args)
			if err != nil {
				return err
			}
			return t.run(cmd, f.own, f.yes)
		},
	}
	f.addTo(cmd)
	return cmd
}

func (f *tuneFlags) addTo(cmd *cobra.Command) {
	var names []string
	f.axes = make([]string, len(tuneAxes))
	for i, a := range tuneAxes {
		names = append(names, a.name)
		cmd.Flags().StringVar(&f.axes[i], a.name, a.values, a.doc+" (`list`)")
	}
	f.plan.addTo(cmd, append(names, "duration", "records", "repeat", "raw", "topic", "use-existing-topic", "keep-topic",
		"idempotence", "transaction-interval", "group")...)
	cmd.Flags().StringVar(&f.aim, "goal", search.MaxThroughput,
		"what to recommend settings for: `p99<10ms` (at the target rate), max-throughput, min-cpu")
	cmd.Flags().StringVar(&f.budget, "budget", "5m", "how long to measure, in all (`duration`)")
	cmd.Flags().IntVar(&f.times, "repeats", 3, "how often what is best is measured at full length (`n`)")
	cmd.Flags().StringVar(&f.resume, "resume", "",
		"go on with the sweep in this `dir`; a larger --budget and another --goal may be given")
	cmd.Flags().StringArrayVar(&f.own, "own-broker-set", nil,
		"setting `key=value` of the lab's own broker; may be repeated")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not wait before loading a broker on another machine")
}

func (f *tuneFlags) tuning(cmd *cobra.Command, args []string) (*tuning, error) {
	if f.resume != "" {
		return f.resumed(cmd, args)
	}
	return f.fresh(args)
}

// fresh is a sweep as the command line asks for it.
func (f *tuneFlags) fresh(args []string) (*tuning, error) {
	scenario := ""
	if len(args) > 0 {
		scenario = args[0]
	}
	p, err := f.plan.plan(scenario)
	if err != nil {
		return nil, err
	}
	if p.IsSet("rate") && p.Rate.Shape != plan.Constant {
		return nil, usage("--rate: tune needs one rate, such as 20k")
	}
	aim, err := search.ParseAim(f.aim)
	if err != nil {
		return nil, usage("--goal: %w", err)
	}
	budget, err := f.seconds()
	if err != nil {
		return nil, err
	}
	if f.times < 1 {
		return nil, usage("--repeats must be 1 or more")
	}
	t := &tuning{base: p, aim: aim}
	t.doc = tuneDocument{Version: tuneVersion, Goal: aim.String(), Budget: budget, Repeats: f.times}
	for i, a := range tuneAxes {
		axis, err := axisOf(p, a, f.axes[i])
		if err != nil {
			return nil, err
		}
		if axis != nil {
			t.doc.Axes = append(t.doc.Axes, *axis)
		}
	}
	if err := ownDefaults(p, aim); err != nil {
		return nil, err
	}
	if p.Rate.Shape == plan.Constant {
		t.doc.Rate = p.Rate.From
	}
	if p.MaxRate > 0 && t.doc.Rate > p.MaxRate {
		return nil, usage("--rate %s is above --max-rate %s", plan.FormatCount(t.doc.Rate), plan.FormatCount(p.MaxRate))
	}
	if p.Out == "" {
		p.Out = "tune-" + time.Now().UTC().Format("20060102T150405Z")
	}
	return t, nil
}

func ownDefaults(p *plan.Plan, aim search.Aim) error {
	for _, d := range tuneDefaults {
		wanted := d[0] == "consumers" && latencyOf(aim).Clock == "e2e"
		if !p.IsSet(d[0]) && !wanted {
			if err := p.Set(d[0], d[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// axisOf makes an axis of a flag's list; the scenario's value when there is none; nil when the plan's value does.
func axisOf(p *plan.Plan, a tuneAxis, list string) (*search.Axis, error) {
	if list == a.values && (p.IsSet(a.name) || list == "") {
		if list == "" {
			return nil, nil
		}
		list = p.Text(a.name)
	}
	axis := &search.Axis{Name: a.name}
	seen := map[string]bool{}
	for v := range strings.SplitSeq(list, ",") {
		c := p.Clone()
		if err := c.Set(a.name, v); err != nil {
			return nil, usage("--%w", err)
		}
		if v = c.Text(a.name); seen[v] {
			return nil, usage("--%s: %s is there twice", a.name, v)
		}
		seen[v] = true
		axis.Values = append(axis.Values, v)
	}
	return axis, nil
}

// resumed is the sweep of a directory, to be gone on with.
func (f *tuneFlags) resumed(cmd *cobra.Command, args []string) (*tuning, error) {
	if len(args) > 0 || len(f.plan.given) > 0 && !onlyBroker(f.plan.given) {
		return nil, usage("--resume goes on with a sweep as it was: besides it only --budget, --goal and --bootstrap-server")
	}
	for _, a := range tuneAxes {
		if cmd.Flags().Changed(a.name) {
			return nil, usage("--resume goes on with a sweep as it was: leave --%s out", a.name)
		}
	}
	t, err := readTune(f.resume)
	if err != nil {
		return nil, err
	}
	for _, g := range f.plan.given {
		if err := t.base.Set(g[0], g[1]); err != nil {
			return nil, usage("%w", err)
		}
	}
	if cmd.Flags().Changed("goal") {
		t.doc.Goal = f.aim
	}
	if cmd.Flags().Changed("repeats") {
		t.doc.Repeats = f.times
	}
	was := t.aim
	if t.aim, err = search.ParseAim(t.doc.Goal); err != nil {
		return nil, usage("--goal: %w", err)
	}
	if was, now := latencyOf(was), latencyOf(t.aim); was.Clock != now.Clock || was.Percentile != now.Percentile {
		return nil, usage("--goal: this sweep has measured %s: another clock or percentile needs a sweep of its own",
			fmt.Sprintf("p%s of the %s time", was.Percentile, was.Clock))
	}
	if cmd.Flags().Changed("budget") {
		if t.doc.Budget, err = f.seconds(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// seconds is the budget.
func (f *tuneFlags) seconds() (float64, error) {
	d, err := plan.ParseDuration(f.budget)
	if err != nil || d <= 0 {
		return 0, usage("--budget: %q is no duration: write 5m", f.budget)
	}
	return d.Seconds(), nil
}

func onlyBroker(given [][2]string) bool {
	for _, g := range given {
		if g[0] != "bootstrap-server" {
			return false
		}
	}
	return true
}

// latencyOf is the latency that a sweep for an aim measures.
func latencyOf(a search.Aim) search.Goal {
	if a.Latency != nil {
		return *a.Latency
	}
	return search.Goal{Clock: "response", Percentile: "99"}
}
