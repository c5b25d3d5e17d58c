package metadata

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tailrace/wire"
)

var update = flag.Bool("update", false, "write what the decisions say into the transcripts")

// A transcript in testdata is a txtar archive: each file is a step, its lines that begin with "> " are commands, the
// others what they answered. Commands:
//
//	> register 1 rack=r dirs=2 fenced          (dirs: how many log directories)
//	> fence 1 | unfence 1 | pids 1 epoch=3 | bump 1
//	> create NAME partitions=1 rf=1 assign=0:1,2 config=k=v / NAME …   (also: create-check, which only validates)
//	> delete name=NAME id=ID-OF-NAME / …       (also: delete-off, delete-off-v2)
//	> alter NAME 0 isr=1,2 leader=1            > config NAME k=v k
//	> topic NAME | internal 3 2
type player struct {
	img    *Image
	random Random
	out    strings.Builder
}

func TestTranscripts(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			p := &player{img: Empty(), random: counter()}
			p.apply(Bootstrap())
			comment, steps := parseSteps(string(data))
			again := comment
			for _, f := range steps {
				p.out.Reset()
				for line := range strings.Lines(f.body) {
					if command, ok := strings.CutPrefix(line, "> "); ok {
						p.out.WriteString(line)
						p.run(t, strings.Fields(command))
					}
				}
				if got := p.out.String(); got != f.body && !*update {
					t.Errorf("step %q:\n got:\n%s\nwant:\n%s", f.name, got, f.body)
				}
				again += "-- " + f.name + " --\n" + p.out.String()
			}
			if *update && again != string(data) {
				if err := os.WriteFile(name, []byte(again), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

type transcriptStep struct{ name, body string }

// parseSteps cuts a txtar archive at its "-- name --" lines.
func parseSteps(data string) (comment string, steps []transcriptStep) {
	for line := range strings.Lines(data) {
		name, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "-- ")
		if name, end := strings.CutSuffix(name, " --"); ok && end {
			steps = append(steps, transcriptStep{name: name})
		} else if len(steps) == 0 {
			comment += line
		} else {
			steps[len(steps)-1].body += line
		}
	}
	return comment, steps
}

func (p *player) printf(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

func (p *player) apply(records []Record) {
	first := p.img.Offset + 1
	for i, r := range records {
		p.printf("  %d %s", first+wire.Offset(i), show(r))
	}
	img, _, err := p.img.Apply(first, 1, records...)
	if err != nil {
		p.printf("  BUG: %v", err)
		return
	}
	p.img = img
}

func (p *player) result(r Result) {
	if r.Message != "" {
		p.printf("%s: %s", r.Code.Name(), r.Message)
	} else {
		p.printf("%s", r.Code.Name())
	}
}

// args splits "key=value" words; a word without '=' has an empty value.
func args(words []string) map[string]string {
	m := map[string]string{}
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		m[k] = v
	}
	return m
}

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return otherwise
}

func ints(text string) []int32 {
	list := []int32{}
	for w := range strings.SplitSeq(text, ",") {
		if w != "" {
			list = append(list, int32(number(w, -9)))
		}
	}
	return list
}

// split cuts the items of a request apart.
func split(words []string) [][]string {
	items := [][]string{nil}
	for _, w := range words {
		if w == "/" {
			items = append(items, nil)
		} else {
			items[len(items)-1] = append(items[len(items)-1], w)
		}
	}
	return items
}

func (p *player) run(t *testing.T, words []string) {
	switch verb, rest := words[0], words[1:]; verb {
	case "register":
		p.register(rest)
	case "fence", "unfence":
		id := int32(number(rest[0], 0))
		epoch := int64(number(args(rest)["epoch"], -1))
		if b := p.img.Broker(id); b != nil && epoch < 0 {
			epoch = b.Epoch
		}
		records, r := FenceBroker(p.img, id, epoch, verb == "fence")
		p.result(r)
		p.apply(records)
	case "pids":
		records, first, r := AllocateProducerIDs(p.img, int32(number(rest[0], 0)), int64(number(args(rest)["epoch"], 0)))
		p.result(r)
		p.printf("first %d", first)
		p.apply(records)
	case "bump":
		p.apply(BumpLeaderEpochs(p.img, int32(number(rest[0], 0))))
	case "create", "create-check":
		p.create(rest, verb == "create-check")
	case "delete", "delete-off", "delete-off-v2":
		p.remove(rest, verb)
	case "alter":
		p.alter(rest)
	case "config":
		p.config(rest)
	case "topic":
		p.topic(rest[0])
	case "internal":
		rf, minISR, clamped := p.img.InternalReplication(int16(number(rest[0], 0)), number(rest[1], 0))
		p.printf("rf %d min isr %d clamped %v", rf, minISR, clamped)
	default:
		if !p.runMore(verb, rest) {
			t.Fatalf("no command %q", verb)
		}
	}
}

func (p *player) register(words []string) {
	id, a := number(words[0], 0), args(words)
	b := Broker{ID: int32(id), Incarnation: NewID(p.random), Endpoints: []Endpoint{{"PLAINTEXT", "h", 9092, 0}},
		Features: []FeatureRange{{FeatureMetadataVersion, MinLevel, LatestLevel}}}
	if again, ok := a["again"]; ok && again == "" {
		b.Incarnation = p.img.Broker(b.ID).Incarnation
	}
	for i := range number(a["dirs"], 1) {
		b.LogDirs = append(b.LogDirs, UUID{0: byte(id), 15: byte(i)})
	}
	if rack, ok := a["rack"]; ok {
		b.Rack = &rack
	}
	if dir, ok := a["dir"]; ok {
		b.LogDirs = []UUID{{0: byte(number(dir, 0))}}
	}
	if level, ok := a["level"]; ok {
		b.Features[0].Max = int16(number(level, 0))
	}
	if _, ok := a["nolevel"]; ok {
		b.Features = nil
	}
	_, b.Fenced = a["fenced"]
	records, epoch, r := RegisterBroker(p.img, b, p.img.Offset+1)
	p.result(r)
	p.printf("epoch %d", epoch)
	p.apply(records)
}

func (p *player) create(words []string, check bool) {
	var topics []NewTopic
	for _, item := range split(words) {
		topic := NewTopic{Name: item[0], Partitions: -1, ReplicationFactor: -1}
		if topic.Name == "''" {
			topic.Name = ""
		}
		for _, w := range item[1:] {
			key, value, _ := strings.Cut(w, "=")
			switch key {
			case "partitions":
				topic.Partitions = int32(number(value, 0))
			case "rf":
				topic.ReplicationFactor = int16(number(value, 0))
			case "assign":
				id, brokers, _ := strings.Cut(value, ":")
				topic.Assignments = append(topic.Assignments, Assignment{int32(number(id, 0)), ints(brokers)})
			case "config":
				k, v, set := strings.Cut(value, "=")
				e := ConfigEntry{Name: k}
				if set {
					e.Value = &v
				}
				topic.Configs = append(topic.Configs, e)
			}
		}
		topics = append(topics, topic)
	}
	records, answers := CreateTopics(p.img, topics, CreateSettings{
		DefaultPartitions: 2, DefaultReplicationFactor: 1, ValidateOnly: check, Random: p.random,
		Check: func(_ string, configs map[string]string) error {
			if configs["bad"] != "" {
				return errors.New("Unknown topic config name: bad")
			}
			return nil
		},
	})
	for _, a := range answers {
		p.printf("%q %v partitions %d rf %d", a.Name, a.ID, a.Partitions, a.ReplicationFactor)
		p.result(a.Result)
	}
	p.apply(records)
}

func (p *player) remove(words []string, verb string) {
	var refs []TopicRef
	for _, item := range split(words) {
		var ref TopicRef
		a := args(item)
		if name, ok := a["name"]; ok {
			ref.Name = &name
		}
		if of, ok := a["id"]; ok {
			if topic := p.img.TopicByName(of); topic != nil {
				ref.ID = topic.ID
			} else {
				ref.ID, _ = wire.ParseTopicID(of)
			}
		}
		refs = append(refs, ref)
	}
	settings := DeleteSettings{Enabled: verb == "delete", Version: 6}
	if verb == "delete-off-v2" {
		settings.Version = 2
	}
	records, answers := DeleteTopics(p.img, refs, settings)
	for _, a := range answers {
		name := "null"
		if a.Name != nil {
			name = strconv.Quote(*a.Name)
		}
		p.printf("%s %v", name, a.ID)
		p.result(a.Result)
	}
	p.apply(records)
}

func (p *player) alter(words []string) {
	topic, a := p.img.TopicByName(words[0]), args(words)
	r := &PartitionChangeRecord{ID: int32(number(words[1], 0)), TopicID: topic.ID}
	if isr, ok := a["isr"]; ok {
		r.ISR = ints(isr)
	}
	if elr, ok := a["elr"]; ok {
		r.ELR = ints(elr)
	}
	if leader, ok := a["leader"]; ok {
		r.Leader = ptr(int32(number(leader, 0)))
	}
	p.apply([]Record{r})
}

func (p *player) config(words []string) {
	var records []Record
	for _, w := range words[1:] {
		k, v, set := strings.Cut(w, "=")
		r := &ConfigRecord{Resource: Resource{ResourceTopic, words[0]}, Name: k}
		if set {
			r.Value = &v
		}
		records = append(records, r)
	}
	p.apply(records)
}

func (p *player) topic(name string) {
	topic := p.img.TopicByName(name)
	if topic == nil {
		p.printf("no topic %q; configs %v", name, p.img.Config(Resource{ResourceTopic, name}))
		return
	}
	p.printf("%q %v configs %v", topic.Name, topic.ID, p.img.Config(Resource{ResourceTopic, name}))
	for i, part := range topic.Partitions {
		p.printf("  %d leader %d epoch %d/%d replicas %v isr %v elr %v dirs %v", i, part.Leader, part.LeaderEpoch,
			part.Epoch, part.Replicas, part.ISR, part.ELR, part.Directories)
	}
}
