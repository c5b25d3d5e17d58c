package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/metadata"
)

// AlterConfigs, key 33, versions 0 to 2.
//
// Behaviour: what is given becomes all that a resource has set; anything else
// it had is gone. Otherwise as IncrementalAlterConfigs, which clients should
// use: two of them that alter at once lose no change there.
//
// Versions: 2 flexible.
//
// Departures: those of IncrementalAlterConfigs.
func (b *Broker) alterConfigs(q *request) {
	req := kmsg.NewPtrAlterConfigsRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	resources := make([]metadata.AlterResource, len(req.Resources))
	for i := range req.Resources {
		r := &req.Resources[i]
		resources[i] = metadata.AlterResource{Type: int8(r.ResourceType), Name: r.ResourceName, Replace: true}
		for _, c := range r.Configs {
			resources[i].Changes = append(resources[i].Changes, metadata.ConfigChange{Name: c.Name, Value: c.Value})
		}
	}
	b.alter(resources, req.ValidateOnly, func(results []metadata.Result) {
		resp := kmsg.NewPtrAlterConfigsResponse()
		for i := range results {
			out := kmsg.NewAlterConfigsResponseResource()
			out.ResourceType, out.ResourceName = req.Resources[i].ResourceType, req.Resources[i].ResourceName
			out.ErrorCode, out.ErrorMessage = told(&results[i])
			resp.Resources = append(resp.Resources, out)
		}
		q.reply(resp)
	})
}
