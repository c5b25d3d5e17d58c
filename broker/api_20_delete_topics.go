package broker

import (
	"cmp"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/metadata"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// DeleteTopics, key 20, versions 1 to 6.
//
// Behaviour: each topic succeeds or fails for itself. When the answer comes
// the topic is gone; its files follow after file.delete.delay.ms.
//
// Versions: 4 flexible, 5 error messages, 6 by topic id.
//
// Departures: none.
func (b *Broker) deleteTopics(q *request) {
	req := kmsg.NewPtrDeleteTopicsRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	refs := make([]metadata.TopicRef, 0, len(req.Topics)+len(req.TopicNames))
	for i := range req.TopicNames {
		refs = append(refs, metadata.TopicRef{Name: &req.TopicNames[i]})
	}
	for i := range req.Topics {
		refs = append(refs, metadata.TopicRef{Name: req.Topics[i].Topic, ID: req.Topics[i].TopicID})
	}
	var results []metadata.DeletedTopic
	b.quorum.ProposeFunc(
		func(img *metadata.Image, _ wire.Offset) []metadata.Record {
			var records []metadata.Record
			settings := metadata.DeleteSettings{Enabled: b.config.DeleteTopics, Version: q.hdr.Version}
			records, results = metadata.DeleteTopics(img, refs, settings)
			return records
		},
		func(_ wire.Offset, err error) {
			if err != nil && len(results) == 0 { // it came not even to a decision
				results = make([]metadata.DeletedTopic, len(refs))
				for i, ref := range refs {
					results[i].Name, results[i].ID = ref.Name, ref.ID
				}
			}
			resp := kmsg.NewPtrDeleteTopicsResponse()
			for i := range results {
				r := &results[i]
				if err != nil {
					r.Code, r.Message = proposalCode(err), err.Error()
				}
				resp.Topics = append(resp.Topics, deletedTopic(r))
			}
			q.reply(resp)
		})
}

func deletedTopic(r *metadata.DeletedTopic) kmsg.DeleteTopicsResponseTopic {
	out := kmsg.NewDeleteTopicsResponseTopic()
	out.Topic, out.TopicID, out.ErrorCode = r.Name, r.ID, int16(r.Code)
	if r.Code != errcode.None {
		message := cmp.Or(r.Message, r.Code.Message())
		out.ErrorMessage = &message
	}
	return out
}
