package group

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/effect"
	"tailrace/wire/errcode"
)

// showRecord tells a record in a line.
func showRecord(r effect.Record) string {
	k, err := parseKey(r.Key)
	if err != nil {
		return err.Error()
	}
	if k.kind == typeGroup {
		return "group " + k.group + " " + showGroup(r.Value)
	}
	at := fmt.Sprintf("offset %s %s/%d", k.group, k.topic, k.partition)
	if r.Value == nil {
		return at + " gone"
	}
	c, err := parseOffset(r.Value, k.kind)
	if err != nil {
		return at + " " + err.Error()
	}
	at += fmt.Sprintf(" = %d epoch %d %q at %d", c.offset, c.leaderEpoch, c.metadata, c.commitMs)
	if c.expireMs != never {
		at += fmt.Sprintf(" expires %d", c.expireMs)
	}
	if c.topicID != ([16]byte{}) {
		at += fmt.Sprintf(" id %d", c.topicID[15])
	}
	return at
}

func showGroup(value []byte) string {
	if value == nil {
		return "gone"
	}
	s, err := parseGroup(value)
	if err != nil {
		return err.Error()
	}
	out := fmt.Sprintf("generation %d %s/%s leader %s since %d", s.generation, s.protocolType, s.protocol, s.leader,
		s.stateMs)
	for i := range s.members {
		m := &s.members[i]
		out += fmt.Sprintf("\n    %s%s %s%s session %d rebalance %d has %q gets %q", m.id, showInstance(m.instance),
			m.clientID, m.clientHost, m.sessionMs, m.rebalanceMs, showTopics(m.subscription), m.assignment)
	}
	return out
}

func showInstance(s *string) string {
	if s == nil {
		return ""
	}
	return "(" + *s + ")"
}

func showTopics(b []byte) string {
	topics := map[string]struct{}{}
	if !subscription(b, topics) {
		return string(b)
	}
	var list []string
	for t := range topics {
		list = append(list, t)
	}
	slices.Sort(list)
	return strings.Join(list, "+")
}

func code(c int16) string { return errcode.Code(c).Name() }

func showReply(r kmsg.Response) string {
	switch r := r.(type) {
	case *kmsg.JoinGroupResponse:
		return showJoin(r)
	case *kmsg.SyncGroupResponse:
		if r.ErrorCode != 0 {
			return code(r.ErrorCode)
		}
		return fmt.Sprintf("NONE %s/%s gets %q", orEmpty(r.ProtocolType), orEmpty(r.Protocol), r.MemberAssignment)
	case *kmsg.HeartbeatResponse:
		return code(r.ErrorCode)
	case *kmsg.LeaveGroupResponse:
		out := code(r.ErrorCode)
		for _, m := range r.Members {
			out += fmt.Sprintf(" %s%s=%s", m.MemberID, showInstance(m.InstanceID), code(m.ErrorCode))
		}
		return out
	case *kmsg.OffsetCommitResponse:
		var out []string
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				out = append(out, fmt.Sprintf("%s/%d=%s", t.Topic, p.Partition, code(p.ErrorCode)))
			}
		}
		return strings.Join(out, " ")
	case *kmsg.OffsetFetchResponse:
		return showFetch(r)
	case *kmsg.OffsetDeleteResponse:
		out := code(r.ErrorCode)
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				out += fmt.Sprintf(" %s/%d=%s", t.Topic, p.Partition, code(p.ErrorCode))
			}
		}
		return out
	default:
		return showAdmin(r)
	}
}

func showJoin(r *kmsg.JoinGroupResponse) string {
	if r.ErrorCode != 0 {
		return fmt.Sprintf("%s member %q generation %d", code(r.ErrorCode), r.MemberID, r.Generation)
	}
	out := fmt.Sprintf("NONE generation %d %s/%s leader %s member %s", r.Generation, orEmpty(r.ProtocolType),
		orEmpty(r.Protocol), r.LeaderID, r.MemberID)
	if r.SkipAssignment {
		out += " skip assignment"
	}
	for _, m := range r.Members {
		out += fmt.Sprintf(" [%s%s %s]", m.MemberID, showInstance(m.InstanceID), showTopics(m.ProtocolMetadata))
	}
	return out
}

func showFetch(r *kmsg.OffsetFetchResponse) string {
	tell := func(topic string, p, code16 int, offset int64, epoch int32, metadata *string) string {
		if code16 != 0 {
			return fmt.Sprintf(" %s/%d=%s", topic, p, code(int16(code16)))
		}
		return fmt.Sprintf(" %s/%d=%d:%q:%d", topic, p, offset, orEmpty(metadata), epoch)
	}
	out := code(r.ErrorCode)
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			out += tell(t.Topic, int(p.Partition), int(p.ErrorCode), p.Offset, p.LeaderEpoch, p.Metadata)
		}
	}
	for _, g := range r.Groups {
		out += fmt.Sprintf(" %s:%s", g.Group, code(g.ErrorCode))
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				out += tell(t.Topic, int(p.Partition), int(p.ErrorCode), p.Offset, p.LeaderEpoch, p.Metadata)
			}
		}
	}
	return out
}

func showAdmin(r kmsg.Response) string {
	switch r := r.(type) {
	case *kmsg.ListGroupsResponse:
		out := code(r.ErrorCode)
		for _, g := range r.Groups {
			out += fmt.Sprintf(" %s:%q:%s:%s", g.Group, g.ProtocolType, g.GroupState, g.GroupType)
		}
		return out
	case *kmsg.DescribeGroupsResponse:
		var out []string
		for _, g := range r.Groups {
			one := fmt.Sprintf("%s %s %s %q/%q", g.Group, code(g.ErrorCode), g.State, g.ProtocolType, g.Protocol)
			if g.ErrorMessage != nil {
				one += " " + *g.ErrorMessage
			}
			for _, m := range g.Members {
				one += fmt.Sprintf(" [%s%s %s%s has %q gets %q]", m.MemberID, showInstance(m.InstanceID), m.ClientID,
					m.ClientHost, showTopics(m.ProtocolMetadata), m.MemberAssignment)
			}
			out = append(out, one)
		}
		return strings.Join(out, "\n    ")
	case *kmsg.DeleteGroupsResponse:
		var out []string
		for _, g := range r.Groups {
			out = append(out, g.Group+"="+code(g.ErrorCode))
		}
		return strings.Join(out, " ")
	}
	return fmt.Sprintf("%T", r)
}
