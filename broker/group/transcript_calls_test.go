package group

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// call makes a call of "VERB NAME GROUP key=value …". Every verb takes v= (the version, default: the newest); client=
// and host= say who calls. Names without a value: "" (member=) or null (instance left out).
//
//	join      session=10000 rebalance=60000 member= instance= type=consumer protocols=range:t1+t2,roundrobin:t1
//	sync      generation= member= instance= type= protocol= assign=MEMBER:BYTES,MEMBER:BYTES
//	beat      generation= member= instance=
//	leave     MEMBER… , or instance=NAME…, or member/instance
//	commit    generation=-1 member= instance= retention= offsets=t/0:5:META:EPOCH,t/1:6   (v10: id=1 for all topics)
//	fetch     t/0 t/1 … , none for all                                          (v8+: several groups with more=g2,g3)
//	forget    t/0 t/1 …
//	list      states= types=          describe g2 …          delete g2 …
func (p *player) call(words []string) Event {
	verb, name, rest := words[0], words[1], words[2:]
	group := ""
	if len(rest) > 0 && !strings.Contains(rest[0], "=") && verb != "list" {
		group, rest = rest[0], rest[1:]
	}
	a := args(rest)
	c := Call{To: name, ClientID: "c", ClientHost: "/h"}
	if id, ok := a["client"]; ok {
		c.ClientID = id
	}
	switch verb {
	case "join":
		c.Request = joinCall(group, a)
	case "sync":
		c.Request = syncCall(group, a)
	case "beat":
		r := kmsg.NewPtrHeartbeatRequest()
		r.Group, r.Generation, r.MemberID, r.InstanceID = group, generation(a), long(a["member"]), instance(a)
		c.Request = r
	case "leave":
		c.Request = leaveCall(group, rest)
	case "commit":
		c.Request = commitCall(group, a)
	case "fetch":
		c.Request = fetchCall(group, rest, a)
	case "forget":
		c.Request = forgetCall(group, rest)
	case "list":
		r := kmsg.NewPtrListGroupsRequest()
		r.StatesFilter, r.TypesFilter = commas(a["states"]), commas(a["types"])
		c.Request = r
	case "describe":
		r := kmsg.NewPtrDescribeGroupsRequest()
		r.Groups = append([]string{group}, plain(rest)...)
		c.Request = r
	case "delete":
		r := kmsg.NewPtrDeleteGroupsRequest()
		r.Groups = append([]string{group}, plain(rest)...)
		c.Request = r
	default:
		p.t.Fatalf("no command %q", verb)
	}
	c.Request.SetVersion(int16(number(a["v"], int64(c.Request.MaxVersion()))))
	if f, ok := c.Request.(*kmsg.OffsetFetchRequest); ok {
		singleGroup(f)
	}
	return c
}

// plain is the words that are not key=value.
func plain(words []string) []string {
	var list []string
	for _, w := range words {
		if !strings.Contains(w, "=") {
			list = append(list, w)
		}
	}
	return list
}

// commas splits at commas; "_" stands for a space.
func commas(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.ReplaceAll(text, "_", " "), ",")
}

func generation(a map[string]string) int32 { return int32(number(a["generation"], -1)) }

func instance(a map[string]string) *string { return given(a, "instance") }

func given(a map[string]string, name string) *string {
	if v, ok := a[name]; ok {
		return &v
	}
	return nil
}

func joinCall(group string, a map[string]string) *kmsg.JoinGroupRequest {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Group, r.MemberID, r.InstanceID = group, long(a["member"]), instance(a)
	r.SessionTimeoutMillis = int32(number(a["session"], 10000))
	r.RebalanceTimeoutMillis = int32(number(a["rebalance"], 60000))
	r.ProtocolType = "consumer"
	if t, ok := a["type"]; ok {
		r.ProtocolType = t
	}
	protocols, ok := a["protocols"]
	if !ok {
		protocols = "range:t1"
	}
	for _, w := range commas(protocols) {
		one := kmsg.NewJoinGroupRequestProtocol()
		name, topics, _ := strings.Cut(w, ":")
		one.Name, one.Metadata = name, []byte(topics)
		if r.ProtocolType == "consumer" && topics != "broken" {
			one.Metadata = subscriptionBytes(topics)
		}
		r.Protocols = append(r.Protocols, one)
	}
	return r
}

