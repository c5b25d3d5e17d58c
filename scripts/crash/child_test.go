//go:build realclients

package crash

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tailrace/benchmarks/proc"
)

// binaries are the brokers that were compiled so far, by build tag. TestMain removes them.
var binaries = struct {
	sync.Mutex
	dir  string
	have map[string]string
}{have: map[string]string{}}

// build compiles the broker once, with a build tag if one is given.
func build(t *testing.T, tag string) string {
	t.Helper()
	binaries.Lock()
	defer binaries.Unlock()
	if bin := binaries.have[tag]; bin != "" {
		return bin
	}
	if binaries.dir == "" {
		var err error
		if binaries.dir, err = os.MkdirTemp("", "tailrace-crash-"); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(binaries.dir, "tailrace"+tag)
	cmd := exec.Command("go", "build", "-tags", tag, "-o", bin, "tailrace/cmd/tailrace")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	binaries.have[tag] = bin
	return bin
}

// freePort finds a port that nobody listens on, and that nobody gets by chance while a broker is down.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := proc.Ports(1)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// child is a broker in a process of its own. Its log goes to a file that outlives restarts.
type child struct {
	t     *testing.T
	bin   string
	dir   string // data, log and ready file
	addr  string
	args  []string
	shell string // run before the broker in the same process: a shell command such as "ulimit -n 100"
	space *space // whose mounts it sees; nil: everybody's

	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone
}

// newChild prepares a broker on a port of its own.
func newChild(t *testing.T, bin string, args ...string) *child {
	t.Helper()
	return &child{t: t, bin: bin, dir: t.TempDir(), addr: fmt.Sprintf("127.0.0.1:%d", freePort(t)), args: args}
}

func (c *child) logFile() string   { return filepath.Join(c.dir, "broker.log") }
func (c *child) readyFile() string { return filepath.Join(c.dir, "ready") }
func (c *child) data() string      { return filepath.Join(c.dir, "data") }

// launch starts the process and does not wait for anything.
func (c *child) launch() {
	c.t.Helper()
	_ = os.Remove(c.readyFile())
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	args := append([]string{c.bin, "serve", "--data", c.data(), "--listen", c.addr,
		"--ready-file", c.readyFile()}, c.args...)
	if c.shell != "" {
		args = append([]string{"sh", "-c", c.shell + ` && exec "$@"`, "sh"}, args...)
	}
	if c.space != nil {
		args = append(c.space.enter(), args...)
	}
	c.cmd = exec.Command(args[0], args[1:]...)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { // TAILRACE_ and KAFKA_ would be settings
		return strings.HasPrefix(v, "TAILRACE_") || strings.HasPrefix(v, "KAFKA_")
	})
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	exited, cmd := make(chan struct{}), c.cmd
	c.exited = exited
	go func() { _ = cmd.Wait(); close(exited) }()
	c.t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
}

// start launches the broker and returns how long it took to be ready.
func (c *child) start() time.Duration {
	c.t.Helper()
	began := time.Now()
	c.launch()
	for {
		if _, err := os.Stat(c.readyFile()); err == nil {
			return time.Since(began)
		}
		select {
		case <-c.exited:
			c.t.Fatalf("the broker ended instead of becoming ready (%v):\n%s", c.cmd.ProcessState, c.tail())
		case <-time.After(2 * time.Millisecond):
		}
		if time.Since(began) > 30*time.Second {
			c.t.Fatalf("the broker was not ready after 30 s:\n%s", c.tail())
		}
	}
}

// kill ends the process with SIGKILL.
func (c *child) kill() {
	c.t.Helper()
	_ = c.cmd.Process.Kill()
	<-c.exited
}

// stop ends the process in order.
func (c *child) stop() {
	c.t.Helper()
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	if code := c.wait(20 * time.Second); code != 0 {
		c.t.Errorf("a clean stop ended with code %d:\n%s", code, c.tail())
	}
}

// wait returns the exit code.
func (c *child) wait(atMost time.Duration) int {
	c.t.Helper()
	select {
	case <-c.exited:
	case <-time.After(atMost):
		_ = c.cmd.Process.Signal(syscall.SIGQUIT) // the goroutines go to the log
		<-c.exited
		c.t.Fatalf("the broker still runs after %s:\n%s", atMost, c.log())
	}
	return c.cmd.ProcessState.ExitCode()
}

func (c *child) alive() bool {
	select {
	case <-c.exited:
		return false
	default:
		return true
	}
}

// log returns what the broker has logged.
func (c *child) log() string {
	text, err := os.ReadFile(c.logFile())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Fatal(err)
	}
	return string(text)
}

func (c *child) tail() string {
	lines := strings.Split(strings.TrimSpace(c.log()), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "\n")
}

// logged waits until the log has a line that holds all of the words, and returns it.
func (c *child) logged(words ...string) string {
	c.t.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if found := c.lines(words...); len(found) > 0 {
			return found[0]
		}
		if time.Since(began) > 10*time.Second {
			c.t.Fatalf("no line of the log holds %q:\n%s", words, c.tail())
		}
	}
}

// lines returns the lines of the log that hold all of the words.
func (c *child) lines(words ...string) []string {
	var found []string
	for s := bufio.NewScanner(strings.NewReader(c.log())); s.Scan(); {
		all := true
		for _, w := range words {
			all = all && strings.Contains(s.Text(), w)
		}
		if all {
			found = append(found, s.Text())
		}
	}
	return found
}

// complaints reports what the broker logged as an error, and counts its warnings.
func (c *child) complaints() {
	c.t.Helper()
	warned := map[string]int{}
	for _, line := range c.lines() {
		var said struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &said); err != nil || said.Level == "ERROR" {
			c.t.Errorf("the broker logged: %s", line)
		}
		if said.Level == "WARN" {
			warned[said.Msg]++
		}
	}
	for msg, n := range warned {
		c.t.Logf("%d times the broker warned: %s", n, msg)
	}
}

// verb runs a command of the command line and returns what it printed.
func (c *child) verb(args ...string) (out string, code int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.bin, args...)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
