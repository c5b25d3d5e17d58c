package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

// groupFlags are the flags of group describe.
type groupFlags struct {
	at                      address
	out                     format
	all                     bool
	members, state, offsets bool
	verbose                 bool
}

func newGroupDescribe() *cobra.Command {
	var f groupFlags
	cmd := &cobra.Command{
		Use:   "describe GROUP... | --all-groups",
		Short: "Tell offsets and lag, members, or state of groups",
		Long: "Tell what groups have committed and how far that is behind the ends of the logs (--offsets, the default),\n" +
			"who their members are (--members), or how they stand (--state).",
		Example: "  tailrace group describe billing\n" +
			"  tailrace group describe billing --members --verbose\n" +
			"  tailrace group describe --all-groups --state",
		ValidArgsFunction: completeGroups(&f.at),
		RunE: func(cmd *cobra.Command, names []string) error {
			if f.all == (len(names) > 0) {
				return usage("one is needed of: names of groups, --all-groups")
			}
			if f.members && f.state || f.offsets && (f.members || f.state) {
				return usage("--offsets, --members and --state exclude each other")
			}
			return admin(cmd, &f.at, func(ctx context.Context, adm *kadm.Client) error {
				return describeGroups(ctx, cmd, adm, &f, names)
			})
		},
	}
	f.at.addTo(cmd)
	f.out.addTo(cmd, oneDocument)
	fl := cmd.Flags()
	fl.BoolVar(&f.all, "all-groups", false, "all groups of consumers")
	fl.BoolVar(&f.offsets, "offsets", false, "committed offsets and lag of each partition (the default)")
	fl.BoolVar(&f.members, "members", false, "the members and how many partitions each has")
	fl.BoolVar(&f.state, "state", false, "coordinator, assignor, state and number of members")
	fl.BoolVar(&f.verbose, "verbose", false,
		"more columns: leader epoch and metadata of commits; which partitions a member has")
	return cmd
}

func describeGroups(ctx context.Context, cmd *cobra.Command, adm *kadm.Client, f *groupFlags, names []string) error {
	if f.all {
		var err error
		if names, err = groupNames(ctx, adm); err != nil {
			return err
		}
	}
	slices.Sort(names)
	infos, err := lookGroups(ctx, adm, slices.Compact(names)...)
	if err != nil {
		return err
	}
	var list []groupDescription
	var failures []error
	for _, g := range infos {
		if g.state == stateDead {
			failures = append(failures, noGroup(g.name))
			continue
		}
		d := describeGroup(g)
		if !f.members && !f.state {
			if d.Offsets, err = groupOffsets(ctx, adm, g); err != nil {
				failures = append(failures, fmt.Errorf("group %q: %s", g.name, reason(err, "")))
				continue
			}
		}
		list = append(list, d)
	}
	if f.out == formatJSON {
		err = document(cmd.OutOrStdout(), struct {
			Version int                `json:"version"`
			Groups  []groupDescription `json:"groups"`
		}{1, append([]groupDescription{}, list...)})
	} else {
		err = f.write(cmd.OutOrStdout(), toStderr(cmd), list)
	}
	return errors.Join(append(failures, err)...)
}

// groupDescription is a group as describe tells it in JSON; the keys are stable.
type groupDescription struct {
	Group       string              `json:"group"`
	Type        string              `json:"type"`
	State       string              `json:"state"`
	Assignor    string              `json:"assignor"`
	Coordinator brokerResult        `json:"coordinator"`
	Members     []memberDescription `json:"members"`
	Offsets     []offsetDescription `json:"offsets,omitzero"` // absent with --members and --state
}

type memberDescription struct {
	ConsumerID string             `json:"consumer_id"`
	InstanceID string             `json:"instance_id,omitempty"`
	Host       string             `json:"host"`
	ClientID   string             `json:"client_id"`
	Partitions int                `json:"partitions"`
	Assignment map[string][]int32 `json:"assignment"`
}

func describeGroup(g groupInfo) groupDescription {
	d := groupDescription{
		Group: g.name, Type: g.kind, State: g.state, Assignor: g.assignor, Coordinator: toBrokerResult(g.coordinator),
		Members: []memberDescription{},
	}
	for _, m := range g.members {
		md := memberDescription{
			ConsumerID: m.id, InstanceID: m.instance, Host: m.host, ClientID: m.client,
			Partitions: m.partitions(), Assignment: map[string][]int32{},
		}
		for _, t := range m.assigned.Sorted() {
			md.Assignment[t.Topic] = t.Partitions
		}
		d.Members = append(d.Members, md)
	}
	return d
}

// write prints tables, one for each view, as kafka-consumer-groups has them; what is no figure goes to warn.
func (f *groupFlags) write(w io.Writer, warn func(string), list []groupDescription) error {
	for _, d := range list {
		switch d.State {
		case "Empty":
			warn(fmt.Sprintf("group %q has no active members", d.Group))
		case "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling":
			warn(fmt.Sprintf("group %q is rebalancing: what is shown is about to change", d.Group))
		}
	}
	switch {
	case f.members:
		return writeMembers(w, list, f.verbose)
	case f.state:
		return writeStates(w, list)
	}
	return writeOffsets(w, list, f.verbose)
}

func writeStates(w io.Writer, list []groupDescription) error {
	var rows [][]string
	for _, d := range list {
		c := d.Coordinator
		rows = append(rows, []string{
			d.Group, fmt.Sprintf("%s:%d (%d)", c.Host, c.Port, c.ID), orDash(d.Assignor), d.State,
			number(int64(len(d.Members))),
		})
	}
	return tableOf(w, []string{"GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "#MEMBERS"}, rows)
}

func writeMembers(w io.Writer, list []groupDescription, verbose bool) error {
	static := slices.ContainsFunc(list, func(d groupDescription) bool {
		return slices.ContainsFunc(d.Members, func(m memberDescription) bool { return m.InstanceID != "" })
	})
	headings := []string{"GROUP", "CONSUMER-ID"}
	if static {
		headings = append(headings, "GROUP-INSTANCE-ID")
	}
	headings = append(headings, "HOST", "CLIENT-ID", "#PARTITIONS")
	if verbose {
		headings = append(headings, "ASSIGNMENT")
	}
	var rows [][]string
	for _, d := range list {
		for _, m := range d.Members {
			row := []string{d.Group, m.ConsumerID}
			if static {
				row = append(row, orDash(m.InstanceID))
			}
			row = append(row, m.Host, m.ClientID, number(int64(m.Partitions)))
			if verbose {
				row = append(row, orDash(assignment(m.Assignment)))
			}
			rows = append(rows, row)
		}
	}
	return tableOf(w, headings, rows)
}
