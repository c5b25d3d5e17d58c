package broker_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

func deleteRequest(version int16, names ...string) *kmsg.DeleteTopicsRequest {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.Version, req.TimeoutMillis = version, 10_000
	if version < 6 {
		req.TopicNames = names
		return req
	}
	for _, n := range names {
		t := kmsg.NewDeleteTopicsRequestTopic()
		t.Topic = &n
		req.Topics = append(req.Topics, t)
	}
	return req
}

// metadataOf asks for one topic by name, and lets the broker create it or not.
func (p *peer) metadataOf(version int16, topic string, create bool) kmsg.MetadataResponseTopic {
	p.t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	req.Version, req.AllowAutoTopicCreation = version, create
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req.Topics = append(req.Topics, t)
	r := ask[*kmsg.MetadataResponse](p, req)
	if len(r.Topics) != 1 {
		p.t.Fatalf("Metadata answers with %d topics, want one", len(r.Topics))
	}
	return r.Topics[0]
}

// refusal is a topic that cannot be made, and what is said of it: Kafka's own words, which its tools print.
type refusal struct {
	topic kmsg.CreateTopicsRequestTopic
	want  errcode.Code
	text  string
}

func badNames(there string) []refusal {
	const invalid = "Topic name is invalid: "
	collides, long := strings.ReplaceAll(there, ".", "_"), strings.Repeat("l", 250)
	return []refusal{
		{newTopic(there, 1), errcode.TopicAlreadyExists, "Topic '" + there + "' already exists."},
		{newTopic(collides, 1), errcode.InvalidTopicException,
			"Topic '" + collides + "' collides with existing topic: " + there},
		{newTopic("", 1), errcode.InvalidTopicException, invalid + "the empty string is not allowed"},
		{newTopic(".", 1), errcode.InvalidTopicException, invalid + "'.' is not allowed"},
		{newTopic("a/b", 1), errcode.InvalidTopicException,
			invalid + "'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"},
		{newTopic(long, 1), errcode.InvalidTopicException,
			invalid + "the length of '" + long + "' is longer than the max allowed length 249"},
	}
}

func badNumbers(t testing.TB) []refusal {
	replicas := func(n int16) kmsg.CreateTopicsRequestTopic {
		topic := newTopic(fresh(t), 1)
		topic.ReplicationFactor = n
		return topic
	}
	assigned := newTopic(fresh(t), -1)
	assigned.ReplicationFactor = -1
	assigned.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Replicas: []int32{77}}}
	return []refusal{
		{newTopic(fresh(t), 0), errcode.InvalidPartitions,
			"Number of partitions was set to an invalid non-positive value."},
		{newTopic(fresh(t), -2), errcode.InvalidPartitions,
			"Number of partitions was set to an invalid non-positive value."},
		{replicas(0), errcode.InvalidReplicationFactor,
			"Replication factor must be larger than 0, or -1 to use the default value."},
		{replicas(2), errcode.InvalidReplicationFactor, "Unable to replicate the partition 2 time(s): The target " +
			"replication factor of 2 cannot be reached because only 1 broker(s) are registered or some brokers have all " +
			"their log directories cordoned."},
		{assigned, errcode.InvalidReplicaAssignment,
			"The manual partition assignment includes broker 77, but no such broker is registered."},
	}
}

func badConfigs(t testing.TB) (list []refusal) {
	for config, text := range map[string]string{
		"no.such.key=1":     "Unknown topic config name: no.such.key",
		"retention.ms=soon": "Invalid value soon for configuration retention.ms: Not a number of type LONG",
		"segment.bytes=10":  "Invalid value 10 for configuration segment.bytes: Value must be at least 1048576",
		"cleanup.policy=shred": "Invalid value shred for configuration cleanup.policy: " +
			"String must be one of: compact, delete",
		"compression.type=rar": "Invalid value rar for configuration compression.type: " +
			"String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer",
	} {
		list = append(list, refusal{newTopic(fresh(t), 1, config), errcode.InvalidConfig, text})
	}
	return list
}

// TestCreateTopicsRefuses: each topic for itself, beside one that can be made.
func TestCreateTopicsRefuses(t *testing.T) {
	p := dial(t, serve(t).addr)
	there, good := fresh(t)+".x", fresh(t)
	p.create(there, 1)
	cases := append(append(badNames(there), badNumbers(t)...), badConfigs(t)...)
	cases = append(cases, refusal{newTopic(good, 1), errcode.None, "(null)"})
	req := createRequest(7)
	for _, c := range cases {
		req.Topics = append(req.Topics, c.topic)
	}
	answers := map[string]kmsg.CreateTopicsResponseTopic{}
	for _, a := range ask[*kmsg.CreateTopicsResponse](p, req).Topics {
		answers[a.Topic] = a
	}
	for _, c := range cases {
		a, ok := answers[c.topic.Topic]
		if !ok {
			t.Errorf("%q was not answered", c.topic.Topic)
			continue
		}
		code(t, c.topic.Topic, a.ErrorCode, c.want)
		if text(a.ErrorMessage) != c.text {
			t.Errorf("%q: %q, want %q", c.topic.Topic, text(a.ErrorMessage), c.text)
		}
	}
	if m := p.metadataOf(12, good, false); m.ErrorCode != 0 || m.TopicID != answers[good].TopicID {
		t.Errorf("the one good topic: %+v", m)
	}
}

