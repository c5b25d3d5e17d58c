package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// DescribeCluster, key 60, versions 0 to 2.
//
// Behaviour: the brokers, at the addresses that Metadata gives. Controllers
// have no listener of their own here, so asking for them is
// MISMATCHED_ENDPOINT_TYPE, as at any broker of Kafka.
//
// Versions: 1 endpoint type, 2 fenced brokers.
//
// Departures: none.
func (b *Broker) describeCluster(q *request) {
	req := kmsg.NewPtrDescribeClusterRequest()
	if !decode(q, req) {
		return
	}
	resp := kmsg.NewPtrDescribeClusterResponse()
	resp.ClusterID, resp.ControllerID = b.clusterID, int32(b.config.NodeID)
	resp.EndpointType = 1
	if q.hdr.Version >= 1 && req.EndpointType != 1 {
		code, message := errcode.MismatchedEndpointType, "The request was sent to an endpoint of type BROKER, "+
			"but we wanted an endpoint of type CONTROLLER"
		if req.EndpointType != 2 {
			code, message = errcode.UnsupportedEndpointType, "Unsupported endpoint type"
		}
		resp.ErrorCode, resp.ErrorMessage = int16(code), &message
		q.reply(resp)
		return
	}
	if req.IncludeClusterAuthorizedOperations {
		resp.ClusterAuthorizedOperations = clusterOperations
	}
	for _, n := range b.allNodes(q, b.quorum.Image()) {
		if n.fenced && !req.IncludeFencedBrokers {
			continue
		}
		m := kmsg.NewDescribeClusterResponseBroker()
		m.NodeID, m.Host, m.Port, m.Rack, m.IsFenced = n.id, n.host, n.port, n.rack, n.fenced
		resp.Brokers = append(resp.Brokers, m)
	}
	q.reply(resp)
}
