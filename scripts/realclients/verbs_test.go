//go:build realclients

package realclients

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestVerbsAgreeWithKafkasTool asks the same of a broker by `tailrace group` and by kafka-consumer-groups, and wants
// the same figures: offsets and lag, members, state, and where each kind of reset leads to.
func TestVerbsAgreeWithKafkasTool(t *testing.T) {
	addr := startBroker(t)
	createTopic(t, addr, "orders")
	c := franz(t, addr, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	began := time.Now().UTC()
	for i := range 40 {
		r := &kgo.Record{Topic: "orders", Partition: int32(i % 3), Value: fmt.Appendf(nil, "%d", i)} // none into 3
		if err := c.ProduceSync(within(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	verb(t, addr, "consume", "orders", "--group", "billing", "--from-beginning", "--exit-at-end")

	var printed bytes.Buffer
	reader := exec.Command(binary, "consume", "orders", "--group", "billing", "-b", addr)
	reader.Stdout, reader.Stderr = &printed, &printed
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	t.Cleanup(func() { _ = reader.Process.Kill() }) // where the test ends before it is stopped
	stop := func() {
		_ = reader.Process.Signal(syscall.SIGINT)
		if err := reader.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, &printed)
		}
	}
	for !strings.Contains(verb(t, addr, "group", "describe", "billing", "--state"), "Stable") {
		time.Sleep(100 * time.Millisecond)
		if time.Since(started) > 2*time.Minute {
			stop()
			t.Fatalf("the group does not become stable:\n%s", &printed)
		}
	}
	sameRows(t, addr, 9, "--describe --group billing", "group describe billing")
	sameRows(t, addr, 5, "--describe --group billing --members", "group describe billing --members")
	sameRows(t, addr, 6, "--describe --group billing --state", "group describe billing --state")
	stop()
	sameRows(t, addr, 9, "--describe --group billing", "group describe billing")

	for _, to := range []string{
		"--to-offset 5 --all-topics", "--shift-by -3 --topic orders:0,1",
		"--to-datetime " + began.Format("2006-01-02T15:04:05.000") + " --topic orders",
	} {
		sameRows(t, addr, 4, "--reset-offsets --group billing --dry-run "+to,
			"group reset-offsets billing --dry-run "+to)
	}
}

// verb runs one of our commands and gives what it prints.
func verb(t *testing.T, addr string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(within(t), binary, append(args, "-b", addr)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("tailrace %s: %v\n%s", strings.Join(args, " "), err, &errs)
	}
	return out.String()
}

// sameRows compares what lies below the headings that begin with GROUP: rows of so many fields, in any order.
func sameRows(t *testing.T, addr string, fields int, theirs, ours string) {
	t.Helper()
	args := append([]string{"tool", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
		"--bootstrap-server", addr, "--timeout", "60000"}, strings.Fields(theirs)...)
	out, err := exec.CommandContext(within(t), "../kafka", args...).Output()
	if err != nil {
		t.Fatalf("kafka-consumer-groups %s: %v\n%s", theirs, err, out)
	}
	want, got := rowsBelow(string(out), fields), rowsBelow(verb(t, addr, strings.Fields(ours)...), fields)
	if !slices.Equal(want, got) || len(got) == 0 {
		t.Errorf("tailrace %s:\n%s\nkafka-consumer-groups %s:\n%s",
			ours, strings.Join(got, "\n"), theirs, strings.Join(want, "\n"))
	}
	report("%s: %d rows as by kafka-consumer-groups", ours, len(got))
}

// rowsBelow are the rows of a table, each as its fields with one blank between. Ours of a reset has the old offset too,
// which Kafka's has not.
func rowsBelow(text string, fields int) []string {
	var rows []string
	below, drop := false, -1
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) > 0 && f[0] == "GROUP" {
			below, drop = true, slices.Index(f, "OLD-OFFSET")
			continue
		}
		if drop >= 0 && len(f) > drop {
			f = slices.Delete(f, drop, drop+1)
		}
		if below && len(f) == fields {
			rows = append(rows, strings.Join(f, " "))
		}
	}
	slices.Sort(rows)
	return rows
}
