package index

import "tailrace/wire"

// Aborted is an aborted transaction: the records of ProducerID in [First, Last] are to be skipped. Last is the offset of
// the abort marker, LastStable the last stable offset after it.
type Aborted struct {
	ProducerID int64
	First      wire.Offset
	Last       wire.Offset
	LastStable wire.Offset
}
