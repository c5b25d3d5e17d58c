package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"tailrace/broker/logdir"
	"tailrace/broker/partition"
	"tailrace/index"
	"tailrace/vfs"
	"tailrace/wire"
)

// entryRow is an entry of an index. Offsets are absolute, unless the file's name does not tell the base offset.
type entryRow struct {
	Kind       string `json:"kind"`
	File       string `json:"file"`
	Entry      int    `json:"entry"`
	Offset     *int64 `json:"offset,omitempty"`
	Position   *int64 `json:"position,omitempty"`
	Timestamp  *int64 `json:"timestamp_ms,omitempty"`
	ProducerID *int64 `json:"producer_id,omitempty"`
	First      *int64 `json:"first_offset,omitempty"`
	Last       *int64 `json:"last_offset,omitempty"`
	LastStable *int64 `json:"last_stable_offset,omitempty"`
}

func (r entryRow) text() string {
	switch {
	case r.ProducerID != nil:
		return fmt.Sprintf("aborted producer=%d offsets=%d..%d last-stable=%d",
			*r.ProducerID, *r.First, *r.Last, *r.LastStable)
	case r.Timestamp != nil:
		return fmt.Sprintf("time=%s offset=%d", moment(*r.Timestamp), *r.Offset)
	}
	return fmt.Sprintf("offset=%d position=%d", *r.Offset, *r.Position)
}

// index prints an index of any kind, each entry held against the one before it.
func (d *dump) index(path string, k kind) error {
	base := max(baseOf(path), 0)
	if k == kindTxnIndex {
		return d.txnIndex(path, base)
	}
	x, err := readIndex(path, k, base)
	if err != nil {
		return err
	}
	for i, e := range x.entries {
		row := entryRow{Kind: string(k), File: path, Entry: i, Offset: (*int64)(&e.offset)}
		if k == kindIndex {
			row.Position = &e.pos
		} else {
			row.Timestamp = &e.timestamp
		}
		if err := d.write(row); err != nil {
			return err
		}
	}
	if x.reserved > 0 {
		if err := d.write(reservedRow{"reserved", path, x.end, x.reserved}); err != nil {
			return err
		}
	}
	if x.reason != "" {
		return d.damage(path, x.end, x.reason)
	}
	return nil
}

func (d *dump) txnIndex(path string, base wire.Offset) error {
	all, reason, err := readTxnIndex(path, base)
	if err != nil {
		return err
	}
	for i, a := range all {
		row := entryRow{
			Kind: string(kindTxnIndex), File: path, Entry: i, ProducerID: &a.ProducerID,
			First: (*int64)(&a.First), Last: (*int64)(&a.Last), LastStable: (*int64)(&a.LastStable),
		}
		if err := d.write(row); err != nil {
			return err
		}
	}
	if reason != "" {
		return d.damage(path, int64(len(all))*txnEntry, reason)
	}
	return nil
}

// indexFile is an offset or time index as it lies on the disk.
type indexFile struct {
	entries  []indexEntry
	end      int64  // where the entries end
	reserved int64  // zeros behind them
	reason   string // what is wrong at end
}

type indexEntry struct {
	offset    wire.Offset
	pos       int64 // .index
	timestamp int64 // .timeindex
}

const (
	offsetEntry = 8
	timeEntry   = 12
	txnEntry    = 34
)

func readIndex(path string, k kind, base wire.Offset) (indexFile, error) {
	data, err := vfs.ReadFile(vfs.OS, path)
	if err != nil {
		return indexFile{}, err
	}
	return parseIndex(data, k, base), nil
}

// parseIndex takes all entries up to the first that cannot be one.
func parseIndex(data []byte, k kind, base wire.Offset) (x indexFile) {
	width, last := int64(offsetEntry), indexEntry{offset: base - 1}
	if k == kindTimeIndex {
		width, last = timeEntry, indexEntry{offset: base, timestamp: index.NoTimestamp}
	}
	for ; ; x.end += width {
		rest := data[x.end:]
		switch {
		case len(rest) == 0:
			return x
		case rest[0] == 0 && allZero(rest):
			x.reserved = int64(len(rest))
			return x
		case int64(len(rest)) < width:
			x.reason = fmt.Sprintf("%d bytes at the end are not a whole entry", len(rest))
			return x
		}
		e := decodeEntry(rest, k, base)
		if !follows(e, last, k) {
			x.reason = "the entry does not follow the one before it"
			return x
		}
		x.entries = append(x.entries, e)
		last = e
	}
}

func decodeEntry(b []byte, k kind, base wire.Offset) indexEntry {
	if k == kindTimeIndex {
		rel := int32(binary.BigEndian.Uint32(b[8:]))
		return indexEntry{offset: base + wire.Offset(rel), timestamp: int64(binary.BigEndian.Uint64(b))}
	}
	rel, pos := int32(binary.BigEndian.Uint32(b)), int32(binary.BigEndian.Uint32(b[4:]))
	return indexEntry{offset: base + wire.Offset(rel), pos: int64(pos)}
}

