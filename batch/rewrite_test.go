package batch

import (
	"bytes"
	"strings"
	"testing"

	"tailrace/batch/codec"
	"tailrace/wire/errcode"
)

// TestCompressionType stores each codec on topics of each compression.type: bytes stay where the codec is the same,
// and where it is not, all records come through.
func TestCompressionType(t *testing.T) {
	var v Validator
	for from := codec.None; from.Known(); from++ {
		original := javaBatch(t, from)
		for to := codec.None; to.Known(); to++ {
			for _, appendTime := range []bool{false, true} {
				r := with(func(r *Rules) {
					r.Compression = codec.Policy{ID: to, Level: codec.DefaultLevel(to)}
					r.LogAppendTime = appendTime
				})
				b := View(bytes.Clone(original))
				got := v.Validate(b, r, now)
				if got.Code != errcode.None || got.Batch.Codec() != to || got.Count != javaRecords {
					t.Fatalf("%s to %s: %+v", from, to, got)
				}
				out := got.Batch
				if out.CRC() != out.ComputeCRC() || out.Len() != len(out) || out.MaxTimestamp() != got.MaxTimestamp ||
					out.LastSequence() != original.LastSequence() || out.ProducerID() != 4711 {
					t.Errorf("%s to %s: the header is wrong", from, to)
				}
				if inPlace := &out[0] == &b[0]; inPlace != (from == to) {
					t.Errorf("%s to %s: in place is %v", from, to, inPlace)
				}
				if appendTime {
					if out.TimestampType() != LogAppendTime || out.MaxTimestamp() != now {
						t.Errorf("%s to %s: no append time", from, to)
					}
					out.setMaxTimestamp(CreateTime, original.MaxTimestamp())
				}
				checkJavaRecords(t, out)
				if back := v.Validate(bytes.Clone(out), &clientRules, now); back.Code != errcode.None {
					t.Errorf("%s to %s: what was stored is refused: %v %q", from, to, back.Code, back.Message)
				}
			}
		}
	}
}

func TestTheLevelIsUsed(t *testing.T) {
	var v Validator
	size := func(level int) int {
		r := with(func(r *Rules) { r.Compression = codec.Policy{ID: codec.Gzip, Level: level} })
		return len(v.Validate(bytes.Clone(javaBatch(t, codec.None)), r, now).Batch)
	}
	if weak, strong := size(1), size(9); strong >= weak {
		t.Errorf("gzip level 1 gives %d bytes, level 9 %d", weak, strong)
	}
	// A level alone is no reason to compress anew.
	b := javaBatch(t, codec.Gzip)
	r := with(func(r *Rules) { r.Compression = codec.Policy{ID: codec.Gzip, Level: 9} })
	if got := v.Validate(b, r, now); &got.Batch[0] != &b[0] {
		t.Error("a batch of the topic's codec was rewritten")
	}
	r.Compression = codec.Policy{ID: codec.LZ4, Level: 99}
	if got := v.Validate(javaBatch(t, codec.None), r, now); got.Code != errcode.UnknownServerError {
		t.Errorf("a level that does not exist: %+v", got)
	}
}

func TestTooLargeAfterRewriting(t *testing.T) {
	var v Validator
	b := javaBatch(t, codec.Zstd)
	plain := len(javaBatch(t, codec.None))
	for _, c := range []struct {
		max  int
		want errcode.Code
	}{{plain, errcode.None}, {plain - 1, errcode.MessageTooLarge}} {
		r := with(func(r *Rules) { r.Compression, r.MaxMessageBytes = codec.Policy{}, c.max })
		got := v.Validate(bytes.Clone(b), r, now)
		if got.Code != c.want || c.want != 0 && !strings.Contains(got.Message, "compression.type") {
			t.Errorf("%d bytes allowed: %v %q", c.max, got.Code, got.Message)
		}
	}
	r := with(func(r *Rules) { r.Compression, r.MaxMessageBytes = codec.Policy{ID: codec.Snappy}, len(b) })
	if got := v.Validate(bytes.Clone(b), r, now); got.Code != errcode.MessageTooLarge {
		t.Errorf("snappy of zstd in the same space: %v", got.Code)
	}
}

