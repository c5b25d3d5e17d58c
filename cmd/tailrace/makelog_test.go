package main

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"

	"tailrace/batch"
	"tailrace/index"
	"tailrace/vfs"
	"tailrace/wire"
)

// firstTime is when the records of makeLog begin, in ms.
const firstTime = 1_700_000_000_000

// makeLog writes a partition as a broker leaves it: a segment of four batches with its indexes, and what lies beside.
func makeLog(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	stem := filepath.Join(dir, "00000000000000000100")
	log, ends, err := batches()
	if err != nil {
		return err
	}
	x, err := index.OpenOffsets(vfs.OS, stem+".index", 100, 4096)
	if err != nil {
		return err
	}
	y, err := index.OpenTimes(vfs.OS, stem+".timeindex", 100, 4096)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(stem+".log", log, 0o644),
		x.Append(index.OffsetEntry{Offset: 102, Pos: vfs.Pos(ends[0])}),
		x.Append(index.OffsetEntry{Offset: 104, Pos: vfs.Pos(ends[2])}),
		y.Append(index.TimeEntry{Timestamp: firstTime + 1, Offset: 101}),
		y.Append(index.TimeEntry{Timestamp: firstTime + 5, Offset: 103}),
		x.Trim(), x.Close(), y.Trim(), y.Close(),
		index.AppendAborted(vfs.OS, stem+".txnindex", 0,
			index.Aborted{ProducerID: 7, First: 103, Last: 104, LastStable: 105}),
		os.WriteFile(filepath.Join(dir, "00000000000000000104.snapshot"), snapshot(), 0o644),
		os.WriteFile(filepath.Join(dir, "leader-epoch-checkpoint"), []byte("0\n1\n3 100\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "partition.metadata"), []byte("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ"), 0o644),
	)
}

// batches are: two plain records, one with header and nulls, one of a producer in a transaction, and its abort marker.
func batches() (log []byte, ends []int, err error) {
	var b batch.Builder
	add := func() {
		v, e := b.Build()
		log, err = append(log, v...), errors.Join(err, e)
		ends = append(ends, len(log))
	}
	b.Reset(batch.Options{BaseOffset: 100, LeaderEpoch: 3})
	b.Append(firstTime, []byte("k"), []byte("one"))
	b.Append(firstTime+1, nil, []byte("two"))
	add()
	b.Reset(batch.Options{BaseOffset: 102, LeaderEpoch: 3})
	b.Append(firstTime, []byte{0xff}, nil,
		batch.Header{Key: []byte("h"), Value: []byte("1")}, batch.Header{Key: []byte("n")})
	add()
	b.Reset(batch.Options{
		BaseOffset: 103, LeaderEpoch: 3, Producer: &batch.Producer{ID: 7, Epoch: 1}, Transactional: true,
	})
	b.Append(firstTime+5, []byte("k"), []byte("three"))
	add()
	b.Reset(batch.Options{
		BaseOffset: 104, LeaderEpoch: 3, Producer: &batch.Producer{ID: 7, Epoch: 1, Sequence: -1},
		Transactional: true, Control: true,
	})
	b.Append(firstTime+5, []byte{0, 0, 0, 0}, []byte{0, 0, 0, 0, 0, 9})
	add()
	return log, ends, err
}

// snapshot has one producer with an open transaction.
func snapshot() []byte {
	b := []byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 1}
	b = wire.AppendInt64(b, 7)
	b = wire.AppendInt16(b, 1)
	b = wire.AppendInt32(b, 0)
	b = wire.AppendInt64(b, 103)
	b = wire.AppendInt32(b, 0)
	b = wire.AppendInt64(b, firstTime+5)
	b = wire.AppendInt32(b, 9)
	b = wire.AppendInt64(b, 103)
	binary.BigEndian.PutUint32(b[2:], crc32.Checksum(b[6:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}
