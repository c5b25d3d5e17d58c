package broker_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch"
	"tailrace/batch/codec"
	"tailrace/wire/errcode"
)

func listOffsetsRequest(version int16, topic string, partition int32, ms int64) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version, req.ReplicaID, req.TimeoutMillis = version, -1, 10_000
	t, p := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.CurrentLeaderEpoch, p.Timestamp = partition, -1, ms
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

func (p *peer) listOffset(
	version int16, topic string, partition int32, ms int64,
) kmsg.ListOffsetsResponseTopicPartition {
	p.t.Helper()
	r := ask[*kmsg.ListOffsetsResponse](p, listOffsetsRequest(version, topic, partition, ms))
	return r.Topics[0].Partitions[0]
}

func epochEndRequest(version int16, topic string, partition, current, asked int32) *kmsg.OffsetForLeaderEpochRequest {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.Version, req.ReplicaID = version, -2
	t, p := kmsg.NewOffsetForLeaderEpochRequestTopic(), kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	p.Partition, p.CurrentLeaderEpoch, p.LeaderEpoch = partition, current, asked
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

// stamped writes three batches with known timestamps: offsets 0 to 7, the largest timestamp in the middle.
func stamped(p *peer, c codec.ID) (topic string) {
	topic = fresh(p.t)
	p.create(topic, 1)
	for _, group := range [][]int64{{1000, 1010, 1005}, {5000, 9000, 2000}, {3000, 9000}} {
		recs := make([]rec, len(group))
		for i, ms := range group {
			recs[i] = rec{value: []byte("v"), ms: ms}
		}
		p.wrote(topic, 0, build(p.t, batch.Options{Codec: c}, recs...))
	}
	return topic
}

// TestListOffsets asks for each special timestamp in each version, and for times.
func TestListOffsets(t *testing.T) {
	p := dial(t, serve(t).addr)
	topics := []string{stamped(p, codec.None), stamped(p, codec.Zstd)}
	cases := []struct {
		name       string
		ms         int64
		since      int16 // the first version that may ask
		offset, at int64
	}{
		{"latest", -1, 1, 8, -1},
		{"earliest", -2, 1, 0, -1},
		{"largest timestamp", -3, 7, 4, 9000},
		{"earliest local", -4, 8, 0, -1},
		{"last tiered", -5, 9, -1, -1},
		{"earliest pending upload", -6, 11, -1, -1},
		{"before everything", 0, 1, 0, 1000},
		{"exactly the first", 1000, 1, 0, 1000},
		{"inside the first batch", 1001, 1, 1, 1010},
		{"between batches", 1011, 1, 3, 5000},
		{"behind the largest of its batch's start", 5001, 1, 4, 9000},
		{"the largest", 9000, 1, 4, 9000},
		{"later than everything", 9001, 1, -1, -1},
	}
	for _, topic := range topics {
		for v := int16(1); v <= 11; v++ {
			for _, c := range cases {
				r := p.listOffset(v, topic, 0, c.ms)
				if v < c.since {
					code(t, c.name, r.ErrorCode, errcode.UnsupportedVersion)
					continue
				}
				code(t, c.name, r.ErrorCode, errcode.None)
				if r.Offset != c.offset || r.Timestamp != c.at {
					t.Errorf("v%d, %s (%d): offset %d at %d, want %d at %d", v, c.name, c.ms, r.Offset, r.Timestamp, c.offset, c.at)
				}
				if epoch := int32(0); v >= 4 && c.offset >= 0 && r.LeaderEpoch != epoch {
					t.Errorf("v%d, %s (%d): leader epoch %d, want %d", v, c.name, c.ms, r.LeaderEpoch, epoch)
				}
			}
		}
	}
}

// TestListOffsetsRefuses: what cannot be answered, each partition for itself.
func TestListOffsetsRefuses(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := stamped(p, codec.None)
	code(t, "no such partition", p.listOffset(7, topic, 5, -1).ErrorCode, errcode.UnknownTopicOrPartition)
	code(t, "no such topic", p.listOffset(7, fresh(t), 0, -1).ErrorCode, errcode.UnknownTopicOrPartition)
	req := listOffsetsRequest(7, topic, 0, -1)
	req.Topics[0].Partitions = append(req.Topics[0].Partitions, req.Topics[0].Partitions[0])
	for _, part := range ask[*kmsg.ListOffsetsResponse](p, req).Topics[0].Partitions {
		code(t, "a partition named twice", part.ErrorCode, errcode.InvalidRequest)
	}
	for _, c := range []struct {
		epoch int32
		want  errcode.Code
	}{{0, errcode.None}, {7, errcode.UnknownLeaderEpoch}} {
		req := listOffsetsRequest(7, topic, 0, -1)
		req.Topics[0].Partitions[0].CurrentLeaderEpoch = c.epoch
		code(t, "leader epoch", ask[*kmsg.ListOffsetsResponse](p, req).Topics[0].Partitions[0].ErrorCode, c.want)
	}
}

// TestListOffsetsCommitted: with read_committed the latest offset is the last stable one, which without transactions is
// the high watermark.
func TestListOffsetsCommitted(t *testing.T) {
	p := dial(t, serve(t).addr)
	req := listOffsetsRequest(7, stamped(p, codec.None), 0, -1)
	req.IsolationLevel = 1
	r := ask[*kmsg.ListOffsetsResponse](p, req).Topics[0].Partitions[0]
	if r.ErrorCode != 0 || r.Offset != 8 {
		t.Errorf("latest with read_committed: %+v, want offset 8", r)
	}
}

// TestOffsetForLeaderEpoch: where an epoch ended, in a log that knows only epoch 0.
func TestOffsetForLeaderEpoch(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := stamped(p, codec.None)
	for _, c := range []struct {
		name           string
		current, asked int32
		code           errcode.Code
		epoch          int32
		end            int64
	}{
		{"the current epoch", -1, 0, errcode.None, 0, 8},
		{"with the right current epoch", 0, 0, errcode.None, 0, 8},
		{"a later epoch", -1, 3, errcode.None, -1, -1},
		{"undefined", -1, -1, errcode.None, -1, -1},
		{"from a future leader", 5, 0, errcode.UnknownLeaderEpoch, -1, -1},
	} {
		for v := int16(2); v <= 4; v++ {
			r := ask[*kmsg.OffsetForLeaderEpochResponse](p, epochEndRequest(v, topic, 0, c.current, c.asked))
			got := r.Topics[0].Partitions[0]
			code(t, c.name, got.ErrorCode, c.code)
			if got.LeaderEpoch != c.epoch || got.EndOffset != c.end {
				t.Errorf("v%d, %s: epoch %d ends at %d, want %d at %d", v, c.name, got.LeaderEpoch, got.EndOffset, c.epoch, c.end)
			}
		}
	}
	r := ask[*kmsg.OffsetForLeaderEpochResponse](p, epochEndRequest(4, topic, 9, -1, 0))
	code(t, "no such partition", r.Topics[0].Partitions[0].ErrorCode, errcode.UnknownTopicOrPartition)
}
