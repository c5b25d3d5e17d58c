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
	group         string
}

func newConsume() *cobra.Command {
	var f consumeFlags
	cmd := &cobra.Command{
		Use:   "consume TOPIC",
		Short: "Print the records of a topic",
		Long: "Print the records of a topic: new ones only, unless told where to begin, and until Ctrl-C, unless told\n" +
			"when to end. All partitions are read, each in order.\n\n" +
			"With --group the partitions are shared with the other members of that group, reading goes on where the\n" +
			"group has committed, and what was printed is committed. --from-beginning then counts only for partitions\n" +
			"for which nothing is committed.\n\n" +
			"--format takes kcat's letters: %t topic, %p partition, %o offset, %k key, %s value, %h headers,\n" +
			"%T timestamp (ms), %K and %S length of key and value (-1: null), and \\n \\r \\t \\\\ \\xNN. Nothing is added.",
		Example: "  tailrace consume orders --from-beginning --exit-at-end\n" +
			"  tailrace consume orders --partition 0 --offset 42 --max-messages 1 --format '%T %k=%s\\n'\n" +
			"  tailrace consume orders --group billing --from-beginning",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(completeTopics(&f.at)),
		RunE:              func(cmd *cobra.Command, args []string) error { return consume(cmd, f, args[0]) },
	}
	f.at.addTo(cmd)
	f.out.addTo(cmd, manyLines)
	fl := cmd.Flags()
	fl.StringVar(&f.template, "format", defaultTemplate, "`template` for each record")
	fl.BoolVar(&f.fromBeginning, "from-beginning", false, "begin with the oldest record")
	fl.Int64Var(&f.offset, "offset", 0, "begin at this `offset` in every partition that is read")
	fl.Int32SliceVar(&f.partitions, "partition", nil, "read this partition only; may be repeated")
	fl.Int64Var(&f.maxMessages, "max-messages", 0, "end after so many records")
	fl.BoolVar(&f.exitAtEnd, "exit-at-end", false,
		"end when everything has been read that was there at the start (in a group: of the partitions that it gets)")
	fl.StringVar(&f.group, "group", "", "join this consumer `group`, and commit what was printed")
	complete(cmd, "group", completeGroups(&f.at))
	return cmd
}

func consume(cmd *cobra.Command, f consumeFlags, topic string) error {
	t, err := f.check(cmd)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	out := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
	r := &reading{topic: topic, out: out, write: f.writer(out, t), left: f.maxMessages, warn: toStderr(cmd)}
	if f.group != "" {
		err = f.consumeShared(ctx, r)
	} else {
		err = f.consumeAlone(ctx, r, cmd.Flags().Changed("offset"))
	}
	return errors.Join(err, out.Flush())
}

// consumeAlone reads without a group.
func (f *consumeFlags) consumeAlone(stop context.Context, r *reading, byOffset bool) error {
	ctx, cl, err := f.at.connect(stop, r.warn,
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.KeepControlRecords(), kgo.FetchMaxWait(time.Second))
	if err != nil {
		return unlessStopped(stop, err)
	}
	defer cl.Close()
	begin, ends, err := f.where(ctx, cl, r.topic, byOffset)
	if err != nil {
		return unlessStopped(stop, cause(ctx, err))
	}
	r.cl = cl
	if f.exitAtEnd {
		r.ends = ends
	}
	r.start(begin)
	return unlessStopped(stop, cause(ctx, r.run(ctx)))
}

func (f *consumeFlags) check(cmd *cobra.Command) (template, error) {
	fl := cmd.Flags()
	switch {
	case f.out == formatJSON && fl.Changed("format"):
		return nil, usage("--format and -o json exclude each other")
	case f.fromBeginning && fl.Changed("offset"):
		return nil, usage("--from-beginning and --offset exclude each other")
	case f.group != "" && (fl.Changed("offset") || fl.Changed("partition")):
		return nil, usage("--group decides itself what is read from where: leave out --offset and --partition; " +
			"`tailrace group reset-offsets` moves a group")
	case f.group == "" && fl.Changed("group"):
		return nil, usage("--group must not be empty")
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
