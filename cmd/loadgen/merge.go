package main

import (
	"os"

	"github.com/spf13/cobra"

	"tailrace/loadgen"
	"tailrace/loadgen/contrast"
	"tailrace/loadgen/page"
	"tailrace/loadgen/result"
)

func newMerge() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "merge DIR DIR... --out DIR",
		Short: "Make one report of what several hosts loaded a broker with at the same time",
		Long: "Merge the reports of hosts that loaded a broker together: histograms are merged and counters summed,\n" +
			"second by second on the hosts' wall clocks. Hosts with unlike settings are refused; their seeds may differ,\n" +
			"and should.",
		Example: "  loadgen merge host1/report host2/report --out both",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usage("give --out DIR for the merged report")
			}
			parts, err := partsOf(args)
			if err != nil {
				return err
			}
			r, err := result.Merge(parts)
			if err != nil {
				return usage("%w", err)
			}
			r.Command = append([]string{"loadgen"}, os.Args[1:]...)
			r.Verdict.Sentence = loadgen.Sentence(r)
			if err := result.Prepare(out); err != nil {
				return usage("%w", err)
			}
			if err := r.Write(out); err != nil {
				return err
			}
			if err := page.Write(out, r); err != nil {
				return err
			}
			tell(cmd.OutOrStdout(), r, out)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "`dir` of the merged report")
	return cmd
}

// partsOf reads the reports, one a directory, and refuses unlike ones.
func partsOf(dirs []string) ([]*result.Run, error) {
	var parts []*result.Run
	seen := map[string]string{}
	for _, dir := range dirs {
		r, err := result.Read(dir)
		if err != nil {
			return nil, err
		}
		if before, ok := seen[r.ID]; ok {
			return nil, usage("%s and %s are the same run: it would count twice", before, dir)
		}
		seen[r.ID], parts = dir, append(parts, r)
		found, err := contrast.Differences(parts[0], r)
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			if d.Setting != "seed" {
				return nil, usage("%s and %s are not parts of one load: %s", dirs[0], dir, d)
			}
		}
	}
	return parts, nil
}
