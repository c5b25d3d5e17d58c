package broker_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch"
	"tailrace/wire/errcode"
)

// step is one request of the script. It may use what earlier steps have learned.
type step struct {
	name string
	ask  func(m *memory) kmsg.Request
}

// memory is what a run of the script has learned.
type memory struct {
	t       testing.TB
	id      [16]byte // of topic "d"
	session int32
	member  member // of group "g"
	keep    bool   // the next join is a stranger's
}

// differences are where franz-go's kfake and Tailrace answer differently, and why that is right. A difference that is
// not listed fails the test, and so does a listed one that is none.
var differences = map[string]string{
	"create with an illegal name":   "kfake takes any name",
	"create with an unknown config": "kfake takes any config",
	"metadata of an illegal name":   "kfake has made the topic",
	"idempotent produce, again":     "kfake leaves the log start out of the answer to a repetition; Kafka does not",
	"alter to a bad value":          "kfake takes any value",
	"append to a number":            "kfake has INVALID_REQUEST for it; Kafka has INVALID_CONFIG",
	"alter what is read at start":   "kfake takes any setting of brokers",
	"list config resources":         "kfake has made topics that Kafka refuses",
	"as many partitions":            "kfake takes it for success",
	"describe log directories":      "kfake has made topics that Kafka refuses",
	"delete records again":          "kfake refuses an offset below the log start; Kafka answers where the log starts",
	"producer id of a transaction":  "Tailrace does not serve transactions yet",
	"heartbeat of an unknown group": "kfake answers GROUP_ID_NOT_FOUND; Kafka knows no such member",
	"commit with too long a note":   "kfake takes any note",
	"offsets of the member":         "kfake gives no note where there is no offset; Kafka gives an empty one",
	"offsets after the deletion":    "kfake gives no note where there is no offset; Kafka gives an empty one",
	"offsets":                       "kfake gives no note where there is no offset; Kafka gives an empty one",
	"offsets of an unknown group":   "kfake answers GROUP_ID_NOT_FOUND; Kafka has no offsets",
	"coordinator of a transaction":  "Tailrace does not serve transactions yet",
}

// TestDifferential holds the answers to a script of requests against those of kfake: error codes, counts, offsets.
func TestDifferential(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(1))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	ours, theirs := dial(t, serve(t).addr), dial(t, fake.ListenAddrs()[0])
	highest := commonVersions(ours, theirs)
	mine, other := &memory{t: t}, &memory{t: t}
	unused := maps.Clone(differences)
	for _, s := range script() {
		a, b := play(ours, mine, s, highest), play(theirs, other, s, highest)
		reason, known := differences[s.name]
		delete(unused, s.name)
		switch {
		case a != b && !known:
			t.Errorf("%s: Tailrace answers\n  %s\nand kfake\n  %s", s.name, a, b)
		case a == b && known && otherBroker == "":
			t.Errorf("%s: no difference any more (%s)", s.name, reason)
		}
	}
	for name := range unused {
		t.Errorf("a difference is listed for %q, which is no step", name)
	}
}

// commonVersions is the highest version of each API that both serve.
func commonVersions(a, b *peer) map[int16]int16 {
	highest := map[int16]int16{}
	for i, p := range []*peer{a, b} {
		for _, k := range ask[*kmsg.ApiVersionsResponse](p, kmsg.NewPtrApiVersionsRequest()).ApiKeys {
			if had, ok := highest[k.ApiKey]; ok || i == 0 {
				highest[k.ApiKey] = min(k.MaxVersion, max(had, k.MaxVersion*int16(1-i)+had*int16(i)))
			}
		}
	}
	return highest
}

func play(p *peer, m *memory, s step, highest map[int16]int16) string {
	req := s.ask(m)
	req.SetVersion(highest[req.Key()])
	p.send(req)
	resp := p.receive(req)
	switch r := resp.(type) {
	case *kmsg.CreateTopicsResponse:
		if r.Topics[0].Topic == "d" && r.Topics[0].ErrorCode == 0 {
			m.id = r.Topics[0].TopicID
			p.settled("d", 2)
		}
	case *kmsg.JoinGroupResponse:
		if m.keep {
			m.keep = false
			break
		}
		if r.MemberID == "" || r.MemberID == "nobody" {
			break
		}
		m.member.id, m.member.generation = r.MemberID, r.Generation
	case *kmsg.FetchResponse:
		if r.SessionID != 0 {
			m.session = r.SessionID
		}
	}
	var b strings.Builder
	shape(&b, reflect.ValueOf(resp).Elem())
	return b.String()
}

