package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// where resolves the flags to an offset for each partition: where to begin, and where the partition ends now. Fixed
// numbers, so that nothing which arrives meanwhile is missed or counted.
func (f *consumeFlags) where(
	ctx context.Context, cl *kgo.Client, topic string, byOffset bool,
) (begin, ends map[int32]int64, err error) {
	m, err := metadata(ctx, kadm.NewClient(cl), topic)
	if err != nil {
		return nil, nil, err
	}
	partitions, err := f.chosen(topic, m.Topics[topic].Partitions.Numbers())
	if err != nil {
		return nil, nil, err
	}
	adm := kadm.NewClient(cl)
	starts, err := adm.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	lasts, err := adm.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	begin, ends = map[int32]int64{}, map[int32]int64{}
	for _, p := range partitions {
		start, ok1 := starts.Lookup(topic, p)
		end, ok2 := lasts.Lookup(topic, p)
		switch {
		case !ok1 || !ok2:
			return nil, nil, fmt.Errorf("topic %q partition %d: the broker does not tell its offsets", topic, p)
		case start.Err != nil:
			return nil, nil, fmt.Errorf("topic %q partition %d: %s", topic, p, reason(start.Err, ""))
		case end.Err != nil:
			return nil, nil, fmt.Errorf("topic %q partition %d: %s", topic, p, reason(end.Err, ""))
		case byOffset && (f.offset < start.Offset || f.offset > end.Offset):
			return nil, nil, fmt.Errorf("topic %q partition %d has no offset %d: "+
				"it begins at %d and ends at %d (--partition chooses one)", topic, p, f.offset, start.Offset, end.Offset)
		}
		ends[p] = end.Offset
		switch {
		case byOffset:
			begin[p] = f.offset
		case f.fromBeginning:
			begin[p] = start.Offset
		default:
			begin[p] = end.Offset
		}
	}
	return begin, ends, nil
}

// chosen are the partitions to read, of those that exist.
func (f *consumeFlags) chosen(topic string, all []int32) ([]int32, error) {
	if len(f.partitions) == 0 {
		return all, nil
	}
	for _, p := range f.partitions {
		if !slices.Contains(all, p) {
			return nil, fmt.Errorf("topic %q has no partition %d; its partitions are 0 to %d", topic, p, len(all)-1)
		}
	}
	return f.partitions, nil
}
