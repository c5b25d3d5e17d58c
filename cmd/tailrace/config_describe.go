package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// settings are those of one resource in JSON; the keys are stable.
type settings struct {
	Type    string    `json:"type"`
	Name    string    `json:"name"` // empty: the default of all brokers
	Configs []setting `json:"configs"`
}

type setting struct {
	Key           string           `json:"key"`
	Value         *string          `json:"value"` // null: none, or one that is not shown
	Source        string           `json:"source"`
	ReadOnly      bool             `json:"read_only"`
	Sensitive     bool             `json:"sensitive"`
	Type          string           `json:"type,omitempty"`
	Synonyms      []settingSynonym `json:"synonyms,omitempty"`
	Documentation string           `json:"documentation,omitempty"` // with --verbose
}

type settingSynonym struct {
	Key    string  `json:"key"`
	Value  *string `json:"value"`
	Source string  `json:"source"`
}

func newConfigDescribe() *cobra.Command {
	var (
		at           address
		out          format
		all, verbose bool
	)
	cmd := &cobra.Command{
		Use:   "describe {topic NAME | broker [ID]}",
		Short: "Tell settings",
		Long: "Tell the settings of a topic or of a broker, without ID those of every broker: what was set, or --all,\n" +
			"where each value comes from being told.",
		Example: "  tailrace config describe topic orders\n" +
			"  tailrace config describe broker 1 --all",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: completeResource(&at, false),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, rest, err := parseResource(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return usage("%q is no broker's id, which is a number", rest[0])
			}
			ctx, cl, err := at.connect(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer cl.Close()
			list, err := resourceSettings(ctx, cl, r, verbose)
			if err != nil {
				return cause(ctx, noBroker(r, err))
			}
			if !all {
				keep(list, settings.isSet)
			}
			return writeSettings(cmd.OutOrStdout(), out, list, verbose)
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	cmd.Flags().BoolVar(&all, "all", false, "those that have their default, too")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "types, and which other values each would fall back to")
	return cmd
}

func newConfigList() *cobra.Command {
	var (
		at  address
		out format
	)
	cmd := &cobra.Command{
		Use:       "list [topic | broker]",
		Short:     "List what was set while the brokers ran, of all topics and brokers",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: []string{kindTopic, kindBroker},
		RunE: func(cmd *cobra.Command, args []string) error {
			kinds := []string{kindTopic, kindBroker}
			if len(args) > 0 {
				if !slices.Contains(kinds, args[0]) {
					return usage("%q is neither topic nor broker", args[0])
				}
				kinds = args
			}
			ctx, cl, err := at.connect(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer cl.Close()
			var list []settings
			for _, kind := range kinds {
				resources, err := everyResource(ctx, kadm.NewClient(cl), kind)
				if err != nil {
					return cause(ctx, err)
				}
				more, err := readSettings(ctx, cl, resources, false)
				if err != nil {
					return cause(ctx, err)
				}
				list = append(list, more...)
			}
			keep(list, settings.isOwn)
			return writeSettings(cmd.OutOrStdout(), out, list, false)
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	return cmd
}

// everyResource names all topics, or all brokers and what they have in common.
func everyResource(ctx context.Context, adm *kadm.Client, kind string) ([]resource, error) {
	var list []resource
	if kind == kindTopic {
		m, err := adm.Metadata(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range m.Topics.Sorted() {
			list = append(list, resource{kind, t.Topic})
		}
		return list, nil
	}
	m, err := adm.BrokerMetadata(ctx)
	if err != nil {
		return nil, err
	}
	list = append(list, resource{kind, ""})
	for _, b := range m.Brokers {
		list = append(list, resource{kind, strconv.Itoa(int(b.NodeID))})
	}
	return list, nil
}

// resourceSettings reads those of one resource; of every broker, if none is named.
func resourceSettings(ctx context.Context, cl *kgo.Client, r resource, verbose bool) ([]settings, error) {
	list := []resource{r}
	if r.kind == kindBroker && r.name == "" {
		var err error
		if list, err = everyResource(ctx, kadm.NewClient(cl), kindBroker); err != nil {
			return nil, err
		}
	}
	return readSettings(ctx, cl, list, verbose)
}

// askedAtOnce is how many resources one request asks about. A broker's answers are large, and Tailrace gives none to a
// request about more than 10,000.
const askedAtOnce = 1000

func readSettings(ctx context.Context, cl *kgo.Client, resources []resource, verbose bool) ([]settings, error) {
	found := map[resource]settings{}
	for some := range slices.Chunk(resources, askedAtOnce) {
		if err := askSettings(ctx, cl, some, verbose, found); err != nil {
			return nil, err
		}
	}
	var list []settings
	for _, r := range resources {
		if s, ok := found[r]; ok {
			list = append(list, s)
		}
	}
	return list, nil
}

// askSettings puts the settings of some resources into found.
func askSettings(
	ctx context.Context, cl *kgo.Client, resources []resource, verbose bool, found map[resource]settings,
) error {
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.IncludeSynonyms, req.IncludeDocumentation = true, verbose
	for _, r := range resources {
		rr := kmsg.NewDescribeConfigsRequestResource()
		rr.ResourceType, rr.ResourceName = kmsg.ConfigResourceTypeTopic, r.name
		if r.kind == kindBroker {
			rr.ResourceType = kmsg.ConfigResourceTypeBroker
		}
		req.Resources = append(req.Resources, rr)
	}
	for _, shard := range cl.RequestSharded(ctx, req) {
		if shard.Err != nil {
			return shard.Err
		}
		for _, r := range shard.Resp.(*kmsg.DescribeConfigsResponse).Resources {
			kind := kindTopic
			if r.ResourceType == kmsg.ConfigResourceTypeBroker {
				kind = kindBroker
			}
			if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
				if kind == kindTopic && errors.Is(err, kerr.UnknownTopicOrPartition) {
					return noTopic(r.ResourceName)
				}
				message := ""
				if r.ErrorMessage != nil {
					message = *r.ErrorMessage
				}
				return fmt.Errorf("%s: %s", resourceText(kind, r.ResourceName), reason(err, message))
			}
			found[resource{kind, r.ResourceName}] = toSettings(kind, r)
		}
	}
	return nil
}

func toSettings(kind string, r kmsg.DescribeConfigsResponseResource) settings {
	s := settings{Type: kind, Name: r.ResourceName, Configs: []setting{}}
	for _, c := range r.Configs {
		one := setting{
			Key: c.Name, Value: c.Value, Source: c.Source.String(), ReadOnly: c.ReadOnly, Sensitive: c.IsSensitive,
		}
		if c.ConfigType != 0 {
			one.Type = strings.ToLower(c.ConfigType.String())
		}
		if c.Documentation != nil {
			one.Documentation = *c.Documentation
		}
		for _, syn := range c.ConfigSynonyms {
			one.Synonyms = append(one.Synonyms, settingSynonym{syn.Name, syn.Value, syn.Source.String()})
		}
		s.Configs = append(s.Configs, one)
	}
	slices.SortFunc(s.Configs, func(a, b setting) int { return strings.Compare(a.Key, b.Key) })
	return s
}

// keep drops the settings that are not wanted.
func keep(list []settings, wanted func(settings, setting) bool) {
	for i, s := range list {
		list[i].Configs = slices.DeleteFunc(s.Configs, func(c setting) bool { return !wanted(s, c) })
	}
}

// isSet tells what was set from what nobody has touched. A topic shows what was set for it; that its broker has another
// default is the broker's affair.
func (s settings) isSet(c setting) bool {
	if s.Type == kindTopic {
		return s.isOwn(c)
	}
	return c.Source != kmsg.ConfigSourceDefaultConfig.String()
}

// isOwn is true of what was set for this very resource while the brokers ran, and not in a properties file.
func (s settings) isOwn(c setting) bool {
	switch {
	case s.Type == kindTopic:
		return c.Source == kmsg.ConfigSourceDynamicTopicConfig.String()
	case s.Name == "":
		return c.Source == kmsg.ConfigSourceDynamicDefaultBrokerConfig.String()
	}
	return c.Source == kmsg.ConfigSourceDynamicBrokerConfig.String()
}

func writeSettings(w io.Writer, f format, list []settings, verbose bool) error {
	if f == formatJSON {
		return document(w, struct {
			Version   int        `json:"version"`
			Resources []settings `json:"resources"`
		}{1, append([]settings{}, list...)})
	}
	headings := "TYPE NAME KEY VALUE SOURCE"
	if verbose {
		headings += " KIND FALLBACKS"
	}
	var rows [][]string
	for _, s := range list {
		name := s.Name
		if s.Type == kindBroker && name == "" {
			name = "(all)"
		}
		for _, c := range s.Configs {
			row := []string{s.Type, name, c.Key, shown(c.Value, c.Sensitive), c.Source}
			if verbose {
				var falls []string
				for _, syn := range c.Synonyms {
					falls = append(falls, fmt.Sprintf("%s=%s (%s)", syn.Key, shown(syn.Value, c.Sensitive), syn.Source))
				}
				row = append(row, orDash(c.Type), orDash(strings.Join(falls, ", ")))
			}
			rows = append(rows, row)
		}
	}
	return table(w, headings, rows)
}

// shown is a value in a table: an empty one, none at all and a secret look different.
func shown(v *string, secret bool) string {
	switch {
	case secret:
		return "(hidden)"
	case v == nil:
		return "-"
	case *v == "":
		return `""`
	}
	return *v
}
