package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

func newTopicAlter() *cobra.Command {
	var (
		at         address
		out        format
		partitions int
		sets       []string
		unsets     []string
	)
	cmd := &cobra.Command{
		Use:   "alter NAME",
		Short: "Change settings of a topic, or give it more partitions",
		Long: "Change settings of a topic, or give it more partitions. All of it is checked before any of it is done.\n" +
			"Partitions are never taken away. Records with a key that come later may go to another partition than\n" +
			"the earlier ones of that key.",
		Example: "  tailrace topic alter orders --config retention.ms=3600000 --delete-config cleanup.policy\n" +
			"  tailrace topic alter orders --partitions 12",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(completeTopics(&at)),
		RunE: func(cmd *cobra.Command, args []string) error {
			changes, err := parseChanges(sets, unsets)
			if err != nil {
				return err
			}
			switch {
			case cmd.Flags().Changed("partitions") && partitions < 1:
				return usage("--partitions must be 1 or more, not %d", partitions)
			case partitions == 0 && len(changes) == 0:
				return usage("one is needed of --config, --delete-config, --partitions")
			}
			return admin(cmd, &at, func(ctx context.Context, adm *kadm.Client) error {
				if err := alterTopic(ctx, adm, args[0], changes, partitions); err != nil {
					return err
				}
				return altered(cmd.OutOrStdout(), out, args[0])
			})
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	fl := cmd.Flags()
	fl.IntVar(&partitions, "partitions", 0, "`number` of partitions that it is to have")
	fl.StringArrayVar(&sets, "config", nil, "topic setting `key=value`; may be repeated, docs/CONFIG.md lists the keys")
	fl.StringArrayVar(&unsets, "delete-config", nil, "`key` that is to have its default again; may be repeated")
	complete(cmd, "config", completeTopicKeys)
	complete(cmd, "delete-config", completeTopicKeyNames)
	return cmd
}

// parseChanges makes an incremental alteration of key=value to set, and keys to unset.
func parseChanges(sets, unsets []string) ([]kadm.AlterConfig, error) {
	values, err := parseConfigs("--config", sets)
	if err != nil {
		return nil, err
	}
	var list []kadm.AlterConfig
	for _, key := range slices.Sorted(maps.Keys(values)) {
		list = append(list, kadm.AlterConfig{Op: kadm.SetConfig, Name: key, Value: values[key]})
	}
	for _, key := range unsets {
		if values[key] != nil {
			return nil, usage("%s is both set and deleted", key)
		}
		list = append(list, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: key})
	}
	return list, nil
}

// alterTopic has everything checked by the broker before it changes anything: half a change is what nobody asked for.
func alterTopic(ctx context.Context, adm *kadm.Client, name string, changes []kadm.AlterConfig, partitions int) error {
	for _, dry := range []bool{true, false} {
		alter, grow := adm.AlterTopicConfigs, adm.UpdatePartitions
		if dry {
			alter, grow = adm.ValidateAlterTopicConfigs, adm.ValidateUpdatePartitions
		}
		if len(changes) > 0 {
			results, err := alter(ctx, changes, name)
			if err != nil {
				return shardError(err)
			}
			if err := alterRefusal("topic", name, results); err != nil {
				return err
			}
		}
		if partitions > 0 {
			results, err := grow(ctx, partitions, name)
			if err != nil {
				return err
			}
			if r := results[name]; errors.Is(r.Err, kerr.UnknownTopicOrPartition) {
				return noTopic(name)
			} else if r.Err != nil {
				return fmt.Errorf("topic %q was not given %d partitions: %s", name, partitions, reason(r.Err, r.ErrMessage))
			}
		}
	}
	return nil
}

// alterRefusal is the first refusal of an alteration.
func alterRefusal(kind, name string, results kadm.AlterConfigsResponses) error {
	for _, r := range results {
		if kind == "topic" && errors.Is(r.Err, kerr.UnknownTopicOrPartition) {
			return noTopic(name)
		}
		if r.Err != nil {
			return fmt.Errorf("%s was not altered: %s", resourceText(kind, name), reason(r.Err, r.ErrMessage))
		}
	}
	return nil
}

// altered tells what was changed.
func altered(w io.Writer, f format, name string) error {
	if f == formatJSON {
		return document(w, struct {
			Version int      `json:"version"`
			Altered []string `json:"altered"`
		}{1, []string{name}})
	}
	_, err := fmt.Fprintf(w, "altered %s\n", name)
	return err
}
