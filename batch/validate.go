package batch

import (
	"math"

	"tailrace/batch/codec"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// Rules are what a topic's configuration and the origin of a batch ask of it. They are immutable and shared.
type Rules struct {
	Compacted     bool  // cleanup.policy holds compact: records need keys
	LogAppendTime bool  // message.timestamp.type is LogAppendTime: the broker's clock is stamped
	BeforeMaxMs   int64 // message.timestamp.before.max.ms; math.MaxInt64 is no bound, 0 is a bound of 0
	AfterMaxMs    int64 // message.timestamp.after.max.ms, likewise
	// MaxMessageBytes is max.message.bytes, held against the whole batch as it is stored; 0 is no bound.
	MaxMessageBytes int
	// Compression is compression.type. The zero value stores all batches uncompressed.
	Compression codec.Policy
	// FromClient adds what no client may do: control batches, offsets or counts that do not begin at 0 and agree,
	// a producer without sequence. Coordinators write without it.
	FromClient bool
	// MaxInflatedBytes bounds a batch's inflated records; 0 is DefaultMaxInflated.
	MaxInflatedBytes int
}

// RecordError names a record for whose sake the whole batch was refused.
type RecordError = wire.RecordError

// Verdict is what a Validator found. With a Code other than None the batch must not be stored, and only Code, Message
// and RecordErrors have meaning.
type Verdict struct {
	Code         errcode.Code
	Message      string        // why, for the client; names the setting where one is in the way
	RecordErrors []RecordError // per-record reasons, at most maxRecordErrors; nil where the batch as a whole is at fault

	// Batch is what to store: the bytes given, possibly stamped in place, or bytes rewritten in the Validator's
	// scratch, which are valid until its next call.
	Batch View
	// MaxTimestamp is the largest timestamp of the records in milliseconds, as Batch's header has it now.
	MaxTimestamp int64
	// MaxTimestampOffsetDelta is the offset of the first record that has it, relative to the batch. Kafka's time
	// index does not use it but the batch's last offset; ListOffsets by timestamp -3 does.
	MaxTimestampOffsetDelta int32
	Count                   int
}

// Validator judges produced batches. The zero Validator is ready. It holds scratch for inflated and rewritten
// batches: keep one per goroutine or in a pool.
type Validator struct {
	inflated []byte
	packed   []byte
	scan     scan
	builder  Builder
	walker   Walker
}

// Validate decides whether b may be stored under r, and makes it what is stored: it assigns timestamps at nowMs
// (milliseconds), compresses anew where the topic asks for another codec, and mends offset deltas. It does what
// LogValidator and the first part of UnifiedLog.append do in Kafka 4.4, in the same order, for format 2. b comes from
// Next. Its header may be changed in place, even if the batch is refused.
//
// Departures from Kafka, all of them about bytes that no known client sends:
//
//   - Refused here and stored there: the timestamp type LogAppendTime on a CreateTime topic; lengths below -1; records
//     in compressed batches that are shorter than they say; a negative epoch or no producer id in a transactional
//     batch. The first reason found is given, so malformed records come before record errors.
//   - Offset deltas that do not run 0, 1, 2, ... are mended. Kafka stores them as they are in uncompressed batches,
//     and fails with UNKNOWN_SERVER_ERROR on compressed ones.
//   - An unknown codec is UNSUPPORTED_COMPRESSION_TYPE, unreadable compressed data INVALID_RECORD, and too much of it
//     MESSAGE_TOO_LARGE; Kafka answers UNKNOWN_SERVER_ERROR, and has no bound on the last.
func (v *Validator) Validate(b View, r *Rules, nowMs int64) Verdict {
	if code, message := checkHeader(b, r); code != errcode.None {
		return Verdict{Code: code, Message: message}
	}
	records := b.Records()
	if b.Codec() != codec.None {
		var err error
		v.inflated, err = codec.Decompress(emptied(v.inflated), records, b.Codec(), r.maxInflated())
		if err != nil {
			return refuseInflate(err, r)
		}
		records = v.inflated
	}
	n := b.Count()
	if at, f := v.scan.walk(records, n, b.BaseTimestamp()); f != 0 {
		return refuseRecord(at, f)
	}
	if !v.scan.fits(b, r, nowMs) {
		if verdict := explain(b, records, r, nowMs); verdict.Code != errcode.None {
			return verdict
		}
	}
	if v.mustRewrite(b, r) {
		var code errcode.Code
		var message string
		if b, code, message = v.rewrite(b, records, r); code != errcode.None {
			return Verdict{Code: code, Message: message}
		}
	}
	return v.accept(b, r, nowMs, n)
}

// accept stamps the timestamp that the header has to have. Kafka does not believe the header's own: it is set from
// the records.
func (v *Validator) accept(b View, r *Rules, nowMs int64, n int) Verdict {
	out := Verdict{Batch: b, Count: n, MaxTimestamp: nowMs}
	if r.LogAppendTime {
		b.SetLogAppendTime(nowMs)
		return out
	}
	out.MaxTimestamp = NoTimestamp
	if n > 0 && v.scan.max > NoTimestamp {
		out.MaxTimestamp, out.MaxTimestampOffsetDelta = v.scan.max, int32(v.scan.maxAt)
	}
	b.setMaxTimestamp(CreateTime, out.MaxTimestamp)
	return out
}

// emptied returns scratch for use, or nothing where one large batch has blown it up.
func emptied(scratch []byte) []byte {
	if cap(scratch) > keepScratch {
		return nil
	}
	return scratch[:0]
}

func (r *Rules) maxInflated() int {
	if r.MaxInflatedBytes == 0 {
		return DefaultMaxInflated
	}
	return r.MaxInflatedBytes
}

// timeBounds returns the least and the largest timestamp that CreateTime records may have at nowMs.
func (r *Rules) timeBounds(nowMs int64) (least, most int64) {
	least, most = nowMs-r.BeforeMaxMs, nowMs+r.AfterMaxMs
	if least > nowMs {
		least = math.MinInt64
	}
	if most < nowMs {
		most = math.MaxInt64
	}
	return least, most
}

// fits reports whether no record of the batch can be at fault, judged by the extremes alone. False means that one may
// be; explain looks at each.
func (s *scan) fits(b View, r *Rules, nowMs int64) bool {
	if r.Compacted && s.keyless > 0 || b.TimestampType() == LogAppendTime {
		return false
	}
	if r.LogAppendTime {
		return true
	}
	least, most := r.timeBounds(nowMs)
	return s.min >= least && s.max <= most
}
