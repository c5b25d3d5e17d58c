package config

import (
	"cmp"
	"slices"
)

// Source is where DescribeConfigs says a value comes from; the numbers are Kafka's ConfigSource.
type Source int8

// The sources in use.
const (
	SourceTopic        Source = 1 // DYNAMIC_TOPIC_CONFIG: an override of the topic
	SourceStaticBroker Source = 4 // STATIC_BROKER_CONFIG: flag, environment or file
	SourceDefault      Source = 5 // DEFAULT_CONFIG
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

// Describe gives every broker setting but those that Kafka no longer knows, in the table's order. All are read-only:
// none can be changed while the broker runs.
func (s *Server) Describe() []Row {
	rows := make([]Row, 0, len(Broker))
	for i := range Broker {
		d := &Broker[i]
		if d.Status == Removed {
			continue
		}
		rows = append(rows, describe(d, s.brokerSynonyms(d), true))
	}
	return rows
}

// DescribeTopic gives every topic setting under these overrides, in the table's order. Unlike Kafka, which hides
// them, it names broker keys with another unit (log.retention.hours) among the synonyms of the key they feed.
func (s *Server) DescribeTopic(overrides map[string]string) []Row {
	rows := make([]Row, 0, len(Topic))
	for i := range Topic {
		d := &Topic[i]
		var synonyms []RowSynonym
		if text, set := overrides[d.Name]; set {
			synonyms = append(synonyms, RowSynonym{d.Name, d.canonical(text), d.Sensitive, SourceTopic})
		}
		value, from := s.topicDefault(d)
		if from != nil {
			synonyms = append(synonyms, s.brokerSynonyms(brokerIndex[from.Name])...)
		}
		for j := range d.Synonyms {
			if syn := &d.Synonyms[j]; syn != from {
				synonyms = append(synonyms, s.brokerSynonyms(brokerIndex[syn.Name])...)
			}
		}
		slices.SortStableFunc(synonyms, func(a, b RowSynonym) int { return cmp.Compare(a.Source, b.Source) })
		row := describe(d, synonyms, false)
		if row.Source != SourceTopic {
			row.Value, row.Null = value, d.Null // in the topic key's unit
		}
		rows = append(rows, row)
	}
	return rows
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

// brokerSynonyms are the set value of a broker key and its default, as far as there are such.
func (s *Server) brokerSynonyms(d *Def) []RowSynonym {
	var found []RowSynonym
	if e, ok := s.set[d.Name]; ok {
		found = append(found, RowSynonym{d.Name, d.canonical(e.value), d.Sensitive, SourceStaticBroker})
	}
	if !d.Null {
		found = append(found, RowSynonym{d.Name, d.canonical(d.Default), d.Sensitive, SourceDefault})
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
