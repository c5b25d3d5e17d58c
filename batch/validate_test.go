package batch

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"tailrace/batch/codec"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

const now = 1_700_000_000_000

// clientRules are Kafka's defaults for a produced batch.
var clientRules = Rules{
	BeforeMaxMs: math.MaxInt64, AfterMaxMs: 3_600_000, MaxMessageBytes: 1_048_588,
	Compression: codec.Policy{Producer: true}, FromClient: true,
}

func with(change func(*Rules)) *Rules {
	r := clientRules
	change(&r)
	return &r
}

// raw is a record's bytes by hand, so that they can be wrong: body behind its length.
func raw(body ...byte) []byte { return append([]byte{byte(len(body) << 1)}, body...) }

// holding is a batch that announces n records and holds these bytes.
func holding(t *testing.T, n int, records ...[]byte) View {
	v := build(t, Options{}, now)[:HeaderSize]
	v = append(v, bytes.Join(records, nil)...)
	return altered(v, func(v View) {
		v.putInt32(atLength, int32(len(v)-Prefix))
		v.putInt32(atCount, int32(n))
		v.putInt32(atLastDelta, int32(n-1))
	})
}

func TestRefusedByTheHeader(t *testing.T) {
	const invalid, corrupt = errcode.InvalidRecord, errcode.CorruptMessage
	good := build(t, Options{Producer: &Producer{ID: 7, Epoch: 0, Sequence: 0}}, now, now, now)
	put := func(at int, x int32) View { return altered(good, func(v View) { v.putInt32(at, x) }) }
	counts := func(n int32) View {
		return altered(good, func(v View) { v.putInt32(atCount, n); v.putInt32(atLastDelta, n-1) })
	}
	attribute := func(bits byte) View { return altered(good, func(v View) { v[atAttributes+1] |= bits }) }
	epoch := altered(good, func(v View) { v[atProducerEpoch], v[atProducerEpoch+1] = 0xff, 0xff })
	anonymous := altered(build(t, Options{}, now), func(v View) { v[atAttributes+1] = attrTransactional })
	client, internal := &clientRules, with(func(r *Rules) { r.FromClient = false })
	tight := with(func(r *Rules) { r.MaxMessageBytes = len(good) })
	for name, c := range map[string]struct {
		v    []byte
		r    *Rules
		want errcode.Code
		text string
	}{
		"good":                     {good, client, errcode.None, ""},
		"wrong CRC":                {append(bytes.Clone(good[:len(good)-1]), 'X'), client, corrupt, "CRC"},
		"bytes behind":             {append(bytes.Clone(good), 0), client, corrupt, "whole"},
		"cut short":                {good[:len(good)-1], client, corrupt, "whole"},
		"no header":                {good[:20], client, corrupt, "whole"},
		"magic 1":                  {altered(good, func(v View) { v[atMagic] = 1 }), client, corrupt, "format 2"},
		"base offset":              {altered(good, func(v View) { v.SetBaseOffset(5) }), client, invalid, "not 5"},
		"just not too large":       {good, tight, errcode.None, ""},
		"codec 5":                  {attribute(5), client, errcode.UnsupportedCompressionType, "5"},
		"count too large":          {put(atCount, 4), client, invalid, "4 records"},
		"count too small":          {put(atCount, 2), client, invalid, "2 records"},
		"count 0":                  {counts(0), client, invalid, "backwards"},
		"count 0 alone":            {put(atCount, 0), client, invalid, "at least one"},
		"negative count":           {put(atCount, -3), client, invalid, "-3"},
		"negative count, internal": {put(atCount, -3), internal, invalid, "-3"},
		"largest delta":            {put(atLastDelta, math.MaxInt32), client, invalid, "2147483648 offsets"},
		"control":                  {attribute(attrControl), client, invalid, "control"},
		"transactional, no id":     {anonymous, client, invalid, "transactional"},
		"sequence -1":              {put(atBaseSequence, -1), client, invalid, "sequence -1"},
		"epoch -1":                 {epoch, client, invalid, "epoch -1"},
		"count beyond the records": {counts(9), client, invalid, "record 3"},
		"records beyond the count": {counts(2), client, invalid, "record 1: bytes follow"},
	} {
		var v Validator
		got := v.Validate(bytes.Clone(c.v), c.r, now)
		if got.Code != c.want || !strings.Contains(got.Message, c.text) ||
			(got.Message == "") != (c.want == errcode.None) || len(got.RecordErrors) != 0 {
			t.Errorf("%s: %v %q %v, want %v %q", name, got.Code, got.Message, got.RecordErrors, c.want, c.text)
		}
	}
	tight.MaxMessageBytes--
	var v Validator
	got := v.Validate(good, tight, now)
	if got.Code != errcode.MessageTooLarge || !strings.Contains(got.Message, "max.message.bytes") {
		t.Errorf("one byte too large: %v %q", got.Code, got.Message)
	}
}

