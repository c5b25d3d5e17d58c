package quorum

import (
	"fmt"

	"tailrace/broker/metadata"
	"tailrace/vfs"
	"tailrace/wire"
)

// A snapshot file (RecordsSnapshotWriter.java): batches with offsets from 0 on, all in the snapshot's epoch.
//
//	control batch: snapshot header (version 0, time of the last record that went into the snapshot)
//	batches of the image's records
//	control batch: snapshot footer (version 0)
const snapBatchBytes = 512 << 10

// encodeSnapshot returns the bytes of a snapshot of img, and how many records of the image it holds. lastMs is when the
// last record in it was appended.
func encodeSnapshot(img *metadata.Image, lastMs, nowMs int64) ([]byte, int) {
	var w batchWriter
	next := wire.Offset(0)
	header := wire.AppendTags0(wire.AppendInt64(wire.AppendInt16(nil, 0), lastMs))
	w.control(next, img.Epoch, nowMs, controlSnapshotHeader, header)
	next++
	var value []byte
	open := false
	for r := range img.Snapshot() {
		if !open {
			w.begin(next, img.Epoch, nowMs, false)
			open = true
		}
		value = metadata.AppendRecord(value[:0], r)
		w.add(nil, value)
		next++
		if w.size() >= snapBatchBytes {
			w.finish()
			open = false
		}
	}
	if open {
		w.finish()
	}
	w.control(next, img.Epoch, nowMs, controlSnapshotFooter, wire.AppendTags0(wire.AppendInt16(nil, 0)))
	return w.buf, int(next) - 1
}

// loaded is what a snapshot gave.
type loaded struct {
	img     *metadata.Image
	records int
	lastMs  int64
}

// decodeSnapshot checks a snapshot from its header to its footer and returns the image in it.
func decodeSnapshot(b []byte, id snapID) (loaded, error) {
	c := metadata.NewChange(metadata.Empty())
	s := loaded{}
	next, footer := wire.Offset(0), false
	for pos := 0; pos < len(b); {
		v, ok := wholeBatch(b[pos:])
		if !ok || v.BaseOffset() != next || v.LeaderEpoch() != id.Epoch || footer {
			return loaded{}, fmt.Errorf("damaged at position %d", pos)
		}
		reason, err := eachRecord(v, func(offset wire.Offset, key, value []byte) error {
			if !v.IsControl() && next > 0 {
				s.records++
				r, err := metadata.DecodeRecord(value)
				if err == nil {
					err = c.Apply(offset, id.Epoch, r)
				}
				return err
			}
			return s.control(v.IsControl(), controlType(key), next, value, &footer)
		})
		if err == nil && reason != "" {
			err = fmt.Errorf("damaged at position %d: %s", pos, reason)
		}
		if err != nil {
			return loaded{}, err
		}
		next = v.LastOffset() + 1
		pos += len(v)
	}
	if !footer {
		return loaded{}, fmt.Errorf("ends at position %d without a footer", len(b))
	}
	c.Advance(id.End-1, id.Epoch)
	s.img = c.Image()
	return s, nil
}

// control takes a control record of a snapshot. The first record must be the header. Types other than header and footer
// describe Kafka's own quorum (KIP-853) and say nothing about the image.
func (s *loaded) control(isControl bool, kind int16, at wire.Offset, value []byte, footer *bool) error {
	switch {
	case at == 0 && (!isControl || kind != controlSnapshotHeader):
		return fmt.Errorf("does not begin with a snapshot header")
	case kind == controlSnapshotHeader:
		var r wire.Reader
		r.Reset(value)
		r.Int16()
		s.lastMs = r.Int64()
		return r.Err()
	case kind == controlSnapshotFooter:
		*footer = true
	}
	return nil
}

func readSnapshot(fsys vfs.FS, dir string, id snapID) (loaded, error) {
	b, err := vfs.ReadFile(fsys, snapName(dir, id))
	if err != nil {
		return loaded{}, err
	}
	return decodeSnapshot(b, id)
}
