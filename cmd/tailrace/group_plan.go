package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// plan is one reset: of which partitions, and where to.
type plan struct {
	group  string
	scope  scope // no topics: all that the group has committed for
	how    string
	offset int64          // to-offset: where to; shift-by: how far
	at     int64          // to-datetime, by-duration: milliseconds since 1970
	file   map[spot]int64 // from-file
	warn   func(string)
}

// move is what becomes of one partition; in JSON its keys are stable.
type move struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	OldOffset *int64 `json:"old_offset"` // null: nothing is committed
	NewOffset int64  `json:"new_offset"`
}

// target reads where to.
func (p *plan) target(f *resetFlags) error {
	switch p.how {
	case "to-offset":
		if p.offset = f.toOffset; p.offset < 0 {
			return usage("--to-offset must be 0 or more, not %d", p.offset)
		}
	case "shift-by":
		p.offset = f.shiftBy
	case "to-datetime":
		t, err := parseDatetime(f.toDatetime)
		p.at = max(t.UnixMilli(), 0) // negative times have other meanings in ListOffsets
		return err
	case "by-duration":
		ms, err := parseDuration(f.byDuration)
		p.at = max(time.Now().UnixMilli()-ms, 0)
		return err
	case "from-file":
		file, err := os.Open(f.fromFile)
		if err != nil {
			return usage("--from-file: %w", err)
		}
		defer file.Close()
		if p.file, err = parsePlan(file, p.group); err != nil {
			return usage("--from-file: %s: %w", f.fromFile, err)
		}
	}
	return nil
}

// parsePlan reads lines TOPIC,PARTITION,OFFSET or GROUP,TOPIC,PARTITION,OFFSET, as Kafka's tool exports them; those of
// other groups are passed over.
func parsePlan(in io.Reader, group string) (map[spot]int64, error) {
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	all := map[spot]int64{}
	lines := 0
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		lines++
		line, _ := r.FieldPos(0)
		if len(fields) == 4 {
			if fields[0] != group {
				continue
			}
			fields = fields[1:]
		}
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %d is neither TOPIC,PARTITION,OFFSET nor GROUP,TOPIC,PARTITION,OFFSET", line)
		}
		partition, err1 := strconv.ParseInt(fields[1], 10, 32)
		offset, err2 := strconv.ParseInt(fields[2], 10, 64)
		if err1 != nil || err2 != nil || partition < 0 || offset < 0 {
			return nil, fmt.Errorf("line %d: partition and offset must be numbers of 0 or more, not %q and %q",
				line, fields[1], fields[2])
		}
		all[spot{fields[0], int32(partition)}] = offset
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("none of its %s is for the group %q", count(int64(lines), "line", "lines"), group)
	}
	return all, nil
}

