package broker

import "github.com/twmb/franz-go/pkg/kmsg"

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
	ids := distinct(req.Groups)
	split := func(n int32) []groupPart {
		parts := byShard(ids, n)
		for i := range parts {
			one := kmsg.NewPtrDeleteGroupsRequest()
			one.Version, one.Groups = req.Version, pick(ids, &parts[i])
			parts[i].req = one
		}
		return parts
	}
	b.askGroups(q, split, func(parts []groupPart) kmsg.Response {
		resp := kmsg.NewPtrDeleteGroupsResponse()
		resp.Groups = make([]kmsg.DeleteGroupsResponseGroup, len(ids))
		for i := range parts {
			spread(resp.Groups, parts[i].resp.(*kmsg.DeleteGroupsResponse).Groups, &parts[i])
		}
		return resp
	})
}

// distinct leaves out what stands in list before.
func distinct(list []string) []string {
	seen := make(map[string]bool, len(list))
	kept := list[:0]
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			kept = append(kept, s)
		}
	}
	return kept
}