// TestRefusedByARecord has one malformed record each, in plain and in compressed batches.
func TestRefusedByARecord(t *testing.T) {
	ok := raw(0, 0, 0, 1, 2, 'v', 0)
	long := bytes.Repeat([]byte("x"), 40) // room for the fast path to run
	padded := func(body ...byte) []byte { // a value that ends in 40 bytes
		return raw(append(body, append([]byte{byte(len(long) << 1)}, append(long, 0)...)...)...)
	}
	for name, c := range map[string]struct {
		records []byte
		want    fault
	}{
		"good":                    {ok, 0},
		"good, long":              {padded(0, 0, 0, 1), 0},
		"empty key and value":     {raw(0, 0, 0, 0, 0, 0), 0},
		"one header":              {raw(0, 0, 0, 1, 1, 2, 2, 'h', 2, 'v'), 0},
		"null header value":       {raw(0, 0, 0, 1, 1, 2, 2, 'h', 1), 0},
		"empty header":            {raw(0, 0, 0, 1, 1, 2, 0, 0), 0},
		"padded varints":          {raw(0, 0x80, 0, 0x80, 0, 0x81, 0, 0x81, 0, 0x80, 0), 0},
		"no record":               {nil, faultEnd},
		"length beyond batch":     {ok[:len(ok)-1], faultLength},
		"negative length":         {[]byte{1, 0, 0, 0, 1, 1, 0}, faultLength},
		"length varint too long":  {[]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, faultLength},
		"length over int32":       {[]byte{0xff, 0xff, 0xff, 0xff, 0x1f}, faultLength},
		"empty record":            {raw(), faultField},
		"no offset delta":         {raw(0, 0), faultField},
		"key of length -2":        {raw(0, 0, 0, 3, 2, 'v', 0), faultField},
		"long key of length -2":   {padded(0, 0, 0, 3), faultField},
		"value of length -2":      {raw(0, 0, 0, 1, 3, 0), faultField},
		"key beyond record":       {raw(0, 0, 0, 20, 'k', 1, 0), faultField},
		"value beyond record":     {raw(0, 0, 0, 1, 20, 'v', 0), faultField},
		"no header count":         {raw(0, 0, 0, 1, 2, 'v'), faultField},
		"negative header count":   {raw(0, 0, 0, 1, 1, 1), faultHeaders},
		"too many headers":        {raw(0, 0, 0, 1, 1, 4, 0, 0), faultHeaders},
		"header count of 2^30":    {raw(0, 0, 0, 1, 1, 0xff, 0xff, 0xff, 0xff, 7), faultHeaders},
		"null header key":         {raw(0, 0, 0, 1, 1, 2, 1, 0), faultHeaderKey},
		"header key beyond":       {raw(0, 0, 0, 1, 1, 2, 8, 'h'), faultField},
		"header value beyond":     {raw(0, 0, 0, 1, 1, 2, 2, 'h', 8), faultField},
		"header value of -2":      {raw(0, 0, 0, 1, 1, 2, 2, 'h', 3), faultField},
		"bytes behind headers":    {raw(0, 0, 0, 1, 1, 0, 9), faultRest},
		"bytes behind one header": {raw(0, 0, 0, 1, 1, 2, 0, 0, 9), faultRest},
		"bytes behind record":     {append(bytes.Clone(ok), 1), faultTrailing},
		"timestamp of 11 bytes":   {raw(append(bytes.Repeat([]byte{0x80}, 11), 0, 0, 1, 1, 0)...), faultField},
		"offset delta over int32": {raw(0, 0, 0xff, 0xff, 0xff, 0xff, 0x1f, 1, 1, 0), faultField},
	} {
		for id := codec.None; id.Known(); id++ {
			packed, err := codec.Compress(nil, c.records, id, codec.DefaultLevel(id))
			if err != nil {
				t.Fatal(err)
			}
			b := altered(holding(t, 1, packed), func(v View) { v[atAttributes+1] = byte(id) })
			var v Validator
			got := v.Validate(b, &clientRules, now)
			if c.want == 0 && got.Code != errcode.None {
				t.Errorf("%s, %s: %v %q", name, id, got.Code, got.Message)
			}
			if c.want != 0 && (got.Code != errcode.InvalidRecord || !strings.Contains(got.Message, faultTexts[c.want])) {
				t.Errorf("%s, %s: %v %q, want %q", name, id, got.Code, got.Message, faultTexts[c.want])
			}
		}
	}
}

