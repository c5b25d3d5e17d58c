package broker_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

func configChange(text string) kmsg.IncrementalAlterConfigsRequestResourceConfig {
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	name, value, set := strings.Cut(text, "=")
	c.Name = name
	switch {
	case !set:
		c.Name, c.Op = strings.TrimSuffix(name, "-"), kmsg.IncrementalAlterConfigOpDelete
		return c
	case strings.HasSuffix(name, "+"):
		c.Name, c.Op = strings.TrimSuffix(name, "+"), kmsg.IncrementalAlterConfigOpAppend
	case strings.HasSuffix(name, "-"):
		c.Name, c.Op = strings.TrimSuffix(name, "-"), kmsg.IncrementalAlterConfigOpSubtract
	}
	c.Value = &value
	return c
}

// described asks for settings of a resource; all of them if none is named.
func (p *peer) described(kind int8, name string, keys ...string) map[string]kmsg.DescribeConfigsResponseResourceConfig {
	p.t.Helper()
	r := ask[*kmsg.DescribeConfigsResponse](p, describeConfigsRequest(4, kind, name, keys...)).Resources[0]
	if r.ErrorCode != 0 {
		p.t.Fatalf("describe %s: %v %s", name, errcode.Code(r.ErrorCode), text(r.ErrorMessage))
	}
	configs := map[string]kmsg.DescribeConfigsResponseResourceConfig{}
	for _, c := range r.Configs {
		configs[c.Name] = c
	}
	return configs
}

// altered changes settings of one resource and returns what is said of it.
func (p *peer) altered(kind int8, name string, changes ...string) (errcode.Code, string) {
	p.t.Helper()
	r := ask[*kmsg.IncrementalAlterConfigsResponse](p, alterRequest(1, alterResource(kind, name, changes...)))
	return errcode.Code(r.Resources[0].ErrorCode), text(r.Resources[0].ErrorMessage)
}

func (p *peer) alter(kind int8, name string, changes ...string) {
	p.t.Helper()
	if c, message := p.altered(kind, name, changes...); c != errcode.None {
		p.t.Fatalf("alter %s: %v %s", name, c.Name(), message)
	}
}

// TestAlterRefuses: Kafka's codes and words. The test runs against Kafka as well (TAILRACE_TEST_BROKER).
func TestAlterRefuses(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1)
	const long, bad, request = "LONG", errcode.InvalidConfig, errcode.InvalidRequest
	for _, c := range []struct {
		kind   int8
		name   string
		change string
		want   errcode.Code
		text   string
	}{
		{typeTopic, "no-such-topic", "retention.ms=1", errcode.UnknownTopicOrPartition,
			"The topic 'no-such-topic' does not exist."},
		{typeTopic, "", "retention.ms=1", request, "Default topic resources are not allowed."},
		{typeTopic, "a/b", "retention.ms=1", errcode.InvalidTopicException, "Topic name is invalid: 'a/b' contains " +
			"one or more characters other than ASCII alphanumerics, '.', '_' and '-'"},
		{typeTopic, topic, "retention.mss=1", bad, "Unknown topic config name: retention.mss"},
		{typeTopic, topic, "retention.mss-", errcode.None, "(null)"},
		{typeTopic, topic, "retention.ms=soon", bad,
			"Invalid value soon for configuration retention.ms: Not a number of type " + long},
		{typeTopic, topic, "retention.ms+=1", bad, "Can't APPEND to key retention.ms because its type is not LIST."},
		{typeTopic, topic, "retention.ms-=1", bad, "Can't SUBTRACT to key retention.ms because its type is not LIST."},
		{typeTopic, topic, "cleanup.policy+=junk", bad, "Invalid value junk for configuration cleanup.policy: " +
			"String must be one of: compact, delete"},
		{typeBroker, "1", "node.id=4", request, "Cannot update these configs dynamically: [node.id]"},
		{typeBroker, "", "num.partitions=4", request, "Cannot update these configs dynamically: [num.partitions]"},
		{typeBroker, "1", "log.retention.hours=4", request,
			"Cannot update these configs dynamically: [log.retention.hours]"},
		{typeBroker, "1", "log.retention.ms=soon", request,
			"Invalid value soon for configuration log.retention.ms: Not a number of type " + long},
		{typeBroker, "1", "message.max.bytes=-1", request,
			"Invalid value -1 for configuration message.max.bytes: Value must be at least 0"},
		{typeBroker, "", "message.max.bytes+=1", bad,
			"Config value append is not allowed for config key: message.max.bytes"},
		{typeBroker, "2", "message.max.bytes=1", request, "Unexpected broker id, expected 1, but received 2"},
		{typeBroker, "x", "message.max.bytes=1", request, "Node id must be an integer, but it is: x"},
		{typeLogger, "1", "no.such.logger=DEBUG", bad, "Logger no.such.logger does not exist!"},
		{typeLogger, "", "root=DEBUG", request, "Node id must be an integer, but it is: "},
		{typeGroup, "g", "no.such=1", bad, "Unknown group config name: no.such"},
		{typeGroup, "", "consumer.session.timeout.ms=50000", request, "Default group resources are not allowed."},
		{typeGroup, "g", "consumer.session.timeout.ms=1", bad, "consumer.session.timeout.ms must be greater than or " +
			"equal to group.consumer.min.session.timeout.ms"},
		{typeClientMetrics, "m", "no.such=1", request, "Unknown client metrics configuration: no.such"},
		{typeClientMetrics, "", "interval.ms=1000", request, "Subscription name can't be empty"},
		{99, "x", "a=1", request, "Unknown resource type 99"},
	} {
		got, message := p.altered(c.kind, c.name, c.change)
		if otherBroker == "" {
			message, _, _ = strings.Cut(message, " (did you mean ")
		}
		if got != c.want || message != c.text {
			t.Errorf("%d %q %s: %v %q,\nwant %v %q", c.kind, c.name, c.change, got.Name(), message, c.want.Name(), c.text)
		}
	}
}

