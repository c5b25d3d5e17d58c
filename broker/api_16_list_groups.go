package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// ListGroups, key 16, versions 0 to 5.
//
// Behaviour: the groups that this broker coordinates. A client asks every broker. While one of the coordinators loads
// the answer is COORDINATOR_LOAD_IN_PROGRESS, and no groups.
//
// Versions: 3 flexible, 4 states, 5 types.
//
// Departures: none.
func (b *Broker) listGroups(q *request) {
	req := kmsg.NewPtrListGroupsRequest()
	if !decode(q, req) {
		return
	}
	var parts []groupPart
	for _, index := range b.groups.Led() {
		parts = append(parts, groupPart{shard: index, req: req})
	}
	b.newAsk(q, func(parts []groupPart) kmsg.Response {
		resp := kmsg.NewPtrListGroupsResponse()
		for _, p := range parts {
			one := p.resp.(*kmsg.ListGroupsResponse)
			switch code := errcode.Code(one.ErrorCode); code {
			case errcode.None:
				resp.Groups = append(resp.Groups, one.Groups...)
			case errcode.NotCoordinator: // its groups are another broker's
			default:
				resp.ErrorCode, resp.Groups = one.ErrorCode, nil
				return resp
			}
		}
		return resp
	}).start(parts)
}
