package broker_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire"
	"tailrace/wire/errcode"
	"tailrace/wire/randmsg"
)

// subject is what a sensible request of each API is about.
type subject struct {
	t     testing.TB
	p     *peer
	topic string
	id    [16]byte
	group string // one that is there for as long as the broker is
}

func newSubject(t testing.TB, addr string) *subject {
	s := &subject{t: t, p: dial(t, addr), topic: fresh(t)}
	s.id = s.p.create(s.topic, 2)
	s.p.wrote(s.topic, 0, plain(t, "one", "two", "three"))
	s.p.coordinated()
	return s
}

// conversation is one API: a request that a client might send, and what must be right about its answer.
type conversation struct {
	ask   func(s *subject, version int16) kmsg.Request
	check func(s *subject, version int16, resp kmsg.Response)
}

// conversations has a row for each API key; what is advertised must have one.
var conversations = map[int16]conversation{
	0:  {askProduce, checkProduce},
	1:  {askFetch, checkFetch},
	2:  {askListOffsets, checkListOffsets},
	3:  {askMetadata, checkMetadata},
	8:  {askOffsetCommit, checkOffsetCommit},
	9:  {askOffsetFetch, checkOffsetFetch},
	10: {askFindCoordinator, checkFindCoordinator},
	11: {askJoinGroup, checkJoinGroup},
	12: {askHeartbeat, checkHeartbeat},
	13: {askLeaveGroup, checkLeaveGroup},
	14: {askSyncGroup, checkSyncGroup},
	15: {askDescribeGroups, checkDescribeGroups},
	16: {askListGroups, checkListGroups},
	18: {askAPIVersions, checkAPIVersions},
	19: {askCreateTopics, checkCreateTopics},
	20: {askDeleteTopics, checkDeleteTopics},
	21: {askDeleteRecords, checkDeleteRecords},
	22: {askInitProducerID, checkInitProducerID},
	23: {askEpochEnd, checkEpochEnd},
	32: {askDescribeConfigs, checkDescribeConfigs},
	33: {askAlterConfigs, checkAlterConfigs},
	35: {askDescribeLogDirs, checkDescribeLogDirs},
	37: {askCreatePartitions, checkCreatePartitions},
	42: {askDeleteGroups, checkDeleteGroups},
	44: {askIncrementalAlter, checkIncrementalAlter},
	47: {askOffsetDelete, checkOffsetDelete},
	60: {askDescribeCluster, checkDescribeCluster},
	74: {askListConfigResources, checkListConfigResources},
	75: {askDescribeTopicPartitions, checkDescribeTopicPartitions},
}

// eachVersion runs fn for each advertised API and version that is served.
func eachVersion(t *testing.T, addr string, fn func(t *testing.T, api kmsg.ApiVersionsResponseApiKey, version int16)) {
	t.Helper()
	p := dial(t, addr)
	seen := 0
	for _, api := range ask[*kmsg.ApiVersionsResponse](p, kmsg.NewPtrApiVersionsRequest()).ApiKeys {
		if _, ok := conversations[api.ApiKey]; !ok {
			if otherBroker == "" {
				t.Errorf("%s is advertised, and no conversation tries it", kmsg.NameForKey(api.ApiKey))
			}
			continue
		}
		seen++
		if api.ApiKey == 0 {
			api.MinVersion = 3 // 0 to 2 are advertised for librdkafka's sake and refused
		}
		for v := api.MinVersion; v <= api.MaxVersion; v++ {
			fn(t, api, v)
		}
	}
	if seen != len(conversations) {
		t.Errorf("%d of %d APIs are advertised", seen, len(conversations))
	}
}

