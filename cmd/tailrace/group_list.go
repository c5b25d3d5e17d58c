package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The states and types that a filter may name, as Kafka writes them.
var (
	groupStates = []string{
		"Stable", "Empty", "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling", "NotReady", stateDead,
	}
	groupTypes = []string{"classic", "consumer", "share", "streams"}
)

// groupResult is a group as list tells it in JSON; the keys are stable.
type groupResult struct {
	Group       string `json:"group"`
	Type        string `json:"type"`  // empty: the broker does not tell
	State       string `json:"state"` // likewise
	Protocol    string `json:"protocol"`
	Coordinator int32  `json:"coordinator"`
}

func newGroupList() *cobra.Command {
	var (
		at            address
		out           format
		states, types []string
	)
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List groups",
		Long:    "List groups, those of other programs than consumers (Connect, Streams) included.",
		Example: "  tailrace group list --state Stable,Empty --type classic",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			states, err := wordsOf("--state", states, groupStates)
			if err != nil {
				return err
			}
			types, err := wordsOf("--type", types, groupTypes)
			if err != nil {
				return err
			}
			ctx, cl, err := at.connect(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer cl.Close()
			list, err := listGroups(ctx, cl, states, types)
			if err != nil {
				return cause(ctx, err)
			}
			return writeGroups(cmd.OutOrStdout(), out, list)
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	cmd.Flags().StringSliceVar(&states, "state", nil, "only groups in these `states`, comma-separated")
	cmd.Flags().StringSliceVar(&types, "type", nil, "only groups of these `types`, comma-separated")
	complete(cmd, "state", among(groupStates...))
	complete(cmd, "type", among(groupTypes...))
	return cmd
}

// wordsOf finds each word given by a flag among those there are, in any case of letters.
func wordsOf(flag string, given, known []string) ([]string, error) {
	var list []string
	for _, g := range given {
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, strings.TrimSpace(g)) })
		if i < 0 {
			return nil, usage("%s: %q is none of %s", flag, g, strings.Join(known, ", "))
		}
		list = append(list, known[i])
	}
	return list, nil
}

// listGroups asks all brokers for their groups. The filters are applied here too: a broker of before KIP-518 and
// KIP-848 ignores them.
func listGroups(ctx context.Context, cl *kgo.Client, states, types []string) ([]groupResult, error) {
	req := kmsg.NewPtrListGroupsRequest()
	req.StatesFilter, req.TypesFilter = states, types
	list := []groupResult{}
	for _, shard := range cl.RequestSharded(ctx, req) {
		if shard.Err != nil {
			return nil, shard.Err
		}
		resp := shard.Resp.(*kmsg.ListGroupsResponse)
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
			return nil, err
		}
		for _, g := range resp.Groups {
			if len(states) > 0 && !slices.Contains(states, g.GroupState) {
				continue
			}
			if len(types) > 0 && !slices.Contains(types, g.GroupType) {
				continue
			}
			list = append(list, groupResult{g.Group, g.GroupType, g.GroupState, g.ProtocolType, shard.Meta.NodeID})
		}
	}
	slices.SortFunc(list, func(a, b groupResult) int { return strings.Compare(a.Group, b.Group) })
	return list, nil
}

func writeGroups(w io.Writer, f format, list []groupResult) error {
	if f == formatJSON {
		return document(w, struct {
			Version int           `json:"version"`
			Groups  []groupResult `json:"groups"`
		}{1, list})
	}
	var rows [][]string
	for _, g := range list {
		rows = append(rows, []string{
			g.Group, orDash(g.Type), orDash(g.State), orDash(g.Protocol), number(int64(g.Coordinator)),
		})
	}
	return table(w, "GROUP TYPE STATE PROTOCOL COORDINATOR", rows)
}

// orDash is a text in a table; what there is not is a dash.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