func TestTimestamps(t *testing.T) {
	hour := with(func(r *Rules) { r.BeforeMaxMs, r.AfterMaxMs = 3_600_000, 60_000 })
	zero := with(func(r *Rules) { r.BeforeMaxMs, r.AfterMaxMs = 0, 0 })
	open := with(func(r *Rules) { r.AfterMaxMs = math.MaxInt64 })
	for name, c := range map[string]struct {
		r     *Rules
		times []int64
		bad   []int32
	}{
		"now":              {hour, []int64{now, now}, nil},
		"at both bounds":   {hour, []int64{now - 3_600_000, now + 60_000}, nil},
		"one too old":      {hour, []int64{now, now - 3_600_001, now}, []int32{1}},
		"one too new":      {hour, []int64{now, now, now + 60_001}, []int32{2}},
		"old and new":      {hour, []int64{now + 60_001, now, now - 3_600_001}, []int32{0, 2}},
		"none is exempt":   {hour, []int64{now, NoTimestamp, now}, nil},
		"none beside old":  {hour, []int64{5, NoTimestamp, now}, []int32{0}},
		"bounds of 0":      {zero, []int64{now, now - 1, now + 1}, []int32{1, 2}},
		"no lower bound":   {&clientRules, []int64{0, 1, now}, nil},
		"no bounds at all": {open, []int64{0, math.MaxInt64 - 10, now}, nil},
		"far in the past":  {hour, []int64{math.MinInt64, now}, []int32{0}},
	} {
		for _, id := range []codec.ID{codec.None, codec.LZ4} {
			b := build(t, Options{Codec: id, Level: codec.DefaultLevel(id)}, c.times...)
			var v Validator
			got := v.Validate(b, c.r, now)
			want := errcode.None
			if c.bad != nil {
				want = errcode.InvalidTimestamp
			}
			if got.Code != want || len(got.RecordErrors) != len(c.bad) {
				t.Errorf("%s: %v %v %q", name, got.Code, got.RecordErrors, got.Message)
				continue
			}
			for i, e := range got.RecordErrors {
				if e.Index != c.bad[i] || !strings.Contains(e.Message, "message.timestamp.before.max.ms") {
					t.Errorf("%s: error %d is %+v", name, i, e)
				}
			}
		}
	}
}

func TestMaxTimestamp(t *testing.T) {
	for name, c := range map[string]struct {
		times []int64
		max   int64
		at    int32
	}{
		"ascending":     {[]int64{1, 2, 3}, 3, 2},
		"first of two":  {[]int64{1, 9, 9, 2}, 9, 1},
		"none":          {[]int64{NoTimestamp, NoTimestamp}, NoTimestamp, 0},
		"some have one": {[]int64{NoTimestamp, 0, NoTimestamp}, 0, 1},
	} {
		good := build(t, Options{}, c.times...)
		wrong := altered(good, func(v View) { v.putInt64(atMaxTimestamp, 1<<40) })
		for _, b := range []View{bytes.Clone(good), wrong} {
			var v Validator
			got := v.Validate(b, &clientRules, now)
			if got.Code != errcode.None || got.MaxTimestamp != c.max || got.MaxTimestampOffsetDelta != c.at {
				t.Errorf("%s: %+v", name, got)
			}
			if !bytes.Equal(got.Batch, good) {
				t.Errorf("%s: the header's max timestamp is not mended", name)
			}
		}
	}
}

