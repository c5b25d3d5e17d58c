package config

import "slices"

// Source is where DescribeConfigs says a value comes from; the numbers are Kafka's ConfigSource.
type Source int8

// The sources in use.
const (
	SourceTopic         Source = 1 // DYNAMIC_TOPIC_CONFIG: an override of the topic
	SourceBroker        Source = 2 // DYNAMIC_BROKER_CONFIG: changed for this broker while it runs
	SourceCluster       Source = 3 // DYNAMIC_DEFAULT_BROKER_CONFIG: changed for all brokers
	SourceStaticBroker  Source = 4 // STATIC_BROKER_CONFIG: flag, environment or file
	SourceDefault       Source = 5 // DEFAULT_CONFIG
	SourceLogger        Source = 6 // DYNAMIC_BROKER_LOGGER_CONFIG
	SourceClientMetrics Source = 7 // CLIENT_METRICS_CONFIG
	SourceGroup         Source = 8 // GROUP_CONFIG
)

// Row is one setting as DescribeConfigs answers it.
type Row struct {
	Name      string
	Value     string // meaningless when Null
	Null      bool   // no value, or a sensitive one
	Source    Source
	ReadOnly  bool
	Sensitive bool
	Kind      Kind // its number is Kafka's config type
	Doc       string
	Synonyms  []RowSynonym // all that could have given the value, the strongest first
}

// RowSynonym is one of the places a value can come from.
type RowSynonym struct {
	Name, Value string
	Null        bool
	Source      Source
}

// Describe gives every broker setting but those that Kafka no longer knows, in the table's order. Those that are not
// read-only can be changed while the broker runs.
func (s *Server) Describe() []Row {
	rows := make([]Row, 0, len(Broker))
	for i := range Broker {
		d := &Broker[i]
		if d.Status == Removed {
			continue
		}
		synonyms := dropWhile(s.synonymsOf(units(d.Name)...), func(y RowSynonym) bool { return y.Name != d.Name })
		rows = append(rows, describe(d, synonyms, d.Restart))
	}
	return rows
}

// DescribeCluster gives the settings that were changed for all brokers.
func (s *Server) DescribeCluster() []Row {
	var rows []Row
	for i := range Broker {
		d := &Broker[i]
		if e, ok := s.dynamic[0][d.Name]; ok {
			rows = append(rows, describe(d, []RowSynonym{{d.Name, d.canonical(e.value), d.Sensitive, SourceCluster}}, d.Restart))
		}
	}
	return rows
}

// units are the broker keys that say the same thing as one of them, the strongest first: hours, minutes and ms.
func units(name string) []string {
	for i := range Topic {
		var names []string
		for _, syn := range Topic[i].Synonyms {
			names = append(names, syn.Name)
		}
		if slices.Contains(names, name) {
			return names
		}
	}
	return []string{name}
}

// DescribeTopic gives every topic setting under these overrides, in the table's order. A value that was set in another
// unit (log.retention.hours) is named among the synonyms of the key it feeds; Kafka hides it and calls what it leads
// to a default.
func (s *Server) DescribeTopic(overrides map[string]string) []Row {
	rows := make([]Row, 0, len(Topic))
	for i := range Topic {
		d := &Topic[i]
		var names []string
		for _, syn := range d.Synonyms {
			names = append(names, syn.Name)
		}
		synonyms := s.synonymsOf(names...)
		value, from := s.topicDefault(d)
		if from == nil { // nothing was set: as Kafka, the defaults of other units are not told of
			synonyms = dropWhile(synonyms, func(y RowSynonym) bool { return y.Name != names[0] })
		}
		if text, set := overrides[d.Name]; set {
			own := RowSynonym{d.Name, d.canonical(text), d.Sensitive, SourceTopic}
			synonyms = append([]RowSynonym{own}, synonyms...)
		}
		row := describe(d, synonyms, false)
		if row.Source != SourceTopic {
			row.Value, row.Null = value, d.Null // in the topic key's unit
		}
		rows = append(rows, row)
	}
	return rows
}

func dropWhile(list []RowSynonym, drop func(RowSynonym) bool) []RowSynonym {
	for len(list) > 0 && drop(list[0]) {
		list = list[1:]
	}
	return list
}

func describe(d *Def, synonyms []RowSynonym, readOnly bool) Row {
	row := Row{Name: d.Name, Kind: d.Kind, Doc: d.Doc, ReadOnly: readOnly, Sensitive: d.Sensitive,
		Source: SourceDefault, Null: d.Null, Value: d.Default, Synonyms: synonyms}
	if len(synonyms) > 0 {
		first := synonyms[0]
		row.Source, row.Value, row.Null = first.Source, first.Value, first.Null
	}
	return row
}

// synonymsOf are all places that could give the value of some keys: by source, then in the order of the keys.
func (s *Server) synonymsOf(names ...string) []RowSynonym {
	var found []RowSynonym
	for _, from := range [...]struct {
		layer  map[string]entry
		source Source
	}{{s.dynamic[1], SourceBroker}, {s.dynamic[0], SourceCluster}, {s.set, SourceStaticBroker}} {
		for _, name := range names {
			if e, ok := from.layer[name]; ok {
				d := brokerIndex[name]
				found = append(found, RowSynonym{name, d.canonical(e.value), d.Sensitive, from.source})
			}
		}
	}
	for _, name := range names {
		if d := brokerIndex[name]; !d.Null {
			found = append(found, RowSynonym{name, d.canonical(d.Default), d.Sensitive, SourceDefault})
		}
	}
	return found
}

// canonical is a value as Kafka prints it; sensitive ones are empty.
func (d *Def) canonical(text string) string {
	if d.Sensitive {
		return ""
	}
	v, reason := d.parse(text)
	if reason != "" {
		return text
	}
	return show(v)
}
