package segment

import (
	"errors"
	"fmt"

	"tailrace/vfs"
)

// The errors that callers tell apart. Everything else is an I/O error, wrapped with what was being done.
var (
	// ErrOutOfRange: an offset below the start or above the end of the log.
	ErrOutOfRange = errors.New("offset out of range")
	// ErrNoSpace: the disk is full. Nothing was appended, and an append succeeds again once there is space. The
	// error wraps syscall.ENOSPC.
	ErrNoSpace = errors.New("no space left for the log: free some, or lower retention.bytes or retention.ms")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("log is closed")
)

// CorruptError names the place of damage that must not be repaired by cutting: below the recovery point, or with good
// batches after it.
type CorruptError struct {
	File   string
	Pos    vfs.Pos
	Reason string
}

// Error implements error.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s: damaged at position %d: %s. Restore the file, or see what a cut there would lose with"+
		" 'tailrace log dump' and 'tailrace log truncate'", e.File, e.Pos, e.Reason)
}
