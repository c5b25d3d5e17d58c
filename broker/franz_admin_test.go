package broker_test

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestFranzGoAdmin: an admin client with nothing configured grows a topic, changes and reads configs, deletes records
// and looks at the log directories.
func TestFranzGoAdmin(t *testing.T) {
	n := serve(t)
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	topic := fresh(t)
	client := newFranz(t, n.addr, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	if r, err := admin.UpdatePartitions(ctx, 3, topic); err != nil || r.Error() != nil {
		t.Fatalf("three partitions: %v %v", err, r.Error())
	}
	for i := range 9 {
		r := &kgo.Record{Value: []byte("v"), Partition: int32(i % 3)}
		if err := client.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	changes := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr("777")}}
	if r, err := admin.AlterTopicConfigs(ctx, changes, topic); err != nil || r[0].Err != nil {
		t.Fatalf("alter: %v %+v", err, r)
	}
	configs, err := admin.DescribeTopicConfigs(ctx, topic)
	if err != nil || configs[0].Err != nil {
		t.Fatalf("describe: %v %+v", err, configs)
	}
	for _, c := range configs[0].Configs {
		if c.Key == "retention.ms" && c.MaybeValue() != "777" {
			t.Errorf("retention.ms is %s", c.MaybeValue())
		}
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 1, 2, -1)
	if r, err := admin.DeleteRecords(ctx, offsets); err != nil || r.Error() != nil || r[topic][1].LowWatermark != 2 {
		t.Errorf("delete records: %v %+v", err, r)
	}
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil || starts[topic][1].Offset != 2 || starts[topic][0].Offset != 0 {
		t.Errorf("start offsets: %v %+v", err, starts)
	}
	all, err := admin.DescribeAllLogDirs(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	all.Each(func(dir kadm.DescribedLogDir) {
		if dir.Err != nil {
			t.Errorf("log directory %s: %v", dir.Dir, dir.Err)
		}
		for _, p := range dir.Topics[topic] {
			if p.Size > 0 {
				found++
			}
		}
	})
	if found != 3 {
		t.Errorf("%d of 3 partitions lie in the log directories", found)
	}
}
