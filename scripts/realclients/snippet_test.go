//go:build realclients

package realclients

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tailrace/loadgen/plan"
	"tailrace/loadgen/snippet"
)

// snippetPlans are settings whose files each client must take: every acks level, every codec, and a level.
var snippetPlans = []string{
	"acks=all linger=5ms batch-size=64KiB compression=zstd:3",
	"acks=1 linger=300us batch-size=16KiB compression=lz4",
	"acks=all linger=0 compression=none",
	"acks=1 compression=gzip:6 record-size=2MiB",
	"acks=1 in-flight=1 compression=snappy",
}

func snippetPlan(t *testing.T, addr, settings string) *plan.Plan {
	t.Helper()
	p := plan.Default()
	for _, s := range append(strings.Fields(settings), "bootstrap-server="+addr) {
		name, value, _ := strings.Cut(s, "=")
		if err := p.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLibrdkafkaLoadsItsSnippet: kcat -F FILE takes every line, has the values, and writes a record with them.
func TestLibrdkafkaLoadsItsSnippet(t *testing.T) {
	addr := startBroker(t)
	createTopic(t, addr, "snippet")
	for i, settings := range snippetPlans {
		path := filepath.Join(t.TempDir(), snippet.FileLibrdkafka)
		file := snippet.Librdkafka(snippetPlan(t, addr, settings), "tried\n"+settings)
		if err := os.WriteFile(path, file, 0o644); err != nil {
			t.Fatal(err)
		}
		dump, err := exec.CommandContext(within(t), "kcat", "-F", path, "-P", "-t", "snippet", "-X", "dump").CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", settings, err, dump)
		}
		for _, want := range map[int][]string{
			0: {"queue.buffering.max.ms = 5", "batch.size = 65536", "compression.codec = zstd", "enable.idempotence = true"},
			1: {"queue.buffering.max.ms = 0.3", "compression.codec = lz4", "request.required.acks = 1"},
		}[i] {
			if !strings.Contains(string(dump), want) {
				t.Errorf("%s: %q is not in what kcat says of itself:\n%s", settings, want, dump)
			}
		}
		cmd := exec.CommandContext(within(t), "kcat", "-F", path, "-P", "-t", "snippet", "-p", "0")
		cmd.Stdin = strings.NewReader(fmt.Sprintf("by librdkafka %d\n", i))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", settings, err, out)
		}
	}
	if sum, _ := ends(t, addr, "snippet"); sum != int64(len(snippetPlans)) {
		t.Errorf("the topic has %d records, want %d", sum, len(snippetPlans))
	}
}

// TestJavaLoadsItsSnippet: a KafkaProducer is built from each file, knows every key, has the values, and writes.
func TestJavaLoadsItsSnippet(t *testing.T) {
	addr := startBroker(t)
	createTopic(t, addr, "snippet")
	out, err := exec.Command("../kafka", "jars").Output()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-cp", strings.TrimSpace(string(out)), "testdata/LoadProperties.java", "snippet"}
	dir := t.TempDir()
	for i, settings := range snippetPlans {
		path := filepath.Join(dir, fmt.Sprintf("%d.properties", i))
		if err := os.WriteFile(path, snippet.Java(snippetPlan(t, addr, settings), "tried\n"+settings), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	var said, complaint bytes.Buffer
	cmd := exec.CommandContext(within(t), "java", args...)
	cmd.Stdout, cmd.Stderr = &said, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, complaint.String(), said.String())
	}
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	want := []string{
		"acks=-1 enable.idempotence=true linger.ms=5 batch.size=65536 compression.type=zstd compression.zstd.level=3",
		"acks=1 enable.idempotence=false linger.ms=1 batch.size=16384 compression.type=lz4",
		"acks=-1 linger.ms=0 compression.type=none",
		"compression.type=gzip compression.gzip.level=6 max.request.size=2101248",
		"compression.type=snappy max.in.flight.requests.per.connection=1",
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	for i, w := range want {
		got := strings.Fields(lines[i])
		for _, kv := range strings.Fields(w) {
			if !slices.Contains(got, kv) {
				t.Errorf("%s: %s is not in %s", snippetPlans[i], kv, lines[i])
			}
		}
	}
	if sum, _ := ends(t, addr, "snippet"); sum != int64(len(snippetPlans)) {
		t.Errorf("the topic has %d records, want %d", sum, len(snippetPlans))
	}
}
