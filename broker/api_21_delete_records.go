package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/logdir"
	"tailrace/broker/metadata"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// DeleteRecords, key 21, versions 0 to 2.
//
// Behaviour: the log of each partition begins at the given offset from now on,
// -1 for the high watermark, and the answer tells where it begins. Fetches that
// wait are answered, whole segments below go with the next retention. It is on
// disk (log-start-offset-checkpoint) when the answer comes.
//
// Versions: 2 flexible.
//
// Departures: none. Kafka writes its checkpoint once a minute, and may forget a
// deletion that it has answered.
func (b *Broker) deleteRecords(q *request) {
	req := kmsg.NewPtrDeleteRecordsRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	// The checkpoints are synced, so this is no work for the one who reads.
	b.jobs.run(func() {
		resp := kmsg.NewPtrDeleteRecordsResponse()
		changed := map[*logdir.Dir][]*kmsg.DeleteRecordsResponseTopicPartition{}
		for i := range req.Topics {
			resp.Topics = append(resp.Topics, b.deleteFrom(&req.Topics[i], changed))
		}
		for d, list := range changed {
			if d.SaveCheckpoints() == nil {
				continue
			}
			for _, o := range list {
				o.ErrorCode, o.LowWatermark = int16(errcode.KafkaStorageError), -1
			}
		}
		q.reply(resp)
	})
}

// deleteFrom deletes records of one topic and notes the answers that wait for
// a directory's checkpoints.
func (b *Broker) deleteFrom(
	t *kmsg.DeleteRecordsRequestTopic, changed map[*logdir.Dir][]*kmsg.DeleteRecordsResponseTopicPartition,
) kmsg.DeleteRecordsResponseTopic {
	out := kmsg.NewDeleteRecordsResponseTopic()
	out.Topic = t.Topic
	out.Partitions = make([]kmsg.DeleteRecordsResponseTopicPartition, len(t.Partitions))
	entry := b.topics.load().byName[t.Topic]
	for i, asked := range t.Partitions {
		o := &out.Partitions[i]
		o.Default()
		o.Partition, o.LowWatermark = asked.Partition, -1
		p, code := entry.partition(asked.Partition)
		if code == errcode.None && metadata.IsInternal(t.Topic) {
			code = errcode.InvalidTopicException
		}
		if code == errcode.None {
			var low wire.Offset
			low, code = p.DeleteRecords(wire.Offset(asked.Offset))
			o.LowWatermark = int64(low)
		}
		if o.ErrorCode = int16(code); code == errcode.None {
			changed[p.Dir()] = append(changed[p.Dir()], o)
		}
	}
	return out
}