func follows(e, last indexEntry, k kind) bool {
	if k == kindTimeIndex {
		return e.timestamp > last.timestamp && e.offset >= last.offset
	}
	return e.offset > last.offset && e.pos > last.pos
}

// readTxnIndex reads the aborted transactions of a segment; reason says what is wrong behind the last of them.
func readTxnIndex(path string, base wire.Offset) (all []index.Aborted, reason string, err error) {
	all, err = index.ReadAborted(vfs.OS, path, base)
	var bad *index.DamagedError
	if errors.As(err, &bad) {
		return all, bad.Reason, nil
	}
	if err != nil {
		return nil, "", err
	}
	info, err := vfs.OS.Stat(path)
	if err != nil {
		return nil, "", err
	}
	if rest := info.Size() - int64(len(all))*txnEntry; rest != 0 {
		reason = fmt.Sprintf("%d bytes at the end are not a whole entry", rest)
	}
	return all, reason, nil
}

// producerRow is a producer of a snapshot.
type producerRow struct {
	Kind             string `json:"kind"`
	File             string `json:"file"`
	ProducerID       int64  `json:"producer_id"`
	ProducerEpoch    int16  `json:"producer_epoch"`
	LastSequence     int32  `json:"last_sequence"`
	LastOffset       int64  `json:"last_offset"`
	OffsetDelta      int32  `json:"offset_delta"`
	TimestampMs      int64  `json:"timestamp_ms"`
	CoordinatorEpoch int32  `json:"coordinator_epoch"`
	TxnFirstOffset   int64  `json:"txn_first_offset"`
}

func (r producerRow) text() string {
	line := fmt.Sprintf("producer=%d/%d last-sequence=%d last-offset=%d time=%s",
		r.ProducerID, r.ProducerEpoch, r.LastSequence, r.LastOffset, moment(r.TimestampMs))
	if r.TxnFirstOffset >= 0 {
		line += fmt.Sprintf(" open-transaction-from=%d", r.TxnFirstOffset)
	}
	return line
}

func (d *dump) snapshot(path string) error {
	data, err := vfs.ReadFile(vfs.OS, path)
	if err != nil {
		return err
	}
	list, err := partition.ReadSnapshot(data)
	if err != nil {
		return d.damage(path, 0, err.Error())
	}
	for _, p := range list {
		err := d.write(producerRow{
			string(kindSnapshot), path, p.ID, p.Epoch, p.LastSequence, int64(p.LastOffset), p.OffsetDelta,
			p.TimestampMs, p.CoordinatorEpoch, int64(p.TxnFirst),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lineRow is a line of a small text file.
type lineRow struct {
	Kind string `json:"kind"`
	File string `json:"file"`
	Line string `json:"line"`
}

func (r lineRow) text() string { return r.Line }

// small prints a text file, read for what it means where it means something.
func (d *dump) small(path string, k kind) error {
	lines, err := readSmall(path, k)
	if isIO(err) {
		return err
	}
	for _, line := range lines {
		if err := d.write(lineRow{string(k), path, line}); err != nil {
			return err
		}
	}
	if err != nil {
		return d.damage(path, 0, plain(path, err))
	}
	return nil
}

// plain is an error about a file, without the name of the file.
func plain(path string, err error) string {
	return strings.TrimSuffix(strings.TrimPrefix(err.Error(), path+": "), ": damaged")
}

// isIO tells a file that cannot be read from one that cannot be understood.
func isIO(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path)
}

// readSmall gives a small text file as lines of key=value.
func readSmall(path string, k kind) (lines []string, err error) {
	switch k {
	case kindCheckpoint:
		if info, err := vfs.OS.Stat(path); err == nil && info.Size() == 0 {
			return nil, nil // Kafka makes the file before it has anything to write
		}
		offsets, err := logdir.ReadCheckpoint(vfs.OS, path)
		for key, o := range offsets {
			lines = append(lines, fmt.Sprintf("topic=%s partition=%d offset=%d", key.Topic, key.Partition, o))
		}
		slices.Sort(lines)
		return lines, err
	case kindMetadata:
		id, err := logdir.ReadPartitionMetadata(vfs.OS, filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		return []string{"topic-id=" + id.String()}, nil
	}
	data, err := vfs.ReadFile(vfs.OS, path)
	if err != nil {
		return nil, err
	}
	if k == kindEpochs {
		list, err := partition.ReadEpochs(data)
		for _, e := range list {
			lines = append(lines, fmt.Sprintf("epoch=%d start=%d", e.Epoch, e.Start))
		}
		return lines, err
	}
	return strings.Split(strings.TrimRight(string(data), "\n"), "\n"), nil
}
