//go:build realclients

package realclients

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/benchmarks/proc"
)

// binary is the broker, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "tailrace-realclients-")
	if err == nil {
		binary = filepath.Join(dir, "tailrace")
		err = command("go", "build", "-o", binary, "tailrace/cmd/tailrace")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// command runs a program to its end; its output is part of the error.
func command(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// againstKafka lets Apache Kafka stand in for the broker, to prove the tests.
var againstKafka = os.Getenv("TAILRACE_TEST_AGAINST") == "kafka"

// startBroker runs a broker with these settings on an empty directory until the test ends, and returns its address.
// A group is not kept waiting for more members than the first, which the settings of scripts/kafka have as well.
func startBroker(t *testing.T, settings ...string) string {
	t.Helper()
	if againstKafka {
		return startKafka(t, settings...)
	}
	args := []string{"serve", "--listen", "127.0.0.1:0", "--set", "group.initial.rebalance.delay.ms=0"}
	for _, s := range settings {
		args = append(args, "--set", s)
	}
	s, err := proc.StartServer(-1, t.TempDir(), binary, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s.Addr
}

// startKafka runs Apache Kafka on an empty directory until the test ends, and returns its address.
func startKafka(t *testing.T, settings ...string) string {
	t.Helper()
	addr, _ := startKafkaIn(t, settings...)
	return addr
}

// startKafkaIn also tells the directory. Somebody may be faster with a port, so a second and a third pair are tried.
func startKafkaIn(t *testing.T, settings ...string) (addr, dir string) {
	t.Helper()
	var err error
	for range 3 {
		var port int
		if port, err = proc.Ports(2); err != nil {
			t.Fatal(err)
		}
		dir = t.TempDir()
		up := exec.Command("../kafka", append([]string{"up", dir, fmt.Sprint(port)}, settings...)...)
		if err = up.Run(); err != nil { // without a pipe, which the broker would inherit
			continue
		}
		t.Cleanup(func() {
			if err := command("../kafka", "down", dir); err != nil {
				t.Error(err)
			}
		})
		return fmt.Sprintf("127.0.0.1:%d", port), dir
	}
	t.Fatalf("Kafka does not start: %v", err)
	return "", ""
}

// franz is a franz-go client that is closed with the test.
func franz(t *testing.T, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(addr))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// within bounds whatever waits for the broker.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// partitions is how many a topic of the main job has; maxMessage admits the longest line of the Go sources, which has
// 1.4 MB (time/tzdata), more than a record may have by default.
const (
	partitions = 4
	maxMessage = 4_000_000
)

// createTopic makes a topic; configs are key=value.
func createTopic(t *testing.T, addr, topic string, configs ...string) {
	t.Helper()
	all := map[string]*string{"max.message.bytes": kadm.StringPtr(fmt.Sprint(maxMessage))}
	for _, c := range configs {
		k, v, _ := strings.Cut(c, "=")
		all[k] = &v
	}
	if _, err := kadm.NewClient(franz(t, addr)).CreateTopic(within(t), partitions, 1, all, topic); err != nil {
		t.Fatalf("create topic %s: %v", topic, err)
	}
}

// ends returns the end offset of each partition.
func ends(t *testing.T, addr, topic string) (sum int64, each []int64) {
	t.Helper()
	list, err := kadm.NewClient(franz(t, addr)).ListEndOffsets(within(t), topic)
	if err == nil {
		err = list.Error()
	}
	if err != nil {
		t.Fatalf("list offsets of %s: %v", topic, err)
	}
	each = make([]int64, partitions)
	list.Each(func(o kadm.ListedOffset) { each[o.Partition] = o.Offset; sum += o.Offset })
	return sum, each
}

// kcat runs kcat with these arguments. in may be nil; what it prints goes to out.
func kcat(t *testing.T, addr string, in io.Reader, out io.Writer, args ...string) {
	t.Helper()
	args = append([]string{"-b", addr, "-X", fmt.Sprintf("message.max.bytes=%d", maxMessage)}, args...)
	cmd := exec.Command("kcat", args...)
	var complaint strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, &complaint
	if err := cmd.Run(); err != nil || strings.Contains(complaint.String(), "ERROR") {
		t.Fatalf("kcat %s: %v\n%s", strings.Join(args, " "), err, complaint.String())
	}
}

// readAll are kcat's arguments for a topic from its beginning to its end. With its own limits on what it has read but
// not yet printed it pauses for seconds, whatever the broker.
func readAll(topic, format string) []string {
	return []string{"-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", format,
		"-X", "queued.min.messages=10000000", "-X", "queued.max.messages.kbytes=1000000"}
}

// consume reads a topic from its beginning to its present end by franz-go, and holds each partition's offsets together.
func consume(t *testing.T, addr, topic string, fn func(r *kgo.Record)) {
	t.Helper()
	left, _ := ends(t, addr, topic)
	ctx := within(t)
	client := franz(t, addr, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	next := make([]int64, partitions)
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("franz-go reading %s with %d records to come: %v", topic, left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset != next[r.Partition] {
				t.Fatalf("%s-%d: offset %d follows %d", topic, r.Partition, r.Offset, next[r.Partition]-1)
			}
			next[r.Partition]++
			left--
			fn(r)
		})
	}
	client.Close()
}

// sorter takes lines and gives the checksum of all of them in sorted order: whoever has the same one has the same
// lines, in whatever order they came.
type sorter struct {
	t   *testing.T
	in  io.WriteCloser
	cmd *exec.Cmd
	out strings.Builder
}

func newSorter(t *testing.T) *sorter {
	t.Helper()
	s := &sorter{t: t, cmd: exec.Command("sh", "-c", "LC_ALL=C sort --parallel=2 -S 512M | sha256sum")}
	s.cmd.Stdout = &s.out
	var err error
	if s.in, err = s.cmd.StdinPipe(); err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sorter) Write(b []byte) (int, error) { return s.in.Write(b) }

func (s *sorter) sum() string {
	s.t.Helper()
	s.in.Close()
	if err := s.cmd.Wait(); err != nil {
		s.t.Fatalf("sort: %v", err)
	}
	return strings.Fields(s.out.String())[0]
}

// report prints a figure beside the verdicts, verbose or not.
func report(format string, args ...any) { fmt.Printf("    "+format+"\n", args...) }
