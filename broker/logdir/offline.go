package logdir

import (
	"path/filepath"

	"tailrace/vfs"
	"tailrace/wire"
)

// What follows is for tools that look into a log directory, or mend it, while no broker has it open.

// ReadCheckpoint reads a checkpoint file and holds it against the checksum that was noted for it.
func ReadCheckpoint(fsys vfs.FS, name string) (Offsets, error) {
	return openCheckpoints(fsys, filepath.Dir(name)).read(filepath.Base(name))
}

// ReadPartitionMetadata reads the topic id that a partition directory carries.
func ReadPartitionMetadata(fsys vfs.FS, dir string) (wire.TopicID, error) {
	return readPartitionMetadata(fsys, dir)
}

// LowerRecoveryPoint notes that the log of a partition ends at end, where the checkpoint says that it was durable
// beyond. Without that, the next start would miss the difference as lost. The caller holds the directory's lock.
func LowerRecoveryPoint(fsys vfs.FS, path string, k Key, end wire.Offset) error {
	c := openCheckpoints(fsys, path)
	for _, name := range [...]string{CleanerFile, RecoveryPointFile} { // what follows was never cleaned either
		o, err := c.read(name)
		if err != nil {
			return err
		}
		if o[k] <= end {
			continue
		}
		o[k] = end
		if err := c.write(name, o); err != nil {
			return err
		}
	}
	return nil
}
