package batch

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch/codec"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// The files testdata/java-*.batch were written by Apache Kafka's Java client (4.3.1) from the records that javaRecord
// gives, with producer 4711, epoch 3, sequence 17, one file per codec.
const javaRecords = 900

func javaRecord(i int) (ts int64, key, value []byte, headers []Header) {
	ts = 1_700_000_000_000 + int64(i)*7
	if i%50 == 49 {
		ts -= 1000
	}
	if i%3 != 0 {
		key = fmt.Appendf(nil, "key-%d", i)
	}
	if i%10 != 9 {
		value = []byte(strings.Repeat(fmt.Sprintf("value-%d-", i), i%20+1))
	}
	if i%4 == 0 {
		headers = []Header{{fmt.Appendf(nil, "h%d", i), []byte("x")}, {[]byte("null"), nil}}
	}
	return ts, key, value, headers
}

func javaBatch(t testing.TB, id codec.ID) View {
	t.Helper()
	b, err := os.ReadFile("testdata/java-" + id.String() + ".batch")
	if err != nil {
		t.Fatal(err)
	}
	v, rest, code := Next(b)
	if code != errcode.None || len(rest) != 0 {
		t.Fatalf("%v, %d bytes left", code, len(rest))
	}
	return v
}

func builtLikeJava(t testing.TB, id codec.ID) View {
	t.Helper()
	var b Builder
	b.Reset(Options{LeaderEpoch: wire.NoLeaderEpoch, Codec: id, Level: codec.DefaultLevel(id),
		Producer: &Producer{ID: 4711, Epoch: 3, Sequence: 17}})
	for i := range javaRecords {
		ts, key, value, headers := javaRecord(i)
		b.Append(ts, key, value, headers...)
	}
	v, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// same compares, null and empty told apart.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// checkJavaRecords walks v and compares each record with what javaRecord gives.
func checkJavaRecords(t *testing.T, v View) {
	t.Helper()
	var w Walker
	var r Record
	n := 0
	for w.Reset(v, 0); w.Next(&r); n++ {
		ts, key, value, headers := javaRecord(n)
		if r.Offset != v.BaseOffset()+wire.Offset(n) || r.TimestampMs != ts || !same(r.Key, key) ||
			!same(r.Value, value) || len(r.Headers) != len(headers) {
			t.Fatalf("%s: record %d is %+v", v.Codec(), n, r)
		}
		for i, h := range headers {
			if !same(r.Headers[i].Key, h.Key) || !same(r.Headers[i].Value, h.Value) {
				t.Fatalf("%s: record %d has header %q", v.Codec(), n, r.Headers[i])
			}
		}
	}
	if w.Err() != nil || n != javaRecords {
		t.Fatalf("%s: %d records, %v", v.Codec(), n, w.Err())
	}
}

func TestAgainstTheJavaClient(t *testing.T) {
	if !bytes.Equal(builtLikeJava(t, codec.None), javaBatch(t, codec.None)) {
		t.Error("the Java client builds other bytes from the same records")
	}
	for id := codec.None; id.Known(); id++ {
		v := javaBatch(t, id)
		checkJavaRecords(t, v)
		checkJavaRecords(t, builtLikeJava(t, id))
		var val Validator
		verdict := val.Validate(bytes.Clone(v), &clientRules, 1_700_000_000_000)
		if verdict.Code != errcode.None || !bytes.Equal(verdict.Batch, v) || verdict.Count != javaRecords ||
			verdict.MaxTimestamp != 1_700_000_000_000+898*7 || verdict.MaxTimestampOffsetDelta != 898 {
			t.Errorf("%s: %+v", id, verdict)
		}
	}
	// snappy and lz4 have one framing, whose bytes must be Kafka's: the same headers and block sizes.
	for _, id := range []codec.ID{codec.Snappy, codec.LZ4} {
		if ours, java := builtLikeJava(t, id), javaBatch(t, id); !bytes.Equal(ours.Records()[:7], java.Records()[:7]) {
			t.Errorf("%s begins % x, in Java % x", id, ours.Records()[:7], java.Records()[:7])
		}
	}
}

func TestBuilderAgainstKmsg(t *testing.T) {
	for _, o := range []Options{
		{},
		{BaseOffset: 99, LeaderEpoch: 4, Producer: &Producer{ID: 1, Epoch: 2, Sequence: 3}, Transactional: true},
		{Control: true, Producer: &Producer{ID: 1, Epoch: 2, Sequence: -1}},
		{LogAppendTime: true, AppendTimeMs: 555},
	} {
		v := build(t, o, 10, 5, 20)
		var kb kmsg.RecordBatch
		if err := kb.ReadFrom(v); err != nil {
			t.Fatal(err)
		}
		if again := kb.AppendTo(nil); !bytes.Equal(again, v) {
			t.Errorf("kmsg writes % x\nwe wrote % x", again, v)
		}
		rest := kb.Records
		for i := range 3 {
			var kr kmsg.Record
			if err := kr.ReadFrom(rest); err != nil {
				t.Fatal(err)
			}
			one := kr.AppendTo(nil)
			if !bytes.HasPrefix(rest, one) || int(kr.OffsetDelta) != i || string(kr.Value) != fmt.Sprintf("v%d", i) {
				t.Errorf("kmsg reads record %d as %+v", i, kr)
			}
			rest = rest[len(one):]
		}
	}
}

func TestBuilderEdges(t *testing.T) {
	var b Builder
	if _, err := b.Build(); err == nil {
		t.Error("an empty batch was built")
	}
	b.Append(1, nil, nil) // without Reset: the zero value is ready
	if v, err := b.Build(); err != nil || b.Count() != 1 || b.Size() != len(v) || v.ProducerID() != -1 {
		t.Errorf("the zero Builder: %v", err)
	}
	b.Reset(Options{Codec: codec.Gzip, Level: 99})
	b.Append(1, nil, nil)
	if _, err := b.Build(); err == nil {
		t.Error("level 99 was taken")
	}
}

func TestWalkerRefuses(t *testing.T) {
	v := build(t, Options{}, 1, 2, 3)
	for name, bad := range map[string]View{
		"count too large": altered(v, func(v View) { v.putInt32(atCount, 4) }),
		"count too small": altered(v, func(v View) { v.putInt32(atCount, 2) }),
		"negative count":  altered(v, func(v View) { v.putInt32(atCount, -1) }),
		"broken record":   altered(v, func(v View) { v[HeaderSize] = 0x7f }),
	} {
		var w Walker
		var r Record
		for w.Reset(bad, 0); w.Next(&r); {
		}
		if !errors.Is(w.Err(), ErrMalformed) {
			t.Errorf("%s: %v", name, w.Err())
		}
	}
	var w Walker
	var r Record
	w.Reset(build(t, Options{Codec: codec.Gzip, Level: 1}, 1, 2, 3), 5)
	if w.Next(&r) || !errors.Is(w.Err(), codec.ErrTooLarge) {
		t.Errorf("the bound on inflated bytes: %v", w.Err())
	}
}

// TestWalkerKeepsOffsets walks a batch as compaction leaves it: offsets with gaps, an empty batch.
func TestWalkerKeepsOffsets(t *testing.T) {
	v := build(t, Options{BaseOffset: 50}, 1)
	v.putInt32(atCount, 0)
	v.putInt32(atLastDelta, 9)
	v = v[:HeaderSize]
	var w Walker
	var r Record
	w.Reset(v, 0)
	if w.Next(&r) || w.Err() != nil || v.LastOffset() != 59 {
		t.Errorf("an empty batch: %v", w.Err())
	}
	v = build(t, Options{BaseOffset: 50, LogAppendTime: true, AppendTimeMs: 9}, 1)
	v[HeaderSize+3] = 6 << 1 // the offset delta of the only record
	w.Reset(v, 0)
	if !w.Next(&r) || r.Offset != 56 || r.TimestampMs != 9 || w.Next(&r) || w.Err() != nil {
		t.Errorf("a record with a gap before it: %+v, %v", r, w.Err())
	}
}
