package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"tailrace/wire"
)

func newTopic() *cobra.Command {
	return group("topic", "Create, list, describe, alter and delete topics",
		newTopicCreate(), newTopicList(), newTopicDescribe(), newTopicAlter(), newTopicDelete())
}

// admin runs one exchange with a broker.
func admin(cmd *cobra.Command, a *address, do func(context.Context, *kadm.Client) error) error {
	ctx, cl, err := a.connect(cmd.Context(), nil)
	if err != nil {
		return err
	}
	defer cl.Close()
	return cause(ctx, do(ctx, kadm.NewClient(cl)))
}

// topicResult is a topic as create and list tell it in JSON; the keys are stable.
type topicResult struct {
	Name              string `json:"name"`
	ID                string `json:"id"`
	Partitions        int    `json:"partitions"`
	ReplicationFactor int    `json:"replication_factor"`
	Internal          bool   `json:"internal"`
}

type topicDocument struct {
	Version int           `json:"version"`
	Topics  []topicResult `json:"topics"`
}

func (d topicDocument) write(w io.Writer, f format) error {
	if f == formatJSON {
		d.Version = 1
		return document(w, d)
	}
	rows := make([][]string, len(d.Topics))
	for i, t := range d.Topics {
		rows[i] = []string{t.Name, strconv.Itoa(t.Partitions), strconv.Itoa(t.ReplicationFactor), t.ID}
	}
	return table(w, "NAME PARTITIONS REPLICATION-FACTOR ID", rows)
}

func newTopicCreate() *cobra.Command {
	var (
		at         address
		out        format
		partitions int32
		replicas   int16
		configs    []string
	)
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Create a topic",
		Example: "  tailrace topic create orders --partitions 12 --config retention.ms=86400000",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if partitions == 0 || partitions < -1 {
				return usage("--partitions must be 1 or more, not %d", partitions)
			}
			if replicas == 0 || replicas < -1 {
				return usage("--replication-factor must be 1 or more, not %d", replicas)
			}
			overrides, err := parseConfigs("--config", configs)
			if err != nil {
				return err
			}
			return admin(cmd, &at, func(ctx context.Context, adm *kadm.Client) error {
				r, err := adm.CreateTopic(ctx, partitions, replicas, overrides, args[0])
				if err != nil {
					return fmt.Errorf("topic %q was not created: %s", args[0], reason(err, r.ErrMessage))
				}
				result := topicResult{r.Topic, topicID(r.ID), int(r.NumPartitions), int(r.ReplicationFactor), false}
				return topicDocument{Topics: []topicResult{result}}.write(cmd.OutOrStdout(), out)
			})
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	fl := cmd.Flags()
	fl.Int32Var(&partitions, "partitions", -1, "`number` of partitions (default: the broker's num.partitions)")
	fl.Int16Var(&replicas, "replication-factor", -1,
		"`number` of replicas of each partition (default: the broker's default.replication.factor)")
	fl.StringArrayVar(&configs, "config", nil, "topic setting `key=value`; may be repeated, docs/CONFIG.md lists the keys")
	complete(cmd, "config", completeTopicKeys)
	fl.Lookup("partitions").DefValue, fl.Lookup("replication-factor").DefValue = "0", "0" // -1 is not for people
	return cmd
}

// parseConfigs reads what was given by a flag, or as arguments, in the form key=value.
func parseConfigs(where string, list []string) (map[string]*string, error) {
	configs := map[string]*string{}
	for _, c := range list {
		key, value, ok := strings.Cut(c, "=")
		if !ok || key == "" {
			return nil, usage("%s: %q is not key=value", where, c)
		}
		if configs[key] != nil {
			return nil, usage("%s: %s is given twice", where, key)
		}
		configs[key] = &value
	}
	return configs, nil
}

// topicID is the id as Kafka prints it, or nothing for a broker without topic ids.
func topicID(id kadm.TopicID) string {
	if id == (kadm.TopicID{}) {
		return ""
	}
	return wire.TopicID(id).String()
}

func newTopicDelete() *cobra.Command {
	var (
		at  address
		out format
	)
	cmd := &cobra.Command{
		Use:               "delete NAME...",
		Short:             "Delete topics with all their records",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeTopics(&at),
		RunE: func(cmd *cobra.Command, args []string) error {
			return admin(cmd, &at, func(ctx context.Context, adm *kadm.Client) error {
				results, err := adm.DeleteTopics(ctx, args...)
				if err != nil {
					return err
				}
				gone := deletion{what: "topic"}
				for _, r := range results.Sorted() {
					var refused error
					if r.Err != nil {
						refused = errors.New(reason(r.Err, r.ErrMessage))
					}
					gone.add(r.Topic, refused)
				}
				return gone.write(cmd.OutOrStdout(), out)
			})
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	return cmd
}

// noTopic is what a verb says that was given the name of a topic which does not exist.
func noTopic(name string) error {
	return fmt.Errorf("there is no topic %q: `tailrace topic list` shows those there are, "+
		"`tailrace topic create %s` makes it", name, name)
}

// metadata asks for topics by name (none: all of them), internal ones included, and reports the first failure.
func metadata(ctx context.Context, adm *kadm.Client, names ...string) (kadm.Metadata, error) {
	m, err := adm.Metadata(ctx, names...)
	if err != nil {
		return m, err
	}
	for _, t := range m.Topics.Sorted() {
		if errors.Is(t.Err, kerr.UnknownTopicOrPartition) {
			return m, noTopic(t.Topic)
		}
		if t.Err != nil {
			return m, fmt.Errorf("topic %q: %s", t.Topic, reason(t.Err, ""))
		}
	}
	return m, nil
}
