package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tailrace/broker/logdir"
	"tailrace/broker/partition"
	"tailrace/vfs"
	"tailrace/wire"
)

func newLogVerify() *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use:   "verify PATH...",
		Short: "Check every byte of logs and the files beside them",
		Long: "Check the CRC and the offsets of every batch, each index entry against the batch it points to, and\n" +
			"producer snapshots, leader epochs and checkpoints. PATH is a log directory, the directory of a partition,\n" +
			"or a .log file. Nothing is changed, and a broker may be running. The exit code is 1 on damage.",
		Example: "  tailrace log verify tailrace-data/log\n  tailrace log verify tailrace-data/log/orders-0",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			w := bufio.NewWriter(cmd.OutOrStdout())
			v := &verification{Version: 1, Reserved: []reservedRow{}, Stale: []reservedRow{}, Damage: []damage{}}
			if out != formatJSON {
				v.tell = func(line string) { fmt.Fprintln(w, line) }
			}
			for _, path := range paths {
				if err := v.path(path); err != nil {
					return err
				}
			}
			var err error
			if out == formatJSON {
				err = document(w, v)
			} else {
				v.tell(v.summary())
			}
			if flushErr := w.Flush(); err == nil {
				err = flushErr
			}
			if err == nil {
				err = damaged(len(v.Damage))
			}
			return err
		},
	}
	out.addTo(cmd, oneDocument)
	return cmd
}

// verification is what verify has seen; as JSON its keys are stable.
type verification struct {
	Version    int           `json:"version"`
	Partitions int64         `json:"partitions"`
	Segments   int64         `json:"segments"`
	Batches    int64         `json:"batches"`
	Records    int64         `json:"records"`
	Bytes      int64         `json:"bytes"` // of batches
	Entries    int64         `json:"index_entries"`
	Reserved   []reservedRow `json:"reserved"` // space kept for batches to come, no damage
	Stale      []reservedRow `json:"stale"`    // batches that a truncation took out of the log, no damage
	Damage     []damage      `json:"damage"`

	tell func(line string) // nil: JSON
}

func (v *verification) summary() string {
	verdict := "no damage"
	if n := len(v.Damage); n > 0 {
		verdict = count(int64(n), "place", "places") + " damaged"
	}
	return fmt.Sprintf("%s, %s, %s, %s, %s, %s: %s",
		count(v.Partitions, "partition", "partitions"), count(v.Segments, "segment", "segments"),
		count(v.Batches, "batch", "batches"), count(v.Records, "record", "records"),
		count(v.Bytes, "byte", "bytes"), count(v.Entries, "index entry", "index entries"), verdict)
}

func (v *verification) damaged(file string, pos int64, reason string) {
	d := damage{file, pos, reason}
	v.Damage = append(v.Damage, d)
	if v.tell != nil {
		v.tell(d.text())
	}
}

func (v *verification) reserved(file string, pos, bytes int64) {
	v.Reserved = append(v.Reserved, reservedRow{"reserved", file, pos, bytes})
	if v.tell != nil {
		v.tell(fmt.Sprintf("%s: %d bytes reserved from position %d on", file, bytes, pos))
	}
}

func (v *verification) stale(file string, pos, bytes int64) {
	v.Stale = append(v.Stale, reservedRow{"stale", file, pos, bytes})
	if v.tell != nil {
		v.tell(fmt.Sprintf("%s: %d bytes from position %d on were cut off by the broker and are no part of the log",
			file, bytes, pos))
	}
}

// path checks what PATH names.
func (v *verification) path(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		k, inLog := kindOf(path)
		if k != kindLog || !inLog || baseOf(path) == unknownBase {
			return usage("%s is no directory and no .log file; `tailrace log dump` reads other files", path)
		}
		return v.segment(path, math.MaxInt64)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	var partitions []string
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		k, inLog := kindOf(name)
		switch _, _, isPartition := logdir.ParsePartitionDir(e.Name()); {
		case e.IsDir() && isPartition:
			partitions = append(partitions, name)
		case !e.IsDir() && inLog && (k == kindLog && baseOf(name) != unknownBase || k == kindMetadata):
			return v.partition(path)
		case !e.IsDir() && k == kindCheckpoint:
			if err := v.small(name, k); err != nil {
				return err
			}
		}
	}
	if len(partitions) == 0 {
		return fmt.Errorf("%s is no log directory and no directory of a partition: there is no log in it", path)
	}
	for _, dir := range partitions {
		if err := v.partition(dir); err != nil && !os.IsNotExist(err) { // a broker at work may have deleted it
			return err
		}
	}
	return nil
}

// partition checks all files of a partition's directory.
func (v *verification) partition(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	v.Partitions++
	var segments []string
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		k, inLog := kindOf(name)
		if !inLog || e.IsDir() {
			continue
		}
		switch k {
		case kindLog:
			if baseOf(name) != unknownBase {
				segments = append(segments, name)
			}
		case kindSnapshot, kindEpochs, kindMetadata:
			if err := v.small(name, k); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	for i, name := range segments {
		bound := wire.Offset(math.MaxInt64)
		if i+1 < len(segments) {
			bound = baseOf(segments[i+1])
		}
		if err := v.segment(name, bound); err != nil && !os.IsNotExist(err) { // retention may have removed it
			return err
		}
	}
	return nil
}

// small checks a file that is read as a whole.
func (v *verification) small(path string, k kind) error {
	var err error
	if k == kindSnapshot {
		var data []byte
		if data, err = vfs.ReadFile(vfs.OS, path); err == nil {
			_, err = partition.ReadSnapshot(data)
		}
	} else {
		_, err = readSmall(path, k)
	}
	if isIO(err) {
		return err
	}
	if err != nil {
		v.damaged(path, 0, plain(path, err))
	}
	return nil
}
