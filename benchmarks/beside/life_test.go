package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tailrace/benchmarks/scenario"
)

// TestAFailedStartLeavesNothing: no directory, and the error holds what the system printed. A Kafka that keeps deleted
// data for its default of a minute is not started.
func TestAFailedStartLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"no format": {"exit 1", "format"},
		"ended at once": {"case $* in\n*' log.segment.delete.delay.ms=100') ;;\n" +
			"command*) printf '%s\\n' sh -c 'echo no such luck; exit 3' ;;\n*) exit 1 ;;\nesac", "no such luck"},
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
