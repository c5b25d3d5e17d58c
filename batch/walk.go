package batch

import (
	"errors"
	"fmt"

	"tailrace/batch/codec"
	"tailrace/wire"
)

const (
	// DefaultMaxInflated is the bound on the inflated records of one batch, in bytes, where none is given.
	DefaultMaxInflated = 64 << 20
	// keepScratch is the largest scratch that a Validator, Walker or Builder keeps between batches, in bytes.
	keepScratch = 8 << 20
)

// ErrMalformed is wrapped by the errors about records that do not agree with their batch.
var ErrMalformed = errors.New("the record batch is malformed")

// Record is one record of a batch. Key, Value and Headers alias the batch, or for a compressed one the Walker's
// scratch, and are valid until the Walker's next Reset; Headers until its Next. A nil Key or Value is null.
type Record struct {
	Offset      wire.Offset
	TimestampMs int64
	Key         []byte
	Value       []byte
	Headers     []Header
}

// Walker hands out the records of a batch one by one:
//
//	for w.Reset(v, 0); w.Next(&r); {
//		...
//	}
//	err := w.Err()
//
// It checks every length in the records itself, but not the CRC. The zero Walker is ready; it keeps its scratch from
// batch to batch.
type Walker struct {
	scratch []byte
	rest    []byte // records not yet handed out
	view    View
	left    int // how many records the header still promises
	index   int
	err     error
}

// Reset begins the walk over v. Compressed records are inflated at once, to at most maxInflated bytes; 0 means
// DefaultMaxInflated. An error shows at the first Next.
func (w *Walker) Reset(v View, maxInflated int) {
	w.over(v, v.Records())
	if v.Codec() == codec.None {
		return
	}
	if maxInflated == 0 {
		maxInflated = DefaultMaxInflated
	}
	w.scratch, w.err = codec.Decompress(emptied(w.scratch), w.rest, v.Codec(), maxInflated)
	w.rest = w.scratch
}

// over begins the walk over the records of v, given as they are without compression.
func (w *Walker) over(v View, records []byte) {
	w.view, w.rest, w.left, w.index, w.err = v, records, v.Count(), 0, nil
}

// Next reads the next record into r and reports whether there was one; r.Headers is reused. After false, Err tells
// whether the batch ended as it should.
func (w *Walker) Next(r *Record) bool {
	if w.err != nil {
		return false
	}
	if w.left <= 0 {
		if len(w.rest) != 0 || w.left < 0 {
			w.fail(faultTrailing)
		}
		return false
	}
	var raw rawRecord
	n, f := raw.parse(w.rest)
	if f != 0 {
		w.fail(f)
		return false
	}
	w.rest = w.rest[n:]
	w.left--
	w.index++
	r.Offset = w.view.BaseOffset() + wire.Offset(raw.offsetDelta)
	r.TimestampMs = w.view.BaseTimestamp() + raw.timestampDelta
	if w.view.TimestampType() == LogAppendTime {
		r.TimestampMs = w.view.MaxTimestamp()
	}
	r.Key, r.Value = raw.key, raw.value
	r.Headers = r.Headers[:0]
	var in wire.Reader
	in.Reset(raw.headers)
	for range raw.headerCount {
		k, v := header(&in)
		r.Headers = append(r.Headers, Header{k, v})
	}
	return true
}

// Err returns why the walk ended early: an error that wraps ErrMalformed and names the record by its index, or one of
// codec.Decompress; nil if all records were handed out and nothing was left.
func (w *Walker) Err() error { return w.err }

func (w *Walker) fail(f fault) {
	w.err = fmt.Errorf("%w: record %d: %s", ErrMalformed, w.index, faultTexts[f])
}
