package partition

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tailrace/vfs"
	"tailrace/wire"
)

// Survey is what the files of a partition say to somebody who only looks.
type Survey struct {
	LogBytes    int64            // of all .log files
	LatestEpoch wire.LeaderEpoch // in leader-epoch-checkpoint, wire.NoLeaderEpoch without one
	Aborted     bool             // transactions were aborted here, and their records are still in the log
	Open        bool             // the newest producer snapshot has a transaction under way
	Old         bool             // a file begins with records of message format 0 or 1, which cannot be read
}

// Look surveys the directory of a partition. Nothing is changed; what is damaged beside the log counts as absent,
// because opening the partition rebuilds it.
func Look(fsys vfs.FS, dir string) (Survey, error) {
	s := Survey{LatestEpoch: wire.NoLeaderEpoch}
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return s, err
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".log") && !strings.HasSuffix(name, ".txnindex") {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return s, err
		}
		if strings.HasSuffix(name, ".log") {
			s.LogBytes += info.Size()
			old, err := beginsOld(fsys, filepath.Join(dir, name))
			if err != nil {
				return s, err
			}
			s.Old = s.Old || old
		} else if info.Size() > 0 {
			s.Aborted = true
		}
	}
	if data, err := vfs.ReadFile(fsys, filepath.Join(dir, epochFile)); err == nil {
		if list, err := decodeEpochs(data); err == nil && len(list) > 0 {
			s.LatestEpoch = list[len(list)-1].epoch
		}
	}
	offsets, err := snapshots(fsys, dir)
	if err != nil || len(offsets) == 0 {
		return s, err
	}
	data, err := vfs.ReadFile(fsys, snapshotName(dir, offsets[len(offsets)-1]))
	if err != nil {
		return s, err
	}
	list, _ := ReadSnapshot(data)
	for _, p := range list {
		s.Open = s.Open || p.TxnFirst >= 0
	}
	return s, nil
}

// beginsOld tells whether a log file begins with a message of format 0 or 1 (before Kafka 0.11): offset, length, CRC,
// and then, where a batch has it as well, the format.
func beginsOld(fsys vfs.FS, name string) (bool, error) {
	const atLength, atFormat, least = 8, 16, 14
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var head [atFormat + 1]byte
	n, err := f.ReadAt(head[:], 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	old := n == len(head) && head[atFormat] < 2 && binary.BigEndian.Uint32(head[atLength:]) >= least
	return old, errors.Join(err, f.Close())
}
