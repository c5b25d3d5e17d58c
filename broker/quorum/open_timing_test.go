package quorum

import (
	"path/filepath"
	"testing"

	"tailrace/broker/metadata"
	"tailrace/vfs"
	"tailrace/wire"
)

func BenchmarkOpenEmpty(b *testing.B) {
	for b.Loop() {
		o := options(vfs.OS, new(warnings))
		o.Dir = filepath.Join(b.TempDir(), "meta")
		l := openWith(b, o)
		b.StopTimer()
		closeLog(b, l)
		b.StartTimer()
	}
}

// thousand is one topic of a thousand partitions.
func thousand(n int) []metadata.Record {
	records := newTopic(n * 3)
	for i := range 1000 {
		p := metadata.Partition{Leader: 1, Replicas: []int32{1}, ISR: []int32{1}, Directories: []metadata.UUID{{1}}}
		records = append(records, &metadata.PartitionRecord{ID: int32(i), TopicID: topicID(n * 3), Partition: p})
	}
	return records
}

func BenchmarkCreateThousandPartitions(b *testing.B) {
	o := options(vfs.OS, new(warnings))
	o.Dir, o.SnapshotRecords, o.Background = b.TempDir(), 0, nil
	l := openWith(b, o)
	n := 0
	for b.Loop() {
		n++
		if err := propose(l, thousand(n)...); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	closeLog(b, l)
}

func BenchmarkOpenHundredThousandPartitions(b *testing.B) {
	o := options(vfs.OS, new(warnings))
	o.Dir, o.SnapshotRecords = b.TempDir(), 0
	l := openWith(b, o)
	for n := range 100 {
		if err := propose(l, thousand(n)...); err != nil {
			b.Fatal(err)
		}
	}
	closeLog(b, l)
	for b.Loop() {
		l := openWith(b, o)
		b.StopTimer()
		closeLog(b, l)
		b.StartTimer()
	}
}

func BenchmarkProposals(b *testing.B) {
	o := options(vfs.OS, new(warnings))
	o.Dir, o.SnapshotRecords = b.TempDir(), 0
	l := openWith(b, o)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, err := do(l, func(img *metadata.Image, _ wire.Offset) []metadata.Record {
				return []metadata.Record{&metadata.ProducerIDsRecord{BrokerID: 1, Next: img.NextProducerID() + 1000}}
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
	closeLog(b, l)
}
