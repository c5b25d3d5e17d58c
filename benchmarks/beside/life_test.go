package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tailrace/benchmarks/scenario"
)

// TestAFailedStartLeavesNothing: no directory, and the error holds what the system printed.
func TestAFailedStartLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"no format":     {"exit 1", "format"},
		"ended at once": {"[ $1 = format ] || printf '%s\\n' sh -c 'echo no such luck; exit 3'", "no such luck"},
	} {
		t.Run(name, func(t *testing.T) {
			script := filepath.Join(t.TempDir(), "kafka")
			if err := os.WriteFile(script, []byte("#!/bin/sh\n"+c.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("TMPDIR", t.TempDir())
			k := &contest{kafkaScript: script}
			if s, err := k.start(scenario.Kafka); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("started %v, %v", s, err)
			}
			if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
				t.Errorf("%v is left, %v", left, err)
			}
		})
	}
}
