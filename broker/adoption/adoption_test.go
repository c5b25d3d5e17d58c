package adoption

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

func TestReadsWhatKafkaWrote(t *testing.T) {
	src, err := ReadSource(kafkaDisk(t), quorum.LogDir(kafkaDir))
	if err != nil {
		t.Fatal(err)
	}
	var topics []string
	for _, topic := range sorted(src.Image) {
		topics = append(topics, fmt.Sprint(topic.Name, " ", len(topic.Partitions)))
	}
	if got, want := strings.Join(topics, ", "), "__consumer_offsets 2, late 2, orders 8, wide 12"; got != want {
		t.Errorf("topics %s, want %s", got, want)
	}
	if src.End.Offset != kafkaEnd || src.Image.Offset != kafkaEnd-1 || src.End.TornBytes != 0 ||
		!slices.Equal(src.Voters, []int32{1}) {
		t.Errorf("ends at %+v, image at %d, voters %v", src.End, src.Image.Offset, src.Voters)
	}
	orders := src.Image.Config(metadata.Resource{Type: metadata.ResourceTopic, Name: "orders"})
	if orders["retention.ms"] != "86400000" || orders["cleanup.policy"] != "compact,delete" {
		t.Errorf("settings of orders: %v", orders)
	}
	var left []string
	for _, l := range src.Left() {
		left = append(left, fmt.Sprint(l.Kind, " ", l.Count, ": ", strings.Join(l.Names, "; ")))
	}
	want := []string{
		"ACLs 2: User:alice allowed read on topic orders from *; User:bob denied read on group team-* from 10.0.0.1",
		"SCRAM credentials 1: alice (SCRAM-SHA-256)",
		"client metrics subscriptions 1: slow",
		"client quotas 1: client-id (default) user alice producer_byte_rate",
		"controller registrations 1: controller 1",
		"finalized features 5: eligible.leader.replicas.version=1; group.version=1; share.version=1; streams.version=1; " +
			"transaction.version=2",
	}
	if !slices.Equal(left, want) {
		t.Errorf("not taken:\n%s\nwant\n%s", strings.Join(left, "\n"), strings.Join(want, "\n"))
	}
}

func TestAdoptionGoesOnWhereKafkaStopped(t *testing.T) {
	fsys := kafkaDisk(t)
	before := tree(t, fsys, kafkaDir)
	src, _ := ReadSource(fsys, quorum.LogDir(kafkaDir))
	p := plan(t, options(t, fsys))
	if len(p.Refusals) > 0 || p.ClusterID != "AAAAAAAAQACAAAAAAAAAAQ" || p.EndOffset != kafkaEnd ||
		p.MetadataVersion != "4.3-IV0" || p.Topics != 4 || p.OffsetParts != 2 || p.TopicSettings != 6 {
		t.Errorf("plan %+v", p)
	}
	if _, err := fsys.Stat(p.Target); err == nil {
		t.Error("a plan wrote something")
	}
	if err := p.Execute(); err != nil {
		t.Fatal(err)
	}
	if after := tree(t, fsys, kafkaDir); after != before {
		t.Errorf("Kafka's files were\n%s\nand are\n%s", before, after)
	}
	img, term, err := image(fsys)
	if err != nil || term != src.End.Epoch+1 || img.Offset != kafkaEnd {
		t.Fatalf("the log begins at %d in term %d; %v", img.Offset, term, err)
	}
	if img.FeatureLevel(metadata.FeatureMetadataVersion) != metadata.LatestLevel || len(img.Features()) != 1 {
		t.Errorf("features %v", img.Features())
	}
	if img.NextProducerID() <= src.Image.NextProducerID() || img.NextProducerID() != nowMs*producerIDsPerMs {
		t.Errorf("producer ids go on at %d", img.NextProducerID())
	}
	if b := img.Broker(1); b == nil || b.Epoch != src.Image.Broker(1).Epoch {
		t.Errorf("the registration: %+v", b)
	}
	for _, was := range sorted(src.Image) {
		is := img.TopicByID(was.ID)
		if is == nil || is.Name != was.Name || len(is.Partitions) != len(was.Partitions) {
			t.Errorf("topic %s became %+v", was.Name, is)
			continue
		}
		for i, part := range is.Partitions {
			old := was.Partitions[i]
			if part.Leader != 1 || !slices.Equal(part.ISR, []int32{1}) || part.LeaderEpoch < old.LeaderEpoch ||
				part.Epoch < old.Epoch || !slices.Equal(part.Directories, old.Directories) {
				t.Errorf("%s-%d was %+v and is %+v", was.Name, i, old, part)
			}
		}
	}
}

// TestAPartitionWithoutLeaderGetsOne: after a clean stop Kafka's metadata names no leader and no in-sync replica.
func TestAPartitionWithoutLeaderGetsOne(t *testing.T) {
	p := &Plan{NodeID: 1}
	stopped := metadata.Partition{
		Leader: metadata.NoLeader, LeaderEpoch: 6, Epoch: 9, Replicas: []int32{1}, ELR: []int32{1}, LastKnownELR: []int32{1},
	}
	got := p.led(key("t", 0), stopped)
	if got.Leader != 1 || got.LeaderEpoch != 7 || got.Epoch != 10 || len(got.ISR) != 1 || got.ELR != nil {
		t.Errorf("%+v", got)
	}
	if again := p.led(key("t", 0), got); again.LeaderEpoch != 7 || again.Epoch != 10 {
		t.Errorf("a led partition became %+v", again)
	}
}

