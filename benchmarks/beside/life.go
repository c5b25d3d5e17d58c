package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tailrace/benchmarks/proc"
	"tailrace/benchmarks/rawclient"
	"tailrace/benchmarks/scenario"
)

// life is one system from exec to its end, on one directory and one port, as often as it is started. Its process is a
// child of this one in both systems. What scripts/kafka does around Java would count against Kafka, a port that is
// looked at every 50 ms is no clock, and a Java that scripts/kafka has started outlives a harness that is killed.
// Tailrace gets a port by number for the first reason: it is found in the same way.
type life struct {
	*served
	c    *contest
	name string
	args []string
	from time.Time // the last exec, or mark
}

const (
	// look is how often a system that starts is asked: at first. It grows to a percent of the time, since a system
	// with one core that answers "not yet" two thousand times a second is not ready any sooner.
	look = time.Millisecond / 2

	answersWithin = 300 * time.Second // a recovery may take minutes
)

// newLife prepares a directory: Kafka's is formatted, so that a start is nothing but a start.
func (c *contest) newLife(system scenario.System) (*life, error) {
	dir, err := os.MkdirTemp("", "tailrace-bench-")
	if err != nil {
		return nil, err
	}
	port, err := proc.Ports(2)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	l := &life{c: c, served: &served{system: system, addr: addr, dir: dir}}
	if !compiles(system) {
		l.name, l.args = c.tailrace, []string{"serve", "--listen", addr, "--data", filepath.Join(dir, "data")}
		return l, nil
	}
	if _, err := c.kafka(system, "format", dir, strconv.Itoa(port), kafkaDeletesSoon); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	line, err := c.kafka(system, "command", dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	words := strings.Split(strings.TrimSpace(line), "\n")
	l.name, l.args = words[0], words[1:]
	return l, nil
}

// kafka runs a verb of scripts/kafka and returns what it prints.
func (c *contest) kafka(system scenario.System, args ...string) (string, error) {
	cmd := exec.Command(c.kafkaScript, args...)
	cmd.Env = append(os.Environ(), "KAFKA_HEAP="+heaps[system])
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", c.kafkaScript, args[0], err)
	}
	return string(out), nil
}

// exec starts the process and returns at once.
func (l *life) exec() error {
	l.mark()
	p, err := proc.Start(l.c.serverCore, l.name, l.args...)
	if err != nil {
		return err
	}
	l.process, l.server = p, &proc.Server{Process: p, Addr: l.addr, Dir: l.dir}
	return nil
}

// mark begins a time that since and until tell, in place of that since exec.
func (l *life) mark() { l.from = time.Now() }

func (l *life) since() time.Duration { return time.Since(l.from) }

// begin starts the process and waits until it answers a first request.
func (l *life) begin() error {
	if err := l.exec(); err != nil {
		return err
	}
	_, err := l.until((*rawclient.Caller).ApiVersions)
	return err
}

// until asks a system that starts, again and again, until the answer is good, and returns the time since exec (or
// mark).
func (l *life) until(ask func(*rawclient.Caller) error) (time.Duration, error) {
	for {
		err := rawclient.Ask(l.addr, ask)
		took := l.since()
		if err == nil {
			return took, nil
		}
		select {
		case <-l.server.Ended():
			return 0, fmt.Errorf("%s ended by itself: %w", l.system, err)
		case <-time.After(max(look, took/100)):
		}
		if took > answersWithin {
			return 0, fmt.Errorf("no good answer within %s: %w", answersWithin, err)
		}
	}
}

// kill ends the process as a crash would.
func (l *life) kill() { l.server.Kill() }

// end ends the process and leaves its directory for the sweep at the end of the run. Nothing of either is wanted, so no
// orderly stop is waited for. A measurement that failed is told with the end of what the system printed.
func (l *life) end(failed error) error {
	if l.server != nil {
		l.kill()
		if printed := l.printed(); failed != nil && printed != "" {
			failed = fmt.Errorf("%w; %s printed at last:\n%s", failed, l.system, printed)
		}
	}
	return errors.Join(failed, l.leave())
}

// leave removes a directory, unless it holds many files. ext4 without a journal does not reuse an inode for a minute
// (five, while its block is dirty), and looks at one after another to find one that it may: the creation of 10,000
// partitions cost Tailrace ten times its CPU time after those of the measurement before had been removed.
func (l *life) leave() error {
	partitions, err := os.ReadDir(l.logs())
	if err == nil && len(partitions) > 1000 {
		l.c.left = append(l.c.left, l.dir)
		return nil
	}
	return os.RemoveAll(l.dir)
}

// sweep removes what was left lying.
func (c *contest) sweep() error {
	var errs []error
	for _, dir := range c.left {
		errs = append(errs, os.RemoveAll(dir))
	}
	c.left = nil
	return errors.Join(errs...)
}
