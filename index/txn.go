package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"tailrace/vfs"
	"tailrace/wire"
)

// Aborted is an aborted transaction: the records of ProducerID in [First, Last] are to be skipped. Last is the offset
// of the abort marker, LastStable the last stable offset after it.
//
// A .txnindex file is a row of them, in the order of their markers (AbortedTxn of Kafka):
//
//	 0         2            10           18           26           34
//	+---------+------------+------------+------------+------------+
//	| version | producerId | first      | last       | lastStable |
//	| int16=0 | int64      | int64      | int64      | int64      |
//	+---------+------------+------------+------------+------------+
//
// The file exists only for a segment that holds an abort marker.
type Aborted struct {
	ProducerID int64
	First      wire.Offset
	Last       wire.Offset
	LastStable wire.Offset
}

const txnWidth = 34

func (a Aborted) encode(b []byte) {
	binary.BigEndian.PutUint16(b, 0)
	binary.BigEndian.PutUint64(b[2:], uint64(a.ProducerID))
	binary.BigEndian.PutUint64(b[10:], uint64(a.First))
	binary.BigEndian.PutUint64(b[18:], uint64(a.Last))
	binary.BigEndian.PutUint64(b[26:], uint64(a.LastStable))
}

// decode is false for what no broker writes.
func (a *Aborted) decode(b []byte, base wire.Offset) bool {
	a.ProducerID = int64(binary.BigEndian.Uint64(b[2:]))
	a.First = wire.Offset(binary.BigEndian.Uint64(b[10:]))
	a.Last = wire.Offset(binary.BigEndian.Uint64(b[18:]))
	a.LastStable = wire.Offset(binary.BigEndian.Uint64(b[26:]))
	return binary.BigEndian.Uint16(b) == 0 && a.ProducerID >= 0 && a.First >= 0 && a.First <= a.Last && a.Last >= base
}

// AppendAborted adds an entry to the end of the file name, creating it, and makes nothing durable. n is how many
// entries the file holds: what lies behind them is a torn write and is overwritten.
func AppendAborted(fsys vfs.FS, name string, n int, a Aborted) error {
	f, err := fsys.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	b := make([]byte, txnWidth)
	a.encode(b)
	_, err = f.WriteAt(b, int64(n)*txnWidth)
	return errors.Join(err, f.Close())
}

// ReadAborted reads all entries of the file name, whose segment begins at base. A torn last entry is left out; any
// other disorder is a *DamagedError, and then the entries before it are returned with it.
func ReadAborted(fsys vfs.FS, name string, base wire.Offset) ([]Aborted, error) {
	data, err := vfs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	all := make([]Aborted, 0, len(data)/txnWidth)
	for ; len(data) >= txnWidth; data = data[txnWidth:] {
		var a Aborted
		if !a.decode(data, base) || len(all) > 0 && a.Last <= all[len(all)-1].Last {
			return all, &DamagedError{File: name, Reason: fmt.Sprintf("entry %d makes no sense", len(all))}
		}
		all = append(all, a)
	}
	return all, nil
}

// CutAborted keeps the first n entries of the file name and makes that durable.
func CutAborted(fsys vfs.FS, name string, n int) error {
	f, err := fsys.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err = f.Truncate(int64(n) * txnWidth); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