// TestAlterTopic: lists, the older API which replaces, and that a resource changes as a whole or not at all.
func TestAlterTopic(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1, "retention.ms=1000")
	value := func(key string) string { return text(p.described(typeTopic, topic, key)[key].Value) }
	p.alter(typeTopic, topic, "cleanup.policy+=compact", "segment.ms=5000")
	if got := value("cleanup.policy"); got != "delete,compact" {
		t.Errorf("delete with compact appended is %s", got)
	}
	p.alter(typeTopic, topic, "cleanup.policy-=delete")
	if got := value("cleanup.policy"); got != "compact" {
		t.Errorf("without delete it is %s", got)
	}
	if c, _ := p.altered(typeTopic, topic, "segment.ms=7", "flush.ms=never"); c != errcode.InvalidConfig {
		t.Errorf("one good and one bad setting: %v", c.Name())
	}
	check := alterRequest(1, alterResource(typeTopic, topic, "segment.ms=9"))
	check.ValidateOnly = true
	if r := ask[*kmsg.IncrementalAlterConfigsResponse](p, check).Resources[0]; r.ErrorCode != 0 {
		t.Errorf("validate only: %+v", r)
	}
	c := p.described(typeTopic, topic, "segment.ms")["segment.ms"]
	if text(c.Value) != "5000" || c.Source != kmsg.ConfigSourceDynamicTopicConfig || c.ReadOnly {
		t.Errorf("segment.ms: %+v", c)
	}
	s := &subject{t: t, p: p, topic: topic}
	whole := askAlterConfigs(s, 2)
	whole.SetVersion(2)
	checkAlterConfigs(s, 2, ask[*kmsg.AlterConfigsResponse](p, whole))
	if a, b := value("retention.ms"), value("file.delete.delay.ms"); a != "604800000" || b != "1000" {
		t.Errorf("after AlterConfigs retention.ms is %s and file.delete.delay.ms %s", a, b)
	}
}

// TestAlterTakesEffect: a topic's max.message.bytes counts with the next batch, and after a restart.
func TestAlterTakesEffect(t *testing.T) {
	n := start(t)
	p := dial(t, n.addr)
	p.create("t", 1)
	large := func() []byte { return plain(t, strings.Repeat("x", 1000)) }
	p.wrote("t", 0, large())
	p.alter(typeTopic, "t", "max.message.bytes=500")
	r := p.produce("t", 0, -1, large())
	code(t, "produce beyond max.message.bytes", r.ErrorCode, errcode.MessageTooLarge)
	n.stop(t)
	n.open(t)
	p = dial(t, n.addr)
	r = p.produce("t", 0, -1, large())
	code(t, "produce beyond it after a restart", r.ErrorCode, errcode.MessageTooLarge)
	p.alter(typeTopic, "t", "max.message.bytes-")
	p.wrote("t", 0, large())
}

