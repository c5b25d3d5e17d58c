package quorum

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"tailrace/vfs"
	"tailrace/wire"
)

// store is the log's files. It belongs to the log's goroutine, and to OpenSingle before that.
type store struct {
	fs   vfs.FS
	root string // metadata.log.dir
	dir  string // the log's directory in it
	warn func(msg string, args ...any)

	file  vfs.File      // the file that is appended to
	bases []wire.Offset // of all log files, the one appended to last
	size  int64         // bytes of whole, synced batches in file
	end   wire.Offset   // the next offset
	snaps []snapID      // usable snapshots, the newest last

	epochs  []epochStart
	marked  wire.Offset // what the synced mark on disk says
	reserve bool        // the reserve's blocks are there
	short   bool        // the disk was full when last seen
}

func (s *store) path(name string) string { return filepath.Join(s.dir, name) }

// append writes one batch that begins at end and makes it durable. It fails with ErrNoSpace, and then the log is as
// it was, or with a *FatalError, and then nothing may be appended any more.
func (s *store) append(b []byte, last wire.Offset) error {
	err := s.write(b)
	if errors.Is(err, ErrNoSpace) && s.giveUpReserve() {
		err = s.write(b)
	}
	if err != nil {
		return err
	}
	if err := s.file.SyncData(); err != nil {
		return &FatalError{"syncing " + s.file.Name(), err}
	}
	s.size += int64(len(b))
	s.end = last + 1
	return nil
}

// write puts a batch behind the last one. On a full disk it takes back what it has written of it.
func (s *store) write(b []byte) error {
	_, err := s.file.WriteAt(b, s.size)
	if err == nil {
		return nil
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return &FatalError{"writing to " + s.file.Name(), err}
	}
	s.short = true
	if err := s.file.Truncate(s.size); err != nil {
		return &FatalError{"taking back a batch that met a full disk", err}
	}
	if err := s.file.SyncData(); err != nil {
		return &FatalError{"syncing " + s.file.Name(), err}
	}
	return ErrNoSpace
}

// roll begins a new log file at the end of the log. The old one is synced to its last byte.
func (s *store) roll() error {
	if len(s.bases) > 0 && s.bases[len(s.bases)-1] == s.end {
		return nil // nothing in it yet
	}
	f, err := s.fs.OpenFile(logName(s.dir, s.end), os.O_RDWR|os.O_CREATE|os.O_TRUNC, permission)
	if err != nil {
		return err
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		return errors.Join(err, f.Close(), removeIfThere(s.fs, f.Name()))
	}
	if s.file != nil {
		if err := s.file.Close(); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	s.file, s.size = f, 0
	s.bases = append(s.bases, s.end)
	return nil
}

// trim takes a new snapshot into use: the two newest are kept, and of the log what is above the older of them, so that
// a damaged snapshot costs a replay and nothing else. What cannot be removed is left for the next time.
func (s *store) trim(id snapID) {
	s.snaps = append(s.snaps, id)
	var gone []string
	for len(s.snaps) > 2 {
		gone = append(gone, snapName(s.dir, s.snaps[0]))
		s.snaps = s.snaps[1:]
	}
	for len(s.snaps) == 2 && len(s.bases) > 1 && s.bases[1] <= s.snaps[0].End {
		gone = append(gone, logName(s.dir, s.bases[0]))
		s.bases = s.bases[1:]
	}
	if len(gone) > 0 {
		s.remove(gone...)
	}
	for len(s.epochs) > 1 && s.epochs[1].Start <= s.bases[0] {
		s.epochs = s.epochs[1:]
	}
}

func (s *store) remove(names ...string) {
	var failed error
	for _, name := range names {
		if err := s.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = err
		}
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		failed = err
	}
	if failed != nil {
		s.warn("cannot remove old files of the metadata log; they do no harm but take space", "error", failed)
	}
}

// checkpoint records how far the log is synced and where its terms begin.
func (s *store) checkpoint() error {
	if s.marked == s.end {
		return nil
	}
	if err := vfs.WriteFileAtomic(s.fs, s.path(epochFile), formatEpochs(s.epochs)); err != nil {
		return err
	}
	if err := vfs.WriteFileAtomic(s.fs, filepath.Join(s.root, syncedFile), formatSynced(s.end)); err != nil {
		return err
	}
	s.marked = s.end
	return nil
}

// beginTerm notes the first offset of a term.
func (s *store) beginTerm(term wire.LeaderEpoch) {
	s.epochs = append(s.epochs, epochStart{term, s.end})
}

// takeReserve sets blocks aside that only giveUpReserve frees. False: the disk is full.
func (s *store) takeReserve() bool {
	if s.reserve {
		return true
	}
	name := filepath.Join(s.root, reserveFile)
	f, err := s.fs.OpenFile(name, os.O_RDWR|os.O_CREATE, permission)
	if err == nil {
		err = errors.Join(f.Allocate(0, reserveBytes), f.Close())
	}
	switch {
	case err == nil, errors.Is(err, syscall.EOPNOTSUPP):
		s.reserve, s.short = true, false
		return true
	case !errors.Is(err, syscall.ENOSPC):
		s.warn("cannot set space aside for the metadata log; a full disk will stop it sooner", "file", name, "error", err)
	}
	s.reserve, s.short = false, true
	_ = s.fs.Remove(name) // what was allocated of it
	return false
}

// giveUpReserve frees the reserve and reports whether it was there.
func (s *store) giveUpReserve() bool {
	if !s.reserve {
		return false
	}
	s.reserve, s.short = false, true
	s.warn("the disk of the metadata log is full: its reserve is given up, and no topic can be created "+
		"until there is space again", "dir", s.root)
	return s.fs.Remove(filepath.Join(s.root, reserveFile)) == nil
}

// withReserve runs a step that a full disk must not stop.
func (s *store) withReserve(step func() error) error {
	err := step()
	if errors.Is(err, syscall.ENOSPC) && s.giveUpReserve() {
		err = step()
	}
	return err
}

func (s *store) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
