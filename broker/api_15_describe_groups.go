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
	split := func(n int32) []groupPart {
		parts := byShard(req.Groups, n)
		for i := range parts {
			one := kmsg.NewPtrDescribeGroupsRequest()
			one.Version, one.IncludeAuthorizedOperations = req.Version, req.IncludeAuthorizedOperations
			one.Groups = pick(req.Groups, &parts[i])
			parts[i].req = one
		}
		return parts
	}
	b.askGroups(q, split, func(parts []groupPart) kmsg.Response {
		resp := kmsg.NewPtrDescribeGroupsResponse()
		resp.Groups = make([]kmsg.DescribeGroupsResponseGroup, len(req.Groups))
		for i := range parts {
			spread(resp.Groups, parts[i].resp.(*kmsg.DescribeGroupsResponse).Groups, &parts[i])
		}
		for i := range resp.Groups {
			if g := &resp.Groups[i]; req.IncludeAuthorizedOperations && g.ErrorCode == 0 {
				g.AuthorizedOperations = groupOperations
			}
		}
		return resp
	})
}

// groupOperations are the operations that a group knows: read, delete, describe, describe and alter its configs.
const groupOperations = 1<<3 | 1<<6 | 1<<8 | 1<<10 | 1<<11
