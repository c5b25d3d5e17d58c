// Command limits runs the bare loops (package loop), and the measurements that decided the append and the fetch path
// (docs/decisions/0001-append-and-fetch-paths.md).
//
//	limits serve [flags]     one loop: receives Kafka frames (Produce v9, Fetch v12), appends or sends, answers
//	limits measure [flags]   starts loops on one core, loads them from the other, prints the tables of the decision
//
// It measures one loop at a time, from one goroutine.
package main

import (
	"flag"
	"fmt"
	"os"

	"tailrace/benchmarks/loop"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "serve":
			return serveCommand(args[1:])
		case "measure":
			return measureCommand(args[1:])
		}
	}
	return fmt.Errorf("usage: limits serve|measure [flags]; -h behind either lists them")
}

func serveCommand(args []string) error {
	var o loop.Options
	fs := flag.NewFlagSet("serve", flag.ExitOnError)
	o.Flags(fs)
	if err := fs.Parse(args); err != nil {
		return err
	}
	return loop.Serve(o)
}
