package config

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/CONFIG.md anew")

// TestManual holds docs/CONFIG.md to the table.
func TestManual(t *testing.T) {
	const path = "../../docs/CONFIG.md"
	if *update {
		if err := os.WriteFile(path, Manual(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != string(Manual()) {
		t.Errorf("docs/CONFIG.md is not what the table says (%v): run go test ./broker/config -update", err)
	}
}

// TestFieldsAndRows: each typed field has exactly one served row, and each served row one field.
func TestFieldsAndRows(t *testing.T) {
	feeds := map[string]bool{} // broker keys that give topics their defaults
	for _, d := range Topic {
		for _, s := range d.Synonyms {
			feeds[s.Name] = true
		}
	}
	for _, d := range Broker {
		_, field := serverFields[d.Name]
		_, aliased := serverFields[d.AliasOf]
		ways := 0
		for _, way := range []bool{field, aliased, feeds[d.Name]} {
			if way {
				ways++
			}
		}
		if d.Status == Served && ways != 1 {
			t.Errorf("%s is served and feeds %d fields", d.Name, ways)
		}
		if d.Status != Served && field {
			t.Errorf("%s has a field and is %v", d.Name, d.Status)
		}
	}
	for _, d := range Topic {
		if _, field := topicFields[d.Name]; field != (d.Status == Served) {
			t.Errorf("topic key %s: %v, field %v", d.Name, d.Status, field)
		}
	}
	for _, c := range []struct {
		of    reflect.Type
		index map[string]int
		rows  map[string]*Def
	}{{reflect.TypeFor[Server](), serverFields, brokerIndex}, {reflect.TypeFor[TopicConfig](), topicFields, topicIndex}} {
		exported := 0
		for i := range c.of.NumField() {
			if c.of.Field(i).IsExported() {
				exported++
			}
		}
		if exported != len(c.index) {
			t.Errorf("%v has %d exported fields and %d keys", c.of, exported, len(c.index))
		}
		for key := range c.index {
			if c.rows[key] == nil {
				t.Errorf("%v: no row for key %s", c.of, key)
			}
		}
	}
}

func TestRows(t *testing.T) {
	if len(brokerIndex) != len(Broker) || len(topicIndex) != len(Topic) {
		t.Fatal("a name stands in the table twice")
	}
	for _, d := range slices.Concat(Broker, Topic) {
		if !d.Null {
			v, reason := d.parse(d.Default)
			if reason != "" {
				t.Errorf("%s: its default %q: %s", d.Name, d.Default, reason)
			} else if show(v) != d.Default {
				t.Errorf("%s: its default %q reads %q", d.Name, d.Default, show(v))
			}
		}
		if (d.Why == "") != (d.Status == Served) {
			t.Errorf("%s is %v with the reason %q", d.Name, d.Status, d.Why)
		}
		if !strings.HasSuffix(d.Doc, ".") || strings.Contains(d.Doc+d.Why+d.Check.Text, "|") {
			t.Errorf("%s: its text %q breaks the manual", d.Name, d.Doc)
		}
		if d.Sensitive != (d.Kind == Password) {
			t.Errorf("%s: passwords are sensitive, others are not", d.Name)
		}
		if key, ok := environmentKey(EnvName(d.Name)); brokerIndex[d.Name] != nil && (!ok || key != d.Name) &&
			d.Name != "port" { // KAFKA_PORT belongs to Kubernetes
			t.Errorf("%s is %s in the environment, which reads back as %q", d.Name, EnvName(d.Name), key)
		}
	}
}

// TestTopicDefaults: a topic key has the default and the status of the broker keys it follows.
func TestTopicDefaults(t *testing.T) {
	for i := range Topic {
		d := &Topic[i]
		given := len(d.Synonyms) == 0
		for _, s := range d.Synonyms {
			b := brokerIndex[s.Name]
			if b == nil {
				t.Fatalf("%s follows %s, which is not in the table", d.Name, s.Name)
			}
			if b.Status != d.Status {
				t.Errorf("%s is %v and %s is %v", d.Name, d.Status, b.Name, b.Status)
			}
			if b.Null {
				continue
			}
			given = true
			v, _ := b.parse(b.Default)
			if n, ok := v.(int64); ok {
				v = n * s.Scale
			}
			if show(v) != d.Default {
				t.Errorf("%s defaults to %s and %s to %s", d.Name, d.Default, b.Name, show(v))
			}
		}
		if !given {
			t.Errorf("no broker key gives %s its default", d.Name)
		}
	}
}

// TestWords: every word of an enumerated setting has its own value.
func TestWords(t *testing.T) {
	seen := map[string]string{}
	for key := range topicFields {
		for _, word := range topicIndex[key].Check.Words() {
			c := TopicConfig{}
			bind(&c, topicFields, key, word)
			value := fmt.Sprint(reflect.ValueOf(c).Field(topicFields[key]).Interface())
			id := key + "=" + value
			if other := seen[id]; other != "" {
				t.Errorf("%s: %s and %s are the same value", key, other, word)
			}
			seen[id] = word
		}
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"log.retention.hour": "log.retention.hours", "LOG_DIRS": "log.dirs", "retention.ms": "log.retention.ms",
		"num.partitons": "num.partitions", "auto.create.topic.enable": "auto.create.topics.enable",
		"lisetners": "listeners", "tailrace.flush.before.acks": "tailrace.flush.before.ack", "zzz": "", "a": "",
		"segment.ms": "log.roll.ms",
	} {
		if got, ok := Nearest(name); got != want || ok != (want != "") {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"log.retention.hours": "retention.ms", "retension.ms": "retention.ms", "foo": "", "cleanup_policy": "cleanup.policy",
	} {
		if got, _ := NearestTopic(name); got != want {
			t.Errorf("NearestTopic(%q) = %q, want %q", name, got, want)
		}
	}
}
