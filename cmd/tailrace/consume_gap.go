package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// passGaps moves positions past offsets that hold no record: markers of transactions, and what compaction has left of
// batches. The client passes over them as well, but without a word, and a log may end with them; so a run that waits
// for an end, and gets nothing, reads on by itself from where it stands. Where it finds records it leaves all to the
// client, which is about to bring them.
func (r *reading) passGaps(ctx context.Context) error {
	behind := r.behind()
	for p, at := range behind {
		if at < 0 { // not told yet where it begins
			delete(behind, p)
		}
	}
	if len(behind) == 0 {
		return nil
	}
	m, err := metadata(ctx, kadm.NewClient(r.cl), r.topic)
	if err != nil {
		return err
	}
	t := m.Topics[r.topic]
	for p, at := range behind {
		for at < r.ends[p] {
			next, records, err := r.peek(ctx, t, p, at)
			if err != nil {
				return err
			}
			if records || next <= at {
				break
			}
			at = next
			r.advance(p, at)
			if r.share != nil {
				r.share.passed(r.cl, r.topic, p, at)
			}
		}
	}
	return nil
}

// peek fetches from an offset: the next position, and whether a record lies before it. What cannot be answered now (a
// leader is being elected, say) is no progress and no error: the client's own fetches tell of lasting trouble.
func (r *reading) peek(
	ctx context.Context, t kadm.TopicDetail, p int32, at int64,
) (next int64, records bool, err error) {
	req := kmsg.NewPtrFetchRequest()
	req.MinBytes, req.MaxWaitMillis = 0, 0
	req.MaxBytes = 1 << 20
	req.SessionEpoch = -1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = r.topic, t.ID
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = p, at, req.MaxBytes
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, r.cl.Broker(int(t.Partitions[p].Leader)))
	if err != nil || kerr.ErrorForCode(resp.ErrorCode) != nil || len(resp.Topics) != 1 ||
		len(resp.Topics[0].Partitions) != 1 {
		return at, false, ctx.Err()
	}
	got := &resp.Topics[0].Partitions[0]
	if got.ErrorCode != 0 {
		return at, false, nil
	}
	if len(got.RecordBatches) == 0 && got.HighWatermark >= r.ends[p] {
		return r.ends[p], false, nil // there is nothing from here to the end
	}
	fp, next := kgo.ProcessFetchPartition(
		kgo.ProcessFetchPartitionOpts{Offset: at, Topic: r.topic, Partition: p}, got, kgo.DefaultDecompressor(), nil)
	if fp.Err != nil {
		return at, false, fmt.Errorf("topic %q partition %d: %w", r.topic, p, fp.Err)
	}
	for _, rec := range fp.Records {
		if rec.Offset < r.ends[p] {
			return at, true, nil
		}
	}
	return next, false, nil
}
