package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"tailrace/batch"
	"tailrace/index"
	"tailrace/wire"
)

// segment checks a .log file and its indexes. bound is the base offset of the segment behind it: what lies at or above
// that is no longer part of the log.
func (v *verification) segment(path string, bound wire.Offset) error {
	base := baseOf(path)
	stem := strings.TrimSuffix(path, ".log")
	// The indexes are read first: then a broker at work has already written whatever they point to.
	offsets, err := v.openIndex(stem+".index", kindIndex, base)
	if err != nil {
		return err
	}
	times, err := v.openIndex(stem+".timeindex", kindTimeIndex, base)
	if err != nil {
		return err
	}
	if err := v.txnIndex(stem+".txnindex", base); err != nil {
		return err
	}
	f, size, err := openRead(path)
	if err != nil {
		return err
	}
	defer f.Close()
	v.Segments++
	s := &scan{file: f, size: size, base: base, live: true}
	whole, err := v.batches(s, path, bound, offsets, times)
	if err != nil {
		return err
	}
	if whole {
		offsets.finish(v)
		times.finish(v)
	}
	return nil
}

// batches goes through a segment; whole is false when damage kept the indexes from being compared to the end.
func (v *verification) batches(
	s *scan, path string, bound wire.Offset, offsets, times *indexCheck,
) (whole bool, err error) {
	whole = true
	for {
		f, ok, err := s.step()
		switch {
		case err != nil || !ok:
			return whole, err
		case f.Reserved > 0:
			v.reserved(path, f.Pos, f.Reserved)
		case f.View != nil && f.Reason == "" && f.View.BaseOffset() >= bound:
			v.stale(path, f.Pos, s.size-f.Pos)
			return whole, nil
		case f.Reason != "":
			whole = false
			v.damaged(path, f.Pos, f.Reason)
		case f.View.LastOffset() >= bound:
			v.damaged(path, f.Pos, fmt.Sprintf("the batch ends with offset %d, which belongs to the next segment, %d",
				f.View.LastOffset(), bound))
		default:
			v.Batches++
			v.Records += int64(f.View.Count())
			v.Bytes += int64(len(f.View))
		}
		if whole {
			offsets.note(v, f.Pos, f.View)
			times.note(v, f.Pos, f.View)
		}
	}
}

// indexCheck holds the entries of an index against the batches as they come. It stops at the first entry that is wrong.
type indexCheck struct {
	path    string
	kind    kind
	entries []indexEntry // not met yet
	at      int64        // position of the first of them in the file
	maxTime int64        // largest timestamp of the batches so far
}

// openIndex reads an index. One that is missing is no damage: the broker makes it anew.
func (v *verification) openIndex(path string, k kind, base wire.Offset) (*indexCheck, error) {
	x, err := readIndex(path, k, base)
	if errors.Is(err, fs.ErrNotExist) {
		return &indexCheck{}, nil
	}
	if err != nil {
		return nil, err
	}
	v.Entries += int64(len(x.entries))
	if x.reserved > 0 {
		v.reserved(path, x.end, x.reserved)
	}
	if x.reason != "" {
		v.damaged(path, x.end, x.reason)
	}
	return &indexCheck{path: path, kind: k, entries: x.entries, maxTime: index.NoTimestamp}, nil
}

func (v *verification) txnIndex(path string, base wire.Offset) error {
	all, reason, err := readTxnIndex(path, base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	v.Entries += int64(len(all))
	if reason != "" {
		v.damaged(path, int64(len(all))*txnEntry, reason)
	}
	return nil
}

// note compares the entries that concern the batch at pos, which may be nil where the log ends in a reserve.
func (c *indexCheck) note(v *verification, pos int64, b batch.View) {
	if b == nil {
		return
	}
	c.maxTime = max(c.maxTime, b.MaxTimestamp())
	for len(c.entries) > 0 {
		reason, concerned := c.entries[0].against(c.kind, pos, b, c.maxTime)
		if reason != "" {
			v.damaged(c.path, c.at, reason)
			c.entries = nil
			return
		}
		if !concerned {
			return
		}
		c.entries = c.entries[1:]
		c.at += map[kind]int64{kindIndex: offsetEntry, kindTimeIndex: timeEntry}[c.kind]
	}
}

// against compares an entry with the batch at pos; concerned is false for an entry that means a later batch.
func (e indexEntry) against(k kind, pos int64, b batch.View, maxTime int64) (reason string, concerned bool) {
	if k == kindIndex {
		switch {
		case e.pos > pos:
			return "", false
		case e.pos < pos:
			return fmt.Sprintf("the entry for offset %d points to position %d, where no batch begins", e.offset, e.pos), true
		case e.offset != b.LastOffset():
			return fmt.Sprintf("the entry says offset %d for position %d, where a batch ends with %d",
				e.offset, e.pos, b.LastOffset()), true
		}
		return "", true
	}
	switch {
	case e.offset > b.LastOffset():
		return "", false
	case e.offset < b.BaseOffset():
		return fmt.Sprintf("the entry names offset %d, which no batch holds", e.offset), true
	case e.timestamp != b.MaxTimestamp() || e.timestamp < maxTime:
		return fmt.Sprintf("the entry says that %d is the largest timestamp up to offset %d, where it is %d",
			e.timestamp, e.offset, max(maxTime, b.MaxTimestamp())), true
	}
	return "", true
}

// finish reports an entry that points behind the last batch.
func (c *indexCheck) finish(v *verification) {
	if len(c.entries) > 0 {
		v.damaged(c.path, c.at, fmt.Sprintf("the entry for offset %d points behind the last batch", c.entries[0].offset))
	}
}
