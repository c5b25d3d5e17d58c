package quorum

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tailrace/batch"
	"tailrace/broker/metadata"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/wire"
)

// recovered is what the files gave.
type recovered struct {
	img      *metadata.Image
	term     wire.LeaderEpoch // the highest seen, 0 for none
	lastMs   int64            // when the last record was appended
	unsnaped int              // records above the newest snapshot
	snapped  int              // records in the newest snapshot
}

// recover reads the newest usable snapshot and the log above it, cuts a torn last batch, and makes sure that what it
// returns is on disk. An empty directory gives an empty image and no open file.
func (s *store) recover() (recovered, error) {
	if err := s.list(); err != nil {
		return recovered{}, err
	}
	term, exists, err := readTerm(s.fs, s.dir)
	if err != nil {
		s.warn("rebuilding a damaged file", "file", s.path(stateFile), "error", err)
	}
	if exists && len(s.bases) == 0 && len(s.snaps) == 0 {
		return recovered{}, fmt.Errorf("%s holds no log and no snapshot, only a term: the metadata was removed. "+
			"Restore the directory, or move it away to begin an empty cluster", s.dir)
	}
	synced, known := s.readSynced()
	if !known {
		if err := syncUp(s.fs, s.dir); err != nil {
			return recovered{}, err
		}
	}
	r := s.loadSnapshot()
	r.term = max(r.term, term)
	from := r.img.Offset + 1
	if len(s.bases) == 0 {
		if from == 0 {
			return r, nil
		}
		return r, fmt.Errorf("%s holds a snapshot but no log file: restore %s", s.dir, logName(s.dir, from))
	}
	replay := replay{store: s, r: &r, c: metadata.NewChange(r.img), synced: synced}
	if err := replay.files(from); err != nil {
		return recovered{}, err
	}
	if exists && err == nil && term < r.term {
		s.warn("the term in this file is older than that of the log; taking the log's", "file", s.path(stateFile))
	}
	r.img = replay.c.Image()
	s.recoverEpochs(replay.epochs, replay.from)
	return r, nil
}

// list finds log files and snapshots, and removes what an interrupted replacement left.
func (s *store) list() error {
	entries, err := s.fs.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), vfs.TempSuffix) {
			s.remove(s.path(e.Name()))
		} else if base, ok := parseLogName(e.Name()); ok {
			s.bases = append(s.bases, base)
		} else if id, ok := parseSnapName(e.Name()); ok {
			s.snaps = append(s.snaps, id)
		}
	}
	slices.Sort(s.bases)
	return nil
}

// readSynced returns the offset below which everything is known to be on disk; 0 if that is not known.
func (s *store) readSynced() (end wire.Offset, known bool) {
	name := filepath.Join(s.root, syncedFile)
	data, err := vfs.ReadFile(s.fs, name)
	if err == nil {
		end, err = parseSynced(data)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.warn("rebuilding a damaged file", "file", name, "error", err)
	}
	if err == nil {
		s.marked = end
	}
	return end, err == nil
}

// loadSnapshot takes the newest snapshot that is whole. Damaged ones are passed over with a warning and stay where they
// are until newer snapshots push them out.
func (s *store) loadSnapshot() recovered {
	for i, id := range slices.Backward(s.snaps) {
		l, err := readSnapshot(s.fs, s.dir, id)
		if err == nil {
			s.snaps = s.snaps[:i+1]
			return recovered{img: l.img, term: id.Epoch, lastMs: l.lastMs, snapped: l.records}
		}
		s.warn("a metadata snapshot is damaged; falling back to what came before it",
			"file", snapName(s.dir, id), "error", err)
	}
	s.snaps = nil
	return recovered{img: metadata.Empty()}
}

// replay reads log files into a change.
type replay struct {
	store  *store
	r      *recovered
	c      *metadata.Change
	synced wire.Offset
	from   wire.Offset // base of the first file read
	next   wire.Offset
	epochs []epochStart
}

// files reads every file that holds offsets from from on. They must follow each other without a gap.
func (p *replay) files(from wire.Offset) error {
	s := p.store
	first, exact := slices.BinarySearch(s.bases, from)
	if !exact {
		first--
	}
	if first < 0 {
		return fmt.Errorf("the metadata log in %s begins at offset %d, but %d is needed: restore the older files",
			s.dir, s.bases[0], from)
	}
	p.from, p.next = s.bases[first], s.bases[first]
	for i, base := range s.bases[first:] {
		name := logName(s.dir, base)
		if base != p.next {
			return fmt.Errorf("%s: the file before it ends at offset %d: restore the files in between", name, p.next)
		}
		if err := p.file(name, from, first+i == len(s.bases)-1); err != nil {
			return err
		}
	}
	if p.next < max(from, p.synced) {
		return &segment.CorruptError{File: s.file.Name(), Pos: vfs.Pos(s.size), Reason: fmt.Sprintf(
			"the log ends at offset %d, but everything below %d was synced", p.next, max(from, p.synced))}
	}
	s.end = p.next
	return nil
}

