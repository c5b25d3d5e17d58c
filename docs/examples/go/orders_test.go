// Package example shows a Go test that has a broker of its own, with nothing installed but the program tailrace.
package example

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// startBroker runs a broker until the end of the test, and returns its address.
func startBroker(t *testing.T) string {
	t.Helper()
	program := os.Getenv("TAILRACE") // where the program is, unless it is on the path
	if program == "" {
		program = "tailrace"
	}
	ready := filepath.Join(t.TempDir(), "ready")
	cmd := exec.Command(program, "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--ready-file", ready)
	cmd.Stderr = t.Output() // its log belongs to the test
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it removes its data, and ends
		<-ended
	})
	for {
		if address, err := os.ReadFile(ready); err == nil {
			return strings.TrimSpace(string(address))
		}
		select {
		case <-ended:
			t.Fatalf("the broker ended: %s", cmd.ProcessState)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestOrders(t *testing.T) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(startBroker(t)),
		kgo.AllowAutoTopicCreation(),
		kgo.ConsumeTopics("orders"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	sent := &kgo.Record{Topic: "orders", Key: []byte("alice"), Value: []byte("2 apples")}
	if err := client.ProduceSync(ctx, sent).FirstErr(); err != nil {
		t.Fatal(err)
	}
	fetches := client.PollFetches(ctx)
	if err := fetches.Err(); err != nil {
		t.Fatal(err)
	}
	if got := fetches.Records(); len(got) != 1 || string(got[0].Value) != "2 apples" {
		t.Errorf("got %v", got)
	}
}
