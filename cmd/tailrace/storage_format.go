package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"tailrace/broker/logdir"
	"tailrace/vfs"
	"tailrace/wire"
)

type formatFlags struct {
	storageFlags
	clusterID       string
	ignoreFormatted bool
	without         formatWithout
}

// formatWithout takes the flags of kafka-storage format that have nothing to do here: a single node is its own quorum,
// and metadata.version is what this build serves.
type formatWithout struct {
	standalone, noInitialControllers bool
	release                          string
	features                         []string
}

func newFormat() *cobra.Command {
	var f formatFlags
	cmd := &cobra.Command{
		Use:   "format --cluster-id ID --config FILE",
		Short: "Give log directories a cluster id (never needed: serve does it by itself)",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return formatDirs(cmd, &f) },
	}
	f.addTo(cmd)
	fl := cmd.Flags()
	fl.StringVarP(&f.clusterID, "cluster-id", "t", "", "cluster id, for example one of `tailrace storage random-uuid`")
	fl.BoolVarP(&f.ignoreFormatted, "ignore-formatted", "g", false, "leave directories that are formatted as they are")
	fl.BoolVarP(&f.without.standalone, "standalone", "s", false, "as in Kafka; without effect, a node is its own quorum")
	fl.BoolVarP(&f.without.noInitialControllers, "no-initial-controllers", "N", false, "as in Kafka; without effect")
	fl.StringVarP(&f.without.release, "release-version", "r", "", "as in Kafka; without effect")
	fl.StringArrayVarP(&f.without.features, "feature", "f", nil, "as in Kafka; without effect")
	return cmd
}

func formatDirs(cmd *cobra.Command, f *formatFlags) error {
	if f.clusterID == "" {
		return usage("--cluster-id ID is needed; `tailrace storage random-uuid` prints one")
	}
	if _, err := wire.ParseTopicID(f.clusterID); err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %q does not look like a Kafka id of 22 characters\n", f.clusterID)
	}
	cfg, err := f.load(cmd)
	if err != nil {
		return err
	}
	out, empty := cmd.OutOrStdout(), []string{}
	for _, dir := range cfg.LogDirs {
		s, err := logdir.Look(vfs.OS, dir)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && !s.Formatted && !s.MetadataLog:
			empty = append(empty, dir)
		case err != nil:
			return err
		case s.Formatted && s.Identity.ClusterID != f.clusterID:
			return fmt.Errorf("invalid cluster.id in %s/%s: expected %s, but read %s: give that id, or another directory",
				dir, logdir.MetaFile, f.clusterID, s.Identity.ClusterID)
		case !f.ignoreFormatted:
			return fmt.Errorf("log directory %s is already formatted. Use --ignore-formatted to ignore this directory "+
				"and format the others", dir)
		}
	}
	if len(empty) == 0 {
		fmt.Fprintln(out, "All of the log directories are already formatted.")
		return nil
	}
	for _, dir := range empty {
		if err := logdir.Format(vfs.OS, dir, f.clusterID, int32(cfg.NodeID)); err != nil {
			return err
		}
		fmt.Fprintf(out, "Formatting data directory %s for cluster %s and node %d.\n", dir, f.clusterID, cfg.NodeID)
	}
	return nil
}
