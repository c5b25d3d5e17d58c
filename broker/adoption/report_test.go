package adoption

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"tailrace/broker/logdir"
	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

func inspect(t *testing.T, fsys vfs.FS) *Report {
	t.Helper()
	r, err := Inspect(fsys, load(t), "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhoseStorage(t *testing.T) {
	fsys := faultfs.New()
	if r := inspect(t, fsys); r.Owner != OwnerNobody || len(r.Missing) != 1 {
		t.Errorf("an empty disk: %+v", r)
	}
	if err := fsys.MkdirAll(kafkaDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if r := inspect(t, fsys); r.Owner != OwnerNobody || len(r.Unformatted) != 1 {
		t.Errorf("an empty directory: %+v", r)
	}
	if err := logdir.Format(fsys, kafkaDir, "AAAAAAAAQACAAAAAAAAAAQ", 2); err != nil {
		t.Fatal(err)
	}
	if r := inspect(t, fsys); r.Owner != OwnerNobody || len(r.Problems) != 1 || len(r.LogDirs) != 1 {
		t.Errorf("another node's: %+v", r)
	}
	fsys = kafkaDisk(t)
	if r := inspect(t, fsys); r.Owner != OwnerKafka || r.Topics != 4 || r.Partitions != 24 || !r.LogDirs[0].Clean {
		t.Errorf("Kafka's: %+v", r)
	}
	adopted(t, fsys)
	r := inspect(t, fsys)
	if r.Owner != OwnerAdopted || r.Grown || r.Topics != 4 || r.Back == nil || fmt.Sprint(*r.Back) != fmt.Sprint(Back{}) {
		t.Errorf("adopted: %+v", r)
	}
	name := filepath.Join(quorum.LogDir(kafkaDir), "00000000000000000000.log")
	b, _ := vfs.ReadFile(fsys, name)
	put(t, fsys, name, append(b, nextBatch(t, fsys)...))
	if r := inspect(t, fsys); !r.Grown {
		t.Errorf("after Kafka has run: %+v", r)
	}
	if err := fsys.RemoveAll(quorum.LogDir(kafkaDir)); err != nil {
		t.Fatal(err)
	}
	if r := inspect(t, fsys); r.Owner != OwnerAdopted || r.Back != nil || r.Grown {
		t.Errorf("without Kafka's metadata log: %+v", r)
	}
}

// TestWhatKafkaWouldFind changes an adopted cluster in every way that Kafka's metadata cannot know of.
func TestWhatKafkaWouldFind(t *testing.T) {
	fsys := kafkaDisk(t)
	adopted(t, fsys)
	l, err := quorum.OpenSingle(quorum.Options{FS: fsys, Dir: kafkaDir + ".meta", ClusterID: "AAAAAAAAQACAAAAAAAAAAQ",
		NodeID: 1, Now: func() int64 { return nowMs }})
	if err != nil {
		t.Fatal(err)
	}
	img := l.Image()
	part := metadata.Partition{Leader: 1, Replicas: []int32{1}, ISR: []int32{1}, Directories: []metadata.UUID{{1}}}
	value, leader := "1000", int32(1)
	records := []metadata.Record{
		&metadata.TopicRecord{Name: "new", ID: metadata.UUID{9}},
		&metadata.PartitionRecord{TopicID: metadata.UUID{9}, Partition: part},
		&metadata.RemoveTopicRecord{ID: img.TopicByName("late").ID},
		&metadata.PartitionRecord{ID: 12, TopicID: img.TopicByName("wide").ID, Partition: part},
		&metadata.ConfigRecord{Resource: metadata.Resource{Type: metadata.ResourceTopic, Name: "orders"},
			Name: "retention.ms", Value: &value},
	}
	for range 4 {
		orders := img.TopicByName("orders").ID
		records = append(records, &metadata.PartitionChangeRecord{ID: 3, TopicID: orders, Leader: &leader})
	}
	answered := make(chan error, 1)
	l.Propose(records, func(_ wire.Offset, err error) { answered <- err })
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b := inspect(t, fsys).Back
	if b == nil || !slices.Equal(b.Unknown, []string{"new"}) || !slices.Equal(b.Emptied, []string{"late"}) ||
		!slices.Equal(b.Narrower, []string{"wide-12 to 12"}) || !slices.Equal(b.Settings, []string{"orders"}) ||
		b.Restarts != 2 {
		t.Errorf("%+v", b)
	}
}
