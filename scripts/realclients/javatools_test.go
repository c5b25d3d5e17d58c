//go:build realclients

package realclients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const toolRecords = 100_000

// javaTool runs one of Apache's tools to its end, and returns what it printed.
func javaTool(t *testing.T, in *os.File, class string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	argv := append(javaCommand(libraries(t, "java"), "org.apache.kafka.tools."+class), args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var complaint bytes.Buffer
	if cmd.Stderr = &complaint; in != nil {
		cmd.Stdin = in
	}
	out, err := cmd.Output()
	if err != nil || strings.Contains(complaint.String(), "ERROR") {
		t.Fatalf("%s %s: %v\n%.2000s\n%.2000s", class, strings.Join(args, " "), err, complaint.String(), out)
	}
	return string(out)
}

// TestJavaPerformance: kafka-producer-perf-test writes in each codec, kafka-consumer-perf-test reads all of it in a
// group.
func TestJavaPerformance(t *testing.T) {
	addr := startBroker(t)
	read := regexp.MustCompile(`, (\d+), [\d.]+, -?\d+, -?\d+, [\d.]+, [\d.]+\s*$`)
	for _, codec := range codecs {
		topic := "perf-" + codec
		createTopic(t, addr, topic)
		wrote := javaTool(t, nil, "ProducerPerformance", "--topic", topic, "--num-records", fmt.Sprint(toolRecords),
			"--record-size", "200", "--throughput", "-1", "--bootstrap-server", addr, "--command-property",
			"compression.type="+codec, "acks=all")
		if !strings.Contains(wrote, fmt.Sprintf("%d records sent", toolRecords)) {
			t.Errorf("%s: kafka-producer-perf-test says\n%s", codec, wrote)
		}
		if sum, each := ends(t, addr, topic); sum != toolRecords {
			t.Errorf("%s: %d records are in the partitions: %v", codec, sum, each)
		}
		out := javaTool(t, nil, "ConsumerPerformance", "--topic", topic, "--num-records", fmt.Sprint(toolRecords),
			"--bootstrap-server", addr, "--group", "perf-of-"+codec)
		if m := read.FindStringSubmatch(out); m == nil || m[1] != fmt.Sprint(toolRecords) {
			t.Errorf("%s: kafka-consumer-perf-test says\n%s", codec, out)
		}
		report("kafka-producer-perf-test → kafka-consumer-perf-test %-6s %d records", codec, toolRecords)
	}
}

// verifiable is what kafka-verifiable-producer and -consumer print, one object a line.
type verifiable struct {
	Name       string
	Value      string
	Acked      int64
	Partitions []struct {
		Partition            int32
		Count                int64
		MinOffset, MaxOffset int64
	}
}

func events(t *testing.T, out string) []verifiable {
	t.Helper()
	var list []verifiable
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var v verifiable
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, v)
	}
	return list
}

// TestJavaVerifiable: kafka-verifiable-producer says which records were acknowledged; kafka-verifiable-consumer, in a
// group, says what it got.
func TestJavaVerifiable(t *testing.T) {
	addr := startBroker(t)
	createTopic(t, addr, "verifiable")
	acked := map[string]bool{}
	out := javaTool(t, nil, "VerifiableProducer", "--topic", "verifiable", "--max-messages", fmt.Sprint(toolRecords),
		"--bootstrap-server", addr, "--throughput", "-1", "--acks", "-1")
	for _, e := range events(t, out) {
		if e.Name == "producer_send_success" {
			acked[e.Value] = true
		}
	}
	if len(acked) != toolRecords {
		t.Errorf("kafka-verifiable-producer has %d acknowledgements", len(acked))
	}
	out = javaTool(t, nil, "VerifiableConsumer", "--topic", "verifiable", "--group-id", "verifiers", "--max-messages",
		fmt.Sprint(toolRecords), "--bootstrap-server", addr)
	next := map[int32]int64{}
	count := int64(0)
	for _, e := range events(t, out) {
		if e.Name != "records_consumed" {
			continue
		}
		for _, p := range e.Partitions {
			if p.MinOffset != next[p.Partition] || p.MaxOffset-p.MinOffset+1 != p.Count {
				t.Fatalf("partition %d: %d records from %d to %d, %d was due", p.Partition, p.Count, p.MinOffset,
					p.MaxOffset, next[p.Partition])
			}
			next[p.Partition] = p.MaxOffset + 1
			count += p.Count
		}
	}
	if count != toolRecords {
		t.Errorf("kafka-verifiable-consumer got %d records", count)
	}
	report("kafka-verifiable-producer → kafka-verifiable-consumer %d records", toolRecords)
}

// TestJavaConsole: kafka-console-producer reads lines with headers, keys and null values and one of 900 KB, and
// kafka-console-consumer, in a group, prints the same lines.
func TestJavaConsole(t *testing.T) {
	addr := startBroker(t)
	createTopic(t, addr, "console")
	file := filepath.Join(t.TempDir(), "lines")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	want := make([]string, 0, toolRecords+1)
	line := func(headers, key, value string) {
		want = append(want, headers+"\t"+key+"\t"+value)
		fmt.Fprintln(w, want[len(want)-1])
	}
	for i := range toolRecords {
		switch i % 10 {
		case 1:
			line("a:1", fmt.Sprintf("key-%d", i), "")
		case 2:
			line("a:1,b:two", "NONE", fmt.Sprintf("line %d", i))
		case 3:
			line("NONE", fmt.Sprintf("key-%d", i), "NONE")
		default:
			line("NONE", fmt.Sprintf("key-%d", i%100), fmt.Sprintf("line %d", i))
		}
	}
	line("a:1", "large", string(largeValue()))
	if err := w.Flush(); err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	property := func(name string, list ...string) (args []string) {
		for _, p := range list {
			args = append(args, name, p)
		}
		return args
	}
	javaTool(t, f, "ConsoleProducer", append([]string{"--bootstrap-server", addr, "--topic", "console",
		"--compression-codec", "lz4"}, property("--reader-property", "parse.key=true", "parse.headers=true",
		"null.marker=NONE")...)...)
	out := javaTool(t, nil, "consumer.ConsoleConsumer", append([]string{"--bootstrap-server", addr, "--topic", "console",
		"--group", "console-readers", "--from-beginning", "--max-messages", fmt.Sprint(len(want))},
		property("--formatter-property", "print.key=true", "print.headers=true", "null.literal=NONE")...)...)
	got := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	for i := range got {
		got[i] = strings.Replace(got[i], "NO_HEADERS\t", "NONE\t", 1)
	}
	if diff := difference(want, got); diff != "" {
		t.Errorf("console: of %d records %s", len(want), diff)
		return
	}
	report("kafka-console-producer → kafka-console-consumer %d records", len(want))
}
