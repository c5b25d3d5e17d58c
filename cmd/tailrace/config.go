package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

func newConfig() *cobra.Command {
	return group("config", "List, tell, set and unset settings of topics and brokers",
		newConfigList(), newConfigDescribe(), newConfigSet(), newConfigUnset())
}

// resource is what settings belong to: a topic, one broker, or all brokers (a broker without a name).
type resource struct{ kind, name string }

const (
	kindTopic  = "topic"
	kindBroker = "broker"
)

// resourceText names a resource for people.
func resourceText(kind, name string) string {
	switch {
	case kind == kindBroker && name == "":
		return "the default of all brokers"
	case kind == kindBroker:
		return "broker " + name
	}
	return fmt.Sprintf("topic %q", name)
}

// noBroker adds to the client's word for a broker that does not exist which one it is, and where to look.
func noBroker(r resource, err error) error {
	if r.kind == kindBroker && err != nil && err.Error() == "unknown broker" { // kgo does not export the error
		return fmt.Errorf("there is no broker %s: `tailrace cluster describe` shows those there are", r.name)
	}
	return err
}

// parseResource takes the resource from the front of the arguments: topic NAME, broker ID, or broker alone, for all
// of them. What follows a lone broker is a key, which is never a number.
func parseResource(args []string) (resource, []string, error) {
	switch args[0] {
	case kindTopic:
		if len(args) < 2 || strings.Contains(args[1], "=") {
			return resource{}, nil, usage("topic NAME is needed: whose settings are meant")
		}
		return resource{kindTopic, args[1]}, args[2:], nil
	case kindBroker:
		if len(args) > 1 {
			if id, err := strconv.ParseInt(args[1], 10, 32); err == nil && id >= 0 {
				return resource{kindBroker, args[1]}, args[2:], nil
			}
		}
		return resource{kindBroker, ""}, args[1:], nil
	}
	return resource{}, nil, usage("%q is neither topic nor broker", args[0])
}

func newConfigSet() *cobra.Command {
	var (
		at  address
		out format
	)
	cmd := &cobra.Command{
		Use:   "set {topic NAME | broker [ID]} KEY=VALUE...",
		Short: "Set settings",
		Long: "Set settings of a topic, of one broker, or (without ID) the default of all brokers. Others stay as they\n" +
			"are. docs/CONFIG.md lists the keys.",
		Example: "  tailrace config set topic orders retention.ms=3600000 max.message.bytes=2000000\n" +
			"  tailrace config set broker log.retention.ms=86400000",
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: completeResource(&at, true),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, rest, err := parseResource(args)
			if err != nil {
				return err
			}
			if _, err := parseConfigs("KEY=VALUE", rest); err != nil {
				return err
			}
			if len(rest) == 0 {
				return usage("KEY=VALUE is needed: what to set for %s", resourceText(r.kind, r.name))
			}
			changes, err := parseChanges(rest, nil)
			if err != nil {
				return err
			}
			return alter(cmd, &at, out, r, changes)
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	return cmd
}

func newConfigUnset() *cobra.Command {
	var (
		at  address
		out format
	)
	cmd := &cobra.Command{
		Use:               "unset {topic NAME | broker [ID]} KEY...",
		Short:             "Give settings their defaults again",
		Example:           "  tailrace config unset topic orders retention.ms",
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: completeResource(&at, false),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, keys, err := parseResource(args)
			if err != nil {
				return err
			}
			if len(keys) == 0 {
				return usage("KEY is needed: what to unset for %s", resourceText(r.kind, r.name))
			}
			for _, key := range keys {
				if strings.Contains(key, "=") {
					return usage("unset takes keys without values, not %q", key)
				}
			}
			changes, err := parseChanges(nil, keys)
			if err != nil {
				return err
			}
			return alter(cmd, &at, out, r, changes)
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	return cmd
}

func alter(cmd *cobra.Command, at *address, out format, r resource, changes []kadm.AlterConfig) error {
	return admin(cmd, at, func(ctx context.Context, adm *kadm.Client) error {
		var results kadm.AlterConfigsResponses
		var err error
		if r.kind == kindTopic {
			results, err = adm.AlterTopicConfigs(ctx, changes, r.name)
		} else {
			var ids []int32 // none: all brokers
			if id, bad := strconv.ParseInt(r.name, 10, 32); bad == nil {
				ids = append(ids, int32(id))
			}
			results, err = adm.AlterBrokerConfigs(ctx, changes, ids...)
		}
		if err != nil {
			return noBroker(r, shardError(err))
		}
		if err := alterRefusal(r.kind, r.name, results); err != nil {
			return err
		}
		what := r.name
		if r.kind == kindBroker {
			what = resourceText(r.kind, r.name)
		}
		return altered(cmd.OutOrStdout(), out, what)
	})
}
