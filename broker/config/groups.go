package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Group is the table of the settings of single groups (GroupConfig.java), in the order of docs/CONFIG.md. Their
// defaults, and what they may be set to, come from broker keys. Read-only.
var Group = atOnce([][]Def{
	groupFamily("Consumer groups", "next-generation consumer groups are not served yet",
		"consumer.session.timeout.ms consumer.heartbeat.interval.ms consumer.assignment.interval.ms"),
	groupFamily("Share groups", noShare, "share.session.timeout.ms share.heartbeat.interval.ms "+
		"share.assignment.interval.ms share.record.lock.duration.ms share.delivery.count.limit "+
		"share.partition.max.record.locks"),
	family("Share groups", Later, noShare,
		row{"share.auto.offset.reset", String, "latest", spelled("latest, earliest, by_duration:PnDTnHnMn.nS",
			checkReset), "Where a share group without an offset begins."},
		row{"share.isolation.level", String, "read_uncommitted", oneOf("read_committed", "read_uncommitted"),
			"Whether a share group sees the records of open transactions."},
		row{"share.renew.acknowledge.enable", Bool, "true", free, "Whether the lock of a record may be renewed."},
	),
	groupFamily("Streams groups", noStreams, "streams.session.timeout.ms streams.heartbeat.interval.ms "+
		"streams.assignment.interval.ms streams.initial.rebalance.delay.ms streams.num.standby.replicas"),
})

var groupIndex = index(Group)

// atOnce assembles rows that need no restart.
func atOnce(groups [][]Def) []Def {
	defs := assemble(groups)
	for i := range defs {
		defs[i].Restart = false
	}
	return defs
}

// groupFamily makes rows that follow the broker key "group." + name.
func groupFamily(title, why, names string) []Def {
	var defs []Def
	for name := range strings.FieldsSeq(names) {
		d := *brokerIndex["group."+name]
		d.Family, d.Status, d.Why = title, Later, why
		d.Name, d.Synonyms = name, []Synonym{{"group." + name, 1}}
		defs = append(defs, d)
	}
	return defs
}

func checkReset(text string) string {
	if text == "latest" || text == "earliest" || strings.HasPrefix(text, "by_duration:P") {
		return ""
	}
	return "The value must be one of: latest, earliest, by_duration:PnDTnHnMn.nS"
}

// CheckGroup judges the settings of a group, in Kafka's words.
func (s *Server) CheckGroup(overrides map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		d, known := groupIndex[name]
		if !known {
			text := "Unknown group config name: " + name
			if near, ok := nearest(plain(name), Group); ok {
				text += " (did you mean " + near + "?)"
			}
			return &InvalidError{name, text}
		}
		v, reason := d.parse(overrides[name])
		if reason != "" {
			return &InvalidError{name, d.refusal(overrides[name], reason)}
		}
		if n, ok := v.(int64); ok {
			if err := s.withinGroupBounds(name, n); err != nil {
				return err
			}
		}
	}
	for _, kind := range [...]string{"consumer", "share", "streams"} {
		session, beat := kind+".session.timeout.ms", kind+".heartbeat.interval.ms"
		if s.groupNumber(session, overrides) <= s.groupNumber(beat, overrides) {
			return &InvalidError{session, session + " must be greater than " + beat}
		}
	}
	return nil
}

// withinGroupBounds holds a value against group.KIND.min.REST and group.KIND.max.REST, where there are such keys.
func (s *Server) withinGroupBounds(name string, n int64) error {
	kind, rest, _ := strings.Cut(name, ".")
	least := "group." + kind + ".min." + rest
	most := "group." + kind + ".max." + strings.TrimPrefix(rest, "num.")
	if bound, ok := s.number(least); ok && n < bound {
		return &InvalidError{name, fmt.Sprintf("%s must be greater than or equal to %s", name, least)}
	}
	if bound, ok := s.number(most); ok && n > bound {
		return &InvalidError{name, fmt.Sprintf("%s must be less than or equal to %s", name, most)}
	}
	return nil
}

func (s *Server) number(broker string) (int64, bool) {
	d, ok := brokerIndex[broker]
	if !ok {
		return 0, false
	}
	v, _ := d.parse(s.Value(broker))
	n, ok := v.(int64)
	return n, ok
}

func (s *Server) groupNumber(name string, overrides map[string]string) int64 {
	if text, set := overrides[name]; set {
		if v, reason := groupIndex[name].parse(text); reason == "" {
			return v.(int64)
		}
	}
	n, _ := s.number("group." + name)
	return n
}

// DescribeGroup gives every setting of a group under these overrides, in the table's order.
func (s *Server) DescribeGroup(overrides map[string]string) []Row {
	rows := make([]Row, 0, len(Group))
	for i := range Group {
		d := &Group[i]
		synonyms := []RowSynonym{{d.Name, d.Default, false, SourceDefault}}
		if len(d.Synonyms) > 0 {
			synonyms = s.synonymsOf(d.Synonyms[0].Name)
		}
		if text, set := overrides[d.Name]; set {
			synonyms = append([]RowSynonym{{d.Name, d.canonical(text), false, SourceGroup}}, synonyms...)
		}
		rows = append(rows, describe(d, synonyms, false))
	}
	return rows
}