// TestCreateTopicsDefaults: -1 asks for the broker's; configs and their source are in the answer; a name given twice
// is refused; validate-only makes nothing.
func TestCreateTopicsDefaults(t *testing.T) {
	p := dial(t, start(t, "num.partitions=3", "log.retention.hours=5").addr)
	req := createRequest(7, newTopic("d", -1, "retention.bytes=1000"))
	req.Topics[0].ReplicationFactor = -1
	made := ask[*kmsg.CreateTopicsResponse](p, req).Topics[0]
	if made.ErrorCode != 0 || made.NumPartitions != 3 || made.ReplicationFactor != 1 {
		t.Fatalf("%+v, want 3 partitions with 1 replica", made)
	}
	sources := map[string]string{}
	for _, c := range made.Configs {
		sources[c.Name] = text(c.Value) + " " + kmsg.ConfigSource(c.Source).String()
	}
	for name, want := range map[string]string{
		"retention.bytes": "1000 DYNAMIC_TOPIC_CONFIG", "retention.ms": "18000000 STATIC_BROKER_CONFIG",
		"cleanup.policy": "delete DEFAULT_CONFIG",
	} {
		if sources[name] != want {
			t.Errorf("%s: %s, want %s", name, sources[name], want)
		}
	}
	twice := ask[*kmsg.CreateTopicsResponse](p, createRequest(7, newTopic("e", 1), newTopic("e", 2))).Topics
	if len(twice) != 1 || errcode.Code(twice[0].ErrorCode) != errcode.InvalidRequest {
		t.Errorf("a name given twice: %+v", twice)
	}
	only := createRequest(7, newTopic("f", 2), newTopic("d", 1))
	only.ValidateOnly = true
	for _, a := range ask[*kmsg.CreateTopicsResponse](p, only).Topics {
		code(t, "validate only "+a.Topic, a.ErrorCode, map[string]errcode.Code{"d": errcode.TopicAlreadyExists}[a.Topic])
	}
	code(t, "after validate-only", p.metadataOf(12, "f", false).ErrorCode, errcode.UnknownTopicOrPartition)
}

// TestDeleteTopics by name and by id, each for itself; the name can be used again at once and is another topic then.
func TestDeleteTopics(t *testing.T) {
	n := serve(t)
	p := dial(t, n.addr)
	a, b, missing := fresh(t), fresh(t), fresh(t)
	p.create(a, 2)
	id := p.create(b, 1)
	p.wrote(b, 0, plain(t, "old"))
	req := deleteRequest(6, a, missing)
	for _, unknown := range [][16]byte{id, {1, 2, 3}, {}} {
		ref := kmsg.NewDeleteTopicsRequestTopic()
		ref.TopicID = unknown
		req.Topics = append(req.Topics, ref)
	}
	got := map[string]errcode.Code{}
	for _, r := range ask[*kmsg.DeleteTopicsResponse](p, req).Topics {
		name := "id"
		if r.Topic != nil {
			name = *r.Topic
		} else if r.TopicID == [16]byte{} {
			name = "zero"
		}
		got[name] = errcode.Code(r.ErrorCode)
	}
	want := map[string]errcode.Code{
		a: errcode.None, b: errcode.None, missing: errcode.UnknownTopicOrPartition,
		"id": errcode.UnknownTopicID, "zero": errcode.InvalidRequest,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("answered %v, want %v", got, want)
	}
	if otherBroker != "" {
		return // Apache Kafka answers before its brokers have followed
	}
	code(t, "a deleted topic", p.produce(b, 0, 1, plain(t, "x")).ErrorCode, errcode.UnknownTopicOrPartition)
	code(t, "a deleted topic", p.fetch(b, at{}).ErrorCode, errcode.UnknownTopicOrPartition)

	anew := p.create(b, 1)
	if anew == id {
		t.Error("the new topic has the old one's id")
	}
	code(t, "fetch by the old id", p.fetched(fetchRequest(13, "", id, at{})).ErrorCode, errcode.UnknownTopicID)
	old := produceRequest(13, "", 0, 1, plain(t, "x"))
	old.Topics[0].TopicID = id
	refused := ask[*kmsg.ProduceResponse](p, old).Topics[0].Partitions[0]
	code(t, "produce by the old id", refused.ErrorCode, errcode.UnknownTopicID)
	if r := p.fetched(fetchRequest(13, "", anew, at{})); r.ErrorCode != 0 || r.HighWatermark != 0 {
		t.Errorf("the new topic: %v with high watermark %d, want it empty", errcode.Code(r.ErrorCode), r.HighWatermark)
	}
	p.wrote(b, 0, plain(t, "new"))
	n.restart(t, true)
	p = dial(t, n.addr)
	r := p.fetched(fetchRequest(13, "", anew, at{}))
	if got := values(t, r.RecordBatches); !reflect.DeepEqual(got, []string{"new"}) {
		t.Errorf("after a crash the new topic holds %q", got)
	}
	code(t, "a deleted topic after a crash", p.fetch(a, at{}).ErrorCode, errcode.UnknownTopicOrPartition)
}

