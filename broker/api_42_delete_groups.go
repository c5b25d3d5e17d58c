package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// DeleteGroups, key 42, versions 0 to 3.
//
// Behaviour: groups without members go, with their offsets; each succeeds or fails for itself. A group that is named
// twice is answered once.
//
// Versions: 2 flexible, 3 error messages.
//
// Departures: none.
func (b *Broker) deleteGroups(q *request) {
	req := kmsg.NewPtrDeleteGroupsRequest()
	if !decode(q, req) {
		return
	}
	var parts []groupPart
	for i, id := range req.Groups {
		if slices.Contains(req.Groups[:i], id) {
			continue
		}
		one := kmsg.NewPtrDeleteGroupsRequest()
		one.Version, one.Groups = req.Version, []string{id}
		parts = append(parts, groupPart{group: id, req: one})
	}
	b.askGroups(q, parts, func(parts []groupPart) kmsg.Response {
		resp := kmsg.NewPtrDeleteGroupsResponse()
		for _, p := range parts {
			resp.Groups = append(resp.Groups, p.resp.(*kmsg.DeleteGroupsResponse).Groups...)
		}
		return resp
	})
}
