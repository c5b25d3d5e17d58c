package group

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

const (
	typeClassic      = "classic"
	describeNotFound = 6 // the first version of DescribeGroups in which a group can be missing (KIP-1043)
)

// list is ListGroups: filters know neither case nor, for states, spaces around them (GroupMetadataManager.listGroups).
func (m *Machine) list(req *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse {
	r := kmsg.NewPtrListGroupsResponse()
	r.Version = req.Version
	if len(req.TypesFilter) > 0 && !slices.ContainsFunc(req.TypesFilter, func(t string) bool {
		return strings.EqualFold(t, typeClassic)
	}) {
		return r
	}
	for _, id := range m.ids() {
		g := m.groups[id]
		if len(req.StatesFilter) > 0 && !slices.ContainsFunc(req.StatesFilter, func(s string) bool {
			return strings.EqualFold(strings.TrimSpace(s), g.state.String())
		}) {
			continue
		}
		one := kmsg.NewListGroupsResponseGroup()
		one.Group, one.ProtocolType, one.GroupState, one.GroupType = id, g.protocolType, g.state.String(), "classic"
		r.Groups = append(r.Groups, one)
	}
	return r
}

// describe is DescribeGroups. What a principal may do with a group is the caller's to fill in.
func (m *Machine) describe(req *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse {
	r := kmsg.NewPtrDescribeGroupsResponse()
	r.Version = req.Version
	for _, id := range req.Groups {
		if g := m.groups[id]; g != nil {
			r.Groups = append(r.Groups, g.describe())
			continue
		}
		one := kmsg.NewDescribeGroupsResponseGroup()
		one.Group, one.State = id, stateDead
		if req.Version >= describeNotFound {
			message := "Group " + id + " not found."
			one.ErrorCode, one.ErrorMessage = int16(errcode.GroupIDNotFound), &message
		}
		r.Groups = append(r.Groups, one)
	}
	return r
}

// describe tells a protocol, and what the members say for it, only of a stable group.
func (g *group) describe() kmsg.DescribeGroupsResponseGroup {
	d := kmsg.NewDescribeGroupsResponseGroup()
	d.Group, d.State, d.ProtocolType = g.id, g.state.String(), g.protocolType
	if g.state == stable {
		d.Protocol = g.protocol
	}
	for _, n := range g.members {
		one := kmsg.NewDescribeGroupsResponseGroupMember()
		one.MemberID, one.InstanceID, one.ClientID, one.ClientHost = n.id, n.instance, n.clientID, n.clientHost
		one.MemberAssignment = n.assignment
		if g.state == stable {
			one.ProtocolMetadata = n.metadata(g.protocol)
		}
		d.Members = append(d.Members, one)
	}
	return d
}

// deleteGroups is DeleteGroups: groups without members, and all their offsets (GroupCoordinatorShard.deleteGroups).
func (m *Machine) deleteGroups(req *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse {
	r := kmsg.NewPtrDeleteGroupsResponse()
	r.Version = req.Version
	for _, id := range req.Groups {
		one := kmsg.NewDeleteGroupsResponseGroup()
		one.Group = id
		switch g := m.groups[id]; {
		case g == nil:
			one.ErrorCode = int16(errcode.GroupIDNotFound)
		case g.state != empty:
			one.ErrorCode = int16(errcode.NonEmptyGroup)
		default:
			for _, t := range g.everything() {
				for _, p := range t.Partitions {
					m.append(offsetTombstone(id, t.Topic, p))
				}
			}
			m.append(groupTombstone(id))
			m.forget(g)
		}
		r.Groups = append(r.Groups, one)
	}
	return r
}
