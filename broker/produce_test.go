package broker_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch"
	"tailrace/batch/codec"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// motley are records with everything that a record may have: null and empty keys and values, headers with null values.
func motley() []rec {
	big := make([]byte, 20_000)
	for i := range big {
		big[i] = byte(rand.Uint32() % 7)
	}
	return []rec{
		{key: []byte("k"), value: []byte("v"), ms: time.Now().UnixMilli() - 5},
		{value: []byte("no key")},
		{key: []byte("no value")},
		{key: []byte{}, value: []byte{}},
		{},
		{key: []byte("h"), value: big, headers: []batch.Header{
			{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("a"), Value: nil}, {Key: []byte{}, Value: []byte{}},
		}},
	}
}

// TestProduceAndFetch: what was written comes back byte for byte, in each codec, but for offset and leader epoch.
func TestProduceAndFetch(t *testing.T) {
	p := dial(t, serve(t).addr)
	for _, acks := range []int16{0, 1, -1} {
		for c := codec.None; c <= codec.Zstd; c++ {
			topic := fresh(t)
			p.create(topic, 1)
			var want []byte
			for i := range 3 {
				b := build(t, batch.Options{Codec: c}, motley()...)
				p.send(produceRequest(9, topic, 0, acks, b))
				batch.View(b).SetBaseOffset(wire.Offset(6 * i))
				batch.View(b).SetLeaderEpoch(0)
				want = append(want, b...)
				if acks == 0 {
					p.seen++ // no answer will come
					continue
				}
				r := p.receive(produceRequest(9, topic, 0, acks, b)).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
				if r.ErrorCode != 0 || r.BaseOffset != int64(6*i) {
					t.Fatalf("acks %d, %s: %+v, want offset %d", acks, c, r, 6*i)
				}
			}
			r := p.fetch(topic, at{})
			if !bytes.Equal(r.RecordBatches, want) {
				t.Fatalf("acks %d, %s: fetched %d bytes differ from the %d written", acks, c, len(r.RecordBatches), len(want))
			}
			records := unpack(t, r.RecordBatches)
			if len(records) != 18 || records[17].offset != 17 || records[4].key != nil || records[3].key == nil {
				t.Errorf("acks %d, %s: %d records", acks, c, len(records))
			}
		}
	}
}

// TestAcks: how requests end that are not plain successes.
func TestAcks(t *testing.T) {
	n := serve(t)
	p := dial(t, n.addr)
	topic := fresh(t)
	p.create(topic, 1)
	for _, acks := range []int16{2, -2, 100} {
		code(t, "acks out of range", p.produce(topic, 0, acks, plain(t, "x")).ErrorCode, errcode.InvalidRequiredAcks)
	}
	silent := dial(t, n.addr)
	silent.write(frameOf(produceRequest(9, fresh(t), 0, 0, plain(t, "x")), 1))
	silent.closedWithoutAnswer("a failed produce with acks=0")
	silent = dial(t, n.addr)
	b := plain(t, "x")
	b[len(b)-1] ^= 1
	silent.write(frameOf(produceRequest(9, topic, 0, 0, b), 1))
	silent.closedWithoutAnswer("a damaged batch with acks=0")
	p.alive()
	if r := p.fetch(topic, at{}); r.HighWatermark != 0 {
		t.Errorf("refused records were written: high watermark %d code %v", r.HighWatermark, errcode.Code(r.ErrorCode))
	}
}

// TestAnswersKeepOrder sends requests without waiting: some are answered at once, some wait for the disk, some say
// nothing. The answers come in the order of the requests.
func TestAnswersKeepOrder(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1)
	var sent []kmsg.Request
	for i := range 40 {
		var req kmsg.Request = kmsg.NewPtrApiVersionsRequest()
		if acks := int16(i%4) - 1; acks < 2 {
			req = produceRequest(9, topic, 0, acks, plain(t, "x"))
		}
		p.send(req)
		sent = append(sent, req)
	}
	for _, req := range sent {
		if r, ok := req.(*kmsg.ProduceRequest); ok && r.Acks == 0 {
			p.seen++
			continue
		}
		p.receive(req) // checks the correlation id
	}
	if r := p.fetch(topic, at{}); r.HighWatermark != 30 {
		t.Errorf("high watermark %d after 30 records", r.HighWatermark)
	}
}

