package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tailrace/broker/adoption"
	"tailrace/broker/logdir"
	"tailrace/vfs"
)

func newStorageInfo() *cobra.Command {
	var f storageFlags
	var kafkaMetadata string
	var output format
	cmd := &cobra.Command{
		Use:   "info --config FILE | --log-dir DIR...",
		Short: "Tell whose log directories are, and what Kafka would make of them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load(cmd)
			if err != nil {
				return err
			}
			if kafkaMetadata == "" {
				kafkaMetadata = f.fileValue("metadata.log.dir")
			}
			r, err := adoption.Inspect(vfs.OS, cfg, kafkaMetadata)
			if err != nil {
				return err
			}
			if output == formatJSON {
				err = document(cmd.OutOrStdout(), r)
			} else {
				err = printReport(cmd.OutOrStdout(), r)
			}
			if n := len(r.Problems) + len(r.Missing) + len(r.Unformatted); err == nil && n > 0 {
				err = fmt.Errorf("%s found", count(int64(n), "problem was", "problems were"))
			}
			return err
		},
	}
	f.addTo(cmd)
	cmd.Flags().StringVar(&kafkaMetadata, "kafka-metadata-dir", "",
		"where Kafka keeps its metadata log (default: the file's metadata.log.dir, else the log directories)")
	output.addTo(cmd, oneDocument)
	return cmd
}

// printReport says what kafka-storage info says, in its words, and then what concerns Tailrace.
func printReport(w io.Writer, r *adoption.Report) error {
	var b strings.Builder
	paragraph := func(heading string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(&b, "%s\n  %s\n\n", heading, strings.Join(lines, "\n  "))
		}
	}
	var dirs, problems []string
	for _, d := range r.LogDirs {
		dirs = append(dirs, d.Path)
	}
	for _, path := range r.Missing {
		problems = append(problems, path+" does not exist")
	}
	for _, path := range r.Unformatted {
		problems = append(problems, path+" is not formatted.")
	}
	heading := "Found log directories:"
	if len(dirs) == 1 {
		heading = "Found log directory:"
	}
	paragraph(heading, dirs)
	for _, d := range r.LogDirs {
		fmt.Fprintf(&b, "Found metadata: {cluster.id=%s, directory.id=%s, node.id=%d, version=1}\n\n", r.ClusterID,
			d.DirectoryID, r.NodeID)
	}
	if problems = append(problems, r.Problems...); len(problems) == 1 {
		paragraph("Found problem:", problems)
	} else {
		paragraph("Found problems:", problems)
	}
	b.WriteString(whose(r))
	if r.MetadataLog != "" {
		fmt.Fprintf(&b, "  %s with %s, according to %s\n", count(int64(r.Topics), "topic", "topics"),
			count(int64(r.Partitions), "partition", "partitions"), r.MetadataLog)
	}
	for _, d := range r.LogDirs {
		how := "stopped in order"
		if !d.Clean {
			how = "in use, or not stopped in order"
		}
		fmt.Fprintf(&b, "  %s: %s, %s\n", d.Path, count(int64(d.Partitions), "partition", "partitions"), how)
	}
	if r.Back != nil && !r.Grown {
		b.WriteString(given(r.Back))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func whose(r *adoption.Report) string {
	switch r.Owner {
	case adoption.OwnerKafka:
		return "Apache Kafka's; `tailrace storage adopt` takes them over\n"
	case adoption.OwnerTailrace:
		return "Tailrace's\n"
	case adoption.OwnerAdopted:
		text := fmt.Sprintf("Tailrace's, adopted from Kafka (%s, offset %d) at %s\n", r.Adoption.From, r.Adoption.End,
			time.UnixMilli(r.Adoption.AtMs).UTC().Format(time.RFC3339))
		if r.Grown {
			text += "Kafka has run on them since: take over what it left with `tailrace storage adopt --again`\n"
		}
		return text
	}
	return "No broker has used them yet; `tailrace serve` needs no format step\n"
}

// given says what Kafka would make of adopted directories.
func given(b *adoption.Back) string {
	var lines []string
	say := func(names []string, text string) {
		if len(names) > 0 {
			lines = append(lines, fmt.Sprintf(text, strings.Join(names, ", ")))
		}
	}
	say(b.Unknown, "topics that it does not know, whose directories it renames to *"+logdir.StraySuffix+": %s")
	say(b.Emptied, "topics that were deleted here and that it makes again, empty: %s")
	say(b.Narrower, "partitions that it does not know, whose directories it renames to *"+logdir.StraySuffix+": %s")
	say(b.Settings, "topics that get their former settings back: %s")
	if b.Restarts > 0 {
		lines = append(lines, fmt.Sprintf("its leader epochs are behind: consumers with committed offsets wait until it has "+
			"been stopped and started %s more", count(int64(b.Restarts), "time", "times")))
	}
	if len(lines) == 0 {
		return "Given back to Kafka, it would find everything that is here\n"
	}
	return "Given back to Kafka, it would find:\n  - " + strings.Join(lines, "\n  - ") + "\n"
}
