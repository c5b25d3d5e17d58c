package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func newTopicList() *cobra.Command {
	var (
		at       address
		out      format
		internal bool
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List topics",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return admin(cmd, &at, func(ctx context.Context, adm *kadm.Client) error {
				m, err := adm.Metadata(ctx)
				if err != nil {
					return err
				}
				if !internal {
					m.Topics.FilterInternal()
				}
				d := topicDocument{Topics: []topicResult{}}
				for _, t := range m.Topics.Sorted() {
					d.Topics = append(d.Topics,
						topicResult{t.Topic, topicID(t.ID), len(t.Partitions), t.Partitions.NumReplicas(), t.IsInternal})
				}
				return d.write(cmd.OutOrStdout(), out)
			})
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	cmd.Flags().BoolVar(&internal, "internal", false, "list the broker's own topics too")
	return cmd
}

// description is a topic as describe tells it; the keys are stable.
type description struct {
	Name       string                 `json:"name"`
	ID         string                 `json:"id"`
	Internal   bool                   `json:"internal"`
	Configs    map[string]string      `json:"configs,omitempty"` // set for this topic; absent if not told
	Partitions []partitionDescription `json:"partitions"`
}

type partitionDescription struct {
	Partition   int32   `json:"partition"`
	Leader      int32   `json:"leader"`
	LeaderEpoch int32   `json:"leader_epoch"`
	Replicas    []int32 `json:"replicas"`
	ISR         []int32 `json:"isr"`
	StartOffset int64   `json:"start_offset"` // -1: unknown
	EndOffset   int64   `json:"end_offset"`
	Error       string  `json:"error,omitempty"`
}

func newTopicDescribe() *cobra.Command {
	var (
		at  address
		out format
	)
	cmd := &cobra.Command{
		Use:               "describe [NAME...]",
		Short:             "Tell partitions, leaders, replicas and offsets of topics",
		Long:              "Tell partitions, leaders, replicas and offsets of the topics named, or of all but internal ones.",
		ValidArgsFunction: completeTopics(&at),
		RunE: func(cmd *cobra.Command, names []string) error {
			ctx, cl, err := at.connect(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer cl.Close()
			m, err := metadata(ctx, kadm.NewClient(cl), names...)
			if err != nil {
				return cause(ctx, err)
			}
			if len(names) == 0 {
				m.Topics.FilterInternal()
			}
			list, err := describe(ctx, kadm.NewClient(cl), m.Topics.Sorted())
			if err != nil {
				return cause(ctx, err)
			}
			if out == formatJSON {
				return document(cmd.OutOrStdout(), map[string]any{"version": 1, "topics": list})
			}
			return writeDescriptions(cmd.OutOrStdout(), list)
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	return cmd
}

// describe adds offsets and settings to what the metadata tells.
func describe(ctx context.Context, adm *kadm.Client, topics []kadm.TopicDetail) ([]description, error) {
	list := []description{}
	if len(topics) == 0 {
		return list, nil
	}
	var names []string
	for _, t := range topics {
		names = append(names, t.Topic)
	}
	starts, err := adm.ListStartOffsets(ctx, names...)
	if err != nil {
		return nil, err
	}
	ends, err := adm.ListEndOffsets(ctx, names...)
	if err != nil {
		return nil, err
	}
	configs := topicConfigs(ctx, adm, names)
	for _, t := range topics {
		d := description{Name: t.Topic, ID: topicID(t.ID), Internal: t.IsInternal, Configs: configs[t.Topic]}
		for _, p := range t.Partitions.Sorted() {
			row := partitionDescription{
				Partition: p.Partition, Leader: p.Leader, LeaderEpoch: p.LeaderEpoch,
				Replicas: orEmpty(p.Replicas), ISR: orEmpty(p.ISR), StartOffset: -1, EndOffset: -1,
			}
			start, _ := starts.Lookup(t.Topic, p.Partition)
			end, _ := ends.Lookup(t.Topic, p.Partition)
			if start.Err == nil && end.Err == nil {
				row.StartOffset, row.EndOffset = start.Offset, end.Offset
			}
			for _, err := range []error{end.Err, start.Err, p.Err} {
				if err != nil {
					row.Error = reason(err, "")
				}
			}
			d.Partitions = append(d.Partitions, row)
		}
		list = append(list, d)
	}
	return list, nil
}

// topicConfigs is what was set for topics; nothing from a broker that does not serve DescribeConfigs.
func topicConfigs(ctx context.Context, adm *kadm.Client, names []string) map[string]map[string]string {
	served, err := adm.ApiVersions(ctx)
	if err != nil {
		return nil
	}
	for _, b := range served {
		if _, _, ok := b.KeyVersions(kmsg.DescribeConfigs.Int16()); !ok {
			return nil
		}
	}
	all := map[string]map[string]string{}
	for some := range slices.Chunk(names, askedAtOnce) {
		resources, err := adm.DescribeTopicConfigs(ctx, some...)
		if err != nil {
			return nil
		}
		for _, r := range resources {
			all[r.Name] = map[string]string{}
			for _, c := range r.Configs {
				if c.Source == kmsg.ConfigSourceDynamicTopicConfig {
					all[r.Name][c.Key] = c.MaybeValue()
				}
			}
		}
	}
	return all
}

func orEmpty(list []int32) []int32 {
	if list == nil {
		return []int32{}
	}
	return list
}

func writeDescriptions(w io.Writer, list []description) error {
	for i, d := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "topic %s, id %s, %s\n", d.Name, d.ID, count(int64(len(d.Partitions)), "partition", "partitions"))
		var keys []string
		for k := range d.Configs {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			fmt.Fprintf(w, "config %s=%s\n", k, d.Configs[k])
		}
		var rows [][]string
		for _, p := range d.Partitions {
			rows = append(rows, []string{
				number(int64(p.Partition)), number(int64(p.Leader)), number(int64(p.LeaderEpoch)),
				ids(p.Replicas), ids(p.ISR), number(p.StartOffset), number(p.EndOffset), p.Error,
			})
		}
		if err := table(w, "PARTITION LEADER EPOCH REPLICAS ISR START END", trimmed(rows)); err != nil {
			return err
		}
	}
	return nil
}

// trimmed drops the last column of rows where it is empty, so that no line ends with blanks.
func trimmed(rows [][]string) [][]string {
	for i, r := range rows {
		if last := len(r) - 1; r[last] == "" {
			rows[i] = r[:last]
		}
	}
	return rows
}

// number is a figure in a table; what is unknown (negative) is a dash.
func number(n int64) string {
	if n < 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

func ids(list []int32) string {
	if len(list) == 0 {
		return "-"
	}
	var text []string
	for _, id := range list {
		text = append(text, strconv.Itoa(int(id)))
	}
	return strings.Join(text, ",")
}
