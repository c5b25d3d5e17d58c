package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tailrace/broker/adoption"
	"tailrace/broker/logdir"
	"tailrace/vfs"
)

type adoptFlags struct {
	storageFlags
	kafkaMetadata string
	dryRun        bool
	again         bool
	output        format
}

func newAdopt() *cobra.Command {
	var f adoptFlags
	cmd := &cobra.Command{
		Use:   "adopt --config FILE | --log-dir DIR...",
		Short: "Take over the data directories of a Kafka node",
		Long: "Take over the data directories of a Kafka node that is its whole cluster, with every topic, record,\n" +
			"committed offset and setting. Kafka must be stopped. Its files are read and stay as and where they are; what\n" +
			"is written is Tailrace's own metadata log. Try it on a copy first: docs/MIGRATING.md tells how, and the way\n" +
			"back as well.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return adopt(cmd, &f) },
	}
	f.addTo(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.kafkaMetadata, "kafka-metadata-dir", "",
		"where Kafka keeps its metadata log (default: the file's metadata.log.dir, else the log directories)")
	fl.BoolVar(&f.dryRun, "dry-run", false, "print what would be done and do nothing")
	fl.BoolVar(&f.again, "again", false, "set the metadata of an earlier adoption aside: Kafka has run since")
	f.output.addTo(cmd, oneDocument)
	return cmd
}

func adopt(cmd *cobra.Command, f *adoptFlags) (err error) {
	cfg, err := f.load(cmd)
	if err != nil {
		return err
	}
	o := adoption.Options{
		FS: vfs.OS, Config: cfg, KafkaMetadataDir: f.kafkaMetadata, Again: f.again, NowMs: time.Now().UnixMilli(),
	}
	if o.KafkaMetadataDir == "" {
		o.KafkaMetadataDir = f.fileValue("metadata.log.dir")
	}
	plan, err := adoption.MakePlan(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plan.Close()) }()
	out := cmd.OutOrStdout()
	if f.output == formatJSON {
		err = document(out, plan)
	} else {
		err = printPlan(out, plan)
	}
	switch {
	case err != nil:
		return err
	case len(plan.Refusals) > 0:
		return &adoption.RefusedError{Reasons: plan.Refusals}
	case f.dryRun:
		fmt.Fprintln(cmd.ErrOrStderr(), "dry run: nothing was written")
		return nil
	}
	if err := plan.Execute(); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "adopted; start it with: %s\n", f.serveCommand(cfg))
	return nil
}

// printPlan shows a plan to a person.
func printPlan(w io.Writer, p *adoption.Plan) error {
	var b strings.Builder
	fmt.Fprintf(&b, "cluster %s, node %d\n", p.ClusterID, p.NodeID)
	fmt.Fprintf(&b, "Kafka's metadata log: %s, up to offset %d in epoch %d, metadata.version %s\n",
		p.MetadataLog, p.EndOffset, p.LeaderEpoch, p.MetadataVersion)
	for _, d := range p.LogDirs {
		how := "stopped in order"
		if !d.Clean {
			how = "not stopped in order"
		}
		fmt.Fprintf(&b, "log directory: %s (%s), %s, %s\n", d.Path, d.DirectoryID,
			count(int64(d.Partitions), "partition", "partitions"), how)
	}
	fmt.Fprintf(&b, "\ntaken, every file where it is:\n  %s with %s, %d bytes\n",
		count(int64(p.Topics), "topic", "topics"), count(int64(p.Partitions), "partition", "partitions"), p.Bytes)
	if p.OffsetParts > 0 {
		fmt.Fprintf(&b, "  groups and committed offsets, in %s\n", count(int64(p.OffsetParts), "partition", "partitions"))
	}
	fmt.Fprintf(&b, "  %s, %s, %s\n", count(int64(p.TopicSettings), "topic setting", "topic settings"),
		count(int64(p.BrokerSettings), "broker setting", "broker settings"),
		count(int64(p.GroupSettings), "group setting", "group settings"))
	if len(p.Left) > 0 {
		fmt.Fprintln(&b, "\nnot taken, because it is not served yet:")
	}
	for _, l := range p.Left {
		fmt.Fprintf(&b, "  %s (%d): %s\n", l.Kind, l.Count, strings.Join(l.Names, ", "))
	}
	if len(p.Notes) > 0 {
		fmt.Fprintln(&b, "\nnotes:")
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "  - %s\n", n)
	}
	if p.SetAside != "" {
		fmt.Fprintf(&b, "\nset aside: %s, as %s\n", p.Target, p.SetAside)
	}
	fmt.Fprintf(&b, "\nwritten: %s (Tailrace's metadata log)\n", p.Target)
	_, err := io.WriteString(w, b.String())
	return err
}

// nodeOf is the node that a log directory belongs to.
func nodeOf(dir string) (int32, bool) {
	s, err := logdir.Look(vfs.OS, dir)
	return s.Identity.NodeID, err == nil && s.Formatted
}
