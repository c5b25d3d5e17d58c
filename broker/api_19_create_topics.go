package broker

import (
	"cmp"
	"crypto/rand"
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/config"
	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// CreateTopics, key 19, versions 2 to 7.
//
// Behaviour: each topic succeeds or fails for itself. The answer comes when
// the topics can be produced to.
//
// Versions: 4 defaults for partitions and replication factor (-1), 5 flexible,
// and the answer tells configs, 7 topic ids.
//
// Departures: none.
func (b *Broker) createTopics(q *request) {
	req := kmsg.NewPtrCreateTopicsRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	topics := make([]metadata.NewTopic, len(req.Topics))
	for i := range req.Topics {
		topics[i] = newTopic(&req.Topics[i])
	}
	var results []metadata.CreatedTopic
	b.quorum.ProposeFunc(
		func(img *metadata.Image, _ wire.Offset) []metadata.Record {
			var records []metadata.Record
			records, results = metadata.CreateTopics(img, topics, b.createSettings(req.ValidateOnly))
			return records
		},
		func(_ wire.Offset, err error) {
			if err != nil {
				results = failedTopics(topics, err)
			}
			q.reply(b.createdTopics(req, topics, results))
		})
}

func newTopic(t *kmsg.CreateTopicsRequestTopic) metadata.NewTopic {
	n := metadata.NewTopic{Name: t.Topic, Partitions: t.NumPartitions, ReplicationFactor: t.ReplicationFactor}
	for _, a := range t.ReplicaAssignment {
		n.Assignments = append(n.Assignments, metadata.Assignment{Partition: a.Partition, Brokers: a.Replicas})
	}
	for _, c := range t.Configs {
		n.Configs = append(n.Configs, metadata.ConfigEntry{Name: c.Name, Value: c.Value})
	}
	return n
}

func (b *Broker) createSettings(validateOnly bool) metadata.CreateSettings {
	return metadata.CreateSettings{
		DefaultPartitions:        int32(b.config.NumPartitions),
		DefaultReplicationFactor: int16(b.config.DefaultReplicationFactor),
		ValidateOnly:             validateOnly,
		Check: func(_ string, overrides map[string]string) error {
			_, err := b.live().Topic(overrides)
			return err
		},
		Random: func(p []byte) { rand.Read(p) },
	}
}

// refusedProposal is the result of each item of a proposal that the metadata
// log refused as a whole.
func refusedProposal(err error) metadata.Result {
	r := metadata.Result{Code: errcode.UnknownServerError, Message: err.Error()}
	switch {
	case errors.Is(err, quorum.ErrNoSpace):
		r.Code = errcode.KafkaStorageError
	case errors.Is(err, quorum.ErrClosed):
		r.Code = errcode.NotController
	case errors.Is(err, quorum.ErrTooLarge):
		r.Code = errcode.PolicyViolation
	}
	return r
}

// failedTopics is the answer when the metadata log refused the whole proposal.
func failedTopics(topics []metadata.NewTopic, err error) []metadata.CreatedTopic {
	r := refusedProposal(err)
	list := make([]metadata.CreatedTopic, len(topics))
	for i, t := range topics {
		list[i] = metadata.CreatedTopic{Name: t.Name, Result: r}
	}
	return list
}

func (b *Broker) createdTopics(
	req *kmsg.CreateTopicsRequest, topics []metadata.NewTopic, results []metadata.CreatedTopic,
) *kmsg.CreateTopicsResponse {
	resp := kmsg.NewPtrCreateTopicsResponse()
	for i := range results {
		r := &results[i]
		out := kmsg.NewCreateTopicsResponseTopic()
		out.Topic, out.TopicID, out.ErrorCode = r.Name, r.ID, int16(r.Code)
		out.NumPartitions, out.ReplicationFactor = -1, -1
		if r.Code != errcode.None {
			message := cmp.Or(r.Message, r.Code.Message())
			out.ErrorMessage = &message
		} else {
			out.NumPartitions, out.ReplicationFactor = r.Partitions, r.ReplicationFactor
			out.Configs = b.createdConfigs(topics, r.Name)
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

// createdConfigs tells every config of a new topic, as version 5 does.
func (b *Broker) createdConfigs(topics []metadata.NewTopic, name string) []kmsg.CreateTopicsResponseTopicConfig {
	overrides := map[string]string{}
	if i := slices.IndexFunc(topics, func(t metadata.NewTopic) bool { return t.Name == name }); i >= 0 {
		for _, c := range topics[i].Configs {
			if c.Value != nil {
				overrides[c.Name] = *c.Value
			}
		}
	}
	rows := b.live().DescribeTopic(overrides)
	list := make([]kmsg.CreateTopicsResponseTopicConfig, len(rows))
	for i, row := range rows {
		list[i] = createdConfig(row)
	}
	return list
}

func createdConfig(row config.Row) kmsg.CreateTopicsResponseTopicConfig {
	c := kmsg.NewCreateTopicsResponseTopicConfig()
	c.Name, c.ReadOnly, c.Source, c.IsSensitive = row.Name, row.ReadOnly, int8(row.Source), row.Sensitive
	if !row.Null {
		c.Value = &row.Value
	}
	return c
}
