package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

type consumeFlags struct {
	at            address
	out           format
	template      string
	fromBeginning bool
	offset        int64
	partitions    []int32
	maxMessages   int64
	exitAtEnd     bool
}

func newConsume() *cobra.Command {
	var f consumeFlags
	cmd := &cobra.Command{
		Use:   "consume TOPIC",
		Short: "Print the records of a topic",
		Long: "Print the records of a topic, without joining a group: new ones only, unless told where to begin, and\n" +
			"until Ctrl-C, unless told when to end. All partitions are read, each in order.\n\n" +
			"--format takes kcat's letters: %t topic, %p partition, %o offset, %k key, %s value, %h headers,\n" +
			"%T timestamp (ms), %K and %S length of key and value (-1: null), and \\n \\r \\t \\\\ \\xNN. Nothing is added.",
		Example: "  tailrace consume orders --from-beginning --exit-at-end\n" +
			"  tailrace consume orders --partition 0 --offset 42 --max-messages 1 --format '%T %k=%s\\n'",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return consume(cmd, f, args[0]) },
	}
	f.at.addTo(cmd)
	f.out.addTo(cmd, manyLines)
	fl := cmd.Flags()
	fl.StringVar(&f.template, "format", defaultTemplate, "`template` for each record")
	fl.BoolVar(&f.fromBeginning, "from-beginning", false, "begin with the oldest record")
	fl.Int64Var(&f.offset, "offset", 0, "begin at this `offset` in every partition that is read")
	fl.Int32SliceVar(&f.partitions, "partition", nil, "read this partition only; may be repeated")
	fl.Int64Var(&f.maxMessages, "max-messages", 0, "end after so many records")
	fl.BoolVar(&f.exitAtEnd, "exit-at-end", false, "end when everything has been read that was there at the start")
	return cmd
}

func consume(cmd *cobra.Command, f consumeFlags, topic string) error {
	t, err := f.check(cmd)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	linkCtx, cl, err := f.at.connect(ctx, toStderr(cmd),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.KeepControlRecords(), kgo.FetchMaxWait(time.Second))
	if err != nil {
		return err
	}
	defer cl.Close()
	begin, ends, err := f.where(linkCtx, cl, topic, cmd.Flags().Changed("offset"))
	if err != nil {
		return unlessStopped(ctx, cause(linkCtx, err))
	}
	out := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
	r := &reading{cl: cl, out: out, write: f.writer(out, t), left: f.maxMessages}
	if f.exitAtEnd {
		r.ends = ends
	}
	r.start(topic, begin)
	err = r.run(linkCtx)
	return errors.Join(unlessStopped(ctx, cause(linkCtx, err)), out.Flush())
}

func (f *consumeFlags) check(cmd *cobra.Command) (template, error) {
	fl := cmd.Flags()
	switch {
	case f.out == formatJSON && fl.Changed("format"):
		return nil, usage("--format and -o json exclude each other")
	case f.fromBeginning && fl.Changed("offset"):
		return nil, usage("--from-beginning and --offset exclude each other")
	case f.offset < 0:
		return nil, usage("--offset must be 0 or more, not %d", f.offset)
	case f.maxMessages < 0 || f.maxMessages == 0 && fl.Changed("max-messages"):
		return nil, usage("--max-messages must be 1 or more, not %d", f.maxMessages)
	}
	return parseTemplate(f.template)
}

// writer gives the function that prints a record.
func (f *consumeFlags) writer(out *bufio.Writer, t template) func(*kgo.Record) error {
	if f.out == formatJSON {
		e := encoder(out)
		return func(r *kgo.Record) error { return e.Encode(recordJSON{r.Topic, r.Partition, toJSON(r)}) }
	}
	return func(r *kgo.Record) error {
		_, err := out.Write(t.append(out.AvailableBuffer(), r))
		return err
	}
}

// unlessStopped forgets an error that only says that the user wants to stop.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// reading is one run of consume.
type reading struct {
	cl    *kgo.Client
	out   *bufio.Writer
	write func(*kgo.Record) error
	left  int64           // records still wanted; 0: no bound
	ends  map[int32]int64 // partitions whose end counts and is not reached yet; nil: none does
}

func (r *reading) start(topic string, begin map[int32]int64) {
	offsets := map[int32]kgo.Offset{}
	for p, at := range begin {
		if r.ends != nil && at >= r.ends[p] {
			delete(r.ends, p)
			continue
		}
		offsets[p] = kgo.NewOffset().At(at)
	}
	r.cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets})
}

// run prints until there is a reason to end. What was printed is flushed whenever there is nothing more at hand.
func (r *reading) run(ctx context.Context) error {
	for r.ends == nil || len(r.ends) > 0 {
		if r.cl.BufferedFetchRecords() == 0 {
			if err := r.out.Flush(); err != nil {
				return fmt.Errorf("standard output: %w", err)
			}
		}
		fetches := r.cl.PollRecords(ctx, 10_000)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		done, err := r.print(fetches)
		if done || err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) print(fetches kgo.Fetches) (done bool, err error) {
	for it := fetches.RecordIter(); !it.Done(); {
		rec := it.Next()
		end, bounded := r.ends[rec.Partition]
		if r.ends != nil && !bounded {
			continue // came after the end that counts
		}
		if !rec.Attrs.IsControl() && (!bounded || rec.Offset < end) {
			if err := r.write(rec); err != nil {
				return true, fmt.Errorf("standard output: %w", err)
			}
			if r.left--; r.left == 0 {
				return true, nil
			}
		}
		if bounded && rec.Offset+1 >= end {
			delete(r.ends, rec.Partition)
		}
	}
	fetches.EachError(func(topic string, p int32, failure error) {
		if err == nil {
			err = fetchError(topic, p, failure)
		}
	})
	return false, err
}

func fetchError(topic string, p int32, err error) error {
	var lost *kgo.ErrDataLoss
	switch {
	case errors.Is(err, kerr.OffsetOutOfRange):
		return fmt.Errorf("topic %q partition %d: the records to be read next are gone; retention has removed them", topic, p)
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return fmt.Errorf("topic %q partition %d is gone", topic, p)
	case errors.As(err, &lost):
		return fmt.Errorf("topic %q partition %d: the log was cut from offset %d back to %d",
			topic, p, lost.ConsumedTo, lost.ResetTo)
	}
	return fmt.Errorf("topic %q partition %d: %s", topic, p, reason(err, ""))
}
