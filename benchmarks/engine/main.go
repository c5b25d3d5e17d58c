// Command engine measures every figure that the engine is held to, prints it beside its bar, and exits 1 under a bar.
// It is run by ./scripts/bench engine, which builds the broker and the loops beforehand.
//
// A share is the CPU per request of the bare loop (benchmarks/loop: length, then body; CRC32C; pwrite into a reserved
// file; an ack each; header with MSG_MORE, sendfile) ÷ the CPU per request of the broker, in one run: same raw client,
// same load, same socket options, alternating, each pinned to the server's core, the client to the other; median of the
// alternations with the lowest and the highest. Beside it stands the best loop known, which reads ahead, joins acks and
// chooses its path by size.
//
// One measurement runs at a time; nothing is shared between two of them, neither process nor directory nor topic.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tailrace/benchmarks/proc"
)

// bench is one run.
type bench struct {
	serverBinary, loopBinary, kafkaScript string
	as, serverFlags                       string
	serverCore, clientCore                int
	alternations                          int
	window, warmUp                        time.Duration
	syncers, syncfsAbove                  int
	best                                  bool

	number int // of the last topic
	kafka  *server
}

var errUnderBar = errors.New("a figure is under its bar")

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	b := &bench{}
	var only, jsonFile, from, write, commit string
	var seconds float64
	var warm int
	fs := flag.NewFlagSet("bench engine", flag.ExitOnError)
	fs.StringVar(&only, "rows", "", "only these rows, by name or by how their names begin, e.g. produce,fetch-1m")
	fs.Float64Var(&seconds, "seconds", 1, "length of one measurement")
	fs.IntVar(&b.alternations, "alternations", 5, "measurements of each server; a figure is their median")
	fs.StringVar(&jsonFile, "json", "", "write the raw results to this file")
	fs.StringVar(&from, "from", "", "measure nothing: take the raw results of this file")
	fs.StringVar(&write, "write", "", "put the tables into this file (BENCHMARKS.md)")
	fs.StringVar(&commit, "commit", "unknown", "what was built")
	fs.StringVar(&b.serverBinary, "server-binary", "", "the tailrace to measure")
	fs.StringVar(&b.loopBinary, "loop-binary", "", "the built benchmarks/limits")
	fs.StringVar(&b.kafkaScript, "kafka-script", "scripts/kafka", "runs Apache Kafka for --as kafka")
	fs.StringVar(&b.as, "as", "tailrace", "what is measured: tailrace, or loop or kafka in its place")
	fs.StringVar(&b.serverFlags, "server-flags", "", "more flags of tailrace serve, e.g. \"--set key=value\"")
	fs.BoolVar(&b.best, "best", true, "measure the best loop as well")
	fs.IntVar(&b.syncers, "syncers", 32, "parallel fdatasyncs of a sync round of the loop")
	fs.IntVar(&b.syncfsAbove, "syncfs-above", 3, "rounds of the loop over more files than this use one syncfs (0: never)")
	fs.IntVar(&warm, "warm", 4, "GiB of free memory kept ready (see benchmarks/proc.Warm)")
	fs.DurationVar(&b.warmUp, "warm-up", 300*time.Millisecond, "time before each measurement")
	fs.IntVar(&b.serverCore, "server-core", 0, "core of broker and loop")
	fs.IntVar(&b.clientCore, "client-core", 1, "core of the client")
	if err := fs.Parse(args); err != nil {
		return err
	}
	b.window = time.Duration(seconds * float64(time.Second))
	report, err := load(from)
	if from == "" {
		report = Report{
			Machine: proc.Machine(), Commit: commit, Date: time.Now().UTC().Format(time.DateOnly),
			Command: strings.Join(append([]string{"./scripts/bench engine"}, shown(args)...), " "), As: b.as,
			Window: b.window, Alternations: b.alternations,
		}
		err = b.measure(&report, only, warm)
	}
	if jsonFile != "" && err == nil {
		err = report.save(jsonFile)
	}
	if write != "" && err == nil {
		err = report.writeInto(write)
	}
	if err == nil && !report.allPass() {
		err = errUnderBar
	}
	return err
}

// shown strikes the flags that the wrapper adds.
func shown(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		for _, own := range []string{"--commit=", "--loop-binary=", "--server-binary=", "--kafka-script="} {
			if strings.HasPrefix(arg, own) {
				return true
			}
		}
		return false
	})
}

func (b *bench) measure(report *Report, only string, warm int) error {
	if err := proc.PinSelf(b.clientCore); err != nil {
		return err
	}
	ready, err := proc.NewWarm(warm << 30)
	if err != nil {
		return err
	}
	defer ready.Close()
	defer b.stopKafka()
	for _, row := range rows {
		if only != "" && !slices.ContainsFunc(strings.Split(only, ","), row.is) {
			continue
		}
		results, err := row.measure(b)
		if err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
		for _, r := range results {
			fmt.Println(r)
			report.Results = append(report.Results, r)
		}
	}
	return nil
}

func load(file string) (r Report, err error) {
	if file == "" {
		return r, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}