// TestRefusedBatches: what may not be appended, with the code it gets. Nothing of it may reach the log.
func TestRefusedBatches(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1, "max.message.bytes=2000", "message.timestamp.before.max.ms=3600000")
	old, ahead := time.Now().Add(-2*time.Hour).UnixMilli(), time.Now().Add(2*time.Hour).UnixMilli()
	damaged := plain(t, "damaged")
	damaged[len(damaged)-1] ^= 1
	counts := plain(t, "a", "b")
	counts[60] = 3 // of two records
	reseal(counts)
	magic := plain(t, "x")
	magic[16] = 1
	short := plain(t, "cut off")
	numberless := &batch.Producer{ID: 5, Sequence: -1}
	for _, c := range []struct {
		name    string
		records []byte
		want    errcode.Code
	}{
		{"a wrong checksum", damaged, errcode.CorruptMessage},
		{"a wrong count", counts, errcode.InvalidRecord},
		{"another format", magic, errcode.InvalidRecord},
		{"no batch", []byte{}, errcode.InvalidRecord},
		{"null records", nil, errcode.InvalidRecord},
		{"two batches", append(plain(t, "a"), plain(t, "b")...), errcode.InvalidRecord},
		{"half a batch", short[:len(short)-3], errcode.InvalidRecord},
		{"a control batch", build(t, batch.Options{Control: true}, rec{}), errcode.InvalidRecord},
		{"an old timestamp", build(t, batch.Options{}, rec{ms: old}), errcode.InvalidTimestamp},
		{"a timestamp ahead", build(t, batch.Options{}, rec{ms: ahead}), errcode.InvalidTimestamp},
		{"a log append time", build(t, batch.Options{LogAppendTime: true}, rec{}), errcode.InvalidTimestamp},
		{"a sequence without number", build(t, batch.Options{Producer: numberless}, rec{}), errcode.InvalidRecord},
		{"too large", plain(t, strings.Repeat("x", 2000)), errcode.MessageTooLarge},
	} {
		if c.records == nil && otherBroker != "" {
			continue // Apache Kafka 4.4 leaves it without an answer for ever
		}
		r := p.produce(topic, 0, -1, c.records)
		code(t, c.name, r.ErrorCode, c.want)
		if r.BaseOffset != -1 {
			t.Errorf("%s: base offset %d", c.name, r.BaseOffset)
		}
	}
	for _, name := range []string{fresh(t), "not/legal"} {
		code(t, name, p.produce(name, 0, 1, plain(t, "x")).ErrorCode, errcode.UnknownTopicOrPartition)
	}
	code(t, "zstd before version 7", ask[*kmsg.ProduceResponse](p, produceRequest(6, topic, 0, 1,
		build(t, batch.Options{Codec: codec.Zstd}, rec{}))).Topics[0].Partitions[0].ErrorCode,
		errcode.UnsupportedCompressionType)
	if r := p.fetch(topic, at{}); r.HighWatermark != 0 || len(r.RecordBatches) != 0 {
		t.Errorf("refused records were written: high watermark %d code %v", r.HighWatermark, errcode.Code(r.ErrorCode))
	}
}

// reseal gives a batch that was tampered with the checksum that belongs to it.
func reseal(b []byte) {
	crc := batch.View(b).ComputeCRC()
	b[17], b[18], b[19], b[20] = byte(crc>>24), byte(crc>>16), byte(crc>>8), byte(crc)
}

// TestTooLargeSaysWhatToRaise: the message names the topic and its setting.
func TestTooLargeSaysWhatToRaise(t *testing.T) {
	p := dial(t, start(t).addr)
	topic := fresh(t)
	p.create(topic, 1, "max.message.bytes=2000")
	r := p.produce(topic, 0, 1, plain(t, strings.Repeat("x", 2000)))
	if m := text(r.ErrorMessage); !strings.Contains(m, topic) || !strings.Contains(m, "max.message.bytes") {
		t.Errorf("the message is %q: it should name topic %s and max.message.bytes", m, topic)
	}
}

