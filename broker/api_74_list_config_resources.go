package broker

import (
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/metadata"
	"tailrace/wire/errcode"
)

// ListConfigResources, key 74, versions 0 to 1.
//
// Behaviour: what DescribeConfigs can be asked about: all topics and brokers,
// and the groups and client-metrics subscriptions that have settings.
//
// Versions: 0 client-metrics subscriptions only, under the name
// ListClientMetricsResources; 1 any types, all of them when none is named.
//
// Departures: none.
func (b *Broker) listConfigResources(q *request) {
	req := kmsg.NewPtrListConfigResourcesRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	resp := kmsg.NewPtrListConfigResourcesResponse()
	asked := req.ResourceTypes
	switch {
	case q.hdr.Version == 0:
		asked = []int8{int8(metadata.ResourceClientMetrics)}
	case len(asked) == 0:
		asked = listedTypes
	}
	if slices.ContainsFunc(asked, func(t int8) bool { return !slices.Contains(listedTypes, t) }) {
		resp.ErrorCode = int16(errcode.UnsupportedVersion)
		q.reply(resp)
		return
	}
	img := b.quorum.Image()
	for _, t := range listedTypes { // in one order, each once, however they are asked for
		if !slices.Contains(asked, t) {
			continue
		}
		for _, name := range resourcesOf(img, metadata.ResourceType(t)) {
			r := kmsg.NewListConfigResourcesResponseConfigResource()
			r.Name, r.Type = name, t
			resp.ConfigResources = append(resp.ConfigResources, r)
		}
	}
	q.reply(resp)
}

// listedTypes are the types of resources, in Kafka's order.
var listedTypes = []int8{int8(metadata.ResourceGroup), int8(metadata.ResourceClientMetrics), int8(resourceBrokerLogger),
	int8(metadata.ResourceBroker), int8(metadata.ResourceTopic)}

func resourcesOf(img *metadata.Image, t metadata.ResourceType) []string {
	var names []string
	switch t {
	case metadata.ResourceTopic:
		for topic := range img.Topics() {
			names = append(names, topic.Name)
		}
		slices.Sort(names)
	case metadata.ResourceBroker, resourceBrokerLogger:
		for _, broker := range img.Brokers() {
			names = append(names, strconv.Itoa(int(broker.ID)))
		}
	default:
		names = img.Configured(t)
	}
	return names
}
