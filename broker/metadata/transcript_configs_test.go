package metadata

import (
	"slices"
	"strings"

	"tailrace/wire/errcode"
)

// Further commands of a transcript:
//
//	> configure TYPE:NAME k=v k- k+=v k-=v k?=v k=null / …   (set, delete, append, subtract, no known operation)
//	> configure-check …  | replace TYPE:NAME k=v / …         (types: topic, broker, group, metrics, logger, or a number)
//	> configs TYPE:NAME
//	> grow NAME count=3 assign=1,2 assign=2,1 / …            (also: grow-check)
func (p *player) runMore(verb string, rest []string) bool {
	switch verb {
	case "configure", "configure-check", "replace":
		p.configure(rest, verb)
	case "configs":
		kind, name, _ := strings.Cut(rest[0], ":")
		p.printf("%v", p.img.Config(Resource{ResourceType(resourceNumber(kind)), name}))
	case "grow", "grow-check":
		p.grow(rest, verb == "grow-check")
	default:
		return false
	}
	return true
}

func resourceNumber(kind string) int8 {
	names := map[string]ResourceType{"topic": ResourceTopic, "broker": ResourceBroker, "group": ResourceGroup,
		"metrics": ResourceClientMetrics, "logger": resourceBrokerLogger}
	if t, ok := names[kind]; ok {
		return int8(t)
	}
	return int8(number(kind, 0))
}

// lists are the keys that are lists, with their defaults.
var lists = map[string]string{"cleanup.policy": "delete", "words": ""}

func (p *player) configure(words []string, verb string) {
	var resources []AlterResource
	for _, item := range split(words) {
		kind, name, _ := strings.Cut(item[0], ":")
		a := AlterResource{Type: resourceNumber(kind), Name: name, Replace: verb == "replace"}
		for _, w := range item[1:] {
			a.Changes = append(a.Changes, parseChange(w))
		}
		resources = append(resources, a)
	}
	records, answers := AlterConfigs(p.img, resources, AlterSettings{
		NodeID: 1, ValidateOnly: verb == "configure-check",
		Check: func(r Resource, configs map[string]string) Result {
			if configs["bad"] != "" {
				return fail(errcode.InvalidConfig, "Unknown topic config name: bad")
			}
			return Result{}
		},
		List: func(_ Resource, name string) (string, bool) { standard, ok := lists[name]; return standard, ok },
		Logger: func(node string, changes []ConfigChange) Result {
			return fail(errcode.InvalidConfig, "Logger "+changes[0].Name+" does not exist!")
		},
	})
	for i, a := range answers {
		p.printf("%d %q", resources[i].Type, resources[i].Name)
		p.result(a)
	}
	p.apply(records)
}

func parseChange(word string) ConfigChange {
	for mark, op := range map[string]ConfigOp{"+=": ConfigAppend, "-=": ConfigSubtract, "?=": 9} {
		if k, v, ok := strings.Cut(word, mark); ok {
			return ConfigChange{Name: k, Op: op, Value: &v}
		}
	}
	k, v, set := strings.Cut(word, "=")
	switch {
	case !set:
		return ConfigChange{Name: strings.TrimSuffix(k, "-"), Op: ConfigDelete}
	case v == "null":
		return ConfigChange{Name: k}
	case v == "long":
		v = strings.Repeat("x", MaxConfigValueBytes+1)
	}
	return ConfigChange{Name: k, Value: &v}
}

func (p *player) grow(words []string, check bool) {
	var topics []MorePartitions
	for _, item := range split(words) {
		m := MorePartitions{Name: item[0], Count: int32(number(args(item)["count"], 0))}
		for _, w := range item[1:] {
			if at, ok := strings.CutPrefix(w, "assign="); ok {
				m.Assignments = append(m.Assignments, ints(at))
			}
		}
		if slices.Contains(item, "none") {
			m.Assignments = [][]int32{}
		}
		topics = append(topics, m)
	}
	records, answers := CreatePartitions(p.img, topics, GrowSettings{ValidateOnly: check, Random: p.random})
	for _, a := range answers {
		p.printf("%q", a.Name)
		p.result(a.Result)
	}
	p.apply(records)
}
