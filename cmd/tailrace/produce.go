package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// maxLine is the longest line that produce takes, in bytes, its end not counted.
	maxLine = 1 << 20
	// defaultBatch is Kafka's default message.max.bytes: what every topic takes unless it was told otherwise.
	defaultBatch = 1048588
)

type produceFlags struct {
	at          address
	out         format
	separator   string
	compression string
	acks        string
	batchBytes  int32
}

var (
	codecs = map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	acksOf = map[string]kgo.Acks{
		"0": kgo.NoAck(), "1": kgo.LeaderAck(), "all": kgo.AllISRAcks(), "-1": kgo.AllISRAcks(),
	}
)

func newProduce() *cobra.Command {
	var f produceFlags
	cmd := &cobra.Command{
		Use:   "produce TOPIC",
		Short: "Send each line of standard input as a record",
		Long: "Send each line of standard input as a record; an empty line is a record with an empty value.\n" +
			"Lines end with a newline; the last one may lack it. They may be 1 MiB long.\n\n" +
			"The topic is created on the way where the broker allows that (auto.create.topics.enable).\n" +
			"If a record is refused, nothing more is read, and the exit code is 1.",
		Example: "  tailrace produce orders < orders.txt\n" +
			"  printf 'alice:1\\nbob:2\\n' | tailrace produce orders --key-separator : --compression zstd",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstOnly(completeTopics(&f.at)),
		RunE:              func(cmd *cobra.Command, args []string) error { return produce(cmd, f, args[0]) },
	}
	f.at.addTo(cmd)
	f.out.addTo(cmd, oneDocument)
	fl := cmd.Flags()
	fl.StringVar(&f.separator, "key-separator", "",
		"`text` between key and value, which each line must then have; without this flag no record has a key")
	fl.StringVar(&f.compression, "compression", "none", "`codec`: none, gzip, snappy, lz4 or zstd")
	fl.StringVar(&f.acks, "acks", "all", "`acks` to wait for: 0 (none), 1 (the leader has it) or all (it is safe)")
	fl.Int32Var(&f.batchBytes, "batch-bytes", defaultBatch,
		"largest batch in `bytes`; lower it for a topic with a small max.message.bytes")
	complete(cmd, "compression", among("none", "gzip", "snappy", "lz4", "zstd"))
	complete(cmd, "acks", among("0", "1", "all"))
	return cmd
}

func (f *produceFlags) options() ([]kgo.Opt, error) {
	codec, ok := codecs[f.compression]
	if !ok {
		return nil, usage("--compression: %q is none of none, gzip, snappy, lz4, zstd", f.compression)
	}
	acks, ok := acksOf[f.acks]
	if !ok {
		return nil, usage("--acks: %q is none of 0, 1, all", f.acks)
	}
	if f.batchBytes < 1<<10 || f.batchBytes > 64<<20 {
		return nil, usage("--batch-bytes: %d is not between 1024 and %d", f.batchBytes, 64<<20)
	}
	opts := []kgo.Opt{
		kgo.RequiredAcks(acks), kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(f.batchBytes),
		// This program never sends a record again that it has given up, so giving up cannot make doubles.
		kgo.RecordDeliveryTimeout(time.Minute), kgo.AllowIdempotentProduceCancellation(),
	}
	if acks != kgo.AllISRAcks() {
		opts = append(opts, kgo.DisableIdempotentWrite())
	}
	return opts, nil
}

