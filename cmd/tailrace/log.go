package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tailrace/broker/logdir"
	"tailrace/vfs"
	"tailrace/wire"
)

func newLog() *cobra.Command {
	return group("log", "Look into the files of a log, and cut a damaged one",
		newLogDump(), newLogVerify(), newLogTruncate())
}

// kind is what a file of a log directory holds.
type kind string

const (
	kindLog        kind = "log"
	kindIndex      kind = "index"
	kindTimeIndex  kind = "timeindex"
	kindTxnIndex   kind = "txnindex"
	kindSnapshot   kind = "snapshot"
	kindEpochs     kind = "leader-epochs"
	kindCheckpoint kind = "checkpoint"
	kindMetadata   kind = "partition-metadata"
	kindText       kind = "text"
	kindUnknown    kind = ""
)

// kinds by the name of the file, or by the end of the name.
var (
	kindOfName = map[string]kind{
		"leader-epoch-checkpoint":    kindEpochs,
		logdir.RecoveryPointFile:     kindCheckpoint,
		logdir.LogStartFile:          kindCheckpoint,
		logdir.HighWatermarkFile:     kindCheckpoint,
		"cleaner-offset-checkpoint":  kindCheckpoint,
		logdir.PartitionMetadataFile: kindMetadata,
		logdir.MetaFile:              kindText,
		logdir.CleanStopFile:         kindText,
		"tailrace-boot":              kindText,
		"tailrace-checksums":         kindText,
	}
	kindOfEnd = map[string]kind{
		".log": kindLog, ".index": kindIndex, ".timeindex": kindTimeIndex, ".txnindex": kindTxnIndex,
		".snapshot": kindSnapshot, ".checkpoint": kindLog, // the latter: a snapshot of the metadata log
	}
	// aside is what is added to a name while the file is not part of the log: Kafka's words, and those of log truncate.
	aside = regexp.MustCompile(`(\.deleted|\.cleaned|\.swap|\.cut-\d+)$`)
)

// kindOf tells what a file holds; inLog is false for one that is not, or no longer, part of the log.
func kindOf(path string) (k kind, inLog bool) {
	name := filepath.Base(path)
	rest := aside.ReplaceAllString(name, "")
	if k, ok := kindOfName[rest]; ok {
		return k, rest == name
	}
	return kindOfEnd[filepath.Ext(rest)], rest == name
}

// unknownBase is the base offset of a file whose name does not tell it.
const unknownBase wire.Offset = -1

// baseOf is the base offset that a segment's file carries in its name.
func baseOf(path string) wire.Offset {
	digits, _, _ := strings.Cut(filepath.Base(path), ".")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || len(digits) != 20 {
		return unknownBase
	}
	return wire.Offset(n)
}

// damage is a place where a file is not what it should be.
type damage struct {
	File     string `json:"file"`
	Position int64  `json:"position"`
	Reason   string `json:"reason"`
}

func (d damage) text() string {
	return fmt.Sprintf("DAMAGED %s: position %d: %s", d.File, d.Position, d.Reason)
}

// damaged is the error of a command that found n such places.
func damaged(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("damage was found in %s", count(int64(n), "place", "places"))
}

// filesBelow lists the files of a directory and of those in it, in order; a file is its own list.
func filesBelow(path string) ([]string, error) {
	var list []string
	err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && os.IsNotExist(err) && len(list) > 0:
			return nil // a broker at work has removed it meanwhile
		case err != nil:
			return err
		case !d.IsDir():
			list = append(list, path)
		}
		return nil
	})
	return list, err
}

// openRead opens a file of a log for reading only, so that nothing is changed by looking at it.
func openRead(path string) (vfs.File, int64, error) {
	f, err := vfs.OS.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, 0, err
	}
	size, err := f.Size()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, size, nil
}
