package metadata

import (
	"fmt"
	"testing"
)

func bigImage(b *testing.B, topics, partitions int) *Image {
	img, _ := apply(b, Empty(), &RegisterBrokerRecord{Broker{ID: 1, LogDirs: []UUID{{0: 1}}}})
	random := counter()
	for i := range topics {
		records, _ := CreateTopics(img, []NewTopic{{Name: fmt.Sprint("topic-", i), Partitions: int32(partitions),
			ReplicationFactor: 1}}, CreateSettings{Random: random})
		img, _ = apply(b, img, records...)
	}
	return img
}

func BenchmarkCreateTenTimesThousand(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		bigImage(b, 10, 1000)
	}
}

func BenchmarkCreateAmongManyTopics(b *testing.B) {
	img := bigImage(b, 20_000, 1)
	random := counter()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		records, _ := CreateTopics(img, []NewTopic{{Name: fmt.Sprint("new-", i), Partitions: 1, ReplicationFactor: 1}},
			CreateSettings{Random: random})
		apply(b, img, records...)
	}
}

func BenchmarkReplayHundredThousandPartitions(b *testing.B) {
	var frames [][]byte
	for r := range bigImage(b, 100, 1000).Snapshot() {
		frames = append(frames, AppendRecord(nil, r))
	}
	b.ReportAllocs()
	for b.Loop() {
		c := NewChange(Empty())
		for _, f := range frames {
			r, err := DecodeRecord(f)
			if err == nil {
				err = c.Apply(0, 1, r)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		c.Image()
	}
}
