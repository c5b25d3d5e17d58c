package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tailrace/netio"
)

// refusals logs connections that were closed for what they sent, at most one
// a second: a broken client that reconnects in a loop must not fill the disk.
type refusals struct {
	lastNs  atomic.Int64
	skipped atomic.Int64
}

const refusalEvery = int64(time.Second)

func (r *refusals) report(l *slog.Logger, from net.Addr, err error) {
	now := time.Now().UnixNano()
	last := r.lastNs.Load()
	if now-last < refusalEvery || !r.lastNs.CompareAndSwap(last, now) {
		r.skipped.Add(1)
		return
	}
	l.Warn("connection closed", "client", from.String(), "reason", err.Error(), "not_shown_before", r.skipped.Swap(0))
}

// refused is told by netio of bytes that are no Kafka frame.
func (b *Broker) refused(c *netio.Conn, e *netio.FrameError) {
	b.refusals.report(b.logger, c.RemoteAddr(), e)
}

// requestBudget bounds the bytes of requests in flight, in all connections
// together: queued.max.request.bytes, or a tenth of the memory there is.
func (b *Broker) requestBudget() int64 {
	if b.config.QueuedMaxRequestBytes > 0 {
		return b.config.QueuedMaxRequestBytes
	}
	total := memoryBytes()
	if limit := debug.SetMemoryLimit(-1); limit < total {
		total = limit
	}
	return max(total/10, 2*int64(b.config.SocketRequestMaxBytes))
}

// memoryBytes is the machine's memory, or that of the control group.
func memoryBytes() int64 {
	total := int64(1 << 30)
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) >= 2 && f[0] == "MemTotal:" {
				if kb, err := strconv.ParseInt(f[1], 10, 64); err == nil {
					total = kb << 10
				}
			}
		}
	}
	if data, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil {
			total = min(total, n)
		}
	}
	return total
}

// maxMappings is vm.max_map_count.
func maxMappings() int64 {
	data, err := os.ReadFile("/proc/sys/vm/max_map_count")
	if n, err2 := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil && err2 == nil {
		return n
	}
	return 65_530
}

// byWhom names the process that listens on an address, where /proc tells.
func byWhom(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	n, _ := strconv.Atoi(port)
	for inode := range listeningInodes(uint16(n)) {
		if pid, name := holderOf("socket:[" + inode + "]"); pid > 0 {
			return fmt.Sprintf(" by process %d (%s)", pid, name)
		}
	}
	return ""
}

// listeningInodes reads the sockets in state LISTEN (0A) on a port.
func listeningInodes(port uint16) map[string]bool {
	found := map[string]bool{}
	suffix := fmt.Sprintf(":%04X", port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) > 9 && strings.HasSuffix(f[1], suffix) && f[3] == "0A" {
				found[f[9]] = true
			}
		}
	}
	return found
}

func holderOf(link string) (pid int, name string) {
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err != nil || target != link {
			continue
		}
		parts := strings.Split(fd, "/")
		pid, _ = strconv.Atoi(parts[2])
		comm, err := os.ReadFile("/proc/" + parts[2] + "/comm")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			comm = nil
		}
		return pid, strings.TrimSpace(string(comm))
	}
	return 0, ""
}
