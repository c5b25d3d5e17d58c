package broker_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// grown asks for a number of partitions and returns what is said of it.
func (p *peer) grown(req *kmsg.CreatePartitionsRequest) (errcode.Code, string) {
	p.t.Helper()
	r := ask[*kmsg.CreatePartitionsResponse](p, req)
	if len(r.Topics) != 1 {
		p.t.Fatalf("CreatePartitions answers with %d topics, want one", len(r.Topics))
	}
	return errcode.Code(r.Topics[0].ErrorCode), text(r.Topics[0].ErrorMessage)
}

// TestCreatePartitions: new partitions take records when the answer comes, the old ones keep theirs, also over a
// restart.
func TestCreatePartitions(t *testing.T) {
	n := start(t)
	p := dial(t, n.addr)
	id := p.create("t", 1)
	p.wrote("t", 0, plain(t, "old"))
	if c, message := p.grown(createPartitionsRequest(3, "t", 4)); c != errcode.None {
		t.Fatalf("1 to 4 partitions: %v %s", c, message)
	}
	for i := range int32(4) {
		p.wrote("t", i, plain(t, fmt.Sprint(i)))
	}
	for range 2 {
		topic := p.metadataOf(12, "t", false)
		if len(topic.Partitions) != 4 || topic.TopicID != id {
			t.Fatalf("Metadata tells of %d partitions, want 4", len(topic.Partitions))
		}
		if got := values(t, p.fetch("t", at{}).RecordBatches); !slices.Equal(got, []string{"old", "0"}) {
			t.Errorf("partition 0 holds %v", got)
		}
		if got := values(t, p.fetch("t", at{partition: 3}).RecordBatches); !slices.Equal(got, []string{"3"}) {
			t.Errorf("partition 3 holds %v", got)
		}
		n.stop(t)
		n.open(t)
		p = dial(t, n.addr)
	}
}

// TestCreatePartitionsAtOnce: of many requests for the same number one succeeds.
func TestCreatePartitionsAtOnce(t *testing.T) {
	n := start(t)
	dial(t, n.addr).create("t", 1)
	var wg sync.WaitGroup
	codes := make([]errcode.Code, 8)
	for i := range codes {
		p := dial(t, n.addr)
		wg.Go(func() {
			r := ask[*kmsg.CreatePartitionsResponse](p, createPartitionsRequest(3, "t", 5))
			codes[i] = errcode.Code(r.Topics[0].ErrorCode)
		})
	}
	wg.Wait()
	slices.Sort(codes)
	if codes[0] != errcode.None || codes[1] != errcode.InvalidPartitions || codes[7] != errcode.InvalidPartitions {
		t.Errorf("codes %v, want one success and INVALID_PARTITIONS", codes)
	}
}

// TestCreatePartitionsRefuses: Kafka's codes and words.
func TestCreatePartitionsRefuses(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 2)
	for _, c := range []struct {
		topic  string
		count  int32
		assign [][]int32
		want   errcode.Code
		text   string
	}{
		{topic, 2, nil, errcode.InvalidPartitions, "Topic already has 2 partition(s)."},
		{topic, 1, nil, errcode.InvalidPartitions,
			"The topic " + topic + " currently has 2 partition(s); 1 would not be an increase."},
		{topic, -1, nil, errcode.InvalidPartitions,
			"The topic " + topic + " currently has 2 partition(s); -1 would not be an increase."},
		{topic, 4, [][]int32{{1}}, errcode.InvalidReplicaAssignment,
			"Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified."},
		{topic, 4, [][]int32{{1}, {7}}, errcode.InvalidReplicaAssignment,
			"The manual partition assignment includes broker 7, but no such broker is registered."},
		{topic, 4, [][]int32{{1}, {1}}, errcode.None, "(null)"},
		{topic, 4, nil, errcode.None, "(null)"},
	} {
		req := createPartitionsRequest(3, c.topic, c.count)
		req.ValidateOnly = true
		for _, replicas := range c.assign {
			a := kmsg.NewCreatePartitionsRequestTopicAssignment()
			a.Replicas = replicas
			req.Topics[0].Assignment = append(req.Topics[0].Assignment, a)
		}
		if got, message := p.grown(req); got != c.want || message != c.text {
			t.Errorf("%d partitions at %v: %v %q, want %v %q", c.count, c.assign, got, message, c.want, c.text)
		}
	}
	if c, _ := p.grown(createPartitionsRequest(3, "no-such-topic", 3)); c != errcode.UnknownTopicOrPartition {
		t.Errorf("an unknown topic: %v", c)
	}
	twice := createPartitionsRequest(3, topic, 3)
	twice.Topics = append(twice.Topics, twice.Topics[0])
	if c, message := p.grown(twice); c != errcode.InvalidRequest || message != "Duplicate topic name." {
		t.Errorf("a topic twice: %v %s", c, message)
	}
}

// TestDescribeTopicPartitionsPages: an answer of few partitions tells where to go on, and the pages add up to all.
func TestDescribeTopicPartitionsPages(t *testing.T) {
	p := dial(t, serve(t).addr)
	names := []string{fresh(t) + "-a", fresh(t) + "-b", fresh(t) + "-c"}
	slices.Sort(names)
	for i, name := range names {
		p.create(name, int32(i+2))
	}
	asked := []string{names[2], "no-such-topic", names[0], names[1], names[0], "a/b"}
	for _, limit := range []int32{1, 2, 3, 5, 100} {
		var seen []string
		var cursor *kmsg.DescribeTopicPartitionsRequestCursor
		for pages := 0; ; pages++ {
			if pages > 20 {
				t.Fatalf("limit %d: the pages do not end", limit)
			}
			r := ask[*kmsg.DescribeTopicPartitionsResponse](p, describeTopicsRequest(limit, cursor, asked...))
			on := int32(0)
			for _, topic := range r.Topics {
				if topic.ErrorCode != 0 {
					seen = append(seen, fmt.Sprintf("%s %v", *topic.Topic, errcode.Code(topic.ErrorCode).Name()))
				}
				for _, part := range topic.Partitions {
					on++
					seen = append(seen, fmt.Sprintf("%s %d", *topic.Topic, part.Partition))
				}
			}
			if on > limit {
				t.Errorf("limit %d: %d partitions on one page", limit, on)
			}
			if r.NextCursor == nil {
				break
			}
			c := kmsg.NewDescribeTopicPartitionsRequestCursor()
			c.Topic, c.Partition = r.NextCursor.Topic, r.NextCursor.Partition
			cursor = &c
		}
		want := []string{"a/b INVALID_TOPIC_EXCEPTION", "no-such-topic UNKNOWN_TOPIC_OR_PARTITION"}
		for i, name := range names {
			for n := range i + 2 {
				want = append(want, fmt.Sprintf("%s %d", name, n))
			}
		}
		slices.Sort(want)
		slices.Sort(seen)
		if !slices.Equal(seen, want) {
			t.Errorf("limit %d: %s,\nwant %s", limit, strings.Join(seen, ", "), strings.Join(want, ", "))
		}
	}
	c := kmsg.NewDescribeTopicPartitionsRequestCursor()
	c.Topic = "elsewhere"
	bad := ask[*kmsg.DescribeTopicPartitionsResponse](p, describeTopicsRequest(10, &c, names[0]))
	code(t, "a cursor at a topic that is not asked for", bad.Topics[0].ErrorCode, errcode.InvalidRequest)
}
