//go:build realclients

package realclients

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/benchmarks/proc"
)

// faults are what Kafka's dump tool prints of damage; it exits 0 all the same. Failures of the tool count as well. It
// calls every log non-consecutive that does not begin at offset 0 ("-1 is followed by"); only other gaps are faults.
var faults = regexp.MustCompile(`(?i)Mismatches in|timestamp mismatch|out of order timestamp|are not found|` +
	`invalid bytes at the end|isvalid: false|^\s+\d+ is followed by|corrupt|exception|could not|failed|error`)

// dump runs Kafka's DumpLogSegments over files, in one JVM, and returns what it printed and the lines that speak of
// faults.
func dump(t *testing.T, files []string, options ...string) (text string, bad []string) {
	t.Helper()
	args := []string{"tool", "org.apache.kafka.tools.DumpLogSegments", "--files", strings.Join(files, ",")}
	out, err := exec.Command("../kafka", append(args, options...)...).CombinedOutput()
	if err != nil { // damage in a compressed batch ends the tool with a Java exception
		bad = append(bad, fmt.Sprintf("DumpLogSegments: %v: %s", err, out[max(len(out)-2000, 0):]))
	}
	for line := range strings.Lines(string(out)) {
		if faults.MatchString(line) {
			bad = append(bad, strings.TrimSpace(line))
		}
	}
	return string(out), bad
}

// clean fails if the tool finds fault, or has not looked at every file.
func clean(t *testing.T, files []string, options ...string) string {
	t.Helper()
	text, bad := dump(t, files, options...)
	if len(bad) > 0 {
		t.Errorf("kafka-dump-log %v finds %d faults, the first: %q", options, len(bad), bad[:min(len(bad), 5)])
	}
	for _, f := range files {
		if !strings.Contains(text, f) {
			t.Errorf("kafka-dump-log %v says nothing of %s", options, f)
		}
	}
	return text
}

// dumped are topics that differ in what their files hold; each has rolls and retention.
var dumped = map[string][]string{
	"plain":  {"segment.bytes=1048576"},
	"zstd":   {"segment.bytes=1048576", "compression.type=zstd", "message.timestamp.type=LogAppendTime"},
	"dense":  {"segment.bytes=4194304", "index.interval.bytes=64", "segment.index.bytes=4096"}, // rolls by its index
	"sparse": {"segment.bytes=1048576", "segment.ms=300"},
}

// TestDumpLog: Kafka's own tool finds nothing wrong in a directory that was written under load with rolls and retention
// over two kills with SIGKILL, and then stopped in order.
func TestDumpLog(t *testing.T) {
	dir := t.TempDir()
	s := serveLogs(t, dir)
	for topic, configs := range dumped {
		createTopic(t, s.Addr, topic, append(configs, "retention.bytes=3000000", "file.delete.delay.ms=50")...)
	}
	for range 2 {
		load := startLoad(t, s.Addr)
		waitForRetention(t, s.Addr)
		time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
		s.Kill()
		load(false)
		s = serveLogs(t, dir)
		waitForRetention(t, s.Addr)
	}
	load := startLoad(t, s.Addr)
	waitForMore(t, s.Addr)
	load(true)
	starts, stops := bounds(t, s.Addr)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	logs, others := logFiles(t, dir)
	report("%d log files, %d others, %d partitions", len(logs), len(others), len(starts))

	text := clean(t, logs, "--deep-iteration")
	checkRecords(t, text, starts, stops)
	clean(t, others)
	clean(t, having(others, ".index", ".timeindex"), "--index-sanity-check")
	metadata, err := filepath.Glob(filepath.Join(dir, "data", "meta", "__cluster_metadata-0", "*.log"))
	if err != nil || len(metadata) == 0 {
		t.Fatalf("no metadata log: %v", err)
	}
	text = clean(t, metadata, "--cluster-metadata-decoder")
	for topic := range dumped {
		if !strings.Contains(text, `"type":"TOPIC_RECORD","version":0,"data":{"name":"`+topic+`"`) {
			t.Errorf("the metadata log as Kafka reads it does not name topic %s", topic)
		}
	}
	judgeIsJudged(t, logs, others)
}

func serveLogs(t *testing.T, dir string) *proc.Server {
	t.Helper()
	s, err := proc.StartServer(-1, dir, binary, "serve", "--listen", "127.0.0.1:0",
		"--set", "log.retention.check.interval.ms=100")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// startLoad writes to every topic, with codecs and sizes of every kind, until the returned function is called. Told to,
// that waits for what is on its way, so that the logs have their ends when it returns.
func startLoad(t *testing.T, addr string) (stop func(settle bool)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var clients []*kgo.Client
	for topic := range dumped {
		for i, codec := range franzCodecs[:3] {
			acks := []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks())}
			if i == 1 {
				acks = []kgo.Opt{kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite()}
			}
			client := franz(t, addr, append(acks, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(codec),
				kgo.ProducerBatchMaxBytes(100_000), kgo.MaxBufferedRecords(500))...)
			clients = append(clients, client)
			wg.Go(func() {
				for ctx.Err() == nil {
					value := make([]byte, rand.IntN(1500))
					for j := range value {
						value[j] = byte(rand.Uint32() % 50)
					}
					client.Produce(ctx, &kgo.Record{Key: value[:len(value)/9], Value: value}, nil)
				}
			})
		}
	}
	return func(settle bool) {
		cancel()
		wg.Wait()
		for _, c := range clients {
			if settle {
				if err := c.Flush(within(t)); err != nil {
					t.Error(err)
				}
			}
			c.Close()
		}
	}
}