// TestSegmentTooSmall: a batch that no segment can hold.
func TestSegmentTooSmall(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1, "segment.bytes=1048576", "max.message.bytes=3000000")
	code(t, "a batch larger than segment.bytes", p.produce(topic, 0, 1, plain(t, strings.Repeat("x", 1<<20))).ErrorCode,
		errcode.RecordListTooLarge)
}

// TestKeylessOnCompacted: each record without key is named, and none of the batch is written.
func TestKeylessOnCompacted(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1, "cleanup.policy=compact")
	b := build(t, batch.Options{}, rec{key: []byte("a")}, rec{value: []byte("b")}, rec{key: []byte("c")}, rec{})
	r := p.produce(topic, 0, 1, b)
	code(t, "keyless", r.ErrorCode, errcode.InvalidRecord)
	var at []int32
	for _, e := range r.ErrorRecords {
		at = append(at, e.RelativeOffset)
		if text(e.ErrorMessage) == "(null)" {
			t.Errorf("record %d: no message", e.RelativeOffset)
		}
	}
	if !reflect.DeepEqual(at, []int32{1, 3}) || r.ErrorMessage == nil {
		t.Errorf("records %v named with %q, want 1 and 3", at, text(r.ErrorMessage))
	}
	if off := p.wrote(topic, 0, build(t, batch.Options{}, rec{key: []byte("a")})); off != 0 {
		t.Errorf("the next record got offset %d, want 0", off)
	}
}

// TestLogAppendTime: the broker's clock is in the answer and in every record.
func TestLogAppendTime(t *testing.T) {
	p := dial(t, serve(t).addr)
	for c := codec.None; c <= codec.Zstd; c++ {
		topic := fresh(t)
		p.create(topic, 1, "message.timestamp.type=LogAppendTime")
		before := time.Now().UnixMilli()
		r := p.produce(topic, 0, 1, build(t, batch.Options{Codec: c}, rec{ms: 1000}, rec{ms: 2000}))
		after := time.Now().UnixMilli()
		if r.ErrorCode != 0 || r.LogAppendTime < before || r.LogAppendTime > after {
			t.Fatalf("%s: %+v, want an append time from %d to %d", c, r, before, after)
		}
		records := p.fetch(topic, at{}).RecordBatches
		v := batches(t, records)[0]
		if v.TimestampType() != batch.LogAppendTime || v.MaxTimestamp() != r.LogAppendTime {
			t.Errorf("%s: timestamp type %v, max %d, want log append time %d",
				c, v.TimestampType(), v.MaxTimestamp(), r.LogAppendTime)
		}
		for _, g := range unpack(t, records) {
			if g.ms != r.LogAppendTime {
				t.Errorf("%s: record at %d, want %d", c, g.ms, r.LogAppendTime)
			}
		}
		if l := p.listOffset(7, topic, 0, r.LogAppendTime); l.Offset != 0 || l.Timestamp != r.LogAppendTime {
			t.Errorf("%s: by time: %+v", c, l)
		}
	}
}

// TestCompressionType: a topic with a codec of its own stores everything in it, one with "producer" keeps what it gets.
func TestCompressionType(t *testing.T) {
	p := dial(t, serve(t).addr)
	for name, want := range map[string]codec.ID{
		"gzip": codec.Gzip, "snappy": codec.Snappy, "lz4": codec.LZ4, "zstd": codec.Zstd, "uncompressed": codec.None,
		"producer": -1,
	} {
		topic := fresh(t)
		p.create(topic, 1, "compression.type="+name)
		var sent []got
		for c := codec.None; c <= codec.Zstd; c++ {
			b := build(t, batch.Options{Codec: c}, motley()...)
			sent = append(sent, unpack(t, b)...)
			p.wrote(topic, 0, b)
		}
		records := p.fetch(topic, at{}).RecordBatches
		for i, v := range batches(t, records) {
			if want >= 0 && v.Codec() != want || want < 0 && v.Codec() != codec.ID(i) {
				t.Errorf("compression.type=%s: batch %d is stored as %s", name, i, v.Codec())
			}
		}
		have := unpack(t, records)
		for i := range sent {
			sent[i].offset = int64(i)
		}
		if !reflect.DeepEqual(have, sent) {
			t.Errorf("compression.type=%s: the records have changed", name)
		}
	}
}

