// Package proc starts processes on one core and reads what they cost: CPU time, resident memory.
//
// It promises figures of the whole process, threads that have ended included, in nanoseconds and bytes. A Process may
// be read from any goroutine; Stop and Kill belong to the one that started it.
package proc

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a started child.
type Process struct {
	cmd  *exec.Cmd
	pid  int
	done chan struct{}
	err  error
	log  bytes.Buffer
}

// Start runs a command pinned to one core (none: core < 0). Its output is kept, and shown by errors of Stop.
func Start(core int, name string, args ...string) (*Process, error) {
	name, args = Pinned(core, name, args)
	p := &Process{cmd: exec.Command(name, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	// A measured server never outlives the program that measures it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// Pdeathsig follows the thread that forked, so that thread stays until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.pid = p.cmd.Process.Pid
	return p, nil
}

// Pinned is the command line that runs a command on one core (as it is: core < 0).
func Pinned(core int, name string, args []string) (string, []string) {
	if core < 0 {
		return name, args
	}
	return "taskset", append([]string{"-c", strconv.Itoa(core), name}, args...)
}

// Attach watches a process that somebody else started and will stop.
func Attach(pid int) *Process { return &Process{pid: pid} }

// PID is the process id. taskset replaces itself by the command it pins, so it is the command's own.
func (p *Process) PID() int { return p.pid }

// CPU is the user and system time spent so far by all threads.
func (p *Process) CPU() (time.Duration, error) {
	// The clock id of another process's CPU time, as clock_getcpuclockid(3) makes it.
	const schedClock = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^p.pid)<<3|schedClock, &ts); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", p.pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// Resident is the memory held: anonymous and of files.
func (p *Process) Resident() (int64, error) {
	anon, file, err := p.Memory()
	return anon + file, err
}

var rssLine = regexp.MustCompile(`(?m)^Rss(Anon|File):\s+(\d+) kB$`)

// Memory is the memory held, anonymous and of files apart: RssAnon and RssFile of /proc/PID/status, in bytes.
func (p *Process) Memory() (anon, file int64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		return 0, 0, err
	}
	for _, m := range rssLine.FindAllSubmatch(status, -1) {
		kib, _ := strconv.ParseInt(string(m[2]), 10, 64)
		if string(m[1]) == "Anon" {
			anon = kib << 10
		} else {
			file = kib << 10
		}
	}
	return anon, file, nil
}

// Ended is closed when a started process has ended.
func (p *Process) Ended() <-chan struct{} { return p.done }

// Output is what a process that has ended printed.
func (p *Process) Output() string {
	<-p.done
	return p.log.String()
}

// Stop asks the process to end (SIGTERM), waits, and after 30 s kills it. An exit code other than 0 is an error.
func (p *Process) Stop() error {
	if p.cmd == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		p.Kill()
		return fmt.Errorf("process %d did not end within 30 s of SIGTERM", p.pid)
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w; it printed:\n%s", filepath.Base(p.cmd.Path), p.err, p.log.String())
	}
	return nil
}

// Kill ends the process at once (SIGKILL) and waits for its end.
func (p *Process) Kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// PinSelf keeps every thread of this process, present and future, on one core.
func PinSelf(core int) error {
	var set unix.CPUSet
	set.Set(core)
	runtime.GOMAXPROCS(1)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		if err := unix.SchedSetaffinity(tid, &set); err != nil {
			return fmt.Errorf("pin to core %d (this needs two cores): %w", core, err)
		}
	}
	return nil
}

// SelfCPU is the CPU time of this process so far.
func SelfCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Machine describes where a figure was measured, in one line.
func Machine() string {
	model := "unknown CPU"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`(?m)^model name\s*:\s*(.+)$`).FindSubmatch(info); m != nil {
			model = string(m[1])
		}
	}
	var memory unix.Sysinfo_t
	_ = unix.Sysinfo(&memory)
	var name unix.Utsname
	_ = unix.Uname(&name)
	cores, _ := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*")
	return fmt.Sprintf("%d × %s, %d GiB, Linux %s, %s", len(cores), model,
		(memory.Totalram*uint64(memory.Unit)+1<<29)>>30, unix.ByteSliceToString(name.Release[:]),
		strings.TrimPrefix(runtime.Version(), "go version "))
}
