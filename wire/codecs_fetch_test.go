package wire_test

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire"
	"tailrace/wire/errcode"
)

func readFetchRequest(v int16, body []byte) (ours, oracle []byte, err error) {
	var q wire.FetchRequest
	if err := q.Parse(v, body); err != nil {
		return nil, nil, err
	}
	k := kmsg.NewPtrFetchRequest()
	k.Version = v
	k.ReplicaID = q.ReplicaID
	if v >= 15 {
		k.ReplicaState.ID, k.ReplicaState.Epoch = q.ReplicaID, q.ReplicaEpoch
	}
	k.MaxWaitMillis, k.MinBytes, k.MaxBytes, k.IsolationLevel = q.MaxWaitMs, q.MinBytes, q.MaxBytes, q.Isolation
	k.SessionID, k.SessionEpoch = q.SessionID, q.SessionEpoch
	k.Rack, k.ClusterID = string(q.RackID), nullable(q.ClusterID)
	forgotten := readForgotten(&q, k)
	var (
		tree []wire.FetchData
		t    wire.FetchTopic
		p    wire.FetchPartition
		all  int
	)
	for q.NextTopic(&t) {
		d := wire.FetchData{Name: string(t.Name), ID: t.ID}
		kt := kmsg.FetchRequestTopic{Topic: string(t.Name), TopicID: t.ID}
		for q.NextPartition(&p) {
			d.Partitions = append(d.Partitions, p)
			kt.Partitions = append(kt.Partitions, kmsg.FetchRequestTopicPartition{
				Partition: p.Index, CurrentLeaderEpoch: int32(p.CurrentLeaderEpoch), FetchOffset: int64(p.FetchOffset),
				LastFetchedEpoch: int32(p.LastFetchedEpoch), LogStartOffset: int64(p.LogStartOffset),
				PartitionMaxBytes: p.MaxBytes, ReplicaDirectoryID: p.DirectoryID, HighWatermark: int64(p.HighWatermark),
			})
		}
		mustCount(len(d.Partitions), t.Partitions)
		all += t.Partitions
		tree, k.Topics = append(tree, d), append(k.Topics, kt)
	}
	mustCount(len(tree), q.Topics)
	mustCount(all, q.Partitions)
	return wire.AppendFetchRequest(nil, v, &q.FetchHead, tree, forgotten), k.AppendTo(nil), nil
}

func readForgotten(q *wire.FetchRequest, k *kmsg.FetchRequest) (tree []wire.ForgottenData) {
	var t wire.ForgottenTopic
	for q.NextForgotten(&t) {
		d := wire.ForgottenData{Name: string(t.Name), ID: t.ID}
		for i := range t.Partitions.Len() {
			d.Partitions = append(d.Partitions, t.Partitions.At(i))
		}
		tree = append(tree, d)
		k.ForgottenTopics = append(k.ForgottenTopics, kmsg.FetchRequestForgottenTopic{
			Topic: d.Name, TopicID: d.ID, Partitions: d.Partitions,
		})
	}
	mustCount(len(tree), q.Forgotten)
	return tree
}

func tidyFetchRequest(m message, v int16) {
	k := m.(*kmsg.FetchRequest)
	if v < 15 {
		k.ReplicaState = kmsg.NewFetchRequestReplicaState()
	}
	for i := range k.Topics {
		for j := range k.Topics[i].Partitions {
			p := &k.Topics[i].Partitions[j]
			if v < 17 {
				p.ReplicaDirectoryID = [16]byte{}
			}
			if v < 18 {
				p.HighWatermark = int64(wire.HighWatermarkUnsupported)
			}
		}
	}
}

func sampleFetchRequest() message {
	consumer, follower := kmsg.NewFetchRequestTopicPartition(), kmsg.NewFetchRequestTopicPartition()
	consumer.Partition, consumer.FetchOffset, consumer.PartitionMaxBytes = 1, 1<<33, 1<<20
	follower.Partition, follower.CurrentLeaderEpoch, follower.FetchOffset = 2, 5, 100
	follower.LastFetchedEpoch, follower.LogStartOffset, follower.PartitionMaxBytes = 4, 10, 4096
	follower.ReplicaDirectoryID, follower.HighWatermark = [16]byte{7: 9}, 99
	k := kmsg.NewPtrFetchRequest()
	k.ReplicaID = 6
	k.ReplicaState.ID, k.ReplicaState.Epoch = 6, 77
	k.MaxWaitMillis, k.MinBytes, k.MaxBytes, k.IsolationLevel = 500, 1, 55<<20, 1
	k.SessionID, k.SessionEpoch, k.Rack, k.ClusterID = 1234, 2, "rack-a", kmsg.StringPtr("cluster")
	k.Topics = []kmsg.FetchRequestTopic{
		{
			Topic: "orders", TopicID: [16]byte{0: 1, 15: 2},
			Partitions: []kmsg.FetchRequestTopicPartition{consumer, follower},
		},
	}
	k.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{
		{Topic: "old", TopicID: [16]byte{0: 8}, Partitions: []int32{0, 258}},
	}
	return k
}