// TestEachPartitionForItself: one request, several topics and partitions, good and bad.
func TestEachPartitionForItself(t *testing.T) {
	p := dial(t, serve(t).addr)
	a, b := fresh(t), fresh(t)
	p.create(a, 3)
	p.create(b, 1, "cleanup.policy=compact")
	req := produceRequest(9, a, 2, -1, plain(t, "1", "2"))
	for _, extra := range []*kmsg.ProduceRequest{
		produceRequest(9, a, 7, -1, plain(t, "x")), produceRequest(9, a, 0, -1, plain(t, "3")),
	} {
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, extra.Topics[0].Partitions...)
	}
	req.Topics = append(req.Topics, produceRequest(9, b, 0, -1, plain(t, "keyless")).Topics...)
	r := ask[*kmsg.ProduceResponse](p, req)
	seen := map[string]errcode.Code{}
	for _, topic := range r.Topics {
		for _, part := range topic.Partitions {
			seen[topic.Topic+"/"+string(rune('0'+part.Partition))] = errcode.Code(part.ErrorCode)
		}
	}
	want := map[string]errcode.Code{
		a + "/2": errcode.None, a + "/7": errcode.UnknownTopicOrPartition, a + "/0": errcode.None,
		b + "/0": errcode.InvalidRecord,
	}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("answered %v, want %v", seen, want)
	}
	if n := len(values(t, p.fetch(a, at{partition: 2}).RecordBatches)); n != 2 {
		t.Errorf("partition 2 has %d records, want 2", n)
	}
}

// TestMinInsyncReplicas: more than the topic has replicas can never be met, and Kafka 4 counts no more than there are.
func TestMinInsyncReplicas(t *testing.T) {
	p := dial(t, serve(t).addr)
	topic := fresh(t)
	p.create(topic, 1, "min.insync.replicas=2")
	for i, acks := range []int16{-1, 1} {
		if r := p.produce(topic, 0, acks, plain(t, "x")); r.ErrorCode != 0 || r.BaseOffset != int64(i) {
			t.Errorf("acks %d: %v at %d, want offset %d", acks, errcode.Code(r.ErrorCode), r.BaseOffset, i)
		}
	}
}

// TestTransactionsAreRefused: whoever asks for them learns at once that it is no use to try again.
func TestTransactionsAreRefused(t *testing.T) {
	p := dial(t, start(t).addr)
	topic, txn := fresh(t), "txn"
	id := p.create(topic, 1)
	refused := func(what string, got int16) {
		t.Helper()
		if c := errcode.Code(got); c == errcode.None || c.Retriable() {
			t.Errorf("%s: %v, want a code that no client retries", what, c.Name())
		}
	}
	for v := int16(3); v <= 13; v++ {
		pid := &batch.Producer{ID: 1}
		req := produceRequest(v, topic, 0, -1, build(t, batch.Options{Transactional: true, Producer: pid}, rec{}))
		req.TransactionID, req.Topics[0].TopicID = &txn, id
		refused("transactional produce", ask[*kmsg.ProduceResponse](p, req).Topics[0].Partitions[0].ErrorCode)
		req.TransactionID = nil
		refused("a transactional batch", ask[*kmsg.ProduceResponse](p, req).Topics[0].Partitions[0].ErrorCode)
	}
	for v := int16(0); v <= 5; v++ {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.Version, req.TransactionalID, req.TransactionTimeoutMillis = v, &txn, 60_000
		refused("InitProducerId", ask[*kmsg.InitProducerIDResponse](p, req).ErrorCode)
	}
	for v := int16(1); v <= 6; v++ {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.Version, req.CoordinatorType, req.CoordinatorKey, req.CoordinatorKeys = v, 1, txn, []string{txn}
		r := ask[*kmsg.FindCoordinatorResponse](p, req)
		got, message := r.ErrorCode, r.ErrorMessage
		if v >= 4 {
			got, message = r.Coordinators[0].ErrorCode, r.Coordinators[0].ErrorMessage
		}
		refused("FindCoordinator", got)
		if !strings.Contains(text(message), "transactions") {
			t.Errorf("FindCoordinator v%d says %q", v, text(message))
		}
	}
	if r := p.fetch(topic, at{}); r.HighWatermark != 0 {
		t.Errorf("a transactional batch was written")
	}
}