// TestOffsetDeltasAreMended gives records the offset deltas of a client that counts wrongly.
func TestOffsetDeltasAreMended(t *testing.T) {
	record := func(delta byte) []byte { return raw(0, 2, delta<<1, 2, 'k', 2, 'v', 2, 2, 'h', 1) }
	for id := codec.None; id.Known(); id++ {
		packed, err := codec.Compress(nil, bytes.Join([][]byte{record(0), record(2), record(2)}, nil), id,
			codec.DefaultLevel(id))
		if err != nil {
			t.Fatal(err)
		}
		b := altered(holding(t, 3, packed), func(v View) {
			v[atAttributes+1] = byte(id) | attrTransactional
			v.putInt64(atProducerID, 12)
			v[atProducerEpoch], v[atProducerEpoch+1] = 0, 3
			v.putInt32(atBaseSequence, 34)
		})
		var v Validator
		got := v.Validate(b, &clientRules, now)
		if out := got.Batch; got.Code != errcode.None || out.Codec() != id || !out.IsTransactional() ||
			out.ProducerID() != 12 || out.ProducerEpoch() != 3 || out.BaseSequence() != 34 || got.MaxTimestamp != now+1 {
			t.Fatalf("%s: %+v", id, got)
		}
		var w Walker
		var r Record
		n := 0
		for w.Reset(got.Batch, 0); w.Next(&r); n++ {
			if int(r.Offset) != n || r.TimestampMs != now+1 || string(r.Key) != "k" || string(r.Value) != "v" ||
				len(r.Headers) != 1 || r.Headers[0].Value != nil {
				t.Errorf("%s: record %d is %+v", id, n, r)
			}
		}
		if n != 3 || w.Err() != nil {
			t.Errorf("%s: %d records, %v", id, n, w.Err())
		}
	}
}

func TestInflatedBytesAreBounded(t *testing.T) {
	var b Builder
	for id := codec.Gzip; id.Known(); id++ {
		b.Reset(Options{Codec: id, Level: codec.DefaultLevel(id)})
		b.Append(now, nil, make([]byte, 1<<20))
		bomb, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		var v Validator
		got := v.Validate(bytes.Clone(bomb), with(func(r *Rules) { r.MaxInflatedBytes = 1 << 20 }), now)
		if got.Code != errcode.MessageTooLarge || !strings.Contains(got.Message, "inflates") {
			t.Errorf("%s: %v %q", id, got.Code, got.Message)
		}
		if got := v.Validate(bytes.Clone(bomb), &clientRules, now); got.Code != errcode.None {
			t.Errorf("%s: within the default bound: %v %q", id, got.Code, got.Message)
		}
		broken := altered(bomb, func(v View) { v[HeaderSize] ^= 0xff })
		if got := v.Validate(broken, &clientRules, now); got.Code != errcode.InvalidRecord {
			t.Errorf("%s: unreadable: %v %q", id, got.Code, got.Message)
		}
	}
}

// TestLargeScratchIsLetGo: one huge batch must not make a pooled Validator huge for ever.
func TestLargeScratchIsLetGo(t *testing.T) {
	var b Builder
	b.Reset(Options{Codec: codec.Zstd, Level: 3})
	b.Append(now, nil, make([]byte, 2*keepScratch))
	huge, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	var v Validator
	v.Validate(bytes.Clone(huge), &clientRules, now)
	v.Validate(bytes.Clone(javaBatch(t, codec.Zstd)), &clientRules, now)
	if cap(v.inflated) > keepScratch {
		t.Errorf("%d bytes of scratch are kept", cap(v.inflated))
	}
}
