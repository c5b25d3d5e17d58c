package quorum

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"tailrace/batch"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/wire"
)

// A foreign metadata log is one that another broker wrote, which is to say Apache Kafka. Its files are those of ours
// (KIP-595, KIP-630), its records may be of any type. It is read and never written to.

// ForeignRecord is one record of a foreign log. Value aliases a buffer: it is good until the callback returns.
type ForeignRecord struct {
	Offset  wire.Offset // in the log; a record of a snapshot has the snapshot's last
	Epoch   wire.LeaderEpoch
	Control bool
	Kind    int16 // of a control record (ControlRecordType.java), -1 otherwise
	Value   []byte
}

// ForeignEnd is where a foreign log ends: its next offset and the epoch of its last batch.
type ForeignEnd struct {
	Offset wire.Offset
	Epoch  wire.LeaderEpoch
	// TornBytes at the end of the last file are no whole batch: what a kill left. Kafka cuts them at its next start.
	TornBytes int64
}

// ReadForeign calls each with every record of the newest snapshot in dir and of the log above it. Damage anywhere but
// in a torn last batch is a *segment.CorruptError. A directory without a log gives fs.ErrNotExist.
func ReadForeign(fsys vfs.FS, dir string, each func(ForeignRecord) error) (ForeignEnd, error) {
	bases, snaps, err := foreignFiles(fsys, dir)
	if err != nil {
		return ForeignEnd{}, err
	}
	r := foreignReader{fs: fsys, each: each, last: wire.NoLeaderEpoch}
	if len(snaps) > 0 {
		if err := r.snapshot(dir, snaps[len(snaps)-1]); err != nil {
			return ForeignEnd{}, err
		}
	}
	if len(bases) == 0 {
		return r.end, nil
	}
	first, exact := slices.BinarySearch(bases, r.from)
	if !exact {
		first--
	}
	if first < 0 {
		return ForeignEnd{}, fmt.Errorf("the metadata log in %s begins at offset %d, but its newest snapshot ends at %d: "+
			"restore the files in between", dir, bases[0], r.from)
	}
	r.end.Offset = bases[first]
	for i, base := range bases[first:] {
		name := logName(dir, base)
		if base != r.end.Offset {
			return ForeignEnd{}, fmt.Errorf("%s: the file before it ends at offset %d: restore the files in between",
				name, r.end.Offset)
		}
		if err := r.log(name, first+i == len(bases)-1); err != nil {
			return ForeignEnd{}, err
		}
	}
	r.end.Offset = max(r.end.Offset, r.from)
	return r.end, nil
}

// EndOfForeign finds where a foreign log ends by the headers of its last batches. A batch that is damaged behind its
// header counts: the answer is for telling whether the log is still what it was.
func EndOfForeign(fsys vfs.FS, dir string) (ForeignEnd, error) {
	bases, snaps, err := foreignFiles(fsys, dir)
	if err != nil {
		return ForeignEnd{}, err
	}
	var end ForeignEnd
	if len(snaps) > 0 {
		end.Offset, end.Epoch = snaps[len(snaps)-1].End, snaps[len(snaps)-1].Epoch
	}
	for _, base := range slices.Backward(bases) {
		next, epoch, err := endOfFile(fsys, logName(dir, base), base)
		if err != nil {
			return ForeignEnd{}, err
		}
		end.Offset, end.Epoch = max(end.Offset, next), max(end.Epoch, epoch)
		if next > base { // else it is a file that was begun and holds nothing yet
			break
		}
	}
	return end, nil
}

func endOfFile(fsys vfs.FS, name string, base wire.Offset) (next wire.Offset, epoch wire.LeaderEpoch, err error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return 0, 0, err
	}
	next = base
	size, err := f.Size()
	header, at := make([]byte, batch.HeaderSize), int64(0)
	for err == nil && at+batch.HeaderSize <= size {
		if _, err = f.ReadAt(header, at); errors.Is(err, io.EOF) {
			err = nil
		}
		v := batch.View(header)
		n := int64(v.Len())
		if err != nil || n < batch.HeaderSize || at+n > size {
			break
		}
		next, epoch, at = v.LastOffset()+1, v.LeaderEpoch(), at+n
	}
	return next, epoch, errors.Join(err, f.Close())
}

// ForeignVoters are the voters that quorum-state beside a foreign log names. It names none where the quorum is a
// dynamic one (KIP-853): the log tells of those.
func ForeignVoters(fsys vfs.FS, dir string) []int32 {
	data, err := vfs.ReadFile(fsys, filepath.Join(dir, stateFile))
	var s quorumState
	if err != nil || json.Unmarshal(data, &s) != nil {
		return nil
	}
	var ids []int32
	for _, v := range s.CurrentVoters {
		ids = append(ids, v.VoterID)
	}
	return ids
}

// HasForeign tells whether dir, the directory of a metadata log, holds a log or a snapshot.
func HasForeign(fsys vfs.FS, dir string) bool {
	_, _, err := foreignFiles(fsys, dir)
	return err == nil
}

