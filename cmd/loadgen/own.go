package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tailrace/benchmarks/proc"
	"tailrace/broker"
	"tailrace/broker/config"
	"tailrace/loadgen"
	"tailrace/vfs"
)

// ownVerb runs a broker in this binary: a load run without --bootstrap-server re-executes itself with it, so that the
// broker is a process of its own, whose CPU and memory are its own.
const ownVerb = "own-broker"

// anyPort lets the kernel choose.
const anyPort = "127.0.0.1:0"

func newOwnBroker() *cobra.Command {
	var data, ready, at string
	var sets []string
	cmd := &cobra.Command{
		Use:    ownVerb,
		Short:  "Run a broker for a load run (for loadgen itself)",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(cmd *cobra.Command, _ []string) error { return runOwnBroker(at, data, ready, sets) },
	}
	cmd.Flags().StringVar(&at, "listen", anyPort, "address")
	cmd.Flags().StringVar(&data, "data", "", "data directory")
	cmd.Flags().StringVar(&ready, "ready-file", "", "file that receives the address")
	cmd.Flags().StringArrayVar(&sets, "set", nil, "setting key=value")
	return cmd
}

func runOwnBroker(at, data, ready string, sets []string) error {
	listen, err := config.ListenFlag(at)
	if err != nil {
		return err
	}
	cfg, _, err := config.Load(config.Sources{Sets: sets, Flags: append(config.DataDir(data), listen)})
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	b, err := broker.Start(broker.Options{Config: cfg, Logger: quiet})
	if err != nil {
		return err
	}
	if err := vfs.WriteFileAtomic(vfs.OS, ready, []byte(b.Addrs()[0])); err != nil {
		return errors.Join(err, b.Stop(context.Background()))
	}
	select {
	case <-signals:
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		return b.Stop(ctx)
	case err := <-b.Failed():
		return errors.Join(err, b.Stop(context.Background()))
	}
}

// ownWithin bounds the start of the lab's own broker.
const ownWithin = 30 * time.Second

// anyCore leaves a server unpinned.
const anyCore = -1

// startOwn starts a broker in a new temporary directory, which goes with it.
func startOwn(sets []string) (loadgen.Own, error) { return startOwnOn(anyCore, sets) }

// startOwnOn is startOwn on one core.
func startOwnOn(core int, sets []string) (loadgen.Own, error) {
	dir, err := os.MkdirTemp("", "loadgen-broker-")
	if err != nil {
		return loadgen.Own{}, err
	}
	c, err := startChild(core, anyPort, dir, sets)
	if err != nil {
		os.RemoveAll(dir)
		return loadgen.Own{}, err
	}
	return loadgen.Own{
		Address: c.address, PID: c.cmd.Process.Pid, Dir: dir,
		Stop: func() error { return errors.Join(c.stop(), os.RemoveAll(dir)) },
	}, nil
}

// child is a broker process.
type child struct {
	cmd     *exec.Cmd
	log     bytes.Buffer
	ended   chan struct{}
	address string
}

// startChild runs a broker on a core, at an address, on a data directory, and returns when it is ready.
func startChild(core int, at, dir string, sets []string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ready := filepath.Join(dir, "ready")
	if err := os.Remove(ready); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	args := []string{ownVerb, "--listen", at, "--data", filepath.Join(dir, "data"), "--ready-file", ready}
	for _, s := range sets {
		args = append(args, "--set", s)
	}
	self, args = proc.Pinned(core, self, args)
	c := &child{cmd: exec.Command(self, args...), ended: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = &c.log, &c.log
	// A group of its own: Ctrl-C is for loadgen, which stops the broker when it is done. It never outlives loadgen.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		// Pdeathsig follows the thread that forked, so that thread stays until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			_ = c.cmd.Wait()
			close(c.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, c.await(ready)
}

func (c *child) await(ready string) error {
	for begin := time.Now(); time.Since(begin) < ownWithin; time.Sleep(2 * time.Millisecond) {
		select {
		case <-c.ended:
			return fmt.Errorf("it ended at once: %s", strings.TrimSpace(c.log.String()))
		default:
		}
		if address, err := os.ReadFile(ready); err == nil {
			c.address = string(address)
			return nil
		}
	}
	c.kill()
	return fmt.Errorf("it was not ready within %v", ownWithin)
}

// stop ends the broker as an operator would.
func (c *child) stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(ownWithin):
		c.kill()
		return errors.New("the lab's own broker did not stop and was killed")
	}
	if !c.cmd.ProcessState.Success() {
		return fmt.Errorf("the lab's own broker: %s: %s", c.cmd.ProcessState, strings.TrimSpace(c.log.String()))
	}
	return nil
}

// kill is kill -9.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
}
