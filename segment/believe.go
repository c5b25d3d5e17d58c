package segment

import "tailrace/batch"

// What is believed after a kill.
//
// The page cache survives the process, and one append of a log begins when the one before it has ended. So of all that
// was written only the last batch can be incomplete, and a batch was written whole if a sound header follows it in its
// file. Such batches are believed by their headers: to read 10 GB takes five seconds of a core, to hop through them
// some tenths. A batch that nothing follows (the end of the file, zeros, anything that is no header, offsets of another
// segment) is read in full, wherever it lies.
//
//	+--------+--------+--------+ - - - -+--------+--------+--------+ - - -
//	|h|      |h|      |h|      |        |h|######|h|######|h|###   | zeros
//	+--------+--------+--------+ - - - -+--------+--------+--------+ - - -
//	 headers, each followed by one       | CheckBytes: all of it
//
// The end of the log is read in full on top of that. It is no part of the reasoning; it bounds what an error in it
// would cost, and small logs are checked as they are after a power loss.
//
// What is not found here is a bit that was flipped between the append and the kill, below the last CheckBytes: as while
// a broker runs, the consumer's CRC and `tailrace log verify` find it.

// DefaultCheckBytes is sixteen of the largest batches that Kafka takes by default, and a hundredth of a second.
const DefaultCheckBytes = 16 << 20

// believed is the position in a segment of so many bytes, with behind bytes in later ones, below which batches may be
// believed by their headers.
func (op *opening) believed(size, behind int64) int64 {
	whole := op.CheckBytes
	if whole == 0 {
		whole = DefaultCheckBytes
	}
	if op.PowerLoss || op.Rewrite || whole < 0 {
		return 0
	}
	return min(max(size+behind-whole, 0), size)
}

// believe returns a copy of the header raw of the batch at pos if it can be believed, nil if the batch must be read.
func (k *check) believe(h header, raw []byte) (batch.View, error) {
	end := k.pos + h.size
	if k.pos >= k.believed || k.misplaced(h, "") != "" || end == k.size || batch.View(raw).IsControl() {
		return nil, nil
	}
	b := append(k.head[:0], raw...)
	raw, err := k.sc.head(end, k.size)
	if err != nil {
		return nil, err
	}
	var next header
	if next.parse(raw, end, k.size, k.s.base) != "" || next.base < h.next() || next.base >= k.bound {
		return nil, nil
	}
	k.op.rec.Believed += h.size
	return b, nil
}
