package logdir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"tailrace/vfs"
)

// Survey is what a log directory looks like to somebody who only looks: no lock is taken and nothing is changed.
type Survey struct {
	Path      string
	Formatted bool // meta.properties is there
	Identity  Identity
	Clean     bool  // the clean-stop marker is there
	Epoch     int64 // the broker epoch in it, -1 for none

	MetadataLog bool     // Kafka's own metadata log lies here
	Used        bool     // Tailrace has served it
	Partitions  []Found  // all partition directories
	Future      []string // names of moves between log directories that were under way
	Stray       []string // names of directories set aside
	Unknown     []string // names of directories that neither broker knows
}

// Look surveys a log directory. A missing directory is an error (fs.ErrNotExist), an empty one is not.
func Look(fsys vfs.FS, path string) (Survey, error) {
	s := Survey{Path: path, Epoch: -1}
	entries, err := fsys.ReadDir(path)
	if err != nil {
		return s, fmt.Errorf("log directory %s: %w", path, err)
	}
	s.Identity, err = readIdentity(fsys, path)
	if s.Formatted = err == nil; err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	for _, e := range entries {
		if err := s.entry(fsys, e); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *Survey) entry(fsys vfs.FS, e fs.DirEntry) error {
	name, path := e.Name(), filepath.Join(s.Path, e.Name())
	if !e.IsDir() {
		switch name {
		case CleanStopFile:
			s.Clean = true
			var c cleanStop
			if data, err := vfs.ReadFile(fsys, path); err == nil && json.Unmarshal(data, &c) == nil {
				s.Epoch = c.BrokerEpoch
			}
		case bootFile:
			s.Used = true
		}
		return nil
	}
	topic, p, ok := ParsePartitionDir(name)
	switch {
	case name == MetadataLogName:
		s.MetadataLog = true
	case ok:
		id, err := readPartitionMetadata(fsys, path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		s.Partitions = append(s.Partitions, Found{Key: Key{topic, p}, Path: path, ID: id})
	case strings.HasSuffix(name, futureSuffix):
		s.Future = append(s.Future, name)
	case strings.HasSuffix(name, StraySuffix):
		s.Stray = append(s.Stray, name)
	case !strings.HasSuffix(name, DeleteSuffix) && name != lostAndFound:
		s.Unknown = append(s.Unknown, name)
	}
	return nil
}

// lostAndFound lies at the top of a file system of its own.
const lostAndFound = "lost+found"

// Format makes a directory into a log directory of a cluster and a node by writing its meta.properties. The directory
// id is made anew.
func Format(fsys vfs.FS, path, clusterID string, nodeID int32) error {
	if err := fsys.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return writeIdentity(fsys, path, Identity{ClusterID: clusterID, NodeID: nodeID, DirectoryID: NewUUID()})
}

// Claim locks a log directory as a broker does, so that none can start on it until the lock is closed. One without a
// lock file has never been used; it gets none.
func Claim(fsys vfs.FS, path string) (release func() error, err error) {
	name := filepath.Join(path, LockFile)
	if _, err := fsys.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, nil
	}
	lock, err := fsys.Lock(name)
	if err != nil {
		return nil, lockError(path, err)
	}
	return lock.Close, nil
}

// ForgetSums removes what Tailrace remembers of its checkpoints, because Kafka has rewritten them since: they would be
// taken for damaged, and with them would go where each log starts.
func ForgetSums(fsys vfs.FS, path string) error {
	if err := fsys.Remove(filepath.Join(path, checksumsFile)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return fsys.SyncDir(path)
}