// bounds are the first and the next offset of each partition, by directory name.
func bounds(t *testing.T, addr string) (starts, stops map[string]int64) {
	t.Helper()
	admin := kadm.NewClient(franz(t, addr))
	at := func(list kadm.ListedOffsets, err error) map[string]int64 {
		if err == nil {
			err = list.Error()
		}
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]int64{}
		list.Each(func(o kadm.ListedOffset) { m[fmt.Sprintf("%s-%d", o.Topic, o.Partition)] = o.Offset })
		return m
	}
	return at(admin.ListStartOffsets(within(t))), at(admin.ListEndOffsets(within(t)))
}

// waitUntil polls the bounds of the partitions.
func waitUntil(t *testing.T, addr, what string, ok func(starts, stops map[string]int64) bool) {
	t.Helper()
	for from := time.Now(); time.Since(from) < 2*time.Minute; time.Sleep(50 * time.Millisecond) {
		if ok(bounds(t, addr)) {
			return
		}
	}
	t.Fatalf("after two minutes of load: %s", what)
}

// waitForRetention until every partition has lost its first segment.
func waitForRetention(t *testing.T, addr string) {
	t.Helper()
	waitUntil(t, addr, "a partition still begins at 0", func(starts, _ map[string]int64) bool {
		for _, o := range starts {
			if o == 0 {
				return false
			}
		}
		return len(starts) == len(dumped)*partitions
	})
}

func waitForMore(t *testing.T, addr string) {
	t.Helper()
	_, before := bounds(t, addr)
	waitUntil(t, addr, "a partition does not grow", func(_, stops map[string]int64) bool {
		for p, o := range stops {
			if o < before[p]+1000 {
				return false
			}
		}
		return true
	})
}

// logFiles lists what the tool can read: the logs, and the files beside them.
func logFiles(t *testing.T, dir string) (logs, others []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "data", "log", "*-[0-9]", "*"))
	if err != nil {
		t.Fatal(err)
	}
	logs, others = having(all, ".log"), having(all, ".index", ".timeindex", ".snapshot", ".txnindex")
	for _, suffix := range []string{".index", ".timeindex", ".snapshot"} {
		if len(having(others, suffix)) < len(dumped)*partitions {
			t.Errorf("only %d %s files", len(having(others, suffix)), suffix)
		}
	}
	texts := having(all, "leader-epoch-checkpoint", "partition.metadata")
	if unknown := len(all) - len(logs) - len(others) - len(texts); unknown != 0 {
		t.Errorf("%d files have names that Kafka does not know: %v", unknown, all)
	}
	return logs, others
}

func having(files []string, suffixes ...string) []string {
	var list []string
	for _, f := range files {
		if slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(f, s) }) {
			list = append(list, f)
		}
	}
	return list
}

// checkRecords holds the dumped offsets against what the broker said of each partition: every record once, in order.
func checkRecords(t *testing.T, text string, starts, stops map[string]int64) {
	t.Helper()
	next := map[string]int64{}
	dumping, offset := regexp.MustCompile(`^Dumping .*/([^/]+)/\d+\.log`), regexp.MustCompile(`^\| offset: (\d+) `)
	at, records := "", 0
	for line := range strings.Lines(text) {
		if m := dumping.FindStringSubmatch(line); m != nil {
			at = m[1]
		} else if m := offset.FindStringSubmatch(line); m != nil {
			n, _ := strconv.ParseInt(m[1], 10, 64)
			if want, ok := next[at]; ok && n != want {
				t.Errorf("%s: the tool reads offset %d behind %d", at, n, want-1)
			}
			next[at] = n + 1
			records++
		}
	}
	for p, stop := range stops {
		if next[p] != stop || records == 0 {
			t.Errorf("%s: the tool reads up to %d, the log runs from %d to %d", p, next[p], starts[p], stop)
		}
	}
	report("kafka-dump-log read %d records", records)
}

// judgeIsJudged damages a copy of each kind of file: a tool that calls them clean would prove nothing.
func judgeIsJudged(t *testing.T, logs, others []string) {
	t.Helper()
	for _, c := range []struct {
		suffix string
		at     func(size int) int
		option string
	}{
		{".log", func(n int) int { return n / 2 }, "--deep-iteration"},
		{".index", func(n int) int { return n/2&^7 + 3 }, ""},
		{".timeindex", func(n int) int { return n/2/12*12 + 7 }, ""},
	} {
		i := slices.IndexFunc(append(logs, others...), func(f string) bool {
			info, err := os.Stat(f)
			return err == nil && strings.HasSuffix(f, c.suffix) && info.Size() > 100
		})
		source := append(logs, others...)[i]
		dir := filepath.Join(t.TempDir(), filepath.Base(filepath.Dir(source)))
		stem := strings.TrimSuffix(source, c.suffix)
		for _, suffix := range []string{".log", ".index", ".timeindex"} {
			text, err := os.ReadFile(stem + suffix)
			if err != nil {
				t.Fatal(err)
			}
			if suffix == c.suffix {
				text = bytes.Clone(text)
				text[c.at(len(text))] ^= 0x55
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(stem)+suffix), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var options []string
		if c.option != "" {
			options = append(options, c.option)
		}
		if _, bad := dump(t, []string{filepath.Join(dir, filepath.Base(source))}, options...); len(bad) == 0 {
			t.Errorf("a flipped byte in %s is not found", source)
		}
	}
}
