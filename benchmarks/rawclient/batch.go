package rawclient

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Batch is an uncompressed record batch and what it holds.
type Batch struct {
	Bytes   []byte
	Records int
}

const (
	batchOverhead = 61 // header of a record batch
	crcCovers     = 21 // position of the first byte under the CRC
)

// NewBatch builds a batch of records with values of the given size and no keys: as many as fit into total bytes, the
// last one stretched so that the batch has exactly this size. With total 0 it holds one record.
func NewBatch(total, value int) Batch {
	var records []byte
	count := 0
	for {
		one := appendRecord(nil, count, value)
		if total > 0 && batchOverhead+len(records)+2*len(one) > total {
			break
		}
		records = append(records, one...)
		count++
		if total == 0 {
			break
		}
	}
	if total > 0 {
		left := total - batchOverhead - len(records)
		last := appendRecord(nil, count, left)
		for size := left; len(last) > left; last = appendRecord(nil, count, size) {
			size--
		}
		records = append(records, last...)
		count++
	}
	return Batch{seal(records, count), count}
}

func appendRecord(dst []byte, delta, value int) []byte {
	// The bytes are random, so that nothing on the way can make them cheaper, and the same in each run.
	rng := rand.New(rand.NewPCG(uint64(delta), uint64(value)))
	r := kmsg.NewRecord()
	r.OffsetDelta = int32(delta)
	r.Value = make([]byte, value)
	for i := range r.Value {
		r.Value[i] = byte(rng.Uint32())
	}
	// Length counts what follows it; it is one byte in the first encoding, since it is 0.
	r.Length = int32(len(r.AppendTo(nil)) - 1)
	return r.AppendTo(dst)
}

func seal(records []byte, count int) []byte {
	now := time.Now().UnixMilli()
	b := kmsg.NewRecordBatch()
	b.Length = int32(batchOverhead - 12 + len(records))
	b.PartitionLeaderEpoch, b.Magic = -1, 2
	b.LastOffsetDelta, b.NumRecords = int32(count-1), int32(count)
	b.FirstTimestamp, b.MaxTimestamp = now, now
	b.ProducerID, b.ProducerEpoch, b.FirstSequence = -1, -1, -1
	b.Records = records
	out := b.AppendTo(nil)
	binary.BigEndian.PutUint32(out[crcCovers-4:], crc32.Checksum(out[crcCovers:], crc32.MakeTable(crc32.Castagnoli)))
	return out
}
