package group

import "tailrace/wire"

// consumerProtocol is the protocol type of consumers, the only one whose metadata the coordinator looks into.
const consumerProtocol = "consumer"

// subscribe finds out which topics the members of the generation use (ClassicGroup.computeSubscribedTopics): their
// offsets do not expire and cannot be deleted. With a subscription that cannot be read nothing is known of the group.
func (g *group) subscribe() {
	g.topics = nil
	if g.protocolType != consumerProtocol || len(g.members) > 0 && g.protocol == "" {
		return
	}
	topics := map[string]struct{}{}
	for _, n := range g.members {
		if !subscription(n.metadata(g.protocol), topics) {
			return
		}
	}
	g.topics = topics
}

// subscription adds the topics of a consumer's subscription. Every version of it begins as version 0 does:
//
//	i16 version | [ topic ] | userData bytes?
//
// Source: ConsumerProtocolSubscription.json.
func subscription(b []byte, topics map[string]struct{}) bool {
	var r wire.Reader
	r.Reset(b)
	r.Int16()
	n := r.ArrayLen(2)
	for range n {
		topics[string(r.String())] = struct{}{}
	}
	r.NullableBytes()
	return r.Err() == nil
}
