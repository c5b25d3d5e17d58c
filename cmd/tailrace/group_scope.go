package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// scope is the topics given with --topic: whole ones, and partitions of others.
type scope struct {
	topics []string
	only   map[string][]int32 // by topic; absent: all of them
}

// parseScope reads TOPIC and TOPIC:0,1; the name of a topic holds no colon.
func parseScope(list []string) (scope, error) {
	s := scope{only: map[string][]int32{}}
	whole := map[string]bool{}
	for _, text := range list {
		topic, partitions, some := strings.Cut(text, ":")
		if topic == "" {
			return s, usage("--topic: %q is not TOPIC or TOPIC:PARTITION,...", text)
		}
		if !slices.Contains(s.topics, topic) {
			s.topics = append(s.topics, topic)
		}
		if !some {
			whole[topic] = true
			continue
		}
		for p := range strings.SplitSeq(partitions, ",") {
			n, err := strconv.ParseInt(p, 10, 32)
			if err != nil || n < 0 {
				return s, usage("--topic: %q is no partition, in %q; TOPIC:0,1 names two of them", p, text)
			}
			s.only[topic] = append(s.only[topic], int32(n))
		}
	}
	for topic := range whole {
		delete(s.only, topic)
	}
	return s, nil
}

// spots are the partitions meant, each once and in order; those that do not exist are an error.
func (s scope) spots(ctx context.Context, adm *kadm.Client) ([]spot, error) {
	m, err := metadata(ctx, adm, s.topics...)
	if err != nil {
		return nil, err
	}
	var list []spot
	for _, topic := range s.topics {
		all := m.Topics[topic].Partitions.Numbers()
		chosen := all
		if only, some := s.only[topic]; some {
			chosen = only
		}
		for _, p := range chosen {
			if !slices.Contains(all, p) {
				return nil, noPartition(topic, p, len(all))
			}
			list = append(list, spot{topic, p})
		}
	}
	slices.SortFunc(list, spot.before)
	return slices.Compact(list), nil
}

func noPartition(topic string, p int32, have int) error {
	return fmt.Errorf("topic %q has no partition %d; its partitions are 0 to %d", topic, p, have-1)
}
