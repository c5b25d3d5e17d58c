package partition

import "tailrace/wire"

// What follows is for tools that look into the files of a partition.

// ProducerState is a producer as a .snapshot file holds it: its last batch, and its open transaction.
type ProducerState struct {
	ID               int64
	Epoch            int16
	LastSequence     int32 // -1: no batch
	LastOffset       wire.Offset
	OffsetDelta      int32
	TimestampMs      int64
	CoordinatorEpoch int32
	TxnFirst         wire.Offset // -1: none is open
}

// ReadSnapshot decodes the content of a .snapshot file, in the order of producer ids.
func ReadSnapshot(data []byte) ([]ProducerState, error) {
	var s producers
	if err := s.decodeSnapshot(data); err != nil {
		return nil, err
	}
	var list []ProducerState
	for _, p := range s.sorted() {
		state := ProducerState{
			ID: p.id, Epoch: p.epoch, LastSequence: -1, LastOffset: -1, TimestampMs: p.lastMs,
			CoordinatorEpoch: p.coordinatorEpoch, TxnFirst: p.txnFirst,
		}
		if p.n > 0 {
			w := p.batches[p.n-1]
			state.LastSequence, state.LastOffset, state.OffsetDelta = w.lastSeq, w.last, w.delta
		}
		list = append(list, state)
	}
	return list, nil
}

// EpochStart is a leader epoch and the offset of the first record written under it.
type EpochStart struct {
	Epoch wire.LeaderEpoch
	Start wire.Offset
}

// ReadEpochs decodes the content of a leader-epoch-checkpoint file.
func ReadEpochs(data []byte) ([]EpochStart, error) {
	list, err := decodeEpochs(data)
	if err != nil {
		return nil, err
	}
	out := make([]EpochStart, len(list))
	for i, s := range list {
		out[i] = EpochStart{s.epoch, s.start}
	}
	return out, nil
}
