package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

func newGroup() *cobra.Command {
	return group("group", "List, describe, move and delete consumer groups",
		newGroupList(), newGroupDescribe(), newGroupResetOffsets(), newGroupDelete(), newGroupDeleteOffsets())
}

// noGroup is what a verb says that was given the name of a group which does not exist.
func noGroup(name string) error {
	return fmt.Errorf("there is no group %q: `tailrace group list` shows those there are", name)
}

func newGroupDelete() *cobra.Command {
	var (
		at  address
		out format
	)
	cmd := &cobra.Command{
		Use:               "delete GROUP...",
		Short:             "Delete groups with their committed offsets",
		Long:              "Delete groups with their committed offsets. A group must have no members.",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeGroups(&at),
		RunE: func(cmd *cobra.Command, args []string) error {
			return admin(cmd, &at, func(ctx context.Context, adm *kadm.Client) error {
				results, err := adm.DeleteGroups(ctx, args...)
				if err != nil {
					return err
				}
				gone := deletion{what: "group"}
				for _, r := range results.Sorted() {
					gone.add(r.Group, groupRefusal(r.Group, r.Err, r.ErrMessage))
				}
				return gone.write(cmd.OutOrStdout(), out)
			})
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	return cmd
}

// groupRefusal is a broker's refusal to touch a group, with what to do about it.
func groupRefusal(name string, err error, message string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.GroupIDNotFound):
		return noGroup(name)
	case errors.Is(err, kerr.NonEmptyGroup):
		return fmt.Errorf("%s; stop its members first (`tailrace group describe %s --members` shows them)",
			reason(err, message), name)
	}
	return errors.New(reason(err, message))
}

// spot is one partition of a topic.
type spot struct {
	topic     string
	partition int32
}

func (s spot) before(o spot) int {
	if c := strings.Compare(s.topic, o.topic); c != 0 {
		return c
	}
	return int(s.partition) - int(o.partition)
}

func newGroupDeleteOffsets() *cobra.Command {
	var (
		at     address
		out    format
		topics []string
	)
	cmd := &cobra.Command{
		Use:   "delete-offsets GROUP --topic TOPIC[:PARTITION,...]...",
		Short: "Forget what a group has committed for topics",
		Long: "Forget what a group has committed for topics, or for some of their partitions. The group must not be\n" +
			"subscribed to them at the moment.",
		Example:           "  tailrace group delete-offsets billing --topic orders --topic payments:0,1",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeGroups(&at),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(topics) == 0 {
				return usage("--topic TOPIC[:PARTITION,...] is needed: the topics whose offsets are forgotten")
			}
			scope, err := parseScope(topics)
			if err != nil {
				return err
			}
			return admin(cmd, &at, func(ctx context.Context, adm *kadm.Client) error {
				spots, err := scope.spots(ctx, adm)
				if err != nil {
					return err
				}
				return deleteOffsets(ctx, cmd, adm, args[0], spots, out)
			})
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	cmd.Flags().StringArrayVar(&topics, "topic", nil, "`TOPIC[:PARTITION,...]`; may be repeated")
	complete(cmd, "topic", completeTopics(&at))
	return cmd
}

func deleteOffsets(
	ctx context.Context, cmd *cobra.Command, adm *kadm.Client, name string, spots []spot, out format,
) error {
	set := kadm.TopicsSet{}
	for _, s := range spots {
		set.Add(s.topic, s.partition)
	}
	results, err := adm.DeleteOffsets(ctx, name, set)
	if err != nil {
		return groupRefusal(name, err, "")
	}
	gone := deletion{what: "offset of"}
	for _, s := range spots {
		err, told := results.Lookup(s.topic, s.partition)
		switch {
		case !told:
			err = errors.New("the broker does not say what became of it")
		case err != nil:
			err = errors.New(reason(err, ""))
		}
		gone.add(fmt.Sprintf("%s-%d", s.topic, s.partition), err)
	}
	return gone.write(cmd.OutOrStdout(), out)
}
