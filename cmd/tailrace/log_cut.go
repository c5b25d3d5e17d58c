package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tailrace/broker/logdir"
	"tailrace/index"
	"tailrace/vfs"
)

// apply cuts, under the lock of the log directory. The order is that of a crash which loses nothing: first the bytes
// are safe elsewhere, then goes what can be made anew, and the file is cut last.
func (c *cut) apply() error {
	if c.Bytes+c.Reserved == 0 {
		return fmt.Errorf("%s ends at position %d: there is nothing to cut", c.File, c.Position)
	}
	dir := filepath.Dir(c.File)
	if err := c.keep(); err != nil {
		return fmt.Errorf("nothing was cut: %w", err)
	}
	for _, name := range c.Rebuilt {
		if err := vfs.OS.Remove(name); err != nil {
			return err
		}
	}
	if err := vfs.OS.SyncDir(dir); err != nil {
		return err
	}
	if topic, p, ok := logdir.ParsePartitionDir(filepath.Base(dir)); ok && c.Later == 0 {
		key := logdir.Key{Topic: topic, Partition: p}
		if err := logdir.LowerRecoveryPoint(vfs.OS, filepath.Dir(dir), key, c.end); err != nil {
			return err
		}
	}
	if err := c.cutTxnIndex(); err != nil {
		return err
	}
	f, err := vfs.OS.OpenFile(c.File, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err = f.Truncate(c.Position); err == nil {
		err = f.Sync()
	}
	c.Done = true
	return errors.Join(err, f.Close())
}

// lockLogDir keeps brokers away. A directory that no broker has ever used has no lock and gets none.
func lockLogDir(path string) (io.Closer, error) {
	name := filepath.Join(path, logdir.LockFile)
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(nil), nil
	}
	lock, err := vfs.OS.Lock(name)
	var held *vfs.LockedError
	if errors.As(err, &held) {
		by := "a broker"
		if held.PID > 0 {
			by = fmt.Sprintf("process %d", held.PID)
		}
		return nil, fmt.Errorf("log directory %s is in use by %s: stop it first; nothing was cut", path, by)
	}
	return lock, err
}

// keep copies what is about to go, reserved zeros aside.
func (c *cut) keep() error {
	from, _, err := openRead(c.File)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := vfs.OS.OpenFile(c.KeptIn, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there from an earlier cut: move it away first", c.KeptIn)
	}
	if err != nil {
		return err
	}
	buf := make([]byte, 1<<20)
	for pos := c.Position; err == nil && pos < c.Position+c.Bytes; {
		b := buf[:min(int64(len(buf)), c.Position+c.Bytes-pos)]
		if err = readFull(from, b, pos); err == nil {
			_, err = to.WriteAt(b, pos-c.Position)
		}
		pos += int64(len(b))
	}
	if err == nil {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return errors.Join(err, vfs.OS.Remove(c.KeptIn))
	}
	return vfs.OS.SyncDir(filepath.Dir(c.KeptIn))
}

// cutTxnIndex drops the aborted transactions whose markers go.
func (c *cut) cutTxnIndex() error {
	name := strings.TrimSuffix(c.File, ".log") + ".txnindex"
	all, _, err := readTxnIndex(name, baseOf(c.File))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	stay := 0
	for stay < len(all) && all[stay].Last < c.end {
		stay++
	}
	return index.CutAborted(vfs.OS, name, stay)
}