// file reads one file. Only the last one may end in a torn batch; it stays open.
func (p *replay) file(name string, from wire.Offset, last bool) error {
	b, err := vfs.ReadFile(p.store.fs, name)
	if err != nil {
		return err
	}
	pos, lastBatch := 0, 0
	for pos < len(b) {
		v, ok := wholeBatch(b[pos:])
		if !ok {
			break
		}
		if err := p.batch(v, from); err != nil {
			var corrupt *segment.CorruptError
			if errors.As(err, &corrupt) {
				corrupt.File, corrupt.Pos = name, vfs.Pos(pos)
				return corrupt
			}
			return fmt.Errorf("%s: at position %d: %w", name, pos, err)
		}
		lastBatch, pos = pos, pos+len(v)
	}
	if pos < len(b) {
		if err := p.mayCut(b, name, pos, last, from); err != nil {
			return err
		}
	}
	if !last {
		return nil
	}
	return p.store.openTail(name, b, lastBatch, pos, p.next == p.synced)
}

// batch checks that an intact batch continues the log, and applies it if it is above the snapshot.
func (p *replay) batch(v batch.View, from wire.Offset) error {
	if v.BaseOffset() != p.next || v.LastOffset() >= from && v.BaseOffset() < from {
		return &segment.CorruptError{Reason: fmt.Sprintf("a batch with offsets %d to %d where %d follows",
			v.BaseOffset(), v.LastOffset(), p.next)}
	}
	if reason := p.checkTerm(v, from); reason != "" {
		return &segment.CorruptError{Reason: reason}
	}
	p.next = v.LastOffset() + 1
	if p.next <= from {
		return nil
	}
	reason, err := applyBatch(p.c, v)
	if reason != "" {
		return &segment.CorruptError{Reason: reason}
	}
	p.r.term, p.r.lastMs = max(p.r.term, v.LeaderEpoch()), v.MaxTimestamp()
	p.r.unsnaped += v.Count()
	return err
}

// checkTerm checks the leader epoch of a batch, which the CRC does not cover: terms only grow, each begins with a
// control batch, and none is below that of the snapshot.
func (p *replay) checkTerm(v batch.View, from wire.Offset) string {
	epoch, last := v.LeaderEpoch(), wire.LeaderEpoch(-1)
	if n := len(p.epochs); n > 0 {
		last = p.epochs[n-1].Epoch
	}
	switch {
	case epoch < last || p.next >= from && epoch < p.r.img.Epoch:
		return fmt.Sprintf("a batch of term %d after one of term %d", epoch, max(last, p.r.img.Epoch))
	case epoch > last && last >= 0 && !v.IsControl():
		return fmt.Sprintf("term %d does not begin with a control batch", epoch)
	case epoch > last:
		p.epochs = append(p.epochs, epochStart{epoch, p.next})
	}
	return ""
}

// mayCut refuses to cut what was synced once: anything but the end of the last file, below the synced mark, or with an
// intact batch behind it.
func (p *replay) mayCut(b []byte, name string, pos int, last bool, from wire.Offset) error {
	corrupt := &segment.CorruptError{File: name, Pos: vfs.Pos(pos)}
	if at, found := laterBatch(b, pos, p.next); found {
		corrupt.Reason = fmt.Sprintf("the batch with offset %d is damaged, and an intact one follows at position %d",
			p.next, at)
		return corrupt
	}
	if !last || p.next < max(from, p.synced) {
		corrupt.Reason = fmt.Sprintf("the batch with offset %d is damaged, and it was synced", p.next)
		return corrupt
	}
	p.store.warn("cutting a metadata batch that a crash left unfinished; it was not acknowledged",
		"file", name, "position", pos, "bytes", len(b)-pos, "offset", int64(p.next))
	return nil
}

// openTail opens the file to append to, cuts it at end and makes it durable. Unless the synced mark says that all of it
// is on disk, the last batch is written once more: after a failed sync the page cache shows a batch that the disk does
// not have, and no later sync would write it.
func (s *store) openTail(name string, b []byte, lastBatch, end int, clean bool) error {
	f, err := s.fs.OpenFile(name, os.O_RDWR, permission)
	if err != nil {
		return err
	}
	s.file, s.size = f, int64(end)
	if clean && end == len(b) {
		return nil
	}
	if end < len(b) {
		if err := f.Truncate(int64(end)); err != nil {
			return err
		}
	}
	if lastBatch < end {
		if _, err := f.WriteAt(b[lastBatch:end], int64(lastBatch)); err != nil {
			return err
		}
	}
	if err := f.SyncData(); err != nil {
		return err
	}
	return s.fs.SyncDir(s.dir)
}

// recoverEpochs compares leader-epoch-checkpoint with the log, which was read from offset from on.
func (s *store) recoverEpochs(log []epochStart, from wire.Offset) {
	var listed []epochStart
	data, err := vfs.ReadFile(s.fs, s.path(epochFile))
	if err == nil {
		listed, err = parseEpochs(data)
	}
	if errors.Is(err, fs.ErrNotExist) {
		s.epochs = log
		return
	}
	ok := false
	if s.epochs, ok = reconcileEpochs(listed, log, from); err != nil || !ok {
		s.warn("rebuilding a damaged file", "file", s.path(epochFile), "error", err)
		s.marked = -1
	}
}