// TestEveryVersionAnswers sends a sensible request of each version of each API and reads the answer to its last byte.
func TestEveryVersionAnswers(t *testing.T) {
	n := serve(t)
	s := newSubject(t, n.addr)
	eachVersion(t, n.addr, func(t *testing.T, api kmsg.ApiVersionsResponseApiKey, v int16) {
		c := conversations[api.ApiKey]
		req := c.ask(s, v)
		req.SetVersion(v)
		s.p.send(req)
		frame, err := s.p.frame()
		if err != nil {
			t.Fatalf("no answer to %s v%d: %v", kmsg.NameForKey(req.Key()), v, err)
		}
		s.p.seen++
		resp, err := decode(req, frame, s.p.seen)
		if err != nil {
			t.Fatalf("answer to %s v%d: %v", kmsg.NameForKey(req.Key()), v, err)
		}
		if err := parsedByUs(req, frame); err != nil {
			t.Errorf("answer to %s v%d, read by wire: %v", kmsg.NameForKey(req.Key()), v, err)
		}
		c.check(s, v, resp)
	})
}

// parsedByUs reads an answer with the parsers of wire, where it has one; they refuse bytes left over.
func parsedByUs(req kmsg.Request, frame []byte) error {
	_, body, err := wire.ParseResponseHeader(frame, req.Key(), req.GetVersion())
	if err != nil {
		return err
	}
	switch req.Key() {
	case wire.KeyProduce:
		return new(wire.ProduceResponse).Parse(req.GetVersion(), body)
	case wire.KeyFetch:
		return new(wire.FetchResponse).Parse(req.GetVersion(), body)
	case wire.KeyAPIVersions:
		return new(wire.APIVersionsResponse).Parse(req.GetVersion(), body)
	}
	return nil
}

// TestUnknownVersions: ApiVersions tells what is served instead; anything else that was not advertised closes the
// connection, as in Kafka.
func TestUnknownVersions(t *testing.T) {
	n := serve(t)
	p := dial(t, n.addr)
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = 99, "test", "1"
	p.send(req)
	frame, err := p.frame()
	if err != nil {
		t.Fatal(err)
	}
	p.seen++
	inV0 := kmsg.NewPtrApiVersionsRequest()
	resp, err := decode(inV0, frame, p.seen)
	if err != nil {
		t.Fatal(err)
	}
	r := resp.(*kmsg.ApiVersionsResponse)
	code(t, "ApiVersions 99", r.ErrorCode, errcode.UnsupportedVersion)
	if len(r.ApiKeys) != 1 || r.ApiKeys[0].ApiKey != 18 || r.ApiKeys[0].MinVersion != 0 || r.ApiKeys[0].MaxVersion != 5 {
		t.Errorf("it names %+v, want ApiVersions 0 to 5", r.ApiKeys)
	}
	p.alive()

	eachVersion(t, n.addr, func(t *testing.T, api kmsg.ApiVersionsResponseApiKey, v int16) {
		if v != api.MaxVersion || api.ApiKey == 18 {
			return
		}
		for _, wrong := range []int16{-1, api.MinVersion - 1, api.MaxVersion + 1, 32767} {
			p := dial(t, n.addr)
			p.write(headerOnly(api.ApiKey, wrong))
			p.closedWithoutAnswer(kmsg.NameForKey(api.ApiKey))
		}
	})
	for _, key := range []int16{-1, 4, 58, 61, 95, 1000} {
		p := dial(t, n.addr)
		p.write(headerOnly(key, 0))
		p.closedWithoutAnswer(kmsg.NameForKey(key))
	}
	dial(t, n.addr).alive()
}

