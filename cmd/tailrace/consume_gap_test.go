package main

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch"
	"tailrace/wire"
)

// gappy is a batch of some records at its front, with the offsets of more: what compaction leaves.
func gappy(t *testing.T, base int64, offsets int32, values ...string) []byte {
	t.Helper()
	var b batch.Builder
	b.Reset(batch.Options{BaseOffset: wire.Offset(base)})
	for _, v := range values {
		b.Append(firstTime, nil, []byte(v))
	}
	if len(values) == 0 {
		b.Append(firstTime, nil, nil) // a builder wants a record; it is cut off below
	}
	v, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	raw := append([]byte{}, v...)
	if len(values) == 0 {
		raw = raw[:batch.HeaderSize]
		binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
		binary.BigEndian.PutUint32(raw[57:], 0)
	}
	binary.BigEndian.PutUint32(raw[23:], uint32(offsets-1))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// gapBroker serves a topic t of three partitions whose logs end with offsets that hold no record.
func gapBroker(t *testing.T) string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	addr := c.ListenAddrs()[0]
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	const end = 10
	for i := range 3 * end { // so that the partitions have ends
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Partition: int32(i % 3)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	logs := map[int32][][]byte{
		0: {gappy(t, 0, 2, "first", "second"), gappy(t, 2, end-2)},          // an empty batch at the end
		1: {gappy(t, 0, 1, "third"), gappy(t, 1, end-1, "fourth", "fifth")}, // a batch whose end is gone
		2: nil,                                                              // everything is gone
	}
	c.ControlKey(kmsg.Fetch.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		time.Sleep(5 * time.Millisecond) // an answer without records, given at once, makes the client ask again at once
		req := r.(*kmsg.FetchRequest)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		for _, rt := range req.Topics {
			out := kmsg.NewFetchResponseTopic()
			out.Topic, out.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				op := kmsg.NewFetchResponseTopicPartition()
				op.Partition, op.HighWatermark, op.LogStartOffset = rp.Partition, end, 0
				op.RecordBatches = []byte{}
				for _, b := range logs[rp.Partition] {
					last := int64(binary.BigEndian.Uint64(b)) + int64(binary.BigEndian.Uint32(b[23:]))
					if last >= rp.FetchOffset {
						op.RecordBatches = b
						break
					}
				}
				out.Partitions = append(out.Partitions, op)
			}
			resp.Topics = append(resp.Topics, out)
		}
		return resp, nil, true
	})
	return addr
}

// TestEndHoldsNoRecord: the last offsets of a partition may hold no record. Its end is reached by position, not by the
// offset of a record that will never come.
func TestEndHoldsNoRecord(t *testing.T) {
	addr := gapBroker(t)
	for _, args := range [][]string{
		{"consume", "t", "-b", addr, "--exit-at-end", "--from-beginning"},
		{"consume", "t", "-b", addr, "--exit-at-end", "--from-beginning", "--group", "g"},
	} {
		stdout, stderr, code := cli(t, "", args...)
		if code != 0 || stderr != "" {
			t.Errorf("%q: exit code %d: %s", args, code, stderr)
		}
		for _, want := range []string{"first", "second", "third", "fourth", "fifth"} {
			if strings.Count(stdout, want+"\n") != 1 {
				t.Errorf("%q: %q is not there once: %q", args, want, stdout)
			}
		}
	}
	stdout, stderr, code := cli(t, "", "group", "describe", "g", "-b", addr, "-o", "json")
	if code != 0 || strings.Count(stdout, `"lag": 0`) != 3 {
		t.Errorf("the gaps were not committed: exit code %d: %s%s", code, stdout, stderr)
	}
}

// TestEndOfAShare: a member of a group is at the end when all that it was given is, and never in the middle of a
// rebalance, when it has nothing for a moment.
func TestEndOfAShare(t *testing.T) {
	r := &reading{topic: "t", ends: map[int32]int64{0: 5, 1: 0}, positions: map[int32]int64{}, share: &share{}}
	step := func(what string, want bool) {
		t.Helper()
		if got := r.atEnd(); got != want {
			t.Errorf("%s: at the end: %v", what, got)
		}
	}
	step("not joined", false)
	r.assigned(t.Context(), nil, map[string][]int32{"t": {0, 1}})
	step("assigned, positions not known", false)
	r.advance(0, 5)
	step("one of two positions not known", false)
	r.advance(1, 0)
	step("both there", true)
	r.lost(t.Context(), nil, map[string][]int32{"t": {0, 1}})
	step("rebalancing", false)
	r.assigned(t.Context(), nil, map[string][]int32{"t": {0}})
	r.advance(1, 9)
	r.advance(0, 4)
	step("behind", false)
	r.lost(t.Context(), nil, map[string][]int32{"t": {0}})
	r.assigned(t.Context(), nil, map[string][]int32{})
	step("nothing for this member", true)
}
