package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tailrace/loadgen"
	"tailrace/loadgen/contrast"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// ab alternates two loads.
type ab struct {
	flags   planFlags
	tell    telling
	pairs   int
	servers [2]string
	own     []string
	ownOf   [2][]string
	yes     bool

	out    string
	plans  [2]*plan.Plan
	runs   [2][]*result.Run
	missed bool // a run in which the lab itself was the bottleneck
}

// letters are the sides' names and directories.
var letters = [2]string{"a", "b"}

func newAB() *cobra.Command {
	var x ab
	cmd := &cobra.Command{
		Use:   "ab [A.yaml [B.yaml]]",
		Short: "Run two scenarios, or two brokers, in turn and compare them",
		Long: "Run A and B in turn (A B, B A, A B, …), so that what drifts over the hours hits both, and compare the\n" +
			"pairs. With one scenario, or none, A and B differ in --bootstrap-server-a and -b, or in the settings of the\n" +
			"lab's own brokers (--own-broker-set-a and -b). The flags of run hold for both.",
		Example: "  loadgen ab --bootstrap-server-a old:9092 --bootstrap-server-b new:9092 --rate 20k --pairs 5\n" +
			"  loadgen ab acks-1.yaml acks-all.yaml --vary acks,idempotence --pairs 5 --out acks",
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return x.run(cmd, args) },
	}
	x.flags.addTo(cmd)
	x.tell.addTo(cmd)
	flags := cmd.Flags()
	flags.IntVar(&x.pairs, "pairs", 5, "how many `pairs` of runs")
	flags.StringArrayVar(&x.own, "own-broker-set", nil, "setting `key=value` of the lab's own brokers; may be repeated")
	for i, letter := range letters {
		flags.StringVar(&x.servers[i], "bootstrap-server-"+letter, "", "the broker of "+letter+", as `HOST:PORT`")
		flags.StringArrayVar(&x.ownOf[i], "own-broker-set-"+letter, nil, "setting `key=value` of the own broker of "+letter)
	}
	flags.BoolVarP(&x.yes, "yes", "y", false, "do not wait before loading a broker on another machine")
	return cmd
}

func (x *ab) run(cmd *cobra.Command, args []string) error {
	o, err := x.tell.options()
	if err != nil {
		return err
	}
	o.Paired = true
	if err := x.prepare(cmd, args, o); err != nil {
		return err
	}
	for pair := range x.pairs {
		order := []int{0, 1}
		if pair%2 == 1 {
			order = []int{1, 0}
		}
		for _, side := range order {
			fmt.Fprintf(cmd.ErrOrStderr(), "pair %d of %d: %s\n", pair+1, x.pairs, letters[side])
			if err := x.one(cmd, side, pair); err != nil {
				return x.stopped(cmd, o, err)
			}
		}
	}
	err = x.finish(cmd, o)
	if err == nil && x.missed {
		return &codeError{exitGenerator, nil}
	}
	return err
}

// prepare reads the plans and refuses what cannot be compared before anything has run.
func (x *ab) prepare(cmd *cobra.Command, args []string, o contrast.Options) error {
	if x.pairs < 2 {
		return usage("--pairs %d: two pairs or more are needed to compare, five or more to see small differences", x.pairs)
	}
	var stand [2]*result.Run
	for i := range x.plans {
		scenario := ""
		if len(args) > 0 {
			scenario = args[min(i, len(args)-1)]
		}
		p, err := x.flags.plan(scenario)
		if err != nil {
			return err
		}
		if x.servers[i] != "" {
			p.BootstrapServer = x.servers[i]
		}
		if err := p.Check(); err != nil {
			return usage("%w", err)
		}
		if p.Repeat != 1 {
			return usage("--repeat: ab repeats by itself; give --pairs")
		}
		x.out, p.Repeat = p.Out, 1
		if p.Label == "" && len(args) == 2 {
			p.Label = filepath.Base(args[i])
		}
		x.plans[i], stand[i] = p, &result.Run{}
		stand[i].SetPlan(p)
	}
	found, err := contrast.Differences(stand[0], stand[1])
	if err != nil {
		return err
	}
	refused := slices.DeleteFunc(found, func(d contrast.Difference) bool { return o.Allow(d.Setting) })
	if len(refused) > 0 {
		return usage("%w; or name them with --vary", &contrast.UnlikeError{A: "A", B: "B", Differences: refused})
	}
	if x.plans[0].Label == x.plans[1].Label { // what tells them apart is then the server
		for i, server := range x.servers {
			x.plans[i].Label = server
		}
	}
	if x.out == "" {
		x.out = "loadgen-ab-" + time.Now().UTC().Format("20060102T150405Z")
	}
	for i, letter := range letters {
		if err := result.Prepare(filepath.Join(x.out, letter)); err != nil {
			return usage("%w", err)
		}
		if err := beforeOthers(cmd, x.plans[i], x.yes || i > 0 && loadgen.Remote(x.plans[0])); err != nil {
			return err
		}
	}
	return nil
}

// one runs a side once.
func (x *ab) one(cmd *cobra.Command, side, pair int) error {
	p := x.plans[side].Clone()
	dir := filepath.Join(x.out, letters[side], fmt.Sprintf("%03d", pair+1))
	out := cmd.OutOrStdout() // is the comparison's
	cmd.SetOut(cmd.ErrOrStderr())
	r, err := runInto(cmd, p, slices.Concat(x.own, x.ownOf[side]), dir)
	cmd.SetOut(out)
	if err != nil && !generatorBound(err) {
		return err
	}
	x.missed = x.missed || err != nil
	x.runs[side] = append(x.runs[side], r)
	return nil
}

// finish compares what was run.
func (x *ab) finish(cmd *cobra.Command, o contrast.Options) error {
	sides := make([]contrast.Side, len(letters))
	for i, letter := range letters {
		sides[i] = contrast.Side{Dir: filepath.Join(x.out, letter), Runs: x.runs[i]}
	}
	contrast.Name(sides)
	if x.tell.html == "" {
		x.tell.html = filepath.Join(x.out, "compare.html")
	}
	return x.tell.compare(cmd, sides, o)
}

// stopped compares the pairs that are whole, when there are some, and gives back why it stopped.
func (x *ab) stopped(cmd *cobra.Command, o contrast.Options, why error) error {
	whole := min(len(x.runs[0]), len(x.runs[1]))
	if whole < 2 {
		return why
	}
	x.runs[0], x.runs[1] = x.runs[0][:whole], x.runs[1][:whole]
	fmt.Fprintf(cmd.ErrOrStderr(), "stopped after %d of %d pairs\n", whole, x.pairs)
	if err := x.finish(cmd, o); err != nil && cmd.Context().Err() == nil {
		return errors.Join(why, err)
	}
	return why
}
