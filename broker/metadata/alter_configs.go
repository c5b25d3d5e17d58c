package metadata

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tailrace/wire/errcode"
)

// ConfigOp is what a change does to a config (AlterConfigOp.java).
type ConfigOp int8

// The operations.
const (
	ConfigSet ConfigOp = iota
	ConfigDelete
	ConfigAppend   // to a list, what it does not hold yet
	ConfigSubtract // from a list
)

// ConfigChange is one operation. Value is ignored by ConfigDelete.
type ConfigChange struct {
	Name  string
	Op    ConfigOp
	Value *string
}

// AlterResource is one resource of an alteration, with its type as the request has it. With Replace (AlterConfigs, the
// older API) the changes are all that the resource has afterwards.
type AlterResource struct {
	Type    int8
	Name    string
	Changes []ConfigChange
	Replace bool
}

// AlterSettings is what AlterConfigs needs besides the request.
type AlterSettings struct {
	NodeID       int32 // settings of other nodes are not this one's to judge
	ValidateOnly bool
	// Check judges all the configs that a resource would have.
	Check func(r Resource, configs map[string]string) Result
	// List tells whether a config is a list, and what it holds when it is not set.
	List func(r Resource, name string) (standard string, list bool)
	// Logger judges changes of log levels (KIP-412), which are no records.
	Logger func(node string, changes []ConfigChange) Result
}

// resourceBrokerLogger has levels, not configs: it never comes to a record.
const resourceBrokerLogger ResourceType = 8

// AlterConfigs decides an IncrementalAlterConfigs or AlterConfigs request (ConfigAdminManager.preprocess and
// ConfigurationControlManager in one). Each resource changes as a whole or not at all; there is one answer for each, in
// the order of the request. A change that changes nothing is no record. Authorization is the caller's.
func AlterConfigs(img *Image, resources []AlterResource, s AlterSettings) ([]Record, []Result) {
	times := make(map[Resource]int, len(resources))
	for i := range resources {
		times[resources[i].resource()]++
	}
	var records []Record
	answers := make([]Result, len(resources))
	for i := range resources {
		a := &resources[i]
		if times[a.resource()] > 1 {
			answers[i] = fail(errcode.InvalidRequest, "Each resource must appear at most once.")
			continue
		}
		var made []Record
		made, answers[i] = s.alter(img, a)
		records = append(records, made...)
	}
	if s.ValidateOnly {
		records = nil
	}
	return records, answers
}

func (a *AlterResource) resource() Resource { return Resource{ResourceType(a.Type), a.Name} }

func (s *AlterSettings) alter(img *Image, a *AlterResource) ([]Record, Result) {
	r := a.resource()
	if wrong := a.malformed(); !wrong.OK() {
		return nil, wrong
	}
	if r.Type == resourceBrokerLogger && !a.Replace {
		return nil, s.Logger(a.Name, a.Changes)
	}
	if wrong := s.checkType(r); !wrong.OK() {
		return nil, wrong
	}
	before := img.Config(r)
	after := map[string]string{}
	if !a.Replace {
		maps.Copy(after, before)
	}
	for _, c := range a.Changes {
		if wrong := s.change(r, after, c); !wrong.OK() {
			return nil, wrong
		}
	}
	if wrong := img.checkConfigs(r, after, s.Check); !wrong.OK() {
		return nil, wrong
	}
	return configRecords(r, before, after), Result{}
}

// malformed returns what is wrong with the request itself.
func (a *AlterResource) malformed() Result {
	seen := make(map[string]bool, len(a.Changes))
	var null []string
	for _, c := range a.Changes {
		if seen[c.Name] {
			return fail(errcode.InvalidRequest, "Error due to duplicate config keys")
		}
		seen[c.Name] = true
		if c.Value == nil && c.Op != ConfigDelete {
			null = append(null, c.Name)
		}
	}
	if len(null) > 0 {
		return fail(errcode.InvalidRequest, "Null value not supported for : "+strings.Join(null, ", "))
	}
	return Result{}
}