func TestAdoptedTwice(t *testing.T) {
	fsys := kafkaDisk(t)
	adopted(t, fsys)
	var done *DoneError
	if _, err := MakePlan(options(t, fsys)); !errors.As(err, &done) || done.Grown {
		t.Errorf("the second time: %v", err)
	}
	name := filepath.Join(quorum.LogDir(kafkaDir), "00000000000000000000.log")
	b, _ := vfs.ReadFile(fsys, name)
	put(t, fsys, name, append(b, nextBatch(t, fsys)...))
	if _, err := MakePlan(options(t, fsys)); !errors.As(err, &done) || !done.Grown ||
		!strings.Contains(err.Error(), "--again") {
		t.Errorf("after Kafka has run: %v", err)
	}
	put(t, fsys, filepath.Join(kafkaDir, "tailrace-checksums"), []byte("recovery-point-offset-checkpoint 1 2\n"))
	o := options(t, fsys)
	o.Again = true
	p := plan(t, o)
	if p.SetAside == "" || p.Execute() != nil {
		t.Fatalf("again: %+v", p)
	}
	if _, err := fsys.Stat(filepath.Join(p.SetAside, "tailrace-metadata.json")); err != nil {
		t.Error(err)
	}
	if _, err := fsys.Stat(filepath.Join(kafkaDir, "tailrace-checksums")); err == nil {
		t.Error("checkpoints that Kafka has rewritten would be taken for damaged")
	}
	if img, _, err := image(fsys); err != nil || img.Offset != kafkaEnd+1 {
		t.Errorf("adopted anew at %v, %v", img, err)
	}
}

// TestTornEndIsNoGrowth: a last batch that a power cut left damaged counts as never written, and the log that ends in
// it is not taken for one that Kafka has gone on with.
func TestTornEndIsNoGrowth(t *testing.T) {
	fsys := kafkaDisk(t)
	name := filepath.Join(quorum.LogDir(kafkaDir), "00000000000000000000.log")
	b, _ := vfs.ReadFile(fsys, name)
	torn := nextBatch(t, fsys)
	torn[len(torn)-1] ^= 1
	put(t, fsys, name, append(b, torn...))
	adopted(t, fsys)
	var done *DoneError
	if _, err := MakePlan(options(t, fsys)); !errors.As(err, &done) || done.Grown {
		t.Errorf("the second time: %v", err)
	}
	if r := inspect(t, fsys); r.Grown || r.Owner != OwnerAdopted {
		t.Errorf("%+v", r)
	}
	if img, _, err := image(fsys); err != nil || img.Offset != kafkaEnd {
		t.Errorf("the log begins at %v, %v", img, err)
	}
}

// nextBatch is what Kafka would append next: a batch without content, made of the log's first one.
func nextBatch(t *testing.T, fsys vfs.FS) []byte {
	t.Helper()
	b, err := vfs.ReadFile(fsys, filepath.Join(quorum.LogDir(kafkaDir), "00000000000000000000.log"))
	if err != nil {
		t.Fatal(err)
	}
	first := slices.Clone(b[:12+int(b[11])]) // the LeaderChangeMessage; offsets are outside its CRC
	first[7] = kafkaEnd
	return first
}

// TestInterruptedAdoption cuts the power and kills the process at each operation of an adoption: Kafka's files are as
// they were, and adopting again makes it whole.
func TestInterruptedAdoption(t *testing.T) {
	fsys := kafkaDisk(t)
	before := tree(t, fsys, kafkaDir)
	adopted(t, fsys)
	want, _, err := image(fsys)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for n := 1; ; n++ {
		fsys := kafkaDisk(t)
		if err := fsys.SyncFS("kafka"); err != nil {
			t.Fatal(err)
		}
		at := fsys.Ops()
		fsys.CrashAtOp(at + n)
		p, err := MakePlan(options(t, fsys))
		if err == nil {
			err = errors.Join(p.Execute(), p.Close())
		}
		crashed := fsys.Crashed()
		clone := fsys.CrashClone(rand.New(rand.NewPCG(1, uint64(n))))
		fsys.Restart()
		for kind, disk := range map[string]*faultfs.FS{"power cut": clone, "kill": fsys} {
			if err := adoptAgain(t, disk, before, want); err != nil {
				t.Fatalf("%s at operation %d: %v", kind, n, err)
			}
		}
		if total = n; !crashed {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if total < 15 {
		t.Errorf("only %d operations", total)
	}
}

func adoptAgain(t *testing.T, fsys *faultfs.FS, before string, want *metadata.Image) error {
	if tree(t, fsys, kafkaDir) != before {
		return errors.New("Kafka's files are not what they were")
	}
	p, err := MakePlan(options(t, fsys))
	var done *DoneError
	if err == nil {
		err = errors.Join(p.Execute(), p.Close())
	} else if errors.As(err, &done) {
		err = nil
	}
	if err != nil {
		return err
	}
	img, _, err := image(fsys)
	if err == nil && (img.Offset != want.Offset || img.PartitionCount() != want.PartitionCount() ||
		img.NextProducerID() != want.NextProducerID()) {
		err = fmt.Errorf("the image is another: %+v", img)
	}
	return err
}