// toldFields must agree; anything else is the broker's own affair, and so is whatever stands beside an error.
var toldFields = []string{
	"ErrorCode", "Topic", "Partition", "BaseOffset", "LogStartOffset", "HighWatermark", "LastStableOffset", "Offset",
	"EndOffset", "LeaderEpoch", "NumPartitions", "ReplicationFactor", "ProducerEpoch", "EndpointType", "IsInternal",
	"Generation", "ProtocolType", "Protocol", "SkipAssignment", "Metadata", "Group", "State", "GroupState", "GroupType",
	"LowWatermark", "ResourceType", "ResourceName", "OffsetLag", "IsFuture",
}

// shape prints the fields of an answer that must agree, arrays with their lengths, records by their number.
func shape(b *strings.Builder, v reflect.Value) {
	failed := v.FieldByName("ErrorCode")
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch {
		case name == "Configs" || name == "AuthorizedOperations" || name == "UnknownTags":
		case name == "ErrorCode":
			fmt.Fprintf(b, "%s ", errcode.Code(f.Int()).Name())
		case name == "RecordBatches":
			fmt.Fprintf(b, "records=%d ", countRecords(f.Bytes()))
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
			elems := make([]string, f.Len())
			for j := range elems {
				var e strings.Builder
				shape(&e, f.Index(j))
				elems[j] = e.String()
			}
			slices.Sort(elems) // kfake gives partitions in any order
			fmt.Fprintf(b, "%s×%d%q ", name, len(elems), elems)
		case slices.Contains(toldFields, name) && (!failed.IsValid() || failed.IsZero()):
			if f.Kind() == reflect.Pointer && !f.IsNil() {
				f = f.Elem()
			}
			fmt.Fprintf(b, "%s=%v ", name, f)
		}
	}
}

func countRecords(b []byte) (n int) {
	for {
		v, rest, code := batch.Next(b)
		if code != errcode.None {
			return n
		}
		n, b = n+v.Count(), rest
	}
}

func script() []step {
	return slices.Concat(topicSteps(), produceSteps(), fetchSteps(), offsetSteps(), groupSteps(), adminSteps(), endSteps())
}

func topicSteps() []step {
	create := func(topic kmsg.CreateTopicsRequestTopic) func(*memory) kmsg.Request {
		return func(*memory) kmsg.Request { return createRequest(0, topic) }
	}
	replicas := newTopic("e", 1)
	replicas.ReplicationFactor = 3
	metadata := func(name string) func(*memory) kmsg.Request {
		return func(*memory) kmsg.Request {
			req, topic := kmsg.NewPtrMetadataRequest(), kmsg.NewMetadataRequestTopic()
			topic.Topic = &name
			req.Topics = append(req.Topics, topic)
			return req
		}
	}
	return []step{
		{"create", create(newTopic("d", 2))},
		{"create again", create(newTopic("d", 2))},
		{"create with an illegal name", create(newTopic("a/b", 2))},
		{"create with no partitions", create(newTopic("e", 0))},
		{"create with too many replicas", create(replicas)},
		{"create with an unknown config", create(newTopic("e", 1, "no.such=1"))},
		{"metadata", metadata("d")},
		{"metadata of a missing topic", metadata("missing")},
		{"metadata of an illegal name", metadata("a/b")},
		{"metadata by unknown id", func(*memory) kmsg.Request {
			req, topic := kmsg.NewPtrMetadataRequest(), kmsg.NewMetadataRequestTopic()
			topic.TopicID = [16]byte{1}
			req.Topics = append(req.Topics, topic)
			return req
		}},
	}
}

func produceSteps() []step {
	produce := func(partition int32, acks int16, b func(t testing.TB) []byte) func(*memory) kmsg.Request {
		return func(m *memory) kmsg.Request {
			req := produceRequest(0, "d", partition, acks, b(m.t))
			req.Topics[0].TopicID = m.id
			return req
		}
	}
	three := func(t testing.TB) []byte { return plain(t, "1", "2", "3") }
	damaged := func(t testing.TB) []byte { b := plain(t, "x"); b[len(b)-1] ^= 1; return b }
	large := func(t testing.TB) []byte { return plain(t, strings.Repeat("x", 1_100_000)) }
	from := func(epoch int16, first int32, n int) func(t testing.TB) []byte {
		return func(t testing.TB) []byte { return sequenced(t, 77, epoch, first, n) }
	}
	return []step{
		{"produce", produce(0, 1, three)},
		{"produce with acks=all", produce(0, -1, three)},
		{"produce with acks=5", produce(0, 5, three)},
		{"produce to a missing partition", produce(7, 1, three)},
		{"produce a damaged batch", produce(0, 1, damaged)},
		{"produce too large a batch", produce(0, 1, large)},
		{"idempotent produce", produce(1, -1, from(0, 0, 2))},
		{"idempotent produce, next", produce(1, -1, from(0, 2, 2))},
		{"idempotent produce, again", produce(1, -1, from(0, 0, 2))},
		{"idempotent produce, a gap", produce(1, -1, from(0, 9, 1))},
		{"idempotent produce, new epoch", produce(1, -1, from(1, 0, 1))},
		{"idempotent produce, old epoch", produce(1, -1, from(0, 4, 1))},
	}
}

