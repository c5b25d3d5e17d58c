package broker

import (
	"crypto/rand"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/metadata"
	"tailrace/wire"
)

// CreatePartitions, key 37, versions 0 to 3.
//
// Behaviour: each topic succeeds or fails for itself. When the answer comes the
// new partitions can be produced to.
//
// Versions: 2 flexible, 3 quota errors.
//
// Departures: internal topics keep their number of partitions, because what
// lies in them would be looked for in the wrong one (INVALID_PARTITIONS; Kafka
// lets it happen); more than 10,000 new partitions in one request are
// POLICY_VIOLATION, as with CreateTopics; Kafka answers UNKNOWN_SERVER_ERROR.
func (b *Broker) createPartitions(q *request) {
	req := kmsg.NewPtrCreatePartitionsRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	topics := make([]metadata.MorePartitions, len(req.Topics))
	for i := range req.Topics {
		t := &req.Topics[i]
		topics[i] = metadata.MorePartitions{Name: t.Topic, Count: t.Count}
		if t.Assignment != nil {
			topics[i].Assignments = make([][]int32, len(t.Assignment))
		}
		for j := range t.Assignment {
			topics[i].Assignments[j] = t.Assignment[j].Replicas
		}
	}
	settings := metadata.GrowSettings{ValidateOnly: req.ValidateOnly, Random: func(p []byte) { rand.Read(p) }}
	var results []metadata.GrownTopic
	b.quorum.ProposeFunc(
		func(img *metadata.Image, _ wire.Offset) []metadata.Record {
			var records []metadata.Record
			records, results = metadata.CreatePartitions(img, topics, settings)
			return records
		},
		func(_ wire.Offset, err error) {
			if err != nil {
				results = make([]metadata.GrownTopic, len(topics))
				for i := range topics {
					results[i] = metadata.GrownTopic{Name: topics[i].Name, Result: refusedProposal(err)}
				}
			}
			resp := kmsg.NewPtrCreatePartitionsResponse()
			for i := range results {
				out := kmsg.NewCreatePartitionsResponseTopic()
				out.Topic = results[i].Name
				out.ErrorCode, out.ErrorMessage = told(&results[i].Result)
				resp.Topics = append(resp.Topics, out)
			}
			q.reply(resp)
		})
}
