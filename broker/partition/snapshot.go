package partition

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tailrace/vfs"
	"tailrace/wire"
)

// A producer snapshot is Kafka's <offset>.snapshot: the producers as they were
// when the log ended at <offset>.
//
//	i16 version 1
//	u32 CRC-32C of all that follows
//	i32 number of producers
//	46 bytes for each:
//	  i64 producer id         i16 epoch          i32 last sequence
//	  i64 last offset         i32 offset delta   i64 timestamp
//	  i32 coordinator epoch   i64 first offset of its open transaction, or -1
const (
	snapshotSuffix = ".snapshot"
	snapshotHead   = 10
	snapshotEntry  = 46
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func snapshotName(dir string, end wire.Offset) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", end, snapshotSuffix))
}

func (s *producers) sorted() []*producer {
	list := make([]*producer, 0, len(s.byID))
	for _, p := range s.byID {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *producer) int { return cmp.Compare(a.id, b.id) })
	return list
}

// encodeSnapshot writes the Kafka form, which holds the last batch of each
// producer.
func (s *producers) encodeSnapshot() []byte {
	list := s.sorted()
	b := make([]byte, 6, snapshotHead+len(list)*snapshotEntry)
	b[1] = 1
	b = binary.BigEndian.AppendUint32(b, uint32(len(list)))
	for _, p := range list {
		w := written{lastSeq: -1, last: -1, timestampMs: p.lastMs}
		if p.n > 0 {
			w = p.batches[p.n-1]
		}
		b = binary.BigEndian.AppendUint64(b, uint64(p.id))
		b = binary.BigEndian.AppendUint16(b, uint16(p.epoch))
		b = binary.BigEndian.AppendUint32(b, uint32(w.lastSeq))
		b = binary.BigEndian.AppendUint64(b, uint64(w.last))
		b = binary.BigEndian.AppendUint32(b, uint32(w.delta))
		b = binary.BigEndian.AppendUint64(b, uint64(w.timestampMs))
		b = binary.BigEndian.AppendUint32(b, uint32(p.coordinatorEpoch))
		b = binary.BigEndian.AppendUint64(b, uint64(p.txnFirst))
	}
	binary.BigEndian.PutUint32(b[2:], crc32.Checksum(b[6:], castagnoli))
	return b
}

func (s *producers) decodeSnapshot(b []byte) error {
	if len(b) < snapshotHead || binary.BigEndian.Uint16(b) != 1 {
		return errors.New("not a version 1 producer snapshot")
	}
	if binary.BigEndian.Uint32(b[2:]) != crc32.Checksum(b[6:], castagnoli) {
		return errors.New("checksum does not match")
	}
	n := int(int32(binary.BigEndian.Uint32(b[6:])))
	b = b[snapshotHead:]
	if n < 0 || n*snapshotEntry != len(b) {
		return fmt.Errorf("%d entries announced in %d bytes", n, len(b))
	}
	s.byID, s.last = make(map[int64]*producer, n), nil
	for ; len(b) > 0; b = b[snapshotEntry:] {
		p := &producer{
			id: int64(binary.BigEndian.Uint64(b)), epoch: int16(binary.BigEndian.Uint16(b[8:])),
			lastMs:           int64(binary.BigEndian.Uint64(b[26:])),
			coordinatorEpoch: int32(binary.BigEndian.Uint32(b[34:])),
			txnFirst:         wire.Offset(binary.BigEndian.Uint64(b[38:])),
		}
		lastSeq, delta := int32(binary.BigEndian.Uint32(b[10:])), int32(binary.BigEndian.Uint32(b[22:]))
		if last := wire.Offset(binary.BigEndian.Uint64(b[14:])); last >= 0 {
			p.add(written{
				firstSeq: firstSequence(lastSeq, delta), lastSeq: lastSeq,
				last: last, delta: delta, timestampMs: p.lastMs,
			})
		}
		s.byID[p.id] = p
	}
	return nil
}

// firstSequence goes back delta sequence numbers, around the wrap from
// MaxInt32 to 0.
func firstSequence(last, delta int32) int32 {
	first := int64(last) - int64(delta)
	if first < 0 {
		first += 1 << 31
	}
	return int32(first)
}

// encodeOlder writes the batches that the Kafka form leaves out, for the
// directory's producer memory:
//
//	16 bytes topic id (a recreated topic must not inherit them)
//	38 bytes for each batch: i64 producer id, i16 epoch, i32 first sequence,
//	i32 last sequence, i64 last offset, i32 offset delta, i64 timestamp
func (s *producers) encodeOlder(id wire.TopicID) []byte {
	var b []byte
	for _, p := range s.sorted() {
		for i := range max(p.n-1, 0) {
			w := &p.batches[i]
			b = binary.BigEndian.AppendUint64(b, uint64(p.id))
			b = binary.BigEndian.AppendUint16(b, uint16(p.epoch))
			b = binary.BigEndian.AppendUint32(b, uint32(w.firstSeq))
			b = binary.BigEndian.AppendUint32(b, uint32(w.lastSeq))
			b = binary.BigEndian.AppendUint64(b, uint64(w.last))
			b = binary.BigEndian.AppendUint32(b, uint32(w.delta))
			b = binary.BigEndian.AppendUint64(b, uint64(w.timestampMs))
		}
	}
	if len(b) == 0 {
		return nil
	}
	return append(append(make([]byte, 0, len(id)+len(b)), id[:]...), b...)
}

const olderEntry = 38

// mergeOlder puts the remembered batches before those that the snapshot gave.
// Only batches of the same epoch whose sequences lead up to it count.
func (s *producers) mergeOlder(id wire.TopicID, b []byte) {
	if len(b) < len(id) || wire.TopicID(b[:len(id)]) != id {
		return
	}
	older := map[int64][]written{}
	for b = b[len(id):]; len(b) >= olderEntry; b = b[olderEntry:] {
		pid := int64(binary.BigEndian.Uint64(b))
		p := s.byID[pid]
		if p == nil || p.n == 0 || p.epoch != int16(binary.BigEndian.Uint16(b[8:])) {
			continue
		}
		older[pid] = append(older[pid], written{
			firstSeq: int32(binary.BigEndian.Uint32(b[10:])), lastSeq: int32(binary.BigEndian.Uint32(b[14:])),
			last: wire.Offset(binary.BigEndian.Uint64(b[18:])), delta: int32(binary.BigEndian.Uint32(b[26:])),
			timestampMs: int64(binary.BigEndian.Uint64(b[30:])),
		})
	}
	for pid, list := range older {
		p := s.byID[pid]
		for i := len(list) - 1; i >= 0 && p.n < remembered; i-- {
			if !follows(list[i].lastSeq, p.batches[0].firstSeq) || list[i].last >= p.batches[0].last {
				continue
			}
			copy(p.batches[1:], p.batches[:p.n])
			p.batches[0] = list[i]
			p.n++
		}
	}
}

// snapshots lists the offsets for which snapshot files lie in dir, ascending.
func snapshots(fsys vfs.FS, dir string) ([]wire.Offset, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []wire.Offset
	for _, e := range entries {
		if digits, ok := strings.CutSuffix(e.Name(), snapshotSuffix); ok && len(digits) == 20 {
			if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
				list = append(list, wire.Offset(n))
			}
		}
	}
	return list, nil
}

// writeSnapshot stores snapshot bytes. They are not synced: a snapshot that a
// power cut damages is refused by its checksum, and an older one, or the log,
// serves instead.
func writeSnapshot(fsys vfs.FS, name string, data []byte) error {
	f, err := fsys.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	return errors.Join(err, f.Close())
}