func foreignFiles(fsys vfs.FS, dir string) (bases []wire.Offset, snaps []snapID, err error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		if base, ok := parseLogName(e.Name()); ok {
			bases = append(bases, base)
		} else if id, ok := parseSnapName(e.Name()); ok {
			snaps = append(snaps, id)
		}
	}
	if len(bases)+len(snaps) == 0 {
		return nil, nil, fmt.Errorf("%s holds no metadata log: %w", dir, fs.ErrNotExist)
	}
	return bases, snaps, nil
}

// foreignReader reads file by file.
type foreignReader struct {
	fs   vfs.FS
	each func(ForeignRecord) error
	from wire.Offset      // the end of the snapshot
	last wire.LeaderEpoch // of the last batch of the log, -1 before the first
	end  ForeignEnd
}

// snapshot gives the records of a snapshot to each. One without a footer is not whole: Kafka renames a snapshot into
// place when it is.
func (r *foreignReader) snapshot(dir string, id snapID) error {
	name := snapName(dir, id)
	b, err := vfs.ReadFile(r.fs, name)
	if err != nil {
		return err
	}
	footer, next := false, wire.Offset(0)
	for pos := 0; pos < len(b); {
		v, ok := wholeBatch(b[pos:])
		if !ok || v.BaseOffset() != next || v.LeaderEpoch() != id.Epoch {
			return &segment.CorruptError{File: name, Pos: vfs.Pos(pos),
				Reason: fmt.Sprintf("no whole batch with offset %d begins here", next)}
		}
		reason, err := eachRecord(v, func(_ wire.Offset, key, value []byte) error {
			kind := kindOf(v, key)
			footer = footer || kind == controlSnapshotFooter
			return r.each(ForeignRecord{max(id.End-1, 0), id.Epoch, v.IsControl(), kind, value})
		})
		if reason != "" {
			return &segment.CorruptError{File: name, Pos: vfs.Pos(pos), Reason: reason}
		}
		if err != nil {
			return fmt.Errorf("%s: at position %d: %w", name, pos, err)
		}
		next, pos = v.LastOffset()+1, pos+len(v)
	}
	if !footer {
		return &segment.CorruptError{File: name, Pos: vfs.Pos(len(b)), Reason: "the snapshot ends without a footer"}
	}
	r.from, r.end = id.End, ForeignEnd{Offset: id.End, Epoch: id.Epoch}
	return nil
}

// log gives the records of a log file that lie above the snapshot to each. Only the last file may end in a torn batch.
func (r *foreignReader) log(name string, last bool) error {
	b, err := vfs.ReadFile(r.fs, name)
	if err != nil {
		return err
	}
	pos := 0
	for pos < len(b) {
		v, ok := wholeBatch(b[pos:])
		if !ok {
			break
		}
		if reason := r.follows(v); reason != "" {
			return &segment.CorruptError{File: name, Pos: vfs.Pos(pos), Reason: reason}
		}
		reason, err := eachRecord(v, func(offset wire.Offset, key, value []byte) error {
			if offset < r.from {
				return nil
			}
			return r.each(ForeignRecord{offset, v.LeaderEpoch(), v.IsControl(), kindOf(v, key), value})
		})
		if reason != "" {
			return &segment.CorruptError{File: name, Pos: vfs.Pos(pos), Reason: reason}
		}
		if err != nil {
			return fmt.Errorf("%s: at position %d: %w", name, pos, err)
		}
		r.end.Offset, r.end.Epoch, pos = v.LastOffset()+1, max(r.end.Epoch, v.LeaderEpoch()), pos+len(v)
	}
	if pos == len(b) {
		return nil
	}
	if _, found := laterBatch(b, pos, r.end.Offset); found || !last {
		return &segment.CorruptError{File: name, Pos: vfs.Pos(pos),
			Reason: fmt.Sprintf("the batch with offset %d is damaged, and others follow it", r.end.Offset)}
	}
	r.end.TornBytes = int64(len(b) - pos)
	return nil
}

// follows checks what the CRC does not cover: offsets follow one another, epochs only grow, and each begins with a
// control batch (KafkaRaftClient: a leader's first batch is its LeaderChangeMessage).
func (r *foreignReader) follows(v batch.View) string {
	switch epoch := v.LeaderEpoch(); {
	case v.BaseOffset() != r.end.Offset:
		return fmt.Sprintf("a batch with offset %d where %d follows", v.BaseOffset(), r.end.Offset)
	case epoch < r.last, v.BaseOffset() >= r.from && epoch < r.end.Epoch:
		return fmt.Sprintf("a batch of epoch %d after one of epoch %d", epoch, max(r.last, r.end.Epoch))
	case epoch > r.last && r.last >= 0 && !v.IsControl():
		return fmt.Sprintf("epoch %d does not begin with a control batch", epoch)
	default:
		r.last = epoch
	}
	return ""
}

func kindOf(v batch.View, key []byte) int16 {
	if !v.IsControl() {
		return -1
	}
	return controlType(key)
}

// LogDir is the directory of the metadata log in a metadata.log.dir, or in a log directory of Kafka's.
func LogDir(dir string) string { return filepath.Join(dir, topicDir) }
