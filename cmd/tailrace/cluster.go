package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func newCluster() *cobra.Command {
	return group("cluster", "Look at the brokers as a whole", newClusterDescribe())
}

// brokerResult is a broker in JSON; the keys are stable.
type brokerResult struct {
	ID   int32  `json:"id"`
	Host string `json:"host"`
	Port int32  `json:"port"`
	Rack string `json:"rack,omitempty"`
}

func toBrokerResult(b kadm.BrokerDetail) brokerResult {
	r := brokerResult{ID: b.NodeID, Host: b.Host, Port: b.Port}
	if b.Rack != nil {
		r.Rack = *b.Rack
	}
	return r
}

// clusterResult is a cluster as describe tells it in JSON; the keys are stable.
type clusterResult struct {
	Version    int             `json:"version"`
	ClusterID  string          `json:"cluster_id"`
	Controller int32           `json:"controller"`
	Brokers    []brokerResult  `json:"brokers"`
	Features   []featureResult `json:"features"`
	APIs       []apisResult    `json:"apis,omitempty"` // with --verbose
}

type featureResult struct {
	Name      string `json:"name"`
	Finalized *int16 `json:"finalized"` // null: supported, and not in use
	Min       int16  `json:"min"`
	Max       int16  `json:"max"`
}

type apisResult struct {
	Broker int32       `json:"broker"`
	APIs   []apiResult `json:"apis"`
}

type apiResult struct {
	Key  int16  `json:"key"`
	Name string `json:"name"`
	Min  int16  `json:"min"`
	Max  int16  `json:"max"`
}

func newClusterDescribe() *cobra.Command {
	var (
		at      address
		out     format
		verbose bool
	)
	cmd := &cobra.Command{
		Use:   "describe",
		Short: "Tell cluster id, controller, brokers and features",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return admin(cmd, &at, func(ctx context.Context, adm *kadm.Client) error {
				c, err := lookCluster(ctx, adm, verbose)
				if err != nil {
					return err
				}
				if out == formatJSON {
					return document(cmd.OutOrStdout(), c)
				}
				return c.write(cmd.OutOrStdout())
			})
		},
	}
	at.addTo(cmd)
	out.addTo(cmd, oneDocument)
	cmd.Flags().BoolVar(&verbose, "verbose", false, "the versions of each API that each broker serves, too")
	return cmd
}

func lookCluster(ctx context.Context, adm *kadm.Client, verbose bool) (*clusterResult, error) {
	m, err := adm.BrokerMetadata(ctx)
	if err != nil {
		return nil, err
	}
	served, err := adm.ApiVersions(ctx)
	if err != nil {
		return nil, err
	}
	c := &clusterResult{Version: 1, ClusterID: m.Cluster, Controller: m.Controller, Features: []featureResult{}}
	for _, b := range m.Brokers {
		c.Brokers = append(c.Brokers, toBrokerResult(b))
	}
	for i, b := range served.Sorted() {
		if b.Err != nil {
			return nil, fmt.Errorf("broker %d: %s", b.NodeID, reason(b.Err, ""))
		}
		if i == 0 {
			c.Features = append(c.Features, features(b.Raw())...)
		}
		if !verbose {
			continue
		}
		list := apisResult{Broker: b.NodeID}
		b.EachKeySorted(func(key, least, most int16) {
			list.APIs = append(list.APIs, apiResult{key, apiName(key), least, most})
		})
		c.APIs = append(c.APIs, list)
	}
	return c, nil
}

// apiName is Kafka's name of an API; a broker may have one that is newer than this command.
func apiName(key int16) string {
	if name := kmsg.NameForKey(key); name != "" {
		return name
	}
	return "unknown"
}

func features(raw *kmsg.ApiVersionsResponse) []featureResult {
	finalized := map[string]int16{}
	for _, f := range raw.FinalizedFeatures {
		finalized[f.Name] = f.MaxVersionLevel
	}
	var list []featureResult
	for _, f := range raw.SupportedFeatures {
		r := featureResult{Name: f.Name, Min: f.MinVersion, Max: f.MaxVersion}
		if level, in := finalized[f.Name]; in {
			r.Finalized = &level
		}
		list = append(list, r)
	}
	return list
}

func (c *clusterResult) write(w io.Writer) error {
	fmt.Fprintf(w, "cluster %s, controller %s\n\n", orDash(c.ClusterID), number(int64(c.Controller)))
	var rows [][]string
	for _, b := range c.Brokers {
		rows = append(rows, []string{number(int64(b.ID)), b.Host, number(int64(b.Port)), orDash(b.Rack)})
	}
	if err := table(w, "BROKER HOST PORT RACK", rows); err != nil {
		return err
	}
	if len(c.Features) > 0 {
		fmt.Fprintln(w)
		rows = rows[:0]
		for _, f := range c.Features {
			level := "-"
			if f.Finalized != nil {
				level = fmt.Sprint(*f.Finalized)
			}
			rows = append(rows, []string{f.Name, level, versions(f.Min, f.Max)})
		}
		if err := table(w, "FEATURE FINALIZED SUPPORTED", rows); err != nil {
			return err
		}
	}
	if len(c.APIs) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	rows = rows[:0]
	for _, b := range c.APIs {
		for _, a := range b.APIs {
			rows = append(rows, []string{
				number(int64(b.Broker)), number(int64(a.Key)), a.Name, versions(a.Min, a.Max),
			})
		}
	}
	return table(w, "BROKER KEY API VERSIONS", rows)
}

func versions(least, most int16) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d-%d", least, most)
}
