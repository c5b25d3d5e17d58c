package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tailrace/benchmarks/proc"
	"tailrace/benchmarks/tally"
	"tailrace/loadgen/machine"
)

// place describes where this run is made.
func (c *contest) place(command string) (tally.Place, error) {
	dir := os.TempDir()
	here := machine.Here(dir)
	p := tally.Place{
		Machine: proc.Machine(), BootID: c.bootID, Commit: c.commit, Command: command, At: time.Now().UTC(),
		Pinned: fmt.Sprintf("brokers and loops on core %d, load on core %d", c.serverCore, c.clientCore),
		Disk:   here.FileSystem + " on " + here.Device,
	}
	probe, err := machine.ProbeFsync(dir)
	if err != nil {
		return p, err
	}
	p.Disk += fmt.Sprintf(", a 4 KiB write with fdatasync takes %.0f µs (p99 %.0f µs)", probe.P50, probe.P99)
	if out, err := exec.Command("java", "-version").CombinedOutput(); err == nil {
		p.Java, _, _ = strings.Cut(string(out), "\n")
	}
	if p.Kafka = os.Getenv("KAFKA_RELEASE"); p.Kafka == "" {
		out, err := exec.Command(c.kafkaScript, "release").Output()
		if err != nil {
			return p, fmt.Errorf("%s release: %w", c.kafkaScript, err)
		}
		p.Kafka = strings.TrimSpace(string(out))
	}
	return p, nil
}

const (
	calmDirty  = 256 << 20       // bytes that the kernel has yet to write, with which a row may begin
	calmWithin = 4 * time.Second // and how long they are waited for
)

var dirtyLine = regexp.MustCompile(`(?m)^(?:Dirty|Writeback):\s+(\d+) kB$`)

// settleDisk waits a while until the kernel has written most of what the row before left, so that no row pays for
// another one's bytes.
func settleDisk() {
	for begin := time.Now(); time.Since(begin) < calmWithin; time.Sleep(50 * time.Millisecond) {
		info, err := os.ReadFile("/proc/meminfo")
		if err != nil {
			return
		}
		var dirty int64
		for _, m := range dirtyLine.FindAllSubmatch(info, -1) {
			n, _ := strconv.ParseInt(string(m[1]), 10, 64)
			dirty += n << 10
		}
		if dirty < calmDirty {
			return
		}
	}
}