// TestAPIVersionsRefuses names of software that are none, and clients that mean another cluster or node (KIP-1242).
func TestAPIVersionsRefuses(t *testing.T) {
	p := dial(t, serve(t).addr)
	describe := kmsg.NewPtrDescribeClusterRequest()
	cluster := ask[*kmsg.DescribeClusterResponse](p, describe)
	for _, c := range []struct {
		name, version, cluster string
		node                   int32
		want                   errcode.Code
	}{
		{"client", "1.0-rc.1", cluster.ClusterID, cluster.ControllerID, errcode.None},
		{"", "1", cluster.ClusterID, cluster.ControllerID, errcode.InvalidRequest},
		{"client", "-1", cluster.ClusterID, cluster.ControllerID, errcode.InvalidRequest},
		{"a client", "1", cluster.ClusterID, cluster.ControllerID, errcode.InvalidRequest},
		{"client", "1", "another", cluster.ControllerID, errcode.RebootstrapRequired},
		{"client", "1", cluster.ClusterID, cluster.ControllerID + 1, errcode.RebootstrapRequired},
	} {
		req := kmsg.NewPtrApiVersionsRequest()
		req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = 5, c.name, c.version
		req.ClusterID, req.NodeID = &c.cluster, c.node
		r := ask[*kmsg.ApiVersionsResponse](p, req)
		code(t, fmt.Sprintf("%+v", c), r.ErrorCode, c.want)
	}
}

// headerOnly is a frame with a header and twenty zero bytes.
func headerOnly(key, version int16) []byte {
	b := wire.AppendInt16(wire.AppendInt16(nil, key), version)
	b = wire.AppendInt32(b, 7)
	b = wire.AppendInt16(b, -1)
	b = append(b, make([]byte, 20)...)
	return append(wire.AppendInt32(nil, int32(len(b))), b...)
}

// TestTruncatedBodies cuts requests off inside their body. Each must close its connection and nothing else.
func TestTruncatedBodies(t *testing.T) {
	n := serve(t)
	s := newSubject(t, n.addr)
	eachVersion(t, n.addr, func(t *testing.T, api kmsg.ApiVersionsResponseApiKey, v int16) {
		req := conversations[api.ApiKey].ask(s, v)
		req.SetVersion(v)
		whole := frameOf(req, 1)
		body := len(req.AppendTo(nil))
		for _, missing := range []int{1, (body + 1) / 2, body} {
			if missing == 0 || missing > body {
				continue
			}
			cut := append(wire.AppendInt32(nil, int32(len(whole)-4-missing)), whole[4:len(whole)-missing]...)
			p := dial(t, n.addr)
			p.write(cut)
			p.closedWithoutAnswer(kmsg.NameForKey(api.ApiKey))
		}
	})
	s.p.alive()
}

// TestRandomRequests sends well-formed requests with senseless content. Each is answered to the last byte, or its
// connection is closed; the broker lives on.
func TestRandomRequests(t *testing.T) {
	n := serve(t)
	fill := randmsg.New(20)
	eachVersion(t, n.addr, func(t *testing.T, api kmsg.ApiVersionsResponseApiKey, v int16) {
		for range 8 {
			req := kmsg.RequestForKey(api.ApiKey)
			req.SetVersion(v)
			fill.Fill(req)
			tame(req)
			p := dial(t, n.addr)
			p.send(req)
			frame, err := p.frame()
			p.conn.Close()
			if err != nil {
				continue
			}
			if _, err := decode(req, frame, 1); err != nil {
				t.Errorf("answer to %s v%d %+v: %v", kmsg.NameForKey(api.ApiKey), v, req, err)
			}
		}
	})
	dial(t, n.addr).alive()
}

// tame takes out what would make an answer late rather than wrong.
func tame(req kmsg.Request) {
	switch r := req.(type) {
	case *kmsg.FetchRequest:
		r.MaxWaitMillis = min(r.MaxWaitMillis, 5)
	case *kmsg.ProduceRequest:
		if r.Acks == 0 {
			r.Acks = 1
		}
	case *kmsg.CreateTopicsRequest:
		for i := range r.Topics {
			r.Topics[i].NumPartitions = min(r.Topics[i].NumPartitions, 3)
		}
	}
}

func askProduce(s *subject, v int16) kmsg.Request {
	req := produceRequest(v, s.topic, 1, -1, plain(s.t, "x"))
	if v >= 13 {
		req.Topics[0].TopicID = s.id
	}
	// A second partition, which does not exist, shows the form of a failure.
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = 9, plain(s.t, "x")
	req.Topics[0].Partitions = append(req.Topics[0].Partitions, p)
	return req
}

