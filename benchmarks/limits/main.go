// Command limits holds the bare loops: servers of about a hundred lines that do what a broker must do with the bytes,
// and nothing else, behind the same socket options. They are the ceiling that every figure is printed against, and they
// decided the append and the fetch path (docs/decisions/0001-append-and-fetch-paths.md).
//
//	limits serve [flags]     one loop: receives Kafka frames (Produce v9, Fetch v12), appends or sends, answers
//	limits measure [flags]   starts loops on one core, loads them from the other, prints the tables of the decision
//
// A loop reads length, correlation id, partition and the fetch offset of a request, and nothing more. Produce: receive,
// CRC32C over the batch, append, canned ack. Fetch: header, record bytes out of the page cache, trailer. One goroutine
// serves one connection; a partition's file is guarded by its mutex; sync rounds run on their own goroutine.
package main

import (
	"flag"
	"fmt"
	"os"
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
	var o options
	fs := flag.NewFlagSet("serve", flag.ExitOnError)
	fs.StringVar(&o.listen, "listen", "127.0.0.1:0", "address")
	fs.StringVar(&o.data, "data", "", "directory of the partition files (made, and left behind)")
	fs.StringVar(&o.readyFile, "ready-file", "", "gets the bound address once the loop listens")
	fs.StringVar(&o.read, "read", "buffered", "frame (length, then the body), buffered, or lowat (frame, SO_RCVLOWAT)")
	fs.BoolVar(&o.joinAcks, "join-acks", true, "one write for the acks of all requests that one read brought")
	fs.StringVar(&o.store, "store", "pwrite", "append path: pwrite, mapped, or none")
	fs.IntVar(&o.populate, "populate", 0, "bytes of the mapping made present ahead of the tail (0: none)")
	fs.Int64Var(&o.fileBytes, "file-bytes", 1<<30, "size of a partition's file, reserved when it is opened")
	fs.BoolVar(&o.keep, "keep", false, "keep the files that are full, as a broker within its retention does")
	fs.BoolVar(&o.sync, "sync", false, "answer after fdatasync: rounds over all files that have waiters")
	fs.IntVar(&o.syncers, "syncers", 32, "parallel fdatasyncs of a round")
	fs.IntVar(&o.syncfsAbove, "syncfs-above", 0, "rounds over more files than this use one syncfs (0: never)")
	fs.StringVar(&o.send, "send", "sendfile", "fetch path: sendfile, cork (sendfile under TCP_CORK), splice, or writev")
	fs.IntVar(&o.batchBytes, "batch-bytes", 1, "fetch: bytes of each stored batch")
	fs.IntVar(&o.batchRecords, "batch-records", 1, "fetch: records of each stored batch")
	if err := fs.Parse(args); err != nil {
		return err
	}
	return serve(o)
}
