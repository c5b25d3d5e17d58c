package broker

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// Metadata, key 3, versions 0 to 13.
//
// Behaviour: brokers, and the topics asked for (all of them when the list is
// null, or empty in version 0). A topic that does not exist is created when
// auto.create.topics.enable and the request allow it. With no
// advertised.listeners the broker's address is the one at which this
// connection reached it.
//
// Versions: 1 null for all topics, 4 allow_auto_topic_creation, 7 leader
// epochs, 8 authorized operations, 9 flexible, 10 topic ids, 12 requests by
// id, 13 top-level error code.
//
// Departures: a topic that is created by the request is in its answer; Kafka
// answers UNKNOWN_TOPIC_OR_PARTITION first and lets the client ask again.
func (b *Broker) metadata(q *request) {
	req := kmsg.NewPtrMetadataRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	img := b.quorum.Image()
	missing := b.toCreate(req, img)
	if len(missing) == 0 {
		q.reply(b.metadataResponse(q, req, b.quorum.Image(), nil))
		return
	}
	failed := map[string]errcode.Code{}
	b.quorum.ProposeFunc(
		func(img *metadata.Image, _ wire.Offset) []metadata.Record {
			var records []metadata.Record
			records, failed = b.autoCreate(img, missing)
			return records
		},
		func(_ wire.Offset, err error) {
			if err != nil {
				for _, name := range missing {
					failed[name] = proposalCode(err)
				}
			}
			q.reply(b.metadataResponse(q, req, b.quorum.Image(), failed))
		})
}

// toCreate lists the topics that the request brings into being.
func (b *Broker) toCreate(req *kmsg.MetadataRequest, img *metadata.Image) []string {
	if !b.config.AutoCreateTopics || (req.Version >= 4 && !req.AllowAutoTopicCreation) {
		return nil
	}
	var names []string
	for _, t := range req.Topics {
		if t.Topic == nil || wire.TopicID(t.TopicID) != (wire.TopicID{}) {
			continue
		}
		if img.TopicByName(*t.Topic) == nil && metadata.CheckTopicName(*t.Topic) == "" &&
			(!metadata.IsInternal(*t.Topic) || *t.Topic == metadata.ConsumerOffsetsTopic) && !slices.Contains(names, *t.Topic) {
			names = append(names, *t.Topic)
		}
	}
	return names
}

// autoCreate decides the creation of topics with the broker's defaults. A
// topic that was created meanwhile is no failure.
func (b *Broker) autoCreate(img *metadata.Image, names []string) ([]metadata.Record, map[string]errcode.Code) {
	topics := make([]metadata.NewTopic, len(names))
	for i, n := range names {
		topics[i] = metadata.NewTopic{Name: n, Partitions: -1, ReplicationFactor: -1}
		if metadata.IsInternal(n) {
			topics[i] = b.internalTopic(img, n)
		}
	}
	records, results := metadata.CreateTopics(img, topics, b.createSettings(false))
	failed := map[string]errcode.Code{}
	for _, r := range results {
		if r.Code != errcode.None && r.Code != errcode.TopicAlreadyExists {
			failed[r.Name] = r.Code
		}
	}
	return records, failed
}

// proposalCode is the code of a proposal that did not come to pass.
func proposalCode(err error) errcode.Code {
	if err == quorum.ErrClosed {
		return errcode.CoordinatorNotAvailable
	}
	return errcode.KafkaStorageError
}

func (b *Broker) metadataResponse(
	q *request, req *kmsg.MetadataRequest, img *metadata.Image, failed map[string]errcode.Code,
) *kmsg.MetadataResponse {
	resp := kmsg.NewPtrMetadataResponse()
	resp.ClusterID = &b.clusterID
	resp.ControllerID = int32(b.config.NodeID)
	for _, n := range b.nodes(q, img) {
		m := kmsg.NewMetadataResponseBroker()
		m.NodeID, m.Host, m.Port, m.Rack = n.id, n.host, n.port, n.rack
		resp.Brokers = append(resp.Brokers, m)
	}
	if req.IncludeClusterAuthorizedOperations {
		resp.AuthorizedOperations = clusterOperations
	}
	if req.Topics == nil || (req.Version == 0 && len(req.Topics) == 0) {
		for t := range img.Topics() {
			resp.Topics = append(resp.Topics, b.metadataTopic(req, t))
		}
		slices.SortFunc(resp.Topics, func(a, b kmsg.MetadataResponseTopic) int { return strings.Compare(*a.Topic, *b.Topic) })
		return resp
	}
	for _, asked := range req.Topics {
		resp.Topics = append(resp.Topics, b.metadataAsked(req, asked, img, failed))
	}
	return resp
}

// metadataAsked answers for one topic that was named, by name or by id.
func (b *Broker) metadataAsked(
	req *kmsg.MetadataRequest, asked kmsg.MetadataRequestTopic, img *metadata.Image, failed map[string]errcode.Code,
) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.Topic = asked.Topic
	if asked.Topic == nil {
		if t := img.TopicByID(asked.TopicID); t != nil {
			return b.metadataTopic(req, t)
		}
		out.TopicID, out.ErrorCode = asked.TopicID, int16(errcode.UnknownTopicID)
		if req.Version < 12 {
			out.Topic = new(string)
		}
		return out
	}
	if t := img.TopicByName(*asked.Topic); t != nil {
		return b.metadataTopic(req, t)
	}
	code := errcode.UnknownTopicOrPartition
	if metadata.CheckTopicName(*asked.Topic) != "" {
		code = errcode.InvalidTopicException
	} else if c, ok := failed[*asked.Topic]; ok {
		code = c
	}
	out.IsInternal = metadata.IsInternal(*asked.Topic)
	out.ErrorCode = int16(code)
	return out
}

func (b *Broker) metadataTopic(req *kmsg.MetadataRequest, t *metadata.Topic) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.Topic, out.TopicID, out.IsInternal = &t.Name, t.ID, metadata.IsInternal(t.Name)
	if req.IncludeTopicAuthorizedOperations {
		out.AuthorizedOperations = topicOperations
	}
	local := b.topics.load().byID[t.ID]
	out.Partitions = make([]kmsg.MetadataResponseTopicPartition, len(t.Partitions))
	for i, p := range t.Partitions {
		m := kmsg.NewMetadataResponseTopicPartition()
		m.Partition, m.Leader, m.LeaderEpoch = int32(i), p.Leader, int32(p.LeaderEpoch)
		m.Replicas, m.ISR, m.OfflineReplicas = p.Replicas, p.ISR, nil
		if p.Leader < 0 {
			m.ErrorCode = int16(errcode.LeaderNotAvailable)
		}
		if local != nil && i < len(local.parts) && local.parts[i].p == nil && p.Leader == int32(b.config.NodeID) {
			m.OfflineReplicas = []int32{int32(b.config.NodeID)}
		}
		out.Partitions[i] = m
	}
	return out
}

// Authorized operations without an authorizer are all that the resource knows
// (AclOperation's numbers as bits).
const (
	topicOperations   = 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<11
	clusterOperations = 1<<5 | 1<<7 | 1<<8 | 1<<9 | 1<<10 | 1<<11 | 1<<12
)
