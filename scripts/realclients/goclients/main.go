// Command goclients holds the drivers of the Go client libraries, and of kcat: `goclients CLIENT COMMAND ...`, where
// the commands and their files are those of ../DRIVERS.md. It is a module of its own, so that the broker's does not
// depend on what it drives, cgo included.
//
// Each client is one file. A client runs its library in goroutines as it likes; what it has read it hands to a sink,
// which is safe for concurrent use.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// client is one library behind the common command line.
type client interface {
	// about is what DRIVER about prints.
	about() about
	// produce writes every record with acks=all and returns when all are acknowledged.
	produce(addr, topic, codec string, records []record) error
	// consume reads all partitions from their beginning until ctx ends.
	consume(ctx context.Context, addr, topic string, out *sink) error
	// group consumes as a member of a group until ctx ends, and leaves in order.
	group(ctx context.Context, addr, topic, group string, out *sink) error
}

type about struct {
	client string   // name and version
	codecs []string // none included
	lacks  []string // words of DRIVERS.md
}

var clients = map[string]client{
	"franz-go": franz{}, "sarama": saramaClient{}, "kafka-go": segmentio{}, "confluent-kafka-go": confluent{},
	"kcat": kcat{},
}

var allCodecs = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// What a group member asks for, so far as its library lets it.
const (
	commitEvery    = time.Second
	heartbeatEvery = 500 * time.Millisecond
	sessionTimeout = 10 * time.Second
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	usage := fmt.Errorf("usage: goclients CLIENT about | produce BOOTSTRAP TOPIC CODEC FILE | "+
		"consume BOOTSTRAP TOPIC COUNT FILE | group BOOTSTRAP TOPIC GROUP FILE, where CLIENT is one of %s",
		strings.Join(slices.Sorted(maps.Keys(clients)), ", "))
	if len(args) < 2 || clients[args[0]] == nil {
		return usage
	}
	c, command, args := clients[args[0]], args[1], args[2:]
	switch {
	case command == "about" && len(args) == 0:
		a := c.about()
		fmt.Printf("client %s\ncodecs %s\n", a.client, strings.Join(a.codecs, " "))
		for _, l := range a.lacks {
			fmt.Println("lacks", l)
		}
		return nil
	case len(args) != 4:
		return usage
	case command == "produce":
		records, err := readRecords(args[3])
		if err != nil {
			return err
		}
		return c.produce(args[0], args[1], args[2], records)
	case command == "consume":
		return consume(c, args[0], args[1], args[2], args[3])
	case command == "group":
		return join(c, args[0], args[1], args[2], args[3])
	}
	return usage
}

// consume lets the client read until it has all records, or 60 s without one.
func consume(c client, addr, topic, count, file string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return fmt.Errorf("COUNT is %q, want a number of records", count)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	out, err := newSink(file, n, false, cancel)
	if err != nil {
		return err
	}
	go out.watch(ctx, time.Minute)
	if err := c.consume(ctx, addr, topic, out); err != nil && ctx.Err() == nil {
		return err
	}
	return out.close(ctx)
}

// join lets the client consume in a group until SIGTERM.
func join(c client, addr, topic, group, file string) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		cancel(errDone)
	}()
	out, err := newSink(file, -1, true, cancel)
	if err != nil {
		return err
	}
	if err := c.group(ctx, addr, topic, group, out); err != nil {
		return err
	}
	return out.close(ctx)
}
