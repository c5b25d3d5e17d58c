package rawclient

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestBatchHasItsSize(t *testing.T) {
	for _, c := range []struct{ total, value, records int }{
		{0, 100, 1}, {64 << 10, 100, 595}, {64 << 10, 1 << 10, 63}, {16 << 10, 100, 148}, {1 << 20, 1 << 10, 1014},
	} {
		b := NewBatch(c.total, c.value)
		if c.total > 0 && len(b.Bytes) != c.total {
			t.Errorf("a batch of %d bytes instead of %d", len(b.Bytes), c.total)
		}
		var rb kmsg.RecordBatch
		if err := rb.ReadFrom(b.Bytes); err != nil {
			t.Fatal(err)
		}
		if crc := crc32.Checksum(b.Bytes[crcCovers:], crc32.MakeTable(crc32.Castagnoli)); uint32(rb.CRC) != crc {
			t.Errorf("CRC %x instead of %x", uint32(rb.CRC), crc)
		}
		if int(rb.NumRecords) != b.Records || b.Records != c.records || int(rb.LastOffsetDelta) != b.Records-1 {
			t.Errorf("%d records, said to be %d, expected %d", rb.NumRecords, b.Records, c.records)
		}
		left, n := rb.Records, 0
		for ; len(left) > 0; n++ {
			size, width := binary.Varint(left)
			var r kmsg.Record
			if err := r.ReadFrom(left[:width+int(size)]); err != nil || int(r.OffsetDelta) != n || len(r.Value) < c.value {
				t.Fatalf("record %d of %d: %v, %+v", n, b.Records, err, r)
			}
			left = left[width+int(size):]
		}
		if n != b.Records {
			t.Errorf("%d records are there, %d are said to be", n, b.Records)
		}
	}
}

func produceReply(topic string, correlation uint32, code int16) []byte {
	resp := kmsg.NewPtrProduceResponse()
	resp.Version = produceVersion
	t, p := kmsg.NewProduceResponseTopic(), kmsg.NewProduceResponseTopicPartition()
	t.Topic, p.ErrorCode = topic, code
	t.Partitions = append(t.Partitions, p)
	resp.Topics = append(resp.Topics, t)
	return resp.AppendTo(append(binary.BigEndian.AppendUint32(nil, correlation), 0))
}

func fetchReply(topic string, correlation uint32, whole, code int16, records []byte) []byte {
	resp := kmsg.NewPtrFetchResponse()
	resp.Version, resp.ErrorCode = fetchVersion, whole
	t, p := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
	t.Topic, p.ErrorCode, p.RecordBatches = topic, code, records
	t.Partitions = append(t.Partitions, p)
	resp.Topics = append(resp.Topics, t)
	return resp.AppendTo(append(binary.BigEndian.AppendUint32(nil, correlation), 0))
}

// TestChecksFindFaults builds replies by kmsg, in every way that must not pass and the one that must.
func TestChecksFindFaults(t *testing.T) {
	const topic = "bench-0007"
	produce, fetch := ProduceCheck(topic), FetchCheck(topic, 70_000)
	records := make([]byte, 70_000)
	for name, c := range map[string]struct {
		check *Check
		reply []byte
		fault string
	}{
		"good produce":  {&produce, produceReply(topic, 9, 0), ""},
		"refused":       {&produce, produceReply(topic, 9, 6), "error code 6"},
		"out of order":  {&produce, produceReply(topic, 8, 0), "out of order"},
		"good fetch":    {&fetch, fetchReply(topic, 9, 0, 0, records), ""},
		"fetch refused": {&fetch, fetchReply(topic, 9, 70, 0, records), "error code 70"},
		"no partition":  {&fetch, fetchReply(topic, 9, 0, 3, nil), "error code 3"},
		"too little":    {&fetch, fetchReply(topic, 9, 0, 0, records[1:]), "69999 bytes"},
		"nothing":       {&fetch, fetchReply(topic, 9, 0, 0, nil), "bytes of records"},
		"cut short":     {&fetch, []byte{0, 0, 0, 9}, "shorter than any"},
	} {
		head := c.reply[:min(len(c.reply), c.check.head)]
		err := c.check.verify(head, 9)
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCommitCheck(t *testing.T) {
	check := CommitCheck("topic")
	for _, code := range []int16{0, 25} {
		resp := kmsg.NewPtrOffsetCommitResponse()
		resp.Version = commitVersion
		topic, p := kmsg.NewOffsetCommitResponseTopic(), kmsg.NewOffsetCommitResponseTopicPartition()
		topic.Topic, p.ErrorCode = "topic", code
		topic.Partitions = append(topic.Partitions, p)
		resp.Topics = append(resp.Topics, topic)
		reply := resp.AppendTo(append(binary.BigEndian.AppendUint32(nil, 7), 0))
		if err := check.verify(reply, 7); (err == nil) != (code == 0) {
			t.Errorf("a reply with code %d: %v", code, err)
		}
	}
}
