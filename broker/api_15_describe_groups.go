package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// DescribeGroups, key 15, versions 0 to 6.
//
// Behaviour: each group, in the order of the request, with its members. The authorized operations are all there are.
//
// Versions: 3 authorized operations, 4 instance ids, 5 flexible, 6 GROUP_ID_NOT_FOUND instead of the state Dead.
//
// Departures: none.
func (b *Broker) describeGroups(q *request) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	if !decode(q, req) {
		return
	}
	parts := make([]groupPart, len(req.Groups))
	for i, id := range req.Groups {
		one := kmsg.NewPtrDescribeGroupsRequest()
		one.Version, one.IncludeAuthorizedOperations = req.Version, req.IncludeAuthorizedOperations
		one.Groups = []string{id}
		parts[i] = groupPart{group: id, req: one}
	}
	b.askGroups(q, parts, func(parts []groupPart) kmsg.Response {
		resp := kmsg.NewPtrDescribeGroupsResponse()
		for _, p := range parts {
			for _, g := range p.resp.(*kmsg.DescribeGroupsResponse).Groups {
				if req.IncludeAuthorizedOperations && g.ErrorCode == 0 {
					g.AuthorizedOperations = groupOperations
				}
				resp.Groups = append(resp.Groups, g)
			}
		}
		return resp
	})
}

// groupOperations are the operations that a group knows: read, delete, describe, describe and alter its configs.
const groupOperations = 1<<3 | 1<<6 | 1<<8 | 1<<10 | 1<<11