func checkProduce(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.ProduceResponse)
	if len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 2 {
		s.t.Fatalf("produce v%d: %+v", v, r)
	}
	good, bad := r.Topics[0].Partitions[0], r.Topics[0].Partitions[1]
	code(s.t, "produce", good.ErrorCode, errcode.None)
	code(s.t, "produce to a partition that does not exist", bad.ErrorCode, errcode.UnknownTopicOrPartition)
	if good.BaseOffset != int64(v-3) || good.LogAppendTime != -1 || bad.BaseOffset != -1 {
		s.t.Errorf("produce v%d: %+v and %+v", v, good, bad)
	}
	if v >= 5 && good.LogStartOffset != 0 {
		s.t.Errorf("produce v%d: log start %d", v, good.LogStartOffset)
	}
}

func askFetch(s *subject, v int16) kmsg.Request {
	return fetchRequest(v, s.topic, s.id, at{offset: 1}, at{partition: 9})
}

func checkFetch(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.FetchResponse)
	if len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 2 {
		s.t.Fatalf("fetch v%d: %+v", v, r)
	}
	good, bad := r.Topics[0].Partitions[0], r.Topics[0].Partitions[1]
	code(s.t, "fetch", good.ErrorCode, errcode.None)
	code(s.t, "fetch of a partition that does not exist", bad.ErrorCode, errcode.UnknownTopicOrPartition)
	if n := len(values(s.t, good.RecordBatches)); n != 3 || good.HighWatermark != 3 || good.LastStableOffset != 3 {
		s.t.Errorf("fetch v%d: %d records, high watermark %d, last stable %d, want 3 each",
			v, n, good.HighWatermark, good.LastStableOffset)
	}
	if good.AbortedTransactions != nil {
		s.t.Errorf("fetch v%d: aborted transactions without read_committed", v)
	}
	if v >= 13 && r.Topics[0].TopicID != s.id || v < 13 && r.Topics[0].Topic != s.topic {
		s.t.Errorf("fetch v%d answers for topic %q %x", v, r.Topics[0].Topic, r.Topics[0].TopicID)
	}
}

func askListOffsets(s *subject, v int16) kmsg.Request {
	return listOffsetsRequest(v, s.topic, 0, -1)
}

func checkListOffsets(s *subject, v int16, resp kmsg.Response) {
	p := resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]
	if p.ErrorCode != 0 || p.Offset != 3 {
		s.t.Errorf("ListOffsets v%d: %+v, want offset 3", v, p)
	}
}

func askMetadata(s *subject, _ int16) kmsg.Request {
	req := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &s.topic
	req.Topics = append(req.Topics, topic)
	return req
}

func checkMetadata(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.MetadataResponse)
	if len(r.Brokers) != 1 || len(r.Topics) != 1 || r.Topics[0].ErrorCode != 0 || len(r.Topics[0].Partitions) != 2 {
		s.t.Fatalf("Metadata v%d: %+v", v, r)
	}
	if v >= 10 && r.Topics[0].TopicID != s.id {
		s.t.Errorf("Metadata v%d gives topic id %x, CreateTopics gave %x", v, r.Topics[0].TopicID, s.id)
	}
	for _, p := range r.Topics[0].Partitions {
		if p.Leader != r.Brokers[0].NodeID || len(p.Replicas) != 1 || len(p.ISR) != 1 || v >= 7 && p.LeaderEpoch < 0 {
			s.t.Errorf("Metadata v%d: %+v", v, p)
		}
	}
}

func askFindCoordinator(*subject, int16) kmsg.Request {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey, req.CoordinatorKeys = "group", []string{"group"}
	return req
}

