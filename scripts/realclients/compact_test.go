//go:build realclients

package realclients

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/benchmarks/proc"
)

// compaction are the settings under which both brokers compact at once.
var compaction = []string{"log.cleaner.backoff.ms=100", "log.retention.check.interval.ms=1000"}

// TestCompactionIsKafkas writes the same records to Apache Kafka and to Tailrace, lets both compact them, and finds the
// same survivors: offset, key, value, time, headers. Then Kafka's dump tool reads what Tailrace's cleaner has written,
// and finds no fault.
func TestCompactionIsKafkas(t *testing.T) {
	dir := t.TempDir()
	args := []string{"serve", "--listen", "127.0.0.1:0"}
	for _, c := range compaction {
		args = append(args, "--set", c)
	}
	s, err := proc.StartServer(-1, dir, binary, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	kafka, kafkaDir := startKafkaIn(t, compaction...)
	ours := survivors(t, s.Addr, filepath.Join(dir, "data", "log", "compacted-0"))
	theirs := survivors(t, kafka, filepath.Join(kafkaDir, "data", "compacted-0"))
	lines := strings.Count(ours, "\n")
	report("%d records are left of %d", lines, compactedRecords)
	if ours != theirs {
		t.Errorf("survivors differ: ours are %d, Kafka's %d; the first that differs:\n%s", lines,
			strings.Count(theirs, "\n"), firstDifference(ours, theirs))
	}
	if lines == 0 || lines > compactedRecords/2 {
		t.Errorf("%d records are left of %d", lines, compactedRecords)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	judgeCompacted(t, filepath.Join(dir, "data", "log", "compacted-0"))
}

const (
	compactedRecords = 12_000
	compactedTime    = 1_700_000_000_000 // of the first record: both brokers get the same
)

// survivors writes the records, one batch after the other so that they are cut alike everywhere, waits until the log
// directory no longer changes, and reads what is left.
func survivors(t *testing.T, addr, dir string) string {
	t.Helper()
	ctx := within(t)
	admin := kadm.NewClient(franz(t, addr))
	configs := map[string]*string{}
	for _, c := range []string{"cleanup.policy=compact", "segment.bytes=1048576", "min.cleanable.dirty.ratio=0.01",
		"delete.retention.ms=3600000", "file.delete.delay.ms=0"} {
		k, v, _ := strings.Cut(c, "=")
		configs[k] = &v
	}
	if _, err := admin.CreateTopic(ctx, 1, 1, configs, "compacted"); err != nil {
		t.Fatal(err)
	}
	writeCompacted(ctx, t, addr)
	waitForCompaction(t, dir)
	var out strings.Builder
	client := franz(t, addr, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		"compacted": {0: kgo.NewOffset().AtStart()}}))
	for last := int64(-1); last < compactedRecords-1; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			last = r.Offset
			fmt.Fprintf(&out, "%d %s=%.20q (%v) @%d %q\n", r.Offset, r.Key, r.Value, r.Value == nil, r.Timestamp.UnixMilli(),
				r.Headers)
		})
	}
	client.Close()
	return out.String()
}

// writeCompacted produces by two producers, one idempotent and one not, in three codecs.
func writeCompacted(ctx context.Context, t *testing.T, addr string) {
	t.Helper()
	dice := rand.New(rand.NewPCG(1, 2))
	codecs := []kgo.CompressionCodec{kgo.NoCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}
	var clients []*kgo.Client
	for i, codec := range codecs {
		opts := []kgo.Opt{kgo.DefaultProduceTopic("compacted"), kgo.ProducerBatchCompression(codec),
			kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ManualFlushing()}
		if i == 1 {
			opts = append(opts, kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
		}
		clients = append(clients, franz(t, addr, opts...))
	}
	for done := 0; done < compactedRecords; {
		client := clients[dice.IntN(len(clients))]
		n := min(1+dice.IntN(30), compactedRecords-done)
		for i := range n {
			value := make([]byte, 400+dice.IntN(1600))
			for j := range value {
				value[j] = byte(dice.Uint32())
			}
			r := &kgo.Record{Key: fmt.Appendf(nil, "key %d", dice.IntN(400)), Value: value,
				Timestamp: time.UnixMilli(compactedTime + int64(done+i)*7)}
			switch dice.IntN(9) {
			case 0:
				r.Value = nil
			case 1:
				r.Headers = []kgo.RecordHeader{{Key: "h", Value: value[:3]}}
			}
			client.Produce(ctx, r, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Errorf("produce: %v", err)
				}
			})
		}
		if err := client.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		done += n
	}
}

// waitForCompaction until the sizes of the log files have been the same, and small, for a while.
func waitForCompaction(t *testing.T, dir string) {
	t.Helper()
	same, before := 0, ""
	for from := time.Now(); same < 20; time.Sleep(200 * time.Millisecond) {
		sum, text := int64(0), ""
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".log") {
				return nil // it may have gone meanwhile
			}
			if info, err := e.Info(); err == nil {
				sum += info.Size()
				text += fmt.Sprint(path, info.Size(), " ")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if text == before && sum < 5<<20 {
			same++
		} else {
			same = 0
		}
		if before = text; time.Since(from) > 10*time.Minute {
			t.Fatalf("after ten minutes the log is not compacted: %s", text)
		}
	}
}

func firstDifference(ours, theirs string) string {
	a, b := strings.Split(ours, "\n"), strings.Split(theirs, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("ours:    %s\nKafka's: %s", a[i], b[i])
		}
	}
	return "one is longer"
}

// judgeCompacted has Kafka's tool read a directory that was compacted. That offsets have gaps is what compaction does;
// everything else that it calls a fault is one.
func judgeCompacted(t *testing.T, dir string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	logs, others := having(all, ".log"), having(all, ".index", ".timeindex", ".snapshot")
	if len(logs) < 2 || len(others) < 5 {
		t.Fatalf("files %v", all)
	}
	gaps := regexp.MustCompile(`^\s*-?\d+ is followed by \d+|Non-consecutive offsets in`)
	for _, c := range []struct {
		files   []string
		options []string
	}{
		{logs, []string{"--deep-iteration"}}, {others, nil},
		{having(others, ".index", ".timeindex"), []string{"--index-sanity-check"}},
	} {
		text, bad := dump(t, c.files, c.options...)
		for _, line := range bad {
			if !gaps.MatchString(line) {
				t.Errorf("kafka-dump-log %v: %s", c.options, line)
			}
		}
		for _, f := range c.files {
			if !strings.Contains(text, f) {
				t.Errorf("kafka-dump-log %v says nothing of %s", c.options, f)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "cleaner-offset-checkpoint"))
	if err != nil || !bytes.Contains(text, []byte("compacted 0 ")) {
		t.Errorf("cleaner-offset-checkpoint holds %q, %v", text, err)
	}
}