// moves asks the broker what the plan comes to.
func (p *plan) moves(ctx context.Context, adm *kadm.Client) ([]move, error) {
	committed, err := adm.FetchOffsets(ctx, p.group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // Kafka tells of no offsets instead
		return nil, fmt.Errorf("group %q: %s", p.group, reason(err, ""))
	}
	spots, err := p.spots(ctx, adm, committed)
	if err != nil || len(spots) == 0 {
		return nil, err
	}
	b, err := p.bounds(ctx, adm, spots)
	if err != nil {
		return nil, err
	}
	var list []move
	for _, s := range spots {
		m := move{Topic: s.topic, Partition: s.partition}
		if o, ok := committed.Lookup(s.topic, s.partition); ok && o.Err == nil && o.At >= 0 {
			m.OldOffset = &o.At
		}
		if m.NewOffset, err = p.place(s, m.OldOffset, b); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// spots are the partitions to move, all of which exist.
func (p *plan) spots(ctx context.Context, adm *kadm.Client, committed kadm.OffsetResponses) ([]spot, error) {
	switch {
	case p.how == "from-file":
		wanted := scope{only: map[string][]int32{}}
		for s := range p.file {
			if !slices.Contains(wanted.topics, s.topic) {
				wanted.topics = append(wanted.topics, s.topic)
			}
			wanted.only[s.topic] = append(wanted.only[s.topic], s.partition)
		}
		return wanted.spots(ctx, adm)
	case len(p.scope.topics) > 0:
		return p.scope.spots(ctx, adm)
	}
	m, err := adm.Metadata(ctx)
	if err != nil {
		return nil, err
	}
	var list []spot
	for topic, ps := range committed {
		for partition, o := range ps {
			if o.Err != nil || o.At < 0 {
				continue
			}
			if _, there := m.Topics[topic].Partitions[partition]; !there {
				p.warn(fmt.Sprintf("topic %q partition %d is gone: what is committed for it stays as it is", topic, partition))
				continue
			}
			list = append(list, spot{topic, partition})
		}
	}
	slices.SortFunc(list, spot.before)
	if len(list) == 0 {
		p.warn(fmt.Sprintf("the group %q has committed nothing: --topic names what to move", p.group))
	}
	return list, nil
}

// bounds is what the logs say of the partitions of a plan.
type bounds struct{ starts, ends, times kadm.ListedOffsets }

func (p *plan) bounds(ctx context.Context, adm *kadm.Client, spots []spot) (b bounds, err error) {
	topics := map[string]bool{}
	for _, s := range spots {
		topics[s.topic] = true
	}
	names := slices.Sorted(maps.Keys(topics))
	if b.starts, err = adm.ListStartOffsets(ctx, names...); err != nil {
		return b, shardError(err)
	}
	if b.ends, err = adm.ListEndOffsets(ctx, names...); err != nil {
		return b, shardError(err)
	}
	if p.how == "to-datetime" || p.how == "by-duration" {
		if b.times, err = adm.ListOffsetsAfterMilli(ctx, p.at, names...); err != nil {
			return b, shardError(err)
		}
	}
	return b, nil
}

// place is the offset that a partition moves to.
func (p *plan) place(s spot, old *int64, b bounds) (int64, error) {
	start, err := listed(b.starts, s)
	if err != nil {
		return 0, err
	}
	end, err := listed(b.ends, s)
	if err != nil {
		return 0, err
	}
	switch p.how {
	case "to-earliest":
		return start, nil
	case "to-latest":
		return end, nil
	case "to-current":
		if old == nil {
			return end, nil
		}
		return *old, nil
	case "to-datetime", "by-duration":
		if o, ok := b.times.Lookup(s.topic, s.partition); ok && o.Err == nil && o.Timestamp < 0 {
			p.warn(fmt.Sprintf("topic %q partition %d has no record of that time or later: its end is taken",
				s.topic, s.partition))
		}
		return listed(b.times, s)
	case "shift-by":
		if old == nil {
			return 0, fmt.Errorf("topic %q partition %d cannot be shifted: the group %q has committed nothing for it; "+
				"--topic %s:PARTITION,... names those to shift", s.topic, s.partition, p.group, s.topic)
		}
		to := *old + p.offset
		if p.offset > 0 && to < *old { // further than there are numbers
			to = math.MaxInt64
		}
		return p.within(s, to, start, end), nil
	case "from-file":
		return p.within(s, p.file[s], start, end), nil
	}
	return p.within(s, p.offset, start, end), nil
}

// within keeps an offset inside the log, as Kafka's tool does.
func (p *plan) within(s spot, offset, start, end int64) int64 {
	switch {
	case offset > end:
		p.warn(fmt.Sprintf("offset %d is higher than the latest offset of topic %q partition %d: %d is taken",
			offset, s.topic, s.partition, end))
		return end
	case offset < start:
		p.warn(fmt.Sprintf("offset %d is lower than the earliest offset of topic %q partition %d: %d is taken",
			offset, s.topic, s.partition, start))
		return start
	}
	return offset
}

func listed(l kadm.ListedOffsets, s spot) (int64, error) {
	o, ok := l.Lookup(s.topic, s.partition)
	switch {
	case !ok:
		return 0, fmt.Errorf("topic %q partition %d: the broker does not tell its offsets", s.topic, s.partition)
	case o.Err != nil:
		return 0, fmt.Errorf("topic %q partition %d: %s", s.topic, s.partition, reason(o.Err, ""))
	}
	return o.Offset, nil
}