func TestLogAppendTime(t *testing.T) {
	stamped := build(t, Options{LogAppendTime: true, AppendTimeMs: now}, 1, 2)
	appendTime := with(func(r *Rules) { r.LogAppendTime = true })
	for name, r := range map[string]*Rules{"CreateTime": &clientRules, "LogAppendTime": appendTime} {
		var v Validator
		got := v.Validate(bytes.Clone(stamped), r, now)
		if got.Code != errcode.InvalidTimestamp || len(got.RecordErrors) != 2 {
			t.Errorf("a client's LogAppendTime on a topic with %s: %v %v", name, got.Code, got.RecordErrors)
		}
	}
	for id := codec.None; id.Known(); id++ {
		b := build(t, Options{Codec: id, Level: codec.DefaultLevel(id)}, 1, now*2, 3) // bounds do not apply
		records := bytes.Clone(b.Records())
		var v Validator
		got := v.Validate(b, appendTime, now)
		if got.Code != errcode.None || got.MaxTimestamp != now || got.MaxTimestampOffsetDelta != 0 || got.Count != 3 {
			t.Fatalf("%s: %+v", id, got)
		}
		if o := got.Batch; o.TimestampType() != LogAppendTime || o.MaxTimestamp() != now || o.CRC() != o.ComputeCRC() ||
			!bytes.Equal(o.Records(), records) {
			t.Errorf("%s: the stamp is wrong or the records changed", id)
		}
	}
}

func TestKeysOnCompactedTopics(t *testing.T) {
	var b Builder
	b.Append(now, []byte("k"), nil) // a tombstone
	b.Append(now, nil, []byte("v"))
	b.Append(now, []byte{}, []byte("an empty key is a key"))
	b.Append(0, nil, nil)
	keyless, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	compacted := with(func(r *Rules) { r.Compacted = true })
	var v Validator
	got := v.Validate(keyless, compacted, now)
	if got.Code != errcode.InvalidRecord || len(got.RecordErrors) != 2 || got.RecordErrors[0].Index != 1 ||
		got.RecordErrors[1].Index != 3 || !strings.Contains(got.Message, "2 of 4 records") {
		t.Errorf("%+v", got)
	}
	if got := v.Validate(keyless, &clientRules, now); got.Code != errcode.None {
		t.Errorf("without compaction: %+v", got)
	}
	if got := v.Validate(build(t, Options{}, now, now), compacted, now); got.Code != errcode.None {
		t.Errorf("with keys: %+v", got)
	}
	// One timestamp at fault decides the code; the record without key keeps its own reason.
	both := with(func(r *Rules) { r.Compacted, r.BeforeMaxMs = true, 10 })
	b.Reset(Options{})
	b.Append(now, nil, nil)
	b.Append(5, []byte("k"), nil)
	b.Append(5, nil, nil)
	mixed, _ := b.Build()
	got = v.Validate(mixed, both, now)
	if got.Code != errcode.InvalidTimestamp || len(got.RecordErrors) != 3 ||
		!strings.Contains(got.RecordErrors[1].Message, "timestamp") || got.RecordErrors[2].Message != keylessText {
		t.Errorf("%+v", got)
	}
}

func TestRecordErrorsAreBounded(t *testing.T) {
	var b Builder
	for range 3 * maxRecordErrors {
		b.Append(now, nil, nil)
	}
	many, _ := b.Build()
	var v Validator
	got := v.Validate(many, with(func(r *Rules) { r.Compacted = true }), now)
	if len(got.RecordErrors) != maxRecordErrors || !strings.Contains(got.Message, "3000 of 3000") {
		t.Errorf("%d errors, %q", len(got.RecordErrors), got.Message)
	}
}

func TestInternalBatches(t *testing.T) {
	internal := with(func(r *Rules) { r.FromClient, r.Compacted = false, true })
	marker := build(t, Options{BaseOffset: 44, Control: true, Transactional: true,
		Producer: &Producer{ID: 1, Epoch: 2, Sequence: -1}}, now)
	var v Validator
	if got := v.Validate(marker, internal, now); got.Code != errcode.None || got.Count != 1 {
		t.Errorf("a marker: %+v", got)
	}
	internal.Compression = codec.Policy{ID: codec.Zstd, Level: 3}
	if got := v.Validate(marker, internal, now); got.Code != errcode.None || &got.Batch[0] != &marker[0] {
		t.Errorf("a marker is not compressed: %+v", got)
	}
	plain := build(t, Options{BaseOffset: 44}, now)
	got := v.Validate(plain, internal, now)
	if got.Code != errcode.None || got.Batch.Codec() != codec.Zstd || got.Batch.BaseOffset() != wire.Offset(44) {
		t.Errorf("a coordinator's record: %+v", got)
	}
}
