package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/metadata"
	"tailrace/wire/errcode"
)

// DescribeTopicPartitions, key 75, version 0.
//
// Behaviour: topics by name, all of them when none is named, with their
// partitions, up to max.request.partition.size.limit in one answer (or fewer,
// if the client wants fewer). When there are more, the answer says where they
// go on.
//
// Versions: 0 only (KIP-966).
//
// Departures: none.
func (b *Broker) describeTopicPartitions(q *request) {
	req := kmsg.NewPtrDescribeTopicPartitionsRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	resp := kmsg.NewPtrDescribeTopicPartitionsResponse()
	img := b.quorum.Image()
	all := len(req.Topics) == 0
	names := describedNames(img, req)
	c := req.Cursor
	if c != nil && (c.Partition < 0 || !all && !slices.Contains(names, c.Topic)) {
		for i := range req.Topics { // there is no other place for it: a cursor that leads nowhere
			t := kmsg.NewDescribeTopicPartitionsResponseTopic()
			t.Topic, t.ErrorCode = &req.Topics[i].Topic, int16(errcode.InvalidRequest)
			resp.Topics = append(resp.Topics, t)
		}
		q.reply(resp)
		return
	}
	left := max(min(int(req.ResponsePartitionLimit), b.config.DescribePartitionsMax), 1)
	for _, name := range names {
		if left == 0 {
			resp.NextCursor = nextCursor(name, 0)
			break
		}
		t := img.TopicByName(name)
		if t == nil && all { // where the cursor stands, deleted meanwhile
			continue
		}
		from := 0
		if c != nil && c.Topic == name {
			from = int(c.Partition)
		}
		out, next := b.describedTopic(name, t, from, left)
		resp.Topics = append(resp.Topics, out)
		if next > 0 {
			resp.NextCursor = nextCursor(name, next)
			break
		}
		left -= len(out.Partitions)
	}
	q.reply(resp)
}

func nextCursor(topic string, partition int) *kmsg.DescribeTopicPartitionsResponseNextCursor {
	c := kmsg.NewDescribeTopicPartitionsResponseNextCursor()
	c.Topic, c.Partition = topic, int32(partition)
	return &c
}

// describedNames are the topics that the request is about, sorted, each once,
// from the cursor on.
func describedNames(img *metadata.Image, req *kmsg.DescribeTopicPartitionsRequest) []string {
	from := ""
	if req.Cursor != nil {
		from = req.Cursor.Topic
	}
	var names []string
	add := func(name string) {
		if name >= from {
			names = append(names, name)
		}
	}
	for i := range req.Topics {
		add(req.Topics[i].Topic)
	}
	if len(req.Topics) == 0 {
		for t := range img.Topics() {
			add(t.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// describedTopic is one topic with at most some of its partitions, and the
// first that is left over, 0 if none is.
func (b *Broker) describedTopic(
	name string, t *metadata.Topic, from, most int,
) (out kmsg.DescribeTopicPartitionsResponseTopic, next int) {
	out = kmsg.NewDescribeTopicPartitionsResponseTopic()
	out.Topic, out.IsInternal = &name, metadata.IsInternal(name)
	out.AuthorizedOperations = topicOperations
	if t == nil {
		out.ErrorCode = int16(errcode.UnknownTopicOrPartition)
		if metadata.CheckTopicName(name) != "" {
			out.ErrorCode = int16(errcode.InvalidTopicException)
		}
		return out, 0
	}
	out.TopicID = t.ID
	end := min(len(t.Partitions), from+most)
	local := b.topics.load().byID[t.ID]
	for i := from; i < end; i++ {
		p := t.Partitions[i]
		o := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
		o.Partition, o.LeaderID, o.LeaderEpoch = int32(i), p.Leader, int32(p.LeaderEpoch)
		o.Replicas, o.ISR, o.OfflineReplicas = p.Replicas, p.ISR, b.offlineReplicas(local, i, p)
		o.EligibleLeaderReplicas, o.LastKnownELR = append([]int32{}, p.ELR...), append([]int32{}, p.LastKnownELR...)
		if p.Leader < 0 {
			o.ErrorCode = int16(errcode.LeaderNotAvailable)
		}
		out.Partitions = append(out.Partitions, o)
	}
	if end < len(t.Partitions) {
		next = end
	}
	return out, next
}

// offlineReplicas names this broker if it leads a partition that it could not
// open. local may be nil.
func (b *Broker) offlineReplicas(local *topic, index int, p *metadata.Partition) []int32 {
	own := int32(b.config.NodeID)
	if local != nil && index < len(local.parts) && local.parts[index].p == nil && p.Leader == own {
		return []int32{own}
	}
	return nil
}
