package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tailrace/benchmarks/scenario"
)

// TestWhatStaysInTheCacheIsNotCold: a page that is mapped cannot be dropped, and a row that reads it is not cold.
func TestWhatStaysInTheCacheIsNotCold(t *testing.T) {
	b := &backlog{s: &served{system: scenario.Kafka, dir: t.TempDir()}, topic: "cold"}
	if err := b.drop(); err == nil {
		t.Error("no segments, and they were dropped")
	}
	name := filepath.Join(b.s.logs(), "cold-0", "00000000000000000000.log")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, make([]byte, mib), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mapped, err := unix.Mmap(int(f.Fd()), 0, mib, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(mapped) }()
	if err := b.sync(); err != nil {
		t.Fatal(err)
	}
	if kept, size, err := b.s.cached("cold"); err != nil || kept != mib || size != mib {
		t.Errorf("%d of %d bytes are cached, %v", kept, size, err)
	}
	if err := b.drop(); err == nil || !strings.Contains(err.Error(), "still in the page cache") {
		t.Errorf("a file that is mapped was dropped: %v", err)
	}
}
