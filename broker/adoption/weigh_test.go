package adoption

import (
	"encoding/binary"
	"hash/crc32"
	"path/filepath"
	"strings"
	"testing"

	"tailrace/broker/logdir"
	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

func key(topic string, p int32) logdir.Key { return logdir.Key{Topic: topic, Partition: p} }

// openTransaction is a producer snapshot with a transaction under way (ProducerStateManager's format, version 1).
func openTransaction() []byte {
	b := binary.BigEndian.AppendUint32([]byte{0, 1, 0, 0, 0, 0}, 1)
	b = binary.BigEndian.AppendUint64(b, 5000) // producer id
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, 3)
	b = binary.BigEndian.AppendUint64(b, 9)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint64(b, 1)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint64(b, 4) // first offset of the transaction
	binary.BigEndian.PutUint32(b[2:], crc32.Checksum(b[6:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// TestWhatSpeaksAgainst changes one thing of a directory that can be adopted, and expects a reason that names it, and
// that nothing is written.
func TestWhatSpeaksAgainst(t *testing.T) {
	dir := func(name string) string { return filepath.Join(kafkaDir, name) }
	for _, c := range []struct {
		name, reason string
		change       func(t *testing.T, fsys *faultfs.FS)
	}{
		{"aborted transactions", "transactions were aborted in orders-1", func(t *testing.T, fsys *faultfs.FS) {
			put(t, fsys, dir("orders-1/00000000000000000000.txnindex"), make([]byte, 34))
		}},
		{"an open transaction", "transactions are under way in orders-2", func(t *testing.T, fsys *faultfs.FS) {
			put(t, fsys, dir("orders-2/00000000000000000010.snapshot"), openTransaction())
		}},
		{"old records", "message format 0 or 1 are in orders-5", func(t *testing.T, fsys *faultfs.FS) {
			old := make([]byte, 34) // a record set of format 1: offset, length, CRC, magic, attributes, timestamp, key, value
			old[11], old[16] = 22, 1
			put(t, fsys, dir("orders-5/00000000000000000000.log"), old)
		}},
		{"another topic's files", "the id of another", func(t *testing.T, fsys *faultfs.FS) {
			put(t, fsys, dir("orders-3/"+logdir.PartitionMetadataFile), []byte("version: 0\ntopic_id: AAAAAAAAQACAAAAAAAAAAQ"))
		}},
		{"a directory too few", "directory.id=Pi_OBmpEBZC_BaOaCCRocg that was not named",
			func(t *testing.T, fsys *faultfs.FS) {
				put(t, fsys, dir(logdir.MetaFile),
					[]byte("version=1\ncluster.id=AAAAAAAAQACAAAAAAAAAAQ\nnode.id=1\ndirectory.id=AAAAAAAAQACAAAAAAAAAAg\n"))
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := kafkaDisk(t)
			c.change(t, fsys)
			p := plan(t, options(t, fsys))
			if len(p.Refusals) != 1 || !strings.Contains(p.Refusals[0], c.reason) {
				t.Errorf("refusals %q, want one with %q", p.Refusals, c.reason)
			}
			if err := p.Execute(); err == nil || !strings.Contains(err.Error(), "nothing was written") {
				t.Error(err)
			}
			if _, err := fsys.Stat(p.Target); err == nil {
				t.Error("something was written")
			}
		})
	}
}

// TestPartitionsThatCannotBeServed are refused by what the metadata says.
func TestPartitionsThatCannotBeServed(t *testing.T) {
	one := metadata.Partition{Leader: 1, Replicas: []int32{1}, ISR: []int32{1}, Directories: []metadata.UUID{{1}}}
	for _, c := range []struct {
		reason string
		change func(p *metadata.Partition) *string
	}{
		{"replicas on other brokers (t-0 on [1 2])", func(p *metadata.Partition) *string {
			p.Replicas, p.Directories = []int32{1, 2}, []metadata.UUID{{1}, {2}}
			return nil
		}},
		{"replicas on other brokers (t-0 on [2])", func(p *metadata.Partition) *string { p.Replicas[0] = 2; return nil }},
		{"reassignments are under way (t-0)", func(p *metadata.Partition) *string { p.Removing = []int32{2}; return nil }},
		{"failed log directory", func(p *metadata.Partition) *string { p.Directories[0] = metadata.DirLost; return nil }},
		{"tiered storage (t)", func(*metadata.Partition) *string { yes := "true"; return &yes }},
	} {
		part := one
		part.Replicas, part.Directories = []int32{1}, []metadata.UUID{{1}}
		tiered := c.change(&part)
		id := metadata.UUID{7}
		records := append(metadata.Bootstrap(), &metadata.TopicRecord{Name: "t", ID: id},
			&metadata.PartitionRecord{TopicID: id, Partition: part},
			&metadata.RegisterBrokerRecord{Broker: metadata.Broker{ID: 1, LogDirs: []metadata.UUID{{1}}}})
		if tiered != nil {
			records = append(records, &metadata.ConfigRecord{Name: "remote.storage.enable", Value: tiered,
				Resource: metadata.Resource{Type: metadata.ResourceTopic, Name: "t"}})
		}
		img, _, err := metadata.Empty().Apply(0, 1, records...)
		if err != nil {
			t.Fatal(err)
		}
		p := &Plan{NodeID: 1, o: options(t, faultfs.New()), source: &Source{Image: img, left: leftovers{}}}
		p.surveys = []logdir.Survey{{Clean: true, Identity: logdir.Identity{DirectoryID: metadata.UUID{1}.String()}}}
		p.weigh()
		if len(p.Refusals) != 1 || !strings.Contains(p.Refusals[0], c.reason) {
			t.Errorf("%q, want %q", p.Refusals, c.reason)
		}
	}
}

func TestNotes(t *testing.T) {
	fsys := kafkaDisk(t)
	for _, err := range []error{
		fsys.Remove(filepath.Join(kafkaDir, logdir.CleanStopFile)),
		fsys.RemoveAll(filepath.Join(kafkaDir, "late-1")),
		fsys.Mkdir(filepath.Join(kafkaDir, "orders-0.aaaa-stray"), 0o755),
		fsys.Mkdir(filepath.Join(kafkaDir, "orders-1.aaaa-future"), 0o755),
		fsys.Mkdir(filepath.Join(kafkaDir, "unheard-0"), 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	put(t, fsys, filepath.Join(kafkaDir, "orders-4/leader-epoch-checkpoint"), []byte("0\n1\n9 0\n"))
	put(t, fsys, filepath.Join(quorum.LogDir(kafkaDir), "quorum-state"), []byte(`{"currentVoters":[{"voterId":3000}]}`))
	log := filepath.Join(quorum.LogDir(kafkaDir), "00000000000000000000.log")
	b, _ := vfs.ReadFile(fsys, log)
	put(t, fsys, log, append(b, nextBatch(t, fsys)[:30]...))
	p := plan(t, options(t, fsys))
	text := strings.Join(p.Notes, "\n")
	for _, want := range []string{
		"was not left by a clean stop", "made empty, as Kafka would: late-1", "left alone: orders-0.aaaa-stray",
		"were under way (orders-1.aaaa-future)", "does not know are left alone: kafka/data/unheard-0",
		"the files are believed: orders-4", "ends in 30 bytes", "kept by other controllers ([3000])",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no note says %q", want)
		}
	}
	if len(p.Refusals) > 0 || p.Execute() != nil {
		t.Fatalf("refusals %q", p.Refusals)
	}
	img, _, err := image(fsys)
	if err != nil || img.TopicByName("orders").Partitions[4].LeaderEpoch != 10 {
		t.Errorf("leader epoch of orders-4: %+v, %v", img.TopicByName("orders").Partitions[4], err)
	}
}

// TestPlanCannotBeMade: what is asked makes no sense, and the error says what to do.
func TestPlanCannotBeMade(t *testing.T) {
	for _, c := range []struct {
		reason string
		sets   []string
		change func(fsys *faultfs.FS) error
	}{
		{"does not exist", []string{"log.dirs=" + kafkaDir + ",elsewhere"}, nil},
		{"set node.id=1", []string{"node.id=2"}, nil},
		{"no metadata log of Kafka's", nil, func(fsys *faultfs.FS) error {
			return fsys.RemoveAll(quorum.LogDir(kafkaDir))
		}},
		{"Kafka has not used it", nil, func(fsys *faultfs.FS) error {
			return fsys.Remove(filepath.Join(kafkaDir, logdir.MetaFile))
		}},
		{"is in use by", nil, func(fsys *faultfs.FS) error {
			_, err := fsys.Lock(filepath.Join(kafkaDir, logdir.LockFile))
			return err
		}},
	} {
		fsys := kafkaDisk(t)
		if c.change != nil {
			if err := c.change(fsys); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := MakePlan(options(t, fsys, c.sets...)); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%v, want %q", err, c.reason)
		}
	}
}

// TestKafkaMetadataApart: the metadata log may have a directory of its own, which Tailrace leaves to Kafka.
func TestKafkaMetadataApart(t *testing.T) {
	fsys := kafkaDisk(t)
	if err := fsys.Mkdir("kafka/meta", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := fsys.Rename(quorum.LogDir(kafkaDir), quorum.LogDir("kafka/meta")); err != nil {
		t.Fatal(err)
	}
	o := options(t, fsys, "metadata.log.dir=kafka/meta")
	o.KafkaMetadataDir = "kafka/meta"
	if _, err := MakePlan(o); err == nil || !strings.Contains(err.Error(), "--set metadata.log.dir=kafka/meta.tailrace") {
		t.Error(err)
	}
	o.Config = load(t, "metadata.log.dir=kafka/meta.tailrace")
	p := plan(t, o)
	err := p.Execute()
	if err != nil || p.Target != "kafka/meta.tailrace" || p.MetadataLog != quorum.LogDir("kafka/meta") {
		t.Errorf("%v, %+v", err, p)
	}
}