func checkFindCoordinator(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.FindCoordinatorResponse)
	got, host, port := r.ErrorCode, r.Host, r.Port
	if v >= 4 {
		if len(r.Coordinators) != 1 || r.Coordinators[0].Key != "group" {
			s.t.Fatalf("FindCoordinator v%d: %+v", v, r)
		}
		c := r.Coordinators[0]
		got, host, port = c.ErrorCode, c.Host, c.Port
	}
	code(s.t, "FindCoordinator for a group", got, errcode.None)
	if at := net.JoinHostPort(host, fmt.Sprint(port)); otherBroker == "" && at != s.p.conn.RemoteAddr().String() {
		s.t.Errorf("FindCoordinator v%d: the coordinator is at %s, this connection came in at %s",
			v, at, s.p.conn.RemoteAddr())
	}
}

func askAPIVersions(*subject, int16) kmsg.Request {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "broker-test", "1.0"
	return req
}

func checkAPIVersions(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.ApiVersionsResponse)
	code(s.t, "ApiVersions", r.ErrorCode, errcode.None)
	level := int16(-1)
	for _, f := range r.FinalizedFeatures {
		if f.Name == "metadata.version" {
			level = f.MaxVersionLevel
		} else if otherBroker == "" {
			s.t.Errorf("feature %s is finalized: only metadata.version is served", f.Name)
		}
	}
	if v >= 3 && (level <= 0 || r.FinalizedFeaturesEpoch < 0) {
		s.t.Errorf("ApiVersions v%d: metadata.version %d in epoch %d", v, level, r.FinalizedFeaturesEpoch)
	}
}

func askCreateTopics(s *subject, v int16) kmsg.Request {
	return createRequest(v, newTopic(fresh(s.t), 1, "retention.ms=60000"))
}

func checkCreateTopics(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.CreateTopicsResponse)
	if len(r.Topics) != 1 || r.Topics[0].ErrorCode != 0 {
		s.t.Fatalf("CreateTopics v%d: %+v", v, r)
	}
	made := r.Topics[0]
	if v >= 7 && made.TopicID == [16]byte{} || v >= 5 && (made.NumPartitions != 1 || len(made.Configs) < 20) {
		s.t.Errorf("CreateTopics v%d: %+v", v, made)
	}
}

func askDeleteTopics(s *subject, v int16) kmsg.Request {
	name := fresh(s.t)
	s.p.create(name, 1)
	return deleteRequest(v, name)
}

func checkDeleteTopics(s *subject, v int16, resp kmsg.Response) {
	if r := resp.(*kmsg.DeleteTopicsResponse); len(r.Topics) != 1 || r.Topics[0].ErrorCode != 0 {
		s.t.Errorf("DeleteTopics v%d: %+v", v, r)
	}
}

func askInitProducerID(*subject, int16) kmsg.Request { return kmsg.NewPtrInitProducerIDRequest() }

func checkInitProducerID(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.InitProducerIDResponse)
	if r.ErrorCode != 0 || r.ProducerID < 0 || r.ProducerEpoch != 0 {
		s.t.Errorf("InitProducerId v%d: %+v", v, r)
	}
}

func askEpochEnd(s *subject, v int16) kmsg.Request { return epochEndRequest(v, s.topic, 0, -1, 0) }

func checkEpochEnd(s *subject, v int16, resp kmsg.Response) {
	p := resp.(*kmsg.OffsetForLeaderEpochResponse).Topics[0].Partitions[0]
	if p.ErrorCode != 0 || p.LeaderEpoch != 0 || p.EndOffset != 3 {
		s.t.Errorf("OffsetForLeaderEpoch v%d: %+v, want epoch 0 to end at 3", v, p)
	}
}

func askDescribeCluster(*subject, int16) kmsg.Request {
	req := kmsg.NewPtrDescribeClusterRequest()
	req.EndpointType = 1
	return req
}

func checkDescribeCluster(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.DescribeClusterResponse)
	if r.ErrorCode != 0 || len(r.Brokers) != 1 || r.ClusterID == "" {
		s.t.Errorf("DescribeCluster v%d: %+v", v, r)
	}
}
