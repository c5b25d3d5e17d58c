package wire_test

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire"
	"tailrace/wire/errcode"
)

func readAPIVersionsRequest(v int16, body []byte) (ours, oracle []byte, err error) {
	var q wire.APIVersionsRequest
	if err := q.Parse(v, body); err != nil {
		return nil, nil, err
	}
	k := kmsg.NewPtrApiVersionsRequest()
	k.Version = v
	k.ClientSoftwareName, k.ClientSoftwareVersion = string(q.ClientSoftwareName), string(q.ClientSoftwareVersion)
	k.ClusterID, k.NodeID = nullable(q.ClusterID), q.NodeID
	return wire.AppendAPIVersionsRequest(nil, v, &q), k.AppendTo(nil), nil
}

func sampleAPIVersionsRequest() message {
	k := kmsg.NewPtrApiVersionsRequest()
	k.ClientSoftwareName, k.ClientSoftwareVersion = "apache-kafka-java", "4.4.0"
	k.ClusterID, k.NodeID = kmsg.StringPtr("5L6g3nShT-eMCtK--X86sw"), 1
	return k
}

func readAPIVersionsResponse(v int16, body []byte) (ours, oracle []byte, err error) {
	var s wire.APIVersionsResponse
	if err := s.Parse(v, body); err != nil {
		return nil, nil, err
	}
	k := kmsg.NewPtrApiVersionsResponse()
	k.Version = v
	k.ErrorCode, k.ThrottleMillis = int16(s.Code), s.ThrottleMs
	for _, a := range s.APIs {
		k.ApiKeys = append(k.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: a.Key, MinVersion: a.Min, MaxVersion: a.Max})
	}
	for _, f := range s.Supported {
		k.SupportedFeatures = append(k.SupportedFeatures,
			kmsg.ApiVersionsResponseSupportedFeature{Name: f.Name, MinVersion: f.Min, MaxVersion: f.Max})
	}
	for _, f := range s.Finalized {
		k.FinalizedFeatures = append(k.FinalizedFeatures,
			kmsg.ApiVersionsResponseFinalizedFeature{
				Name: f.Name, MaxVersionLevel: f.MaxLevel, MinVersionLevel: f.MinLevel,
			})
	}
	k.FinalizedFeaturesEpoch, k.ZkMigrationReady = s.FinalizedEpoch, s.ZkMigrationReady
	tidyAPIVersionsResponse(k, v)
	return wire.AppendAPIVersionsResponse(nil, v, &s), k.AppendTo(nil), nil
}

func tidyAPIVersionsResponse(m message, v int16) {
	k := m.(*kmsg.ApiVersionsResponse)
	if v == 3 {
		k.SupportedFeatures = slices.DeleteFunc(k.SupportedFeatures,
			func(f kmsg.ApiVersionsResponseSupportedFeature) bool { return f.MinVersion < 1 })
	}
}

func sampleAPIVersionsResponse() message {
	k := kmsg.NewPtrApiVersionsResponse()
	k.ErrorCode, k.ThrottleMillis = int16(errcode.UnsupportedVersion), 7
	k.ApiKeys = []kmsg.ApiVersionsResponseApiKey{{ApiKey: 0, MinVersion: 0, MaxVersion: 13}, {ApiKey: 18, MaxVersion: 5}}
	k.SupportedFeatures = []kmsg.ApiVersionsResponseSupportedFeature{
		{Name: "metadata.version", MinVersion: 7, MaxVersion: 33},
	}
	k.FinalizedFeaturesEpoch = 42
	k.FinalizedFeatures = []kmsg.ApiVersionsResponseFinalizedFeature{
		{Name: "metadata.version", MaxVersionLevel: 33, MinVersionLevel: 33},
	}
	k.ZkMigrationReady = true
	return k
}

func readProduceRequest(v int16, body []byte) (ours, oracle []byte, err error) {
	var q wire.ProduceRequest
	if err := q.Parse(v, body); err != nil {
		return nil, nil, err
	}
	k := kmsg.NewPtrProduceRequest()
	k.Version = v
	k.TransactionID, k.Acks, k.TimeoutMillis = nullable(q.TransactionalID), q.Acks, q.TimeoutMs
	var (
		tree []wire.ProduceData
		t    wire.ProduceTopic
		p    wire.ProducePartition
		all  int
	)
	for q.NextTopic(&t) {
		d := wire.ProduceData{Name: string(t.Name), ID: t.ID}
		kt := kmsg.ProduceRequestTopic{Topic: string(t.Name), TopicID: t.ID}
		for q.NextPartition(&p) {
			d.Partitions = append(d.Partitions, p)
			kt.Partitions = append(kt.Partitions,
				kmsg.ProduceRequestTopicPartition{Partition: p.Index, Records: p.Records})
		}
		mustCount(len(d.Partitions), t.Partitions)
		all += t.Partitions
		tree, k.Topics = append(tree, d), append(k.Topics, kt)
	}
	mustCount(len(tree), q.Topics)
	mustCount(all, q.Partitions)
	return wire.AppendProduceRequest(nil, v, &q.ProduceHead, tree), k.AppendTo(nil), nil
}

// mustCount holds that a walk hands out as much as was announced.
func mustCount(got, want int) {
	if got != want {
		panic("BUG: the walk disagrees with the announced count")
	}
}

func sampleProduceRequest() message {
	k := kmsg.NewPtrProduceRequest()
	k.TransactionID, k.Acks, k.TimeoutMillis = kmsg.StringPtr("txn"), -1, 30000
	k.Topics = []kmsg.ProduceRequestTopic{
		{Topic: "orders", TopicID: [16]byte{0: 1, 15: 2}, Partitions: []kmsg.ProduceRequestTopicPartition{
			{Partition: 0, Records: []byte("batch")}, {Partition: 3},
		}},
		{Topic: "empty", TopicID: [16]byte{0: 3}},
	}
	return k
}