func (s *AlterSettings) checkType(r Resource) Result {
	switch r.Type {
	case ResourceTopic, ResourceClientMetrics, ResourceGroup:
	case ResourceBroker:
		if r.Name == "" {
			break
		}
		id, err := strconv.ParseInt(r.Name, 10, 32)
		switch {
		case err != nil:
			return fail(errcode.InvalidRequest, "Node id must be an integer, but it is: "+r.Name)
		case int32(id) != s.NodeID:
			return fail(errcode.InvalidRequest,
				fmt.Sprintf("Unexpected broker id, expected %d, but received %s", s.NodeID, r.Name))
		}
	default:
		return fail(errcode.InvalidRequest, fmt.Sprintf("Unknown resource type %d", r.Type))
	}
	return Result{}
}

// change does one operation to configs.
func (s *AlterSettings) change(r Resource, configs map[string]string, c ConfigChange) Result {
	switch c.Op {
	case ConfigSet:
		configs[c.Name] = *c.Value
	case ConfigDelete:
		delete(configs, c.Name)
	case ConfigAppend, ConfigSubtract:
		standard, list := s.List(r, c.Name)
		if !list {
			return notList(r, c)
		}
		value, set := configs[c.Name]
		if !set {
			value = standard
		}
		configs[c.Name] = changeList(value, *c.Value, c.Op)
	default:
		return fail(errcode.InvalidRequest, fmt.Sprintf("Unknown operations type %d", c.Op))
	}
	if len(configs[c.Name]) > MaxConfigValueBytes {
		return fail(errcode.InvalidConfig, fmt.Sprintf("The configuration value cannot be added because "+
			"it exceeds the maximum value size of %d bytes.", MaxConfigValueBytes))
	}
	return Result{}
}

func notList(r Resource, c ConfigChange) Result {
	verb := [...]string{ConfigAppend: "append", ConfigSubtract: "subtract"}[c.Op]
	if r.Type == ResourceBroker {
		return fail(errcode.InvalidConfig,
			fmt.Sprintf("Config value %s is not allowed for config key: %s", verb, c.Name))
	}
	return fail(errcode.InvalidConfig,
		fmt.Sprintf("Can't %s to key %s because its type is not LIST.", strings.ToUpper(verb), c.Name))
}

// changeList adds words that are not there, or takes words away that are.
func changeList(value, words string, op ConfigOp) string {
	list := slices.DeleteFunc(strings.Split(value, ","), func(w string) bool { return w == "" })
	for word := range strings.SplitSeq(words, ",") {
		i := slices.Index(list, word)
		switch {
		case op == ConfigAppend && i < 0:
			list = append(list, word)
		case op == ConfigSubtract && i >= 0:
			list = slices.Delete(list, i, i+1)
		}
	}
	return strings.Join(list, ",")
}

// checkConfigs judges what a resource would have, in Kafka's order: its name, its configs, whether it exists.
func (img *Image) checkConfigs(
	r Resource, configs map[string]string, check func(Resource, map[string]string) Result,
) Result {
	switch r.Type {
	case ResourceTopic:
		if r.Name == "" {
			return fail(errcode.InvalidRequest, "Default topic resources are not allowed.")
		}
		if wrong := CheckTopicName(r.Name); wrong != "" {
			return fail(errcode.InvalidTopicException, wrong)
		}
	case ResourceGroup:
		if r.Name == "" {
			return fail(errcode.InvalidRequest, "Default group resources are not allowed.")
		}
	case ResourceClientMetrics:
		if r.Name == "" {
			return fail(errcode.InvalidRequest, "Subscription name can't be empty")
		}
	}
	if wrong := check(r, configs); !wrong.OK() {
		return wrong
	}
	if r.Type == ResourceTopic && img.TopicByName(r.Name) == nil {
		return fail(errcode.UnknownTopicOrPartition, "The topic '"+r.Name+"' does not exist.")
	}
	return Result{}
}

// configRecords are the records that turn before into after, by name.
func configRecords(r Resource, before, after map[string]string) []Record {
	var records []Record
	for _, name := range sortedKeys(after) {
		value := after[name]
		if old, had := before[name]; !had || old != value {
			records = append(records, &ConfigRecord{Resource: r, Name: name, Value: &value})
		}
	}
	for _, name := range sortedKeys(before) {
		if _, has := after[name]; !has {
			records = append(records, &ConfigRecord{Resource: r, Name: name})
		}
	}
	return records
}
