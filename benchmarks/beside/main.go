// Command beside measures Tailrace, Apache Kafka and the bare loops side by side: every row of benchmarks/scenarios. It
// is run by ./scripts/bench, which builds what it needs.
//
// One start of a system serves all rows of a group; systems take turns over groups. What was measured is appended to a
// file at once, so that a run that was ended can be resumed, and the tables of BENCHMARKS.md follow from that file
// alone (package tally). The broker has one core, the load the other; all systems get the same client, the same load
// and the same file system, and each row says what an acknowledgement means in it.
//
// One measurement runs at a time, from one goroutine; nothing but a system's process and its directory is shared by the
// rows of a group, and each row makes its own topic.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"tailrace/benchmarks/proc"
	"tailrace/benchmarks/scenario"
	"tailrace/benchmarks/tally"
	"tailrace/loadgen/machine"
)

// dirty ends the name of a commit that is not what was built (scripts/bench).
const dirty = "-dirty"

// contest is one run.
type contest struct {
	tailrace, loop, kafkaScript string // what is run
	scenarios, results, root    string // where things lie
	serverCore, clientCore      int
	window                      time.Duration // of rows that name none
	warmUp                      time.Duration // of a system that compiles while it runs; 0: as the group says
	alternations                int           // 0: as the group says
	resume                      bool

	book   *scenario.Book
	raw    *tally.Raw
	commit string
	bootID string
	number int      // of the last topic
	left   []string // directories that are removed at the end
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	c := &contest{}
	var rows, groups string
	var seconds float64
	var warm int
	var write, list, estimate bool
	fs := flag.NewFlagSet("bench", flag.ExitOnError)
	fs.StringVar(&rows, "rows", "", "only these rows or scenarios, by name or by how row names begin: S5,produce-64k")
	fs.StringVar(&groups, "groups", "", "only these groups: headline,life")
	fs.BoolVar(&c.resume, "resume", false, "leave out what the results hold already for this commit")
	fs.BoolVar(&write, "write", false, "measure nothing: write BENCHMARKS.md and its charts from the results")
	fs.BoolVar(&list, "list", false, "measure nothing: list the rows")
	fs.BoolVar(&estimate, "estimate", false, "measure nothing: say how long it would take")
	fs.StringVar(&c.results, "results", "benchmarks/results/side-by-side.jsonl", "raw results, appended to")
	fs.Float64Var(&seconds, "seconds", 1.2, "length of a measurement whose row names none")
	fs.IntVar(&c.alternations, "alternations", 0, "turns of each system (0: as groups.yaml says)")
	fs.DurationVar(&c.warmUp, "warm-up", 0, "of Kafka at each start (0: as groups.yaml says)")
	fs.IntVar(&warm, "warm", 12, "GiB of free memory kept ready (see benchmarks/proc.Warm)")
	fs.IntVar(&c.serverCore, "server-core", 0, "core of the brokers and loops")
	fs.IntVar(&c.clientCore, "client-core", 1, "core of the load")
	fs.StringVar(&c.commit, "commit", "unknown", "what was built")
	fs.StringVar(&c.tailrace, "tailrace", "", "the tailrace to measure")
	fs.StringVar(&c.loop, "loop", "", "the built benchmarks/limits")
	fs.StringVar(&c.kafkaScript, "kafka-script", "scripts/kafka", "runs Apache Kafka")
	fs.StringVar(&c.scenarios, "scenarios", "benchmarks/scenarios", "the scenario files")
	fs.StringVar(&c.root, "root", ".", "the repository")
	if err := fs.Parse(args); err != nil {
		return err
	}
	c.window = time.Duration(seconds * float64(time.Second))
	var err error
	if c.book, err = scenario.Read(c.scenarios); err != nil {
		return err
	}
	if err := c.checkDrivers(); err != nil {
		return err
	}
	turns := c.turns(split(groups), split(rows))
	switch {
	case list:
		return c.list(os.Stdout)
	case write:
		raw, err := tally.Read(c.results)
		if err != nil {
			return err
		}
		return tally.Write(c.book, raw, c.root)
	case len(turns) == 0:
		return errors.New("no such row: --list names them")
	}
	c.bootID = machine.Here(c.root).BootID
	if c.raw, err = tally.Read(c.results); err != nil {
		return err
	}
	if c.resume {
		if strings.HasSuffix(c.commit, dirty) {
			return errors.New("--resume: what is not committed may be another thing than before; commit it")
		}
		if turns = c.open(turns); len(turns) == 0 {
			fmt.Println("this commit has measured all of it")
			return nil
		}
	}
	turns = c.withKnee(turns)
	fmt.Println(c.estimate(turns))
	if estimate {
		return nil
	}
	return c.measure(ctx, turns, shown(args), warm)
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// shown strikes the flags that the wrapper adds.
func shown(args []string) string {
	own := []string{"--commit=", "--loop=", "--tailrace=", "--kafka-script=", "--root="}
	rest := slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		return slices.ContainsFunc(own, func(o string) bool { return strings.HasPrefix(arg, o) })
	})
	return strings.Join(append([]string{"./scripts/bench"}, rest...), " ")
}

func (c *contest) measure(ctx context.Context, turns []turn, command string, warm int) (err error) {
	if err := proc.PinSelf(c.clientCore); err != nil {
		return err
	}
	ready, err := proc.NewWarm(warm << 30)
	if err != nil {
		return err
	}
	defer ready.Close()
	place, err := c.place(command)
	if err != nil {
		return err
	}
	if c.raw, err = tally.Open(c.results, place); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.sweep(), c.raw.Close()) }()
	for i, t := range turns {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%w; --resume goes on", err)
		}
		fmt.Printf("%s  %d of %d: %s on %s, alternation %d\n", time.Now().Format(time.TimeOnly), i+1, len(turns),
			t.group.Name, t.system, t.alternation)
		err := c.take(ctx, t)
		if err != nil && ctx.Err() == nil {
			fmt.Println("   once more:", err)
			for _, rest := range c.open([]turn{t}) {
				err = c.take(ctx, rest)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
