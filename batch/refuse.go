package batch

import (
	"errors"
	"fmt"

	"tailrace/batch/codec"
	"tailrace/wire/errcode"
)

// maxRecordErrors bounds the per-record reasons of one verdict. Kafka sends them all; a batch of a million records of
// seven bytes would then cost a hundred times its size in answers.
const maxRecordErrors = 1000

// checkHeader judges all that can be judged without looking at the records.
func checkHeader(b View, r *Rules) (errcode.Code, string) {
	switch {
	case len(b) < HeaderSize || b.Len() != len(b) || b.Magic() != magic2:
		return errcode.CorruptMessage, "the batch is not one whole batch of format 2"
	case r.FromClient && b.BaseOffset() != 0:
		return errcode.InvalidRecord, fmt.Sprintf("the base offset of a produced batch is 0, not %d", b.BaseOffset())
	case r.MaxMessageBytes != 0 && len(b) > r.MaxMessageBytes:
		return errcode.MessageTooLarge, fmt.Sprintf("the batch has %d bytes, max.message.bytes allows %d",
			len(b), r.MaxMessageBytes)
	}
	if have, want := b.CRC(), b.ComputeCRC(); have != want {
		return errcode.CorruptMessage, fmt.Sprintf("the batch's CRC is %08x and should be %08x", have, want)
	}
	if !b.Codec().Known() {
		return errcode.UnsupportedCompressionType, fmt.Sprintf("compression codec %d does not exist", b.Codec())
	}
	if r.FromClient {
		return checkClient(b)
	}
	if b.Count() < 0 {
		return errcode.InvalidRecord, fmt.Sprintf("a record count of %d", b.Count())
	}
	return errcode.None, ""
}

// checkClient judges the header fields that a client may set only in one way.
func checkClient(b View) (errcode.Code, string) {
	n, delta := b.Count(), int64(b.LastOffsetDelta())
	switch {
	case delta < 0:
		return errcode.InvalidRecord, fmt.Sprintf("a last offset delta of %d: offsets must not run backwards", delta)
	case n <= 0:
		return errcode.InvalidRecord, fmt.Sprintf("a record count of %d: a batch holds at least one record", n)
	case delta+1 != int64(n):
		return errcode.InvalidRecord, fmt.Sprintf("the batch counts %d records but spans %d offsets", n, delta+1)
	case b.IsControl():
		return errcode.InvalidRecord, "clients may not write control records"
	case b.IsTransactional() && !b.HasProducerID():
		return errcode.InvalidRecord, "a transactional batch without producer id: it could be neither committed nor aborted"
	case b.HasProducerID() && b.BaseSequence() < 0:
		return errcode.InvalidRecord, fmt.Sprintf("sequence %d with producer id %d: it must not be negative",
			b.BaseSequence(), b.ProducerID())
	case b.HasProducerID() && b.ProducerEpoch() < 0:
		return errcode.InvalidRecord, fmt.Sprintf("epoch %d with producer id %d: it must not be negative",
			b.ProducerEpoch(), b.ProducerID())
	}
	return errcode.None, ""
}

// refuseInflate is the verdict on records that cannot be inflated. A batch that would become too large is too large a
// message: producers answer that code by splitting the batch, which helps.
func refuseInflate(err error, r *Rules) Verdict {
	if errors.Is(err, codec.ErrTooLarge) {
		return Verdict{Code: errcode.MessageTooLarge,
			Message: fmt.Sprintf("the batch inflates to more than %d bytes, the limit for one batch", r.maxInflated())}
	}
	return Verdict{Code: errcode.InvalidRecord, Message: err.Error()}
}

// refuseRecord is the verdict on record at, whose bytes are malformed.
func refuseRecord(at int, f fault) Verdict {
	return Verdict{Code: errcode.InvalidRecord, Message: fmt.Sprintf("record %d: %s", at, faultTexts[f])}
}

const (
	keylessText = "a record without key on a compacted topic (cleanup.policy)"
	stampedText = "the producer set the timestamp type LogAppendTime, which only a broker may"
)

// explain looks at each of the records, which the walk has found well-formed, and names those that break a rule about
// keys or timestamps. A verdict without code says that none does. One timestamp at fault makes INVALID_TIMESTAMP the
// code of the batch, as in Kafka.
func explain(b View, records []byte, r *Rules, nowMs int64) Verdict {
	least, most := r.timeBounds(nowMs)
	stamped := b.TimestampType() == LogAppendTime
	out := Verdict{}
	refused := 0
	for i := range b.Count() {
		var rec rawRecord
		n, _ := rec.parse(records)
		records = records[n:]
		ts := b.BaseTimestamp() + rec.timestampDelta
		code, text := errcode.InvalidTimestamp, stampedText
		switch {
		case r.Compacted && rec.key == nil:
			code, text = errcode.InvalidRecord, keylessText
		case stamped:
		case !r.LogAppendTime && ts != NoTimestamp && (ts < least || ts > most):
			text = "" // written below, if it is wanted at all
		default:
			continue
		}
		if out.Code != errcode.InvalidTimestamp {
			out.Code = code
		}
		if refused++; refused > maxRecordErrors {
			continue
		}
		if text == "" {
			text = fmt.Sprintf("timestamp %d is outside [%d, %d] (message.timestamp.before.max.ms, "+
				"message.timestamp.after.max.ms)", ts, least, most)
		}
		out.RecordErrors = append(out.RecordErrors, RecordError{Index: int32(i), Message: text})
	}
	if refused > 0 {
		out.Message = fmt.Sprintf("%d of %d records refused, the first is record %d: %s",
			refused, b.Count(), out.RecordErrors[0].Index, out.RecordErrors[0].Message)
	}
	return out
}