// TestDeleteWakesWhoWaits: a fetch that waits at a topic that goes learns of it.
func TestDeleteWakesWhoWaits(t *testing.T) {
	n := start(t)
	p, other := dial(t, n.addr), dial(t, n.addr)
	topic := fresh(t)
	id := p.create(topic, 1)
	req := fetchRequest(13, "", id, at{})
	req.MaxWaitMillis = int32(tooLongToWait.Milliseconds())
	p.send(req)
	ask[*kmsg.DeleteTopicsResponse](other, deleteRequest(6, topic))
	r := p.receive(req).(*kmsg.FetchResponse)
	if c := errcode.Code(r.Topics[0].Partitions[0].ErrorCode); c == errcode.None {
		t.Error("the fetch ended as if the topic were there")
	}
}

// TestAutoCreate: Metadata makes topics if the broker and the request allow it, and never illegal ones, nor internal
// ones that are not served.
func TestAutoCreate(t *testing.T) {
	p := dial(t, start(t, "num.partitions=2").addr)
	made := p.metadataOf(12, "auto", true)
	if made.ErrorCode != 0 || len(made.Partitions) != 2 {
		t.Fatalf("%v with %d partitions, want two", errcode.Code(made.ErrorCode), len(made.Partitions))
	}
	if again := p.metadataOf(12, "auto", true); again.TopicID != made.TopicID {
		t.Error("it was made twice")
	}
	code(t, "not allowed by the request", p.metadataOf(12, "b", false).ErrorCode, errcode.UnknownTopicOrPartition)
	code(t, "an illegal name", p.metadataOf(12, "b/c", true).ErrorCode, errcode.InvalidTopicException)
	code(t, "an internal topic", p.metadataOf(12, "__transaction_state", true).ErrorCode, errcode.UnknownTopicOrPartition)
	if made := p.metadataOf(12, "__consumer_offsets", true); made.ErrorCode != 0 || len(made.Partitions) != 50 {
		t.Errorf("the topic of the groups: %v with %d partitions", errcode.Code(made.ErrorCode), len(made.Partitions))
	}
	code(t, "before version 4 always", p.metadataOf(1, "c", false).ErrorCode, errcode.None)
	p.wrote("c", 0, plain(t, "x"))

	off := dial(t, start(t, "auto.create.topics.enable=false").addr)
	code(t, "switched off", off.metadataOf(12, "a", true).ErrorCode, errcode.UnknownTopicOrPartition)
	code(t, "switched off", off.produce("a", 0, 1, plain(t, "x")).ErrorCode, errcode.UnknownTopicOrPartition)
}

// TestMetadata: all topics, none, by id.
func TestMetadata(t *testing.T) {
	n := start(t)
	p := dial(t, n.addr)
	ids := map[string][16]byte{"a": p.create("a", 1), "b": p.create("b", 2)}
	for v := int16(0); v <= 13; v++ {
		req := kmsg.NewPtrMetadataRequest()
		req.Version = v
		r := ask[*kmsg.MetadataResponse](p, req)
		if len(r.Topics) != 2 || *r.Topics[0].Topic != "a" || v >= 10 && r.Topics[1].TopicID != ids["b"] {
			t.Errorf("v%d, all topics: %+v", v, r.Topics)
		}
		if v >= 2 && text(r.ClusterID) != n.ClusterID() {
			t.Errorf("v%d: cluster %s, want %s", v, text(r.ClusterID), n.ClusterID())
		}
		req.Topics = []kmsg.MetadataRequestTopic{}
		if r = ask[*kmsg.MetadataResponse](p, req); len(r.Topics) != map[bool]int{true: 2}[v == 0] {
			t.Errorf("v%d, no topics: %+v", v, r.Topics)
		}
		if v < 12 {
			continue
		}
		for id, want := range map[[16]byte]errcode.Code{ids["b"]: errcode.None, {9}: errcode.UnknownTopicID} {
			topic := kmsg.NewMetadataRequestTopic()
			topic.TopicID = id
			req.Topics = []kmsg.MetadataRequestTopic{topic}
			r = ask[*kmsg.MetadataResponse](p, req)
			code(t, "by id", r.Topics[0].ErrorCode, want)
			if want == errcode.None && text(r.Topics[0].Topic) != "b" {
				t.Errorf("v%d: id of b gives %s", v, text(r.Topics[0].Topic))
			}
		}
	}
}