func fetchSteps() []step {
	fetch := func(session, epoch int32, id [16]byte, parts ...at) func(*memory) kmsg.Request {
		return func(m *memory) kmsg.Request {
			req := fetchRequest(0, "d", id, parts...)
			if id == [16]byte{} && len(parts) > 0 {
				req.Topics[0].TopicID = m.id
			}
			req.SessionEpoch = epoch
			if session == 1 {
				req.SessionID = m.session
			} else {
				req.SessionID = session
			}
			return req
		}
	}
	none := [16]byte{}
	return []step{
		{"fetch", fetch(0, -1, none, at{})},
		{"fetch inside a batch", fetch(0, -1, none, at{offset: 4})},
		{"fetch at the end", fetch(0, -1, none, at{offset: 6})},
		{"fetch beyond the end", fetch(0, -1, none, at{offset: 7})},
		{"fetch a missing partition", fetch(0, -1, none, at{partition: 5})},
		{"fetch an unknown topic id", fetch(0, -1, [16]byte{9}, at{})},
		{"fetch with one byte", fetch(0, -1, none, at{0, 0, 1}, at{1, 0, 1})},
		{"new session", fetch(0, 0, none, at{}, at{1, 5, 0})},
		{"session, same again", fetch(1, 1, none)},
		{"session, moved on", fetch(1, 2, none, at{offset: 6})},
		{"session, wrong epoch", fetch(1, 9, none)},
		{"unknown session", fetch(12345, 1, none)},
	}
}

func offsetSteps() []step {
	list := func(partition int32, ms int64) func(*memory) kmsg.Request {
		return func(*memory) kmsg.Request { return listOffsetsRequest(0, "d", partition, ms) }
	}
	epoch := func(partition, current, asked int32) func(*memory) kmsg.Request {
		return func(*memory) kmsg.Request { return epochEndRequest(0, "d", partition, current, asked) }
	}
	return []step{
		{"latest offset", list(0, -1)},
		{"earliest offset", list(0, -2)},
		{"offset by time", list(0, 1)},
		{"offset of the future", list(0, 1<<50)},
		{"offset of a missing partition", list(9, -1)},
		{"end of the epoch", epoch(0, -1, 0)},
		{"end of an epoch to come", epoch(0, -1, 5)},
		{"end of an epoch from a future leader", epoch(0, 5, 0)},
		{"end of an epoch of a missing partition", epoch(9, -1, 0)},
	}
}

func endSteps() []step {
	coordinator := func(kind int8) func(*memory) kmsg.Request {
		return func(*memory) kmsg.Request {
			req := kmsg.NewPtrFindCoordinatorRequest()
			req.CoordinatorType, req.CoordinatorKeys = kind, []string{"x"}
			return req
		}
	}
	txn := "x"
	return []step{
		{"producer id", func(*memory) kmsg.Request { return kmsg.NewPtrInitProducerIDRequest() }},
		{"producer id of a transaction", func(*memory) kmsg.Request {
			req := kmsg.NewPtrInitProducerIDRequest()
			req.TransactionalID, req.TransactionTimeoutMillis = &txn, 1000
			return req
		}},
		{"coordinator of a group", coordinator(0)},
		{"coordinator of a transaction", coordinator(1)},
		{"coordinator of nothing", coordinator(9)},
		{"describe the cluster", func(*memory) kmsg.Request {
			req := kmsg.NewPtrDescribeClusterRequest()
			req.EndpointType = 1
			return req
		}},
		{"delete a missing topic", func(*memory) kmsg.Request { return deleteRequest(6, "missing") }},
		{"delete", func(*memory) kmsg.Request { return deleteRequest(6, "d") }},
	}
}
