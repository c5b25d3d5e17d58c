package batch

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"tailrace/batch/codec"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// build makes a batch of records with the given timestamps, keys k0, k1, ... and values v0, v1, ...
func build(t testing.TB, o Options, timestamps ...int64) View {
	t.Helper()
	var b Builder
	b.Reset(o)
	for i, ts := range timestamps {
		b.Append(ts, []byte{'k', byte('0' + i%10)}, []byte{'v', byte('0' + i%10)})
	}
	v, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(v)
}

// altered returns a copy of v after change, with a fresh CRC.
func altered(v View, change func(View)) View {
	v = bytes.Clone(v)
	change(v)
	v.seal()
	return v
}

func TestNext(t *testing.T) {
	one := build(t, Options{}, 1, 2, 3)
	length := func(n int32) []byte { return altered(one, func(v View) { v.putInt32(atLength, n) }) }
	magic := func(m byte) []byte { return altered(one, func(v View) { v[atMagic] = m }) }
	exact := int32(len(one) - Prefix)
	for name, c := range map[string]struct {
		b    []byte
		want errcode.Code
	}{
		"whole":              {one, errcode.None},
		"nothing":            {nil, errcode.InvalidRecord},
		"no magic":           {one[:16], errcode.InvalidRecord},
		"header only":        {one[:HeaderSize], errcode.InvalidRecord},
		"one byte missing":   {one[:len(one)-1], errcode.InvalidRecord},
		"one byte too long":  {length(exact + 1), errcode.InvalidRecord},
		"length of 2 GiB":    {length(math.MaxInt32), errcode.InvalidRecord},
		"negative length":    {length(-1), errcode.CorruptMessage},
		"length zero":        {length(0), errcode.CorruptMessage},
		"under a header":     {length(HeaderSize - Prefix - 1), errcode.CorruptMessage},
		"magic 0":            {magic(0), errcode.InvalidRecord},
		"magic 1":            {magic(1), errcode.InvalidRecord},
		"magic 3":            {magic(3), errcode.CorruptMessage},
		"magic -1":           {magic(0xff), errcode.CorruptMessage},
		"a header is enough": {length(HeaderSize - Prefix), errcode.None},
	} {
		v, rest, code := Next(c.b)
		if code != c.want {
			t.Errorf("%s: %v, want %v", name, code, c.want)
		}
		if code == errcode.None && v.Len()+len(rest) != len(c.b) || code != errcode.None && v != nil {
			t.Errorf("%s: %d and %d bytes of %d", name, len(v), len(rest), len(c.b))
		}
	}
	v, rest, _ := Next(append(bytes.Clone(one), "tail"...))
	if !bytes.Equal(v, one) || cap(v) != len(v) || string(rest) != "tail" {
		t.Error("Next does not split where the batch ends")
	}
}

// TestAccessors compares each accessor with kmsg's reading of the same bytes.
func TestAccessors(t *testing.T) {
	v := build(t, Options{
		BaseOffset: 1<<40 + 7, LeaderEpoch: 12, Producer: &Producer{ID: 4711, Epoch: 9, Sequence: math.MaxInt32 - 1},
		Transactional: true, Control: true, LogAppendTime: true, AppendTimeMs: 1_700_000_000_123,
		Codec: codec.Zstd, Level: 3,
	}, 1, 2, 3, 4)
	var want kmsg.RecordBatch
	if err := want.ReadFrom(v); err != nil {
		t.Fatal(err)
	}
	if v.BaseOffset() != wire.Offset(want.FirstOffset) || v.Len() != len(v) || v.Len() != int(want.Length)+Prefix ||
		v.LeaderEpoch() != wire.LeaderEpoch(want.PartitionLeaderEpoch) || v.Magic() != want.Magic ||
		v.CRC() != uint32(want.CRC) || v.CRC() != v.ComputeCRC() || v.Attributes() != want.Attributes ||
		v.LastOffsetDelta() != want.LastOffsetDelta || v.BaseTimestamp() != want.FirstTimestamp ||
		v.MaxTimestamp() != want.MaxTimestamp || v.ProducerID() != want.ProducerID ||
		v.ProducerEpoch() != want.ProducerEpoch || v.BaseSequence() != want.FirstSequence ||
		v.Count() != int(want.NumRecords) || !bytes.Equal(v.Records(), want.Records) {
		t.Errorf("kmsg reads %+v", want)
	}
	if v.Codec() != codec.Zstd || v.TimestampType() != LogAppendTime || !v.IsTransactional() || !v.IsControl() ||
		!v.HasProducerID() || v.LastOffset() != 1<<40+10 || v.LastSequence() != 1 || v.MaxTimestamp() != 1_700_000_000_123 {
		t.Error("an attribute is misread")
	}
	plain := build(t, Options{}, 1)
	if plain.TimestampType() != CreateTime || plain.IsTransactional() || plain.IsControl() || plain.HasProducerID() ||
		plain.LastSequence() != -1 || plain.Codec() != codec.None || plain.Attributes() != 0 {
		t.Error("a plain batch has attributes")
	}
	if _, ok := plain.DeleteHorizon(); ok {
		t.Error("a plain batch has a delete horizon")
	}
	if ms, ok := altered(plain, func(v View) { v[atAttributes+1] |= attrDeleteHorizon }).DeleteHorizon(); !ok || ms != 1 {
		t.Error("the delete horizon is misread")
	}
}

func TestStamps(t *testing.T) {
	v := build(t, Options{}, 100, 200, 300)
	before := bytes.Clone(v)
	v.SetBaseOffset(1 << 50)
	v.SetLeaderEpoch(77)
	if v.BaseOffset() != 1<<50 || v.LeaderEpoch() != 77 || v.CRC() != v.ComputeCRC() || !bytes.Equal(v[16:], before[16:]) {
		t.Error("offset and epoch touch more than bytes 0 to 15")
	}
	v[atAttributes] = 0xff // without meaning
	v[atAttributes+1] |= 0x80
	v.SetLogAppendTime(12345)
	if v.TimestampType() != LogAppendTime || v.MaxTimestamp() != 12345 || v.CRC() != v.ComputeCRC() {
		t.Error("the append time is not stamped")
	}
	if v.Attributes() != attrLogAppendTime {
		t.Errorf("attributes %#x: bits without meaning stay", v.Attributes())
	}
	v.setMaxTimestamp(CreateTime, 300)
	v.SetBaseOffset(0)
	v.SetLeaderEpoch(0)
	if !bytes.Equal(v, before) {
		t.Error("stamping back gives other bytes")
	}
}

func TestLastSequenceWraps(t *testing.T) {
	for _, c := range []struct{ base, delta, want int32 }{
		{0, 0, 0}, {5, 3, 8}, {math.MaxInt32, 0, math.MaxInt32}, {math.MaxInt32, 1, 0},
		{math.MaxInt32 - 1, 4, 2}, {math.MaxInt32, math.MaxInt32, math.MaxInt32 - 1}, {-1, 9, -1},
	} {
		v := View(make([]byte, HeaderSize))
		binary.BigEndian.PutUint32(v[atBaseSequence:], uint32(c.base))
		binary.BigEndian.PutUint32(v[atLastDelta:], uint32(c.delta))
		if got := v.LastSequence(); got != c.want {
			t.Errorf("%d + %d = %d, want %d", c.base, c.delta, got, c.want)
		}
	}
}