func syncCall(group string, a map[string]string) *kmsg.SyncGroupRequest {
	r := kmsg.NewPtrSyncGroupRequest()
	r.Group, r.Generation, r.MemberID, r.InstanceID = group, generation(a), long(a["member"]), instance(a)
	kind, protocol := "consumer", "range"
	r.ProtocolType, r.Protocol = &kind, &protocol
	if t, ok := a["type"]; ok {
		if r.ProtocolType = &t; t == "null" {
			r.ProtocolType = nil
		}
	}
	if t, ok := a["protocol"]; ok {
		r.Protocol = &t
	}
	for _, w := range commas(a["assign"]) {
		one := kmsg.NewSyncGroupRequestGroupAssignment()
		id, bytes, _ := strings.Cut(w, ":")
		one.MemberID, one.MemberAssignment = long(id), []byte(bytes)
		r.GroupAssignment = append(r.GroupAssignment, one)
	}
	return r
}

func leaveCall(group string, words []string) *kmsg.LeaveGroupRequest {
	r := kmsg.NewPtrLeaveGroupRequest()
	r.Group = group
	for _, w := range words {
		if strings.HasPrefix(w, "v=") {
			continue
		}
		one := kmsg.NewLeaveGroupRequestMember()
		if name, ok := strings.CutPrefix(w, "instance="); ok {
			one.InstanceID = &name
		} else if id, name, ok := strings.Cut(w, "/"); ok {
			one.MemberID, one.InstanceID = long(id), &name
		} else {
			one.MemberID = long(w)
		}
		r.MemberID = one.MemberID
		r.Members = append(r.Members, one)
	}
	return r
}

func commitCall(group string, a map[string]string) *kmsg.OffsetCommitRequest {
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Group, r.Generation, r.MemberID, r.InstanceID = group, generation(a), long(a["member"]), instance(a)
	r.RetentionTimeMillis = number(a["retention"], -1)
	for _, w := range commas(a["offsets"]) {
		parts := strings.Split(w, ":")
		topic, partition, _ := strings.Cut(parts[0], "/")
		if len(r.Topics) == 0 || r.Topics[len(r.Topics)-1].Topic != topic {
			one := kmsg.NewOffsetCommitRequestTopic()
			one.Topic, one.TopicID = topic, topicID(a["id"])
			r.Topics = append(r.Topics, one)
		}
		one := kmsg.NewOffsetCommitRequestTopicPartition()
		one.Partition, one.Offset = int32(number(partition, 0)), number(parts[1], 0)
		if len(parts) > 2 {
			one.Metadata = &parts[2]
		}
		if len(parts) > 3 {
			one.LeaderEpoch = int32(number(parts[3], -1))
		}
		t := &r.Topics[len(r.Topics)-1]
		t.Partitions = append(t.Partitions, one)
	}
	return r
}

func fetchCall(group string, words []string, a map[string]string) *kmsg.OffsetFetchRequest {
	r := kmsg.NewPtrOffsetFetchRequest()
	for _, id := range append([]string{group}, commas(a["more"])...) {
		one := kmsg.NewOffsetFetchRequestGroup()
		one.Group = id
		for _, w := range plain(words) {
			topic, partition, _ := strings.Cut(w, "/")
			if n := len(one.Topics); n == 0 || one.Topics[n-1].Topic != topic {
				t := kmsg.NewOffsetFetchRequestGroupTopic()
				t.Topic, t.TopicID = topic, topicID(a["id"])
				one.Topics = append(one.Topics, t)
			}
			t := &one.Topics[len(one.Topics)-1]
			t.Partitions = append(t.Partitions, int32(number(partition, 0)))
		}
		r.Groups = append(r.Groups, one)
	}
	return r
}

// singleGroup moves the first group to where it stands in versions before 8.
func singleGroup(r *kmsg.OffsetFetchRequest) {
	if r.Version >= fetchBatched {
		return
	}
	r.Group = r.Groups[0].Group
	for _, t := range r.Groups[0].Topics {
		r.Topics = append(r.Topics, kmsg.OffsetFetchRequestTopic{Topic: t.Topic, Partitions: t.Partitions})
	}
	r.Groups = nil
}

func forgetCall(group string, words []string) *kmsg.OffsetDeleteRequest {
	r := kmsg.NewPtrOffsetDeleteRequest()
	r.Group = group
	for _, w := range plain(words) {
		topic, partition, _ := strings.Cut(w, "/")
		if n := len(r.Topics); n == 0 || r.Topics[n-1].Topic != topic {
			one := kmsg.NewOffsetDeleteRequestTopic()
			one.Topic = topic
			r.Topics = append(r.Topics, one)
		}
		t := &r.Topics[len(r.Topics)-1]
		t.Partitions = append(t.Partitions, kmsg.OffsetDeleteRequestTopicPartition{Partition: int32(number(partition, 0))})
	}
	return r
}
