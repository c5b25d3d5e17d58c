package broker

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/config"
	"tailrace/broker/metadata"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// IncrementalAlterConfigs, key 44, versions 0 to 1.
//
// Behaviour: single settings are set, deleted, or changed as lists. A resource
// changes as a whole or not at all. When the answer comes, the change is on
// disk and the partitions concerned work by it: those of a topic, or, for
// settings of this broker and of all brokers (""), every one that has no value
// of its own.
//
// Versions: 1 flexible.
//
// Departures: an unknown setting of a broker is INVALID_CONFIG, where Kafka
// stores it without effect; unknown names come with the nearest known one;
// settings of brokers that Kafka changes while it runs, and that mean
// something else or nothing here, are refused like those that are read at
// start; a topic's list that is not set is changed from the value in force,
// where Kafka passes over the broker's default; an unknown operation is
// INVALID_REQUEST (Kafka: UNKNOWN_SERVER_ERROR); log levels are fixed.
func (b *Broker) incrementalAlterConfigs(q *request) {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	resources := make([]metadata.AlterResource, len(req.Resources))
	for i := range req.Resources {
		r := &req.Resources[i]
		resources[i] = metadata.AlterResource{Type: int8(r.ResourceType), Name: r.ResourceName}
		for _, c := range r.Configs {
			change := metadata.ConfigChange{Name: c.Name, Op: metadata.ConfigOp(c.Op), Value: c.Value}
			resources[i].Changes = append(resources[i].Changes, change)
		}
	}
	b.alter(resources, req.ValidateOnly, func(results []metadata.Result) {
		resp := kmsg.NewPtrIncrementalAlterConfigsResponse()
		for i := range results {
			out := kmsg.NewIncrementalAlterConfigsResponseResource()
			out.ResourceType, out.ResourceName = req.Resources[i].ResourceType, req.Resources[i].ResourceName
			out.ErrorCode, out.ErrorMessage = told(&results[i])
			resp.Resources = append(resp.Resources, out)
		}
		q.reply(resp)
	})
}

// told is a result as answers have it: no message with success.
func told(r *metadata.Result) (code int16, message *string) {
	if r.OK() {
		return 0, nil
	}
	text := cmp.Or(r.Message, r.Code.Message())
	return int16(r.Code), &text
}

// alter proposes changes of configs and answers with one result per resource.
func (b *Broker) alter(resources []metadata.AlterResource, validateOnly bool, answer func([]metadata.Result)) {
	settings := metadata.AlterSettings{
		NodeID: int32(b.config.NodeID), ValidateOnly: validateOnly,
		Check: b.checkConfigs, List: b.listConfig, Logger: b.alterLogger,
	}
	var results []metadata.Result
	b.quorum.ProposeFunc(
		func(img *metadata.Image, _ wire.Offset) []metadata.Record {
			var records []metadata.Record
			records, results = metadata.AlterConfigs(img, resources, settings)
			return records
		},
		func(_ wire.Offset, err error) {
			if err != nil {
				refused := refusedProposal(err)
				results = make([]metadata.Result, len(resources))
				for i := range results {
					results[i] = refused
				}
			}
			answer(results)
		})
}

// checkConfigs judges all that a resource would have set.
func (b *Broker) checkConfigs(r metadata.Resource, configs map[string]string) metadata.Result {
	var err error
	switch r.Type {
	case metadata.ResourceTopic:
		_, err = b.live().Topic(configs)
	case metadata.ResourceBroker:
		err = b.config.CheckDynamic(configs)
	case metadata.ResourceGroup:
		err = b.live().CheckGroup(configs)
	case metadata.ResourceClientMetrics:
		err = config.CheckClientMetrics(configs)
	}
	var bad *config.RequestError
	switch {
	case err == nil:
		return metadata.Result{}
	case errors.As(err, &bad):
		return metadata.Result{Code: errcode.InvalidRequest, Message: err.Error()}
	}
	return metadata.Result{Code: errcode.InvalidConfig, Message: err.Error()}
}

func (b *Broker) listConfig(r metadata.Resource, name string) (standard string, list bool) {
	switch r.Type {
	case metadata.ResourceTopic:
		return b.live().ListsTopic(name)
	case metadata.ResourceBroker:
		return b.config.Lists(name)
	case metadata.ResourceGroup:
		return config.ListsOf(config.Group, name)
	}
	return config.ListsOf(config.ClientMetrics, name)
}

// alterLogger refuses every change of a log level, in Kafka's order and words.
func (b *Broker) alterLogger(node string, changes []metadata.ConfigChange) metadata.Result {
	refuse := func(code errcode.Code, format string, args ...any) metadata.Result {
		return metadata.Result{Code: code, Message: fmt.Sprintf(format, args...)}
	}
	id, err := strconv.ParseInt(node, 10, 32)
	switch {
	case err != nil:
		return refuse(errcode.InvalidRequest, "Node id must be an integer, but it is: %s", node)
	case int(id) != b.config.NodeID:
		return refuse(errcode.InvalidRequest, "Unexpected node id. Expected %d, but received %s", b.config.NodeID, node)
	}
	for _, c := range changes {
		switch {
		case c.Op == metadata.ConfigAppend:
			return refuse(errcode.InvalidRequest, "APPEND operation is not allowed for the BROKER_LOGGER resource")
		case c.Op == metadata.ConfigSubtract:
			return refuse(errcode.InvalidRequest, "SUBTRACT operation is not allowed for the BROKER_LOGGER resource")
		case c.Name != rootLogger:
			return refuse(errcode.InvalidConfig, "Logger %s does not exist!", c.Name)
		}
		return refuse(errcode.InvalidRequest, "The log level cannot be changed while the broker runs.")
	}
	return metadata.Result{}
}