func readProduceResponse(v int16, body []byte) (ours, oracle []byte, err error) {
	var s wire.ProduceResponse
	if err := s.Parse(v, body); err != nil {
		return nil, nil, err
	}
	k := kmsg.NewPtrProduceResponse()
	k.Version, k.ThrottleMillis = v, s.ThrottleMs
	var (
		w   wire.ProduceWriter
		t   wire.ProduceTopic
		p   wire.ProducedPartition
		all int
	)
	b := w.Begin(nil, v, s.Topics)
	for s.NextTopic(&t) {
		b = w.Topic(b, t.Name, t.ID, t.Partitions)
		kt := kmsg.ProduceResponseTopic{Topic: string(t.Name), TopicID: t.ID}
		for s.NextPartition(&p) {
			res, kp := produceResult(&p)
			var at int
			// Written with wrong values and patched, to prove that the position is right.
			code, base := res.Code, res.BaseOffset
			res.Code, res.BaseOffset = errcode.UnknownServerError, -7
			b, at = w.Partition(b, &res)
			wire.PatchCode(b, at, code)
			wire.PatchBaseOffset(b, at, base)
			kt.Partitions = append(kt.Partitions, kp)
		}
		mustCount(len(kt.Partitions), t.Partitions)
		all += t.Partitions
		b = w.EndTopic(b)
		k.Topics = append(k.Topics, kt)
	}
	mustCount(len(k.Topics), s.Topics)
	mustCount(all, s.Partitions)
	nodes := s.Nodes(nil)
	for _, n := range nodes {
		k.Brokers = append(k.Brokers, kmsg.ProduceResponseBroker{
			NodeID: n.ID, Host: n.Host, Port: n.Port, Rack: said(n.Rack),
		})
	}
	return w.End(b, s.ThrottleMs, nodes), k.AppendTo(nil), nil
}

func produceResult(p *wire.ProducedPartition) (wire.ProduceResult, kmsg.ProduceResponseTopicPartition) {
	leader := p.Leader
	res := wire.ProduceResult{
		Index: p.Index, Code: p.Code, BaseOffset: p.BaseOffset, LogAppendTimeMs: p.LogAppendTimeMs,
		LogStartOffset: p.LogStartOffset, Message: string(p.Message), Leader: &leader,
	}
	kp := kmsg.NewProduceResponseTopicPartition()
	kp.Partition, kp.ErrorCode, kp.BaseOffset = p.Index, int16(p.Code), int64(p.BaseOffset)
	kp.LogAppendTime, kp.LogStartOffset = p.LogAppendTimeMs, int64(p.LogStartOffset)
	kp.ErrorMessage = said(string(p.Message))
	kp.CurrentLeader.LeaderID, kp.CurrentLeader.LeaderEpoch = p.Leader.ID, int32(p.Leader.Epoch)
	for _, e := range p.RecordErrors {
		res.RecordErrors = append(res.RecordErrors, wire.RecordError{Index: e.Index, Message: string(e.Message)})
		kp.ErrorRecords = append(kp.ErrorRecords, kmsg.ProduceResponseTopicPartitionErrorRecord{
			RelativeOffset: e.Index, ErrorMessage: said(string(e.Message)),
		})
	}
	return res, kp
}

func tidyProduceResponse(m message, v int16) {
	k := m.(*kmsg.ProduceResponse)
	if v < 10 {
		k.Brokers = nil
	}
	for i := range k.Brokers {
		dropEmpty(&k.Brokers[i].Rack)
	}
	for i := range k.Topics {
		for j := range k.Topics[i].Partitions {
			p := &k.Topics[i].Partitions[j]
			dropEmpty(&p.ErrorMessage)
			for e := range p.ErrorRecords {
				dropEmpty(&p.ErrorRecords[e].ErrorMessage)
			}
			if v < 10 {
				p.CurrentLeader = kmsg.NewProduceResponseTopicPartitionCurrentLeader()
			}
		}
	}
}

func sampleProduceResponse() message {
	ok, bad := kmsg.NewProduceResponseTopicPartition(), kmsg.NewProduceResponseTopicPartition()
	ok.Partition, ok.BaseOffset, ok.LogAppendTime, ok.LogStartOffset = 0, 1<<40, 1700000000000, 17
	bad.Partition, bad.ErrorCode, bad.BaseOffset = 3, int16(errcode.InvalidRecord), -1
	bad.ErrorRecords = []kmsg.ProduceResponseTopicPartitionErrorRecord{
		{RelativeOffset: 2, ErrorMessage: kmsg.StringPtr("no key")}, {RelativeOffset: 4},
	}
	bad.ErrorMessage = kmsg.StringPtr("refused")
	bad.CurrentLeader.LeaderID, bad.CurrentLeader.LeaderEpoch = 2, 9
	k := kmsg.NewPtrProduceResponse()
	k.ThrottleMillis = 11
	k.Topics = []kmsg.ProduceResponseTopic{
		{Topic: "orders", TopicID: [16]byte{0: 1, 15: 2}, Partitions: []kmsg.ProduceResponseTopicPartition{ok, bad}},
	}
	k.Brokers = []kmsg.ProduceResponseBroker{
		{NodeID: 2, Host: "b2", Port: 9092, Rack: kmsg.StringPtr("r1")}, {NodeID: 3, Host: "b3", Port: 9093},
	}
	return k
}
