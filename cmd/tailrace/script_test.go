package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kfake"

	"tailrace/broker"
	"tailrace/broker/config"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tailrace": main})
}

// words are what the scripts may say beside testscript's own.
var words = map[string]func(*testscript.TestScript, bool, []string){
	// code N PROGRAM ARGS...: it ends with exit code N.
	"code": func(ts *testscript.TestScript, _ bool, args []string) {
		want, err := strconv.Atoi(args[0])
		ts.Check(err)
		err = ts.Exec(args[1], args[2:]...)
		got := 0
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			got = exit.ExitCode()
		} else {
			ts.Check(err)
		}
		if got != want {
			ts.Fatalf("exit code %d, want %d", got, want)
		}
	},
	// await FILE [VARIABLE]: waits until there is a line in FILE, and keeps the first.
	"await": func(ts *testscript.TestScript, _ bool, args []string) {
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			content, err := os.ReadFile(ts.MkAbs(args[0]))
			if line, _, ok := strings.Cut(string(content), "\n"); err == nil && ok {
				if len(args) > 1 {
					ts.Setenv(args[1], line)
				}
				return
			}
		}
		ts.Fatalf("nothing came into %s", args[0])
	},
	// flip FILE POSITION: damages a byte.
	"flip": func(ts *testscript.TestScript, _ bool, args []string) {
		pos, err := strconv.Atoi(args[1])
		ts.Check(err)
		ts.Check(flip(ts.MkAbs(args[0]), pos))
	},
	// makelog DIR: writes the directory of a partition whose content is always the same.
	"makelog": func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Check(makeLog(ts.MkAbs(args[0])))
	},
}

func flip(name string, pos int) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	b[pos] ^= 0x80
	return os.WriteFile(name, b, 0o644)
}

// TestTalk runs the scripts of the talking verbs against Tailrace, and against another broker that must look the same.
func TestTalk(t *testing.T) {
	t.Run("tailrace", func(t *testing.T) {
		talk(t, "tailrace", func(e *testscript.Env) (string, error) {
			return startBroker(e.Defer, filepath.Join(e.WorkDir, "data"), "group.initial.rebalance.delay.ms=0")
		})
	})
	t.Run("kfake", func(t *testing.T) {
		talk(t, "kfake", func(e *testscript.Env) (string, error) {
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(1))
			if err != nil {
				return "", err
			}
			e.Defer(c.Close)
			return c.ListenAddrs()[0], nil
		})
	})
	if os.Getenv("TAILRACE_TEST_AGAINST") == "kafka" { // proves the scripts; wants -parallel 1, a JVM runs for each
		t.Run("kafka", func(t *testing.T) {
			talk(t, "kafka", func(e *testscript.Env) (string, error) {
				return startKafka(e.Defer, filepath.Join(e.WorkDir, "kafka"))
			})
		})
	}
}

func talk(t *testing.T, kind string, start func(*testscript.Env) (string, error)) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/talk", Cmds: words, RequireExplicitExec: true, UpdateScripts: *update,
		Condition: func(cond string) (bool, error) { return cond == kind, nil },
		Setup: func(e *testscript.Env) error {
			addr, err := start(e)
			e.Setenv("BROKER", addr)
			return err
		},
	})
}

// TestLog runs the scripts that look into files, and those that start and kill brokers themselves.
func TestLog(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/log", Cmds: words, RequireExplicitExec: true, UpdateScripts: *update,
	})
}

// startBroker starts a broker in this process and gives its address.
func startBroker(later func(func()), data string, sets ...string) (string, error) {
	listen, err := config.ListenFlag("127.0.0.1:0")
	if err != nil {
		return "", err
	}
	cfg, _, err := config.Load(config.Sources{Flags: append(config.DataDir(data), listen), Sets: sets})
	if err != nil {
		return "", err
	}
	b, err := broker.Start(broker.Options{Config: cfg, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", err
	}
	later(func() { _ = b.Stop(context.Background()) })
	return b.Addrs()[0], nil
}

// startKafka starts Apache Kafka and gives its address.
func startKafka(later func(func()), dir string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	up := exec.Command("../../scripts/kafka", "up", dir, strconv.Itoa(addr.Port))
	up.Env = append(os.Environ(), "KAFKA_HEAP=512m")
	if err := up.Run(); err != nil { // without a pipe, which the broker would inherit
		return "", fmt.Errorf("scripts/kafka up: %w", err)
	}
	later(func() { _ = exec.Command("../../scripts/kafka", "down", dir).Run() })
	return addr.String(), nil
}
