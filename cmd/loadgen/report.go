package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tailrace/loadgen/page"
	"tailrace/loadgen/result"
)

func newReport() *cobra.Command {
	return &cobra.Command{
		Use:   "report DIR...",
		Short: "Draw report.html of a run anew",
		Long: "Draw report.html of a run anew, from the run.json and run.hlog beside it. A directory of repeated runs has\n" +
			"one page a run.",
		Example: "  loadgen report before",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, dir := range args {
				if err := reportIn(cmd, dir); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// reportIn draws the run in dir, or those in its sub-directories.
func reportIn(cmd *cobra.Command, dir string) error {
	dirs := []string{dir}
	if _, err := os.Stat(filepath.Join(dir, result.FileJSON)); err != nil {
		found, err := filepath.Glob(filepath.Join(dir, "*", result.FileJSON))
		if err != nil {
			return err
		}
		if len(found) > 0 {
			dirs = nil
		}
		for _, f := range found {
			dirs = append(dirs, filepath.Dir(f))
		}
	}
	for _, d := range dirs {
		r, err := result.Read(d)
		if err != nil {
			return err
		}
		if err := page.Write(d, r); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(d, result.FileHTML))
	}
	return nil
}
