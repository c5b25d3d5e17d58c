package logdir

import (
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"tailrace/vfs"
	"tailrace/wire"
)

// PartitionMetadataFile is the file that ties a partition directory to a topic
// id:
//
//	version: 0
//	topic_id: 8Gq3x0bCQ0WQ1r3xYd0Zpw        (no newline at the end)
const PartitionMetadataFile = "partition.metadata"

var errReadOnly = error(syscall.EROFS)

func readPartitionMetadata(fsys vfs.FS, dir string) (wire.TopicID, error) {
	name := filepath.Join(dir, PartitionMetadataFile)
	data, err := vfs.ReadFile(fsys, name)
	if err != nil {
		return wire.TopicID{}, err
	}
	version, rest, _ := strings.Cut(string(data), "\n")
	text, ok := strings.CutPrefix(strings.TrimSuffix(rest, "\n"), "topic_id: ")
	if version != "version: 0" || !ok {
		return wire.TopicID{}, fmt.Errorf("%s: not a version 0 partition.metadata", name)
	}
	id, err := wire.ParseTopicID(text)
	if err != nil {
		return wire.TopicID{}, fmt.Errorf("%s: %w", name, err)
	}
	return id, nil
}

// Resembles tells whether was is a topic id of which one character was damaged:
// Kafka's file has no checksum. Two ids that were drawn at random differ in
// some sixty bits.
func Resembles(was, id wire.TopicID) bool {
	differ := 0
	for i := range id {
		differ += bits.OnesCount8(was[i] ^ id[i])
	}
	return differ <= 8
}

// CreatePartition makes the directory of a new partition and returns its path.
// A directory of that name whose log belongs to another topic id, which a crash
// during its deletion has left, is moved aside: nothing in it may show up in
// the new partition. Nothing is synced: the partition's first sync round
// does that (Settle), so that a thousand partitions do not cost a thousand
// journal commits.
func (d *Dir) CreatePartition(k Key, id wire.TopicID) (string, error) {
	path := filepath.Join(d.o.Path, PartitionDir(k.Topic, k.Partition))
	if err := d.forget(k); err != nil {
		return "", err
	}
	err := d.o.FS.Mkdir(path, 0o755)
	if errors.Is(err, fs.ErrExist) {
		err = nil
		if was, _ := readPartitionMetadata(d.o.FS, path); was != id && d.holdsLog(path) {
			err = d.moveAside(k, path)
		}
	}
	if err != nil {
		return "", err
	}
	return path, d.Identify(path, id)
}

// holdsLog tells whether a directory has a log file. One that cannot be read is
// taken for one that has.
func (d *Dir) holdsLog(path string) bool {
	entries, err := d.o.FS.ReadDir(path)
	return err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return strings.HasSuffix(e.Name(), ".log")
	})
}

// moveAside makes room for a new partition's directory.
func (d *Dir) moveAside(k Key, path string) error {
	stray := filepath.Join(d.o.Path, uniqueDir(k, StraySuffix))
	d.o.Logger.Warn("a directory of a deleted topic is in the way of a new one and is moved aside",
		"path", path, "to", stray)
	if err := d.o.FS.Rename(path, stray); err != nil {
		return err
	}
	if err := d.SyncEntries(); err != nil {
		return err
	}
	return d.o.FS.Mkdir(path, 0o755)
}

// Identify writes a partition's topic id into its directory.
func (d *Dir) Identify(path string, id wire.TopicID) error {
	f, err := d.o.FS.OpenFile(filepath.Join(path, PartitionMetadataFile), createFlags, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte("version: 0\ntopic_id: "+id.String()), 0)
	return errors.Join(err, f.Close())
}

// Settle makes a partition's directory and its partition.metadata durable.
func (d *Dir) Settle(path string) error {
	f, err := d.o.FS.OpenFile(filepath.Join(path, PartitionMetadataFile), readOnly, 0)
	if err != nil {
		return err
	}
	err = f.Sync()
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := d.o.FS.SyncDir(path); err != nil {
		return err
	}
	return d.o.FS.SyncDir(d.o.Path)
}

// Add makes a partition a member: its offsets are checkpointed and it is kept
// house for.
func (d *Dir) Add(k Key, m Member) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.members[k] = m
	delete(d.shut, k)
	d.carried.forget(k) // from now on the member knows better
}

// SyncEntries makes what was created, dropped or removed in the directory
// durable.
func (d *Dir) SyncEntries() error { return d.o.FS.SyncDir(d.o.Path) }

// Drop renames a partition's directory out of the way and forgets it; it is
// durable after SyncEntries. The files go when the returned function is called (file.delete.delay.ms later),
// or at the next start.
func (d *Dir) Drop(k Key, path string) (remove func() error, err error) {
	d.mu.Lock()
	delete(d.members, k)
	delete(d.shut, k)
	d.carried.forget(k)
	d.cleanedStale = d.dropCleaned(k, 0) || d.cleanedStale
	d.mu.Unlock()
	d.side.set(k, nil)
	d.Touch()
	gone := filepath.Join(d.o.Path, uniqueDir(k, DeleteSuffix))
	if err := d.o.FS.Rename(path, gone); err != nil {
		return nil, err
	}
	return func() error { return d.o.FS.RemoveAll(gone) }, nil
}

// Members is how many partitions the directory holds.
func (d *Dir) Members() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.members)
}
