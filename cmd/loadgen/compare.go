package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"tailrace/loadgen/contrast"
	"tailrace/loadgen/stat"
	"tailrace/vfs"
)

// telling is how a comparison is shown and judged: the flags that compare and ab share.
type telling struct {
	clock     string
	output    string
	html      string
	failIf    []string
	different bool
	vary      []string
}

func (f *telling) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.clock, "clock", "",
		"`clock` to compare: response, service or e2e (default: the first that all have)")
	flags.StringVarP(&f.output, "output", "o", "text", "`form` of the output: text or json")
	flags.StringVar(&f.html, "html", "", "write the comparison as one HTML page to this `file`")
	flags.StringArrayVar(&f.failIf, "fail-if", nil,
		"exit 3 beyond this `limit`: 'p99>+10%' (the whole interval) or 'p99>5ms' (B alone); joined by or, or repeated")
	flags.BoolVar(&f.different, "allow-different", false, "compare runs whose settings differ")
	flags.StringSliceVar(&f.vary, "vary", nil, "the `settings` that are compared, and may differ")
}

// options checks the flags.
func (f *telling) options() (contrast.Options, error) {
	o := contrast.Options{Clock: f.clock}
	o.Allow = func(setting string) bool { return f.different || slices.Contains(f.vary, setting) }
	if f.output != "text" && f.output != "json" {
		return o, usage("--output %s: text and json are the forms", f.output)
	}
	if !slices.Contains([]string{"", "response", "service", "e2e"}, f.clock) {
		return o, usage("--clock %s: response, service and e2e are the clocks", f.clock)
	}
	for _, text := range f.failIf {
		limits, err := stat.ParseLimits(text)
		if err != nil {
			return o, usage("--fail-if: %w", err)
		}
		o.Limits = append(o.Limits, limits...)
	}
	return o, nil
}

func newCompare() *cobra.Command {
	var f telling
	var paired bool
	cmd := &cobra.Command{
		Use:   "compare A B [C...]",
		Short: "Say whether runs differ, and by how much",
		Long: "Compare runs with the first of them, percentile by percentile. Each directory holds a run, or the repeats\n" +
			"that run --repeat made of it. The intervals hold together: comparing like with like, in at most 5 of 100 cases\n" +
			"any row is called different. With 5 repeats or more a side runs are resampled; with one run a side blocks of\n" +
			"its seconds are, and the answer is about these two runs.",
		Example: "  loadgen compare before after\n" +
			"  loadgen compare before after --fail-if 'p99>+10% or p99.9>50ms' --html out.html",
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := f.options()
			if err != nil {
				return err
			}
			o.Paired = paired
			sides, err := contrast.Load(args)
			if err != nil {
				return err
			}
			return f.compare(cmd, sides, o)
		},
	}
	f.addTo(cmd)
	cmd.Flags().BoolVar(&paired, "paired", false,
		"the runs were made in pairs, as ab makes them: compare first with first")
	return cmd
}

// compare compares, tells, and fails if a limit is broken.
func (f *telling) compare(cmd *cobra.Command, sides []contrast.Side, o contrast.Options) error {
	c, err := contrast.Make(sides, o)
	if err != nil {
		return usage("%w", err) // what cannot be compared was asked for wrongly
	}
	if f.html != "" {
		var b bytes.Buffer
		if err := c.HTML(&b); err != nil {
			return err
		}
		if err := vfs.WriteFileAtomic(vfs.OS, f.html, b.Bytes()); err != nil {
			return fmt.Errorf("write %s: %w", f.html, err)
		}
	}
	write := c.Text
	if f.output == "json" {
		write = c.JSON
	}
	if err := write(cmd.OutOrStdout()); err != nil {
		return err
	}
	if len(c.Broken) > 0 {
		return &codeError{exitThreshold, nil}
	}
	return nil
}
