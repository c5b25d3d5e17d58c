package machine

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Process reads what a process costs. Its CPU clock is exact and counts threads that have ended.
type Process struct{ pid int }

// Watch begins to read a process; 0 is this one.
func Watch(pid int) *Process {
	if pid == 0 {
		pid = os.Getpid()
	}
	return &Process{pid}
}

// PID is the process id.
func (p *Process) PID() int { return p.pid }

// CPU is the user and system time of all threads so far.
func (p *Process) CPU() (time.Duration, error) {
	const schedClock = 2 // how clock_getcpuclockid(3) makes the clock of a process
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^p.pid)<<3|schedClock, &ts); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", p.pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// Memory is what a process holds: anonymous memory, which is its own, and pages of files, which may be the page
// cache's.
type Memory struct{ Anon, File int64 }

// Memory reads /proc/PID/status.
func (p *Process) Memory() (Memory, error) {
	path := fmt.Sprintf("/proc/%d/status", p.pid)
	read := func(name string) (int64, error) {
		kib, err := strconv.ParseInt(strings.TrimSuffix(field(path, name), " kB"), 10, 64)
		return kib << 10, err
	}
	anon, err := read("RssAnon")
	if err != nil {
		return Memory{}, fmt.Errorf("memory of process %d: %w", p.pid, err)
	}
	file, err := read("RssFile")
	return Memory{Anon: anon, File: file}, err
}

// Listener finds the process of this machine that listens on a TCP port: 0 if there is none, or if it is not ours to
// see.
func Listener(port int) int {
	inodes := map[string]bool{}
	for _, path := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		addListeners(path, port, inodes)
	}
	if len(inodes) == 0 {
		return 0
	}
	dirs, _ := filepath.Glob("/proc/[0-9]*/fd")
	for _, dir := range dirs {
		list, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range list {
			to, err := os.Readlink(filepath.Join(dir, e.Name()))
			inode, isSocket := strings.CutPrefix(to, "socket:[")
			if err == nil && isSocket && inodes[strings.TrimSuffix(inode, "]")] {
				pid, _ := strconv.Atoi(strings.Split(dir, "/")[2])
				return pid
			}
		}
	}
	return 0
}

// addListeners collects the inodes of the sockets that listen on a port.
func addListeners(path string, port int, into map[string]bool) {
	const listening = "0A"
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		parts := strings.Fields(s.Text())
		if len(parts) < 10 || parts[3] != listening {
			continue
		}
		_, hex, ok := strings.Cut(parts[1], ":")
		if n, err := strconv.ParseInt(hex, 16, 32); ok && err == nil && int(n) == port {
			into[parts[9]] = true
		}
	}
}
