//go:build realclients

package realclients

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	swapGroup   = "swap-readers"
	swapRecords = 1500 // for each topic and codec
)

// swapTopics are written by Kafka, with settings that shape files differently.
var swapTopics = map[string][]string{
	"swap-plain":   nil,
	"swap-rolled":  {"segment.bytes=1048576", "index.interval.bytes=512"},
	"swap-stamped": {"message.timestamp.type=LogAppendTime", "max.message.bytes=2000000"},
}

// TestSwap carries a data directory from Kafka to Tailrace and back, and then from a Kafka that was killed: what the
// one wrote the other serves, record by record, with offsets, timestamps and the place of a group; and each appends to
// the other's files.
func TestSwap(t *testing.T) {
	began := time.Now()
	n := newSwapNode(t)
	n.startKafka()
	for topic, configs := range swapTopics {
		createTopic(t, n.addr, topic, configs...)
	}
	createTopic(t, n.addr, "swap-files")
	for topic := range swapTopics {
		n.produce(topic, "kafka")
	}
	written := n.readAll(swapTopicNames()...)
	committed := n.readSome()
	n.stopKafka()
	report("Kafka wrote %d records and stopped, after %.1f s", recordsIn(written), time.Since(began).Seconds())

	before := n.sums()
	n.adopt()
	if after := n.sums(); !slices.Equal(before, after) {
		t.Errorf("the adoption changed Kafka's files:\n%s\nbecame\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	n.startTailrace()
	sameRecords(t, "adopted", written, n.readAll(swapTopicNames()...))
	n.resume(committed, written)
	for topic := range swapTopics {
		n.produce(topic, "tailrace")
	}
	createTopic(t, n.addr, "swap-new", "segment.bytes=1048576")
	n.produce("swap-new", "tailrace")
	both := n.readAll(append(swapTopicNames(), "swap-new")...)
	places := n.committed()
	n.stopTailrace()
	report("Tailrace served them, and %d records in all, after %.1f s", recordsIn(both), time.Since(began).Seconds())

	n.checkInfo()
	n.replaceFiles("swap-new", "swap-files")
	n.cleanForKafka(t)
	report("Kafka's dump tool finds no fault, after %.1f s", time.Since(began).Seconds())
	n.startKafka()
	moved := map[string][]*kgo.Record{}
	for p, list := range n.readAll(append(swapTopicNames(), "swap-files")...) {
		moved[strings.Replace(p, "swap-files", "swap-new", 1)] = list
	}
	sameRecords(t, "given back", both, moved)
	if now := n.committed(); fmt.Sprint(now) != fmt.Sprint(places) {
		t.Errorf("the group stood at %v, and Kafka has it at %v", places, now)
	}
	n.produce("swap-plain", "kafka")
	n.checkStray("swap-new")
	last := n.readAll(append(swapTopicNames(), "swap-files")...)
	n.killKafka()
	report("Kafka served them again and was killed, after %.1f s", time.Since(began).Seconds())

	n.adoptAgain()
	n.startTailrace()
	sameRecords(t, "adopted after a kill", last, n.readAll(append(swapTopicNames(), "swap-files")...))
	if now := n.committed(); fmt.Sprint(now) != fmt.Sprint(places) {
		t.Errorf("the group stood at %v, and stands at %v", places, now)
	}
	n.stopTailrace()
	report("Tailrace served %d records of the killed one, after %.1f s", recordsIn(last), time.Since(began).Seconds())
}

func swapTopicNames() []string {
	var names []string
	for topic := range swapTopics {
		names = append(names, topic)
	}
	slices.Sort(names)
	return names
}

// produce writes with every codec: keys, headers, null and empty values, timestamps of its own, and large records.
func (n *swapNode) produce(topic, by string) {
	n.t.Helper()
	base := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	for c, codec := range franzCodecs {
		client := franz(n.t, n.addr, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(codec),
			kgo.ProducerBatchMaxBytes(100_000), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
		for i := range swapRecords {
			r := &kgo.Record{
				Key: fmt.Appendf(nil, "%s-%d-%d", by, c, i), Value: bytes.Repeat([]byte{byte('a' + i%26)}, i%700),
				Timestamp: base.Add(time.Duration(i*7) * time.Millisecond),
			}
			switch i % 10 {
			case 3:
				r.Key = nil
			case 5:
				r.Value = nil
			case 7:
				r.Headers = []kgo.RecordHeader{{Key: "by", Value: []byte(by)}, {Key: "empty", Value: []byte{}}, {Key: "null"}}
			}
			client.Produce(within(n.t), r, func(_ *kgo.Record, err error) {
				if err != nil {
					n.t.Errorf("produce to %s: %v", topic, err)
				}
			})
		}
		if err := client.Flush(within(n.t)); err != nil {
			n.t.Fatal(err)
		}
		client.Close()
	}
}

// readAll gives the records of topics by partition.
func (n *swapNode) readAll(topics ...string) map[string][]*kgo.Record {
	n.t.Helper()
	all := map[string][]*kgo.Record{}
	for _, topic := range topics {
		consume(n.t, n.addr, topic, func(r *kgo.Record) {
			p := fmt.Sprintf("%s-%d", r.Topic, r.Partition)
			all[p] = append(all[p], r)
		})
	}
	return all
}

func recordsIn(all map[string][]*kgo.Record) int {
	sum := 0
	for _, list := range all {
		sum += len(list)
	}
	return sum
}

// sameRecords compares record by record: offset, timestamp and its type, codec, key, value, headers, null and empty
// apart.
func sameRecords(t *testing.T, what string, want, got map[string][]*kgo.Record) {
	t.Helper()
	if len(want) == 0 || len(got) != len(want) {
		t.Errorf("%s: %d partitions, %d are expected", what, len(got), len(want))
	}
	for p, list := range want {
		if len(got[p]) != len(list) {
			t.Errorf("%s: %s has %d records, %d were written", what, p, len(got[p]), len(list))
			continue
		}
		for i, w := range list {
			if g := got[p][i]; inFull(w) != inFull(g) {
				t.Errorf("%s: %s:\n got %s\nwant %s", what, p, inFull(g), inFull(w))
				break
			}
		}
	}
}

func inFull(r *kgo.Record) string {
	return fmt.Sprintf("offset %d, %d ms, type %d, codec %d, epoch %d, key %#v, value %#v, headers %#v", r.Offset,
		r.Timestamp.UnixMilli(), r.Attrs.TimestampType(), r.Attrs.CompressionType(), r.LeaderEpoch, r.Key, r.Value, r.Headers)
}

// readSome lets a group read a part of the topics and commit, and returns where it stands.
func (n *swapNode) readSome() map[string]int64 {
	n.t.Helper()
	client := franz(n.t, n.addr, kgo.ConsumerGroup(swapGroup), kgo.ConsumeTopics(swapTopicNames()...),
		kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	read, ctx := 0, within(n.t)
	for read < swapRecords*5 {
		fetches := client.PollRecords(ctx, 700)
		if err := fetches.Err(); err != nil {
			n.t.Fatal(err)
		}
		read += fetches.NumRecords()
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		n.t.Fatal(err)
	}
	client.Close()
	return n.committed()
}

// committed is where the group stands, by partition.
func (n *swapNode) committed() map[string]int64 {
	n.t.Helper()
	list, err := kadm.NewClient(franz(n.t, n.addr)).FetchOffsets(within(n.t), swapGroup)
	if err == nil {
		err = list.Error()
	}
	if err != nil || len(list) == 0 {
		n.t.Fatalf("committed offsets of %s: %v, %v", swapGroup, list, err)
	}
	m := map[string]int64{}
	list.Each(func(o kadm.OffsetResponse) { m[fmt.Sprintf("%s-%d", o.Topic, o.Partition)] = o.At })
	return m
}

// resume lets the group go on: it gets every record behind where it stood, and none before.
func (n *swapNode) resume(committed map[string]int64, written map[string][]*kgo.Record) {
	n.t.Helper()
	if now := n.committed(); fmt.Sprint(now) != fmt.Sprint(committed) {
		n.t.Errorf("the group stood at %v and stands at %v", committed, now)
	}
	left := 0
	for p, list := range written {
		left += len(list) - int(committed[p])
	}
	client := franz(n.t, n.addr, kgo.ConsumerGroup(swapGroup), kgo.ConsumeTopics(swapTopicNames()...),
		kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, next := within(n.t), committed
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			n.t.Fatalf("%d records to come: %v", left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			p := fmt.Sprintf("%s-%d", r.Topic, r.Partition)
			if r.Offset != next[p] {
				n.t.Fatalf("%s: the group goes on at %d, it stood at %d", p, r.Offset, next[p])
			}
			next[p]++
			left--
		})
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		n.t.Fatal(err)
	}
	client.Close()
}

// adopt shows that serve refuses, and adopts: first dry, then in earnest, then once too often.
func (n *swapNode) adopt() {
	n.t.Helper()
	n.says(1, "tailrace storage adopt", "serve", "--config", n.properties())
	n.says(0, "dry run: nothing was written", "storage", "adopt", "--config", n.properties(), "--dry-run")
	if _, err := os.Stat(filepath.Join(n.dir, "data.meta")); err == nil {
		n.t.Error("a dry run wrote something")
	}
	plan := n.says(0, "adopted; start it with: tailrace serve --config", "storage", "adopt", "--config", n.properties())
	if !strings.Contains(plan, "5 topics") || !strings.Contains(plan, "finalized features") {
		n.t.Errorf("the plan reads\n%s", plan)
	}
	n.says(1, "the adoption has been done", "storage", "adopt", "--config", n.properties())
}

// checkInfo: Tailrace knows what Kafka would not.
func (n *swapNode) checkInfo() {
	n.t.Helper()
	out, err := exec.Command(binary, "storage", "info", "-c", n.properties(), "-o", "json").Output()
	var r struct {
		Owner string `json:"owner"`
		Back  struct {
			Unknown  []string `json:"unknownTopics"`
			Restarts int      `json:"restartsToCatchUp"`
		} `json:"givenBack"`
	}
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	if err != nil || r.Owner != "adopted" || !slices.Equal(r.Back.Unknown, []string{"swap-new"}) || r.Back.Restarts != 0 {
		n.t.Errorf("storage info: %v, %+v", err, r)
	}
}

// replaceFiles puts the files of one topic in the place of those of another, but for partition.metadata, which says
// whose they are.
func (n *swapNode) replaceFiles(from, to string) {
	n.t.Helper()
	for p := range partitions {
		src, dst := n.partitionDir(from, p), n.partitionDir(to, p)
		for _, name := range namesIn(n.t, dst) {
			if name != "partition.metadata" {
				if err := os.Remove(filepath.Join(dst, name)); err != nil {
					n.t.Fatal(err)
				}
			}
		}
		for _, name := range namesIn(n.t, src) {
			if name != "partition.metadata" {
				b, err := os.ReadFile(filepath.Join(src, name))
				if err == nil {
					err = os.WriteFile(filepath.Join(dst, name), b, 0o644)
				}
				if err != nil {
					n.t.Fatal(err)
				}
			}
		}
	}
}

func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// partitionDir finds a partition in one of the log directories.
func (n *swapNode) partitionDir(topic string, p int) string {
	n.t.Helper()
	found, err := filepath.Glob(filepath.Join(n.dir, "data*", fmt.Sprintf("%s-%d", topic, p)))
	if err != nil || len(found) != 1 {
		n.t.Fatalf("directories of %s-%d: %v, %v", topic, p, found, err)
	}
	return found[0]
}

// cleanForKafka lets Kafka's dump tool judge every file of the swap's topics.
func (n *swapNode) cleanForKafka(t *testing.T) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(n.dir, "data*", "swap-*-[0-9]", "*"))
	if err != nil {
		t.Fatal(err)
	}
	logs := having(all, ".log")
	if len(logs) < len(swapTopics)*partitions {
		t.Fatalf("only %d log files", len(logs))
	}
	clean(t, slices.Concat(logs, having(all, ".index", ".timeindex", ".snapshot")), "--deep-iteration")
}

// checkStray: Kafka has set the directories of a topic aside that it does not know, and lost none of them.
func (n *swapNode) checkStray(topic string) {
	n.t.Helper()
	found, err := filepath.Glob(filepath.Join(n.dir, "data*", topic+"-*-stray"))
	if err != nil || len(found) != partitions {
		n.t.Errorf("strays of %s: %v, %v", topic, found, err)
	}
}

// adoptAgain: once Kafka has run again, its state is the newer one, and nothing goes on by itself.
func (n *swapNode) adoptAgain() {
	n.t.Helper()
	n.says(1, "tailrace storage adopt --again", "serve", "--config", n.properties())
	n.says(1, "tailrace storage adopt --again", "storage", "adopt", "--config", n.properties())
	plan := n.says(0, "set aside:", "storage", "adopt", "--config", n.properties(), "--again")
	if !strings.Contains(plan, "was not left by a clean stop") {
		n.t.Errorf("of a killed Kafka the plan says\n%s", plan)
	}
}

// sums is a checksum of everything in the log directories but the locks.
func (n *swapNode) sums() []string {
	n.t.Helper()
	var sums []string
	err := filepath.WalkDir(n.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == ".lock" || !strings.HasPrefix(path, filepath.Join(n.dir, "data")) ||
			strings.HasPrefix(path, filepath.Join(n.dir, "data.meta")) {
			return err
		}
		b, err := os.ReadFile(path)
		sums = append(sums, fmt.Sprintf("%s %x", path, sha256.Sum256(b)))
		return err
	})
	if err != nil || len(sums) < 50 {
		n.t.Fatalf("%d files: %v", len(sums), err)
	}
	return sums
}
