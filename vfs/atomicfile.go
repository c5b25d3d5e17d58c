package vfs

import (
	"errors"
	"os"
	"path/filepath"
)

// TempSuffix ends the name of a file that is being written in order to replace another. Such a file found at start is
// the rest of a crash and may be deleted.
const TempSuffix = ".tmp"

// WriteFileAtomic replaces the small file name by data: write to name+TempSuffix, sync, rename, sync the
// directory. When it returns nil the new content is durable. After an error or a crash the file holds either the
// old content or the new. Without the last step the old content was back after a power cut.
// One name must not be written twice at once.
func WriteFileAtomic(fsys FS, name string, data []byte) error {
	tmp := name + TempSuffix
	if err := writeSynced(fsys, tmp, data); err != nil {
		return errors.Join(err, removeTemp(fsys, tmp))
	}
	if err := fsys.Rename(tmp, name); err != nil {
		return errors.Join(err, removeTemp(fsys, tmp))
	}
	return fsys.SyncDir(filepath.Dir(name))
}

func writeSynced(fsys FS, name string, data []byte) error {
	f, err := fsys.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(data, 0); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// removeTemp frees the space a failed attempt took, which matters on a full disk.
func removeTemp(fsys FS, name string) error {
	if err := fsys.Remove(name); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
