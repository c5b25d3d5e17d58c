package segment

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"tailrace/vfs"
	"tailrace/wire"
)

// The files of a segment, all named by its base offset in 20 digits.
const (
	logSuffix   = ".log"
	indexSuffix = ".index"
	timeSuffix  = ".timeindex"
	txnSuffix   = ".txnindex"
)

// What is added to those names while a file is not part of the log, as Kafka does, so that either broker clears up
// after the other:
const (
	cleanedSuffix = ".cleaned" // being made: dropped at start
	swapSuffix    = ".swap"    // made, about to replace others: completed at start
	deletedSuffix = ".deleted" // on its way out: dropped at start
)

var (
	suffixes   = [...]string{logSuffix, indexSuffix, timeSuffix, txnSuffix}
	conditions = [...]string{"", cleanedSuffix, swapSuffix, deletedSuffix}
)

const nameDigits = 20

// baseName is the base offset as it stands in file names.
func baseName(base wire.Offset) string {
	var digits [nameDigits]byte
	s := strconv.AppendInt(digits[:0], int64(base), 10)
	return strings.Repeat("0", nameDigits-len(s)) + string(s)
}

// path is the name of one of a segment's files.
func (l *Log) path(base wire.Offset, suffix string) string {
	return filepath.Join(l.dir, baseName(base)+suffix)
}

// fileOf is where one of the files of s lies at present. Under Log.names.
func (l *Log) fileOf(s *seg, suffix string) string {
	name := l.path(s.base, suffix)
	if s.swapped {
		name += swapSuffix
	}
	return name
}

// parseName takes a file name apart. ok is false for files that are not a segment's.
func parseName(name string) (base wire.Offset, suffix, condition string, ok bool) {
	if len(name) <= nameDigits {
		return 0, "", "", false
	}
	n, err := strconv.ParseUint(name[:nameDigits], 10, 63)
	if err != nil {
		return 0, "", "", false
	}
	rest := name[nameDigits:]
	for _, c := range conditions[1:] {
		if r, found := strings.CutSuffix(rest, c); found {
			rest, condition = r, c
		}
	}
	for _, suffix := range suffixes {
		if rest == suffix {
			return wire.Offset(n), suffix, condition, true
		}
	}
	return 0, "", "", false
}

// place gives a file its place in the log, or takes it out. The caller sees to it that the directory is synced before
// anybody counts on it.
func (l *Log) place(from, to string) error { return l.fs.Rename(from, to) }

// rename is place for a file that may be missing: a segment need not have every index.
func (l *Log) rename(from, to string) error { return ignoreMissing(l.place(from, to)) }

func (l *Log) remove(name string) error { return ignoreMissing(l.fs.Remove(name)) }

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (l *Log) openFile(name string, flag int) (vfs.File, error) {
	return l.fs.OpenFile(name, flag, 0o644)
}
