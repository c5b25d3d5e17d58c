package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// offsetDescription is one partition of a group as describe tells it in JSON; the keys are stable.
type offsetDescription struct {
	Topic         string `json:"topic"`
	Partition     int32  `json:"partition"`
	CurrentOffset *int64 `json:"current_offset"` // null: nothing is committed
	LeaderEpoch   *int32 `json:"leader_epoch"`
	Metadata      string `json:"metadata,omitempty"`
	LogEndOffset  *int64 `json:"log_end_offset"` // null: the partition is gone, or has no leader
	Lag           *int64 `json:"lag"`            // null: one of the two is not known
	ConsumerID    string `json:"consumer_id,omitempty"`
	Host          string `json:"host,omitempty"`
	ClientID      string `json:"client_id,omitempty"`
}

// groupOffsets tells of each partition that a group has committed for, or that a member of it has.
func groupOffsets(ctx context.Context, adm *kadm.Client, g groupInfo) ([]offsetDescription, error) {
	committed, err := adm.FetchOffsets(ctx, g.name)
	if err != nil {
		return nil, err
	}
	owners := g.owners()
	all := map[spot]bool{}
	topics := map[string]bool{}
	for s := range owners {
		all[s], topics[s.topic] = true, true
	}
	for topic, ps := range committed {
		for p, o := range ps {
			if o.Err == nil && o.At >= 0 {
				all[spot{topic, p}], topics[topic] = true, true
			}
		}
	}
	ends, err := endOffsets(ctx, adm, slices.Sorted(maps.Keys(topics)))
	if err != nil {
		return nil, err
	}
	list := []offsetDescription{}
	for _, s := range slices.SortedFunc(maps.Keys(all), spot.before) {
		d := offsetDescription{Topic: s.topic, Partition: s.partition}
		if m := owners[s]; m != nil {
			d.ConsumerID, d.Host, d.ClientID = m.id, m.host, m.client
		}
		if o, ok := committed.Lookup(s.topic, s.partition); ok && o.Err == nil && o.At >= 0 {
			d.CurrentOffset, d.Metadata = &o.At, o.Metadata
			if o.LeaderEpoch >= 0 {
				d.LeaderEpoch = &o.LeaderEpoch
			}
		}
		if end, ok := ends.Lookup(s.topic, s.partition); ok && end.Err == nil {
			d.LogEndOffset = &end.Offset
		}
		if d.CurrentOffset != nil && d.LogEndOffset != nil {
			lag := *d.LogEndOffset - *d.CurrentOffset
			d.Lag = &lag
		}
		list = append(list, d)
	}
	return list, nil
}

// endOffsets asks for the ends of topics; of none at all it would tell those of every topic.
func endOffsets(ctx context.Context, adm *kadm.Client, topics []string) (kadm.ListedOffsets, error) {
	if len(topics) == 0 {
		return nil, nil
	}
	return adm.ListEndOffsets(ctx, topics...)
}

func writeOffsets(w io.Writer, list []groupDescription, verbose bool) error {
	headings := "GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID"
	if verbose {
		headings += " LEADER-EPOCH METADATA"
	}
	var rows [][]string
	for _, d := range list {
		for _, o := range d.Offsets {
			row := []string{
				d.Group, o.Topic, number(int64(o.Partition)), figure(o.CurrentOffset), figure(o.LogEndOffset), figure(o.Lag),
				orDash(o.ConsumerID), orDash(o.Host), orDash(o.ClientID),
			}
			if verbose {
				row = append(row, figure(o.LeaderEpoch), orDash(o.Metadata))
			}
			rows = append(rows, row)
		}
	}
	return table(w, headings, rows)
}

// figure is a number in a table that may not be known; a lag may be negative, after a log was cut.
func figure[N int32 | int64](n *N) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

// assignment writes the partitions of a member as kafka-consumer-groups does: orders:0,1; payments:3.
func assignment(topics map[string][]int32) string {
	var text []string
	for _, t := range slices.Sorted(maps.Keys(topics)) {
		text = append(text, t+":"+ids(topics[t]))
	}
	return strings.Join(text, "; ")
}
