package index

import (
	"errors"
	"syscall"

	"tailrace/vfs"
)

// Reserve takes blocks for [pos, pos+n) of f, which holds nothing of worth there, so that a store through a mapping
// cannot meet a full disk. A full disk is a clean ENOSPC here. Where the file system cannot reserve, zeros are written.
func Reserve(f vfs.File, pos, n int64) error {
	if n <= 0 {
		return nil
	}
	err := f.Allocate(pos, n)
	if !errors.Is(err, syscall.EOPNOTSUPP) {
		return err
	}
	return WriteZeros(f, pos, n)
}

var zeros [64 << 10]byte

// WriteZeros writes n zeros at pos.
func WriteZeros(f vfs.File, pos, n int64) error {
	for n > 0 {
		step := min(n, int64(len(zeros)))
		if _, err := f.WriteAt(zeros[:step], pos); err != nil {
			return err
		}
		pos, n = pos+step, n-step
	}
	return nil
}
