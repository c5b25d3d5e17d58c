package quorum

import (
	"errors"
	"fmt"
	"syscall"

	"tailrace/broker/metadata"
	"tailrace/wire"
)

// Log is a replicated metadata log as the broker sees it.
type Log interface {
	// Propose asks for records to be appended as one atomic step. done is told the offset of the last one after the
	// image has reached it, or why it did not come to that.
	Propose(records []metadata.Record, done Done)
	// ProposeFunc is Propose for records that depend on the newest image: decide is called with it once the proposals
	// before it are decided. Without records nothing is appended, and done is told the offset of the image decided on.
	ProposeFunc(decide Decide, done Done)
	// Image returns the current image: everything in it is on disk.
	Image() *metadata.Image
	// Subscribe has fn called for every new image from now on, in order, before the done callbacks of what led to it.
	// It returns the image that the first call's delta begins at.
	Subscribe(fn func(metadata.Delta, *metadata.Image)) *metadata.Image
	// LeaderEpoch returns the term that this node leads in.
	LeaderEpoch() wire.LeaderEpoch
	// Close answers what has been proposed and closes the log. Later proposals fail with ErrClosed.
	Close() error
}

// Decide makes the records of a proposal out of the newest image. next is the offset that the first of them will have.
// It runs on the log's goroutine, may be called once only, and must not block.
type Decide func(img *metadata.Image, next wire.Offset) []metadata.Record

// Done is told the fate of a proposal, exactly once, on the log's goroutine. nil is allowed: nobody wants to know.
type Done func(index wire.Offset, err error)

// What can become of a proposal besides success. Everything but FatalError leaves the log as it was.
var (
	// ErrClosed: the log was closed before the proposal was taken up.
	ErrClosed = errors.New("the metadata log is closed")
	// ErrNoSpace: the disk is full. Nothing was appended; the same proposal succeeds once there is space. It wraps
	// syscall.ENOSPC.
	ErrNoSpace = fmt.Errorf("no space left for the metadata log: free some space on the disk of metadata.log.dir: %w",
		syscall.ENOSPC)
	// ErrTooLarge: the records do not fit into one batch of MaxBatchBytes. Propose them in parts.
	ErrTooLarge = fmt.Errorf("a proposal takes more than the %d bytes of one metadata batch", MaxBatchBytes)
)

// MaxBatchBytes bounds the records of one turn, and so of one proposal. It is the largest batch Kafka reads.
const MaxBatchBytes = 8 << 20

// FatalError says that the disk failed. The log takes nothing any more; whether the proposal is on disk is unknown
// until the log is opened again.
type FatalError struct {
	Doing string
	Err   error
}

// Error implements error.
func (e *FatalError) Error() string {
	return "FATAL: the metadata log failed while " + e.Doing + ": " + e.Err.Error() +
		". Check the disk of metadata.log.dir and restart"
}

// Unwrap returns the cause.
func (e *FatalError) Unwrap() error { return e.Err }