func produce(cmd *cobra.Command, f produceFlags, topic string) error {
	opts, err := f.options()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	base := context.WithoutCancel(ctx) // what was read is still sent after a signal
	sendCtx, cl, err := f.at.connect(base, toStderr(cmd), opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := wantTopic(sendCtx, cl, topic); err != nil {
		return cause(sendCtx, err)
	}
	s := &sending{cl: cl, topic: topic, batchBytes: f.batchBytes}
	if cmd.Flags().Changed("key-separator") {
		if s.separator = []byte(f.separator); len(s.separator) == 0 {
			return usage("--key-separator: an empty text separates nothing")
		}
	}
	err = s.run(ctx, sendCtx, cmd.InOrStdin())
	return errors.Join(err, s.report(cmd, f.out, err != nil))
}

// wantTopic sees to it that the topic is there, before anything is read. It asks the broker to create it, and waits for
// a moment because Kafka answers that request before it has done so.
func wantTopic(ctx context.Context, cl *kgo.Client, topic string) error {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = true
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req.Topics = append(req.Topics, t)
	for try := 0; ; try++ {
		resp, err := req.RequestWith(ctx, cl)
		if err != nil {
			return err
		}
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
		switch {
		case err == nil:
			return nil
		case !kerr.IsRetriable(err) || try == 10:
			if errors.Is(err, kerr.UnknownTopicOrPartition) {
				return noTopic(topic)
			}
			return fmt.Errorf("topic %q: %s", topic, reason(err, ""))
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sending is one run of produce.
type sending struct {
	cl         *kgo.Client
	topic      string
	separator  []byte // nil: no keys
	batchBytes int32

	mu           sync.Mutex
	acknowledged int64
	refused      int64
	firstLine    int64 // of the refused ones
	firstErr     error
	stop         chan struct{} // closed at the first refusal
}

// run reads lines until the end, a signal (ctx), a refusal, or until sendCtx ends, and waits for what was sent.
func (s *sending) run(ctx, sendCtx context.Context, in io.Reader) error {
	s.stop = make(chan struct{})
	done := make(chan error, 1) // the reader may stay behind: nothing can take back a read from a terminal
	enough := make(chan struct{})
	go func() { done <- s.read(sendCtx, enough, in) }()
	var err error
	select {
	case err = <-done:
	case <-s.stop:
	case <-sendCtx.Done():
	case <-ctx.Done():
		err = errors.New("interrupted")
	}
	close(enough)
	flushErr := s.cl.Flush(sendCtx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.firstErr != nil {
		return cause(sendCtx, s.refusal())
	}
	return cause(sendCtx, cmp.Or(err, flushErr))
}

// read sends line after line until the end of the input, or until it is told that this is enough.
func (s *sending) read(ctx context.Context, enough <-chan struct{}, in io.Reader) error {
	r := newLineReader(in)
	for line := int64(1); ; line++ {
		text, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		rec := &kgo.Record{Topic: s.topic, Value: append([]byte{}, text...)} // never nil: null would be a tombstone
		if s.separator != nil {
			at := bytes.Index(rec.Value, s.separator)
			if at < 0 {
				return fmt.Errorf("line %d: there is no %q in it, so no key", line, s.separator)
			}
			rec.Key, rec.Value = rec.Value[:at:at], rec.Value[at+len(s.separator):]
		}
		select {
		case <-enough:
			return nil
		default:
		}
		s.cl.Produce(ctx, rec, func(_ *kgo.Record, err error) { s.settled(line, err) })
	}
}

// settled notes what became of the record of a line.
func (s *sending) settled(line int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.acknowledged++
		return
	}
	if s.refused++; s.refused == 1 {
		close(s.stop)
	}
	if s.firstErr == nil || line < s.firstLine {
		s.firstLine, s.firstErr = line, err
	}
}

// refusal is the error of the first line that was refused.
func (s *sending) refusal() error {
	text := reason(s.firstErr, "")
	switch {
	case errors.Is(s.firstErr, kerr.MessageTooLarge):
		text = fmt.Sprintf("%s; the topic's max.message.bytes bounds it, and --batch-bytes (%d) the batch it was sent in",
			text, s.batchBytes)
	case errors.Is(s.firstErr, kgo.ErrRecordTimeout):
		text = "the broker did not acknowledge it within a minute"
	}
	err := fmt.Errorf("line %d: topic %q refused the record: %s", s.firstLine, s.topic, text)
	if s.refused > 1 {
		err = fmt.Errorf("%w (and %s)", err, count(s.refused-1, "record after it", "records after it"))
	}
	return err
}

func (s *sending) report(cmd *cobra.Command, f format, failed bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f == formatJSON {
		return document(cmd.OutOrStdout(), map[string]any{
			"version": 1, "topic": s.topic, "acknowledged": s.acknowledged, "refused": s.refused,
		})
	}
	if failed {
		fmt.Fprintf(cmd.ErrOrStderr(), "tailrace: %s acknowledged\n", count(s.acknowledged, "record was", "records were"))
	}
	return nil
}

func toStderr(cmd *cobra.Command) func(string) {
	w := cmd.ErrOrStderr()
	return func(msg string) { fmt.Fprintln(w, "tailrace: "+msg) }
}
