package clean

import (
	"encoding/binary"

	"tailrace/batch"
	"tailrace/index"
	"tailrace/wire"
)

// txns follows the transactions on the way through a log (CleanedTransactionMetadata of Kafka): which batches belong to
// aborted ones, and which markers have outlived their records.
type txns struct {
	aborted   []index.Aborted // those that are still to come, by first offset
	aborting  map[int64]*aborting
	committed map[int64]bool // producers of which records were met since their last marker
	keep      func(index.Aborted)
}

type aborting struct {
	index.Aborted
	seen bool // records of it were met
}

// newTxns takes the aborted transactions of the part to be walked. keep is told of those that still have records; nil:
// nobody wants to know.
func newTxns(aborted []index.Aborted, keep func(index.Aborted)) *txns {
	return &txns{aborted: aborted, aborting: map[int64]*aborting{}, committed: map[int64]bool{}, keep: keep}
}

// reach takes up the transactions that begin at or below off.
func (t *txns) reach(off wire.Offset) {
	for len(t.aborted) > 0 && t.aborted[0].First <= off {
		a := t.aborted[0]
		t.aborted = t.aborted[1:]
		if was := t.aborting[a.ProducerID]; was == nil || was.Last < a.First {
			t.aborting[a.ProducerID] = &aborting{Aborted: a}
		}
	}
}

// data tells whether a batch of records belongs to an aborted transaction.
func (t *txns) data(b batch.View) bool {
	t.reach(b.LastOffset())
	if !b.IsTransactional() {
		return false
	}
	if a := t.aborting[b.ProducerID()]; a != nil {
		if b.BaseOffset() < a.Last {
			a.seen = true
			return true
		}
		delete(t.aborting, b.ProducerID()) // its marker lies below where the walk began
	}
	t.committed[b.ProducerID()] = true
	return false
}

// The types of control records that end transactions, in the second int16 of the key.
const (
	abortMarker  = 0
	commitMarker = 1
)

// marker tells whether a control batch is one that has no records any more: the marker of a transaction of which none
// was met, or an emptied marker. Other control records are nobody's business here.
func (t *txns) marker(b batch.View, first *batch.Record) bool {
	t.reach(b.LastOffset())
	if first == nil {
		return true
	}
	if len(first.Key) < 4 {
		return false
	}
	pid := b.ProducerID()
	switch binary.BigEndian.Uint16(first.Key[2:]) {
	case abortMarker:
		a := t.aborting[pid]
		delete(t.aborting, pid)
		if a == nil || !a.seen {
			return true
		}
		if t.keep != nil {
			t.keep(a.Aborted)
		}
		return false
	case commitMarker:
		met := t.committed[pid]
		delete(t.committed, pid)
		return !met
	}
	return false
}