// TestAlterBroker: settings of all brokers and of one reach the partitions that have no value of their own, in Kafka's
// order of precedence, and are there after a restart.
func TestAlterBroker(t *testing.T) {
	n := start(t, "message.max.bytes=1000000")
	p := dial(t, n.addr)
	p.create("plain", 1)
	p.create("own", 1, "max.message.bytes=2000")
	takes := func(topic string, want errcode.Code) {
		t.Helper()
		r := p.produce(topic, 0, -1, plain(t, strings.Repeat("x", 1000)))
		code(t, "produce to "+topic, r.ErrorCode, want)
	}
	p.alter(typeBroker, "", "message.max.bytes=500")
	takes("plain", errcode.MessageTooLarge)
	takes("own", errcode.None)
	p.alter(typeBroker, "1", "message.max.bytes=1500")
	takes("plain", errcode.None)
	p.create("new", 1)
	takes("new", errcode.None)
	n.stop(t)
	n.open(t)
	p = dial(t, n.addr)
	c := p.described(typeTopic, "plain", "max.message.bytes")["max.message.bytes"]
	var sources []string
	for _, s := range c.ConfigSynonyms {
		sources = append(sources, fmt.Sprintf("%d:%s=%s", s.Source, s.Name, text(s.Value)))
	}
	want := "2:message.max.bytes=1500 3:message.max.bytes=500 4:message.max.bytes=1000000 5:message.max.bytes=1048588"
	if got := strings.Join(sources, " "); got != want || text(c.Value) != "1500" || c.Source != 2 {
		t.Errorf("synonyms %s, want %s; %+v", got, want, c)
	}
	if all := p.described(typeBroker, ""); len(all) != 1 || text(all["message.max.bytes"].Value) != "500" {
		t.Errorf("the cluster's settings are %+v", all)
	}
	p.alter(typeBroker, "1", "message.max.bytes-")
	takes("plain", errcode.MessageTooLarge)
	p.alter(typeBroker, "", "message.max.bytes-")
	takes("plain", errcode.None)
}

// TestDescribeConfigsBounds: a small request does not make an answer of any size.
func TestDescribeConfigsBounds(t *testing.T) {
	p := dial(t, start(t).addr)
	req := describeConfigsRequest(4, typeGroup, "g", "share.isolation.level")
	for i := range 10_002 {
		r := req.Resources[0]
		r.ResourceName = fmt.Sprint("g", i/2) // each twice
		req.Resources = append(req.Resources, r)
	}
	if got := ask[*kmsg.DescribeConfigsResponse](p, req); len(got.Resources) != 5002 {
		t.Errorf("%d answers about 5002 groups", len(got.Resources))
	}
	for i := range 6000 {
		r := req.Resources[0]
		r.ResourceName = fmt.Sprint("h", i)
		req.Resources = append(req.Resources, r)
	}
	got := ask[*kmsg.DescribeConfigsResponse](p, req).Resources
	code(t, "the first of too many", got[0].ErrorCode, errcode.None)
	code(t, "the last of too many", got[len(got)-1].ErrorCode, errcode.InvalidRequest)
}

// TestDescribeConfigs: what can be changed, what is hidden, what is refused.
func TestDescribeConfigs(t *testing.T) {
	p := dial(t, start(t, "ssl.key.password=sesame", "log.retention.hours=2").addr)
	p.create("t", 1)
	broker := p.described(typeBroker, "1")
	for key, readOnly := range map[string]bool{
		"node.id": true, "log.dirs": true, "num.partitions": true, "log.retention.hours": true,
		"log.retention.ms": false, "message.max.bytes": false, "compression.type": false,
	} {
		if c, ok := broker[key]; !ok || c.ReadOnly != readOnly || text(c.Documentation) == "" {
			t.Errorf("%s: %+v", key, c)
		}
	}
	if c := broker["ssl.key.password"]; c.Value != nil || !c.IsSensitive || c.ConfigSynonyms[0].Value != nil {
		t.Errorf("a password is shown: %+v", c)
	}
	if c := p.described(typeTopic, "t")["retention.ms"]; text(c.Value) != "7200000" || c.Source != 4 {
		t.Errorf("retention.ms by log.retention.hours: %+v", c)
	}
	if few := p.described(typeTopic, "t", "retention.ms", "no.such"); len(few) != 1 {
		t.Errorf("two keys of which one exists: %+v", few)
	}
	if c := p.described(typeLogger, "1")["root"]; text(c.Value) != "INFO" {
		t.Errorf("the logger: %+v", c)
	}
	if c := p.described(typeGroup, "g")["consumer.session.timeout.ms"]; text(c.Value) != "45000" || c.Source != 5 {
		t.Errorf("a group's setting: %+v", c)
	}
	for _, c := range []struct {
		kind int8
		name string
		want errcode.Code
	}{
		{typeTopic, "no-such-topic", errcode.UnknownTopicOrPartition}, {typeTopic, "", errcode.InvalidTopicException},
		{typeBroker, "2", errcode.InvalidRequest}, {typeBroker, "x", errcode.InvalidRequest},
		{typeLogger, "", errcode.InvalidRequest}, {typeGroup, "", errcode.InvalidRequest},
		{typeClientMetrics, "", errcode.InvalidRequest}, {99, "x", errcode.InvalidRequest},
	} {
		r := ask[*kmsg.DescribeConfigsResponse](p, describeConfigsRequest(4, c.kind, c.name)).Resources[0]
		code(t, fmt.Sprintf("describe %d %q", c.kind, c.name), r.ErrorCode, c.want)
	}
}