func readFetchResponse(v int16, body []byte) (ours, oracle []byte, err error) {
	var s wire.FetchResponse
	if err := s.Parse(v, body); err != nil {
		return nil, nil, err
	}
	k := kmsg.NewPtrFetchResponse()
	k.Version, k.ThrottleMillis, k.ErrorCode, k.SessionID = v, s.ThrottleMs, int16(s.Code), s.SessionID
	var (
		w   wire.FetchWriter
		t   wire.FetchTopic
		p   wire.FetchedPartition
		all int
	)
	b := w.Begin(nil, v, s.ThrottleMs, s.Code, s.SessionID, s.Topics)
	for s.NextTopic(&t) {
		if len(k.Topics)%2 == 0 {
			b = w.Topic(b, t.Name, t.ID, t.Partitions)
		} else {
			b = w.TopicNamed(b, string(t.Name), t.ID, t.Partitions)
		}
		kt := kmsg.FetchResponseTopic{Topic: string(t.Name), TopicID: t.ID}
		for s.NextPartition(&p) {
			res := fetchResult(&p)
			b = w.Partition(b, &res)
			b = append(b, p.Records...)
			b = w.AfterRecords(b, &res)
			kt.Partitions = append(kt.Partitions, kmsgFetched(&p))
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
		k.Brokers = append(k.Brokers, kmsg.FetchResponseBroker{
			NodeID: n.ID, Host: n.Host, Port: n.Port, Rack: said(n.Rack),
		})
	}
	return w.End(b, nodes), k.AppendTo(nil), nil
}

func fetchResult(p *wire.FetchedPartition) wire.FetchResult {
	leader, diverging, snapshot := p.Leader, p.Diverging, p.Snapshot
	res := wire.FetchResult{
		Index: p.Index, Code: p.Code, HighWatermark: p.HighWatermark, LastStableOffset: p.LastStableOffset,
		LogStartOffset: p.LogStartOffset, Aborted: p.Aborted, PreferredReplica: p.PreferredReplica,
		RecordsLen: len(p.Records), Diverging: &diverging, Leader: &leader, Snapshot: &snapshot,
	}
	if p.Records == nil {
		res.RecordsLen = -1
	}
	if leader == wire.NoLeaderHint {
		res.Leader = nil
	}
	return res
}

func kmsgFetched(p *wire.FetchedPartition) kmsg.FetchResponseTopicPartition {
	k := kmsg.NewFetchResponseTopicPartition()
	k.Partition, k.ErrorCode = p.Index, int16(p.Code)
	k.HighWatermark, k.LastStableOffset = int64(p.HighWatermark), int64(p.LastStableOffset)
	k.LogStartOffset, k.PreferredReadReplica = int64(p.LogStartOffset), p.PreferredReplica
	k.RecordBatches = p.Records
	if p.Aborted != nil {
		k.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{}
	}
	for _, a := range p.Aborted {
		k.AbortedTransactions = append(k.AbortedTransactions, kmsg.FetchResponseTopicPartitionAbortedTransaction{
			ProducerID: a.ProducerID, FirstOffset: int64(a.FirstOffset),
		})
	}
	k.DivergingEpoch.Epoch, k.DivergingEpoch.EndOffset = int32(p.Diverging.Epoch), int64(p.Diverging.EndOffset)
	k.CurrentLeader.LeaderID, k.CurrentLeader.LeaderEpoch = p.Leader.ID, int32(p.Leader.Epoch)
	k.SnapshotID.Epoch, k.SnapshotID.EndOffset = int32(p.Snapshot.Epoch), int64(p.Snapshot.EndOffset)
	return k
}

func tidyFetchResponse(m message, v int16) {
	k := m.(*kmsg.FetchResponse)
	if v < 16 {
		k.Brokers = nil
	}
	for i := range k.Brokers {
		dropEmpty(&k.Brokers[i].Rack)
	}
}

func sampleFetchResponse() message {
	data, none := kmsg.NewFetchResponseTopicPartition(), kmsg.NewFetchResponseTopicPartition()
	data.Partition, data.HighWatermark, data.LastStableOffset, data.LogStartOffset = 1, 1<<33+5, 1<<33, 10
	data.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 4000, FirstOffset: 77}}
	data.RecordBatches = []byte("batch")
	none.Partition, none.ErrorCode = 2, int16(errcode.NotLeaderOrFollower)
	none.HighWatermark, none.PreferredReadReplica, none.RecordBatches = -1, 3, []byte{}
	none.DivergingEpoch.Epoch, none.DivergingEpoch.EndOffset = 4, 90
	none.CurrentLeader.LeaderID, none.CurrentLeader.LeaderEpoch = 3, 6
	none.SnapshotID.Epoch, none.SnapshotID.EndOffset = 5, 300
	k := kmsg.NewPtrFetchResponse()
	k.ThrottleMillis, k.ErrorCode, k.SessionID = 11, int16(errcode.FetchSessionIDNotFound), 1234
	k.Topics = []kmsg.FetchResponseTopic{
		{
			Topic: "orders", TopicID: [16]byte{0: 1, 15: 2},
			Partitions: []kmsg.FetchResponseTopicPartition{data, none},
		},
	}
	k.Brokers = []kmsg.FetchResponseBroker{{NodeID: 3, Host: "b3", Port: 9093, Rack: kmsg.StringPtr("r2")}}
	return k
}
