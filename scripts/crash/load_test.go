//go:build realclients

package crash

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The load runs in a process of its own, which is this test binary again with roleKey set, so that neither the death
// of the broker nor a failure of the checker can touch the ledger. SIGTERM ends it: it waits for what is in flight, and
// closes the ledger.
const (
	roleKey   = "TAILRACE_CRASH_ROLE"
	addrKey   = "TAILRACE_CRASH_BROKER"
	ledgerKey = "TAILRACE_CRASH_LEDGER"
	seedKey   = "TAILRACE_TEST_SEED"
)

const (
	writers         = 3
	partitions      = 3
	recordsInSecond = 2000 // of each writer in each topic
)

// topics says with which acks a topic is written.
var topics = []struct {
	name string
	acks int16
}{{"crash-one", 1}, {"crash-all", -1}}

// codecs are those of the writers, in turns.
var codecs = []kgo.CompressionCodec{kgo.Lz4Compression(), kgo.ZstdCompression()}

func TestMain(m *testing.M) {
	if os.Getenv(roleKey) == "load" {
		if err := load(os.Getenv(addrKey), os.Getenv(ledgerKey)); err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	_ = os.RemoveAll(binaries.dir)
	os.Exit(code)
}

func load(addr, ledger string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	seed, err := strconv.ParseUint(os.Getenv(seedKey), 10, 64)
	if err != nil {
		return err
	}
	book, err := CreateLedger(ledger)
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	for w := range writers {
		for i, topic := range topics {
			client, err := newClient(addr, topic.acks, codecs[w%len(codecs)], book)
			if err != nil {
				return err
			}
			s := &stream{
				client: client, book: book, topic: topic.name, writer: uint8(w),
				rand: rand.New(rand.NewPCG(seed, uint64(w*len(topics)+i))),
			}
			running.Go(func() { s.run(ctx) })
		}
	}
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	for {
		select {
		case <-ended:
			return book.End()
		case <-time.After(20 * time.Millisecond):
			if err := book.Flush(); err != nil {
				return err
			}
		}
	}
}

// newClient makes an idempotent producer that never gives a record up.
func newClient(addr string, acks int16, codec kgo.CompressionCodec, book *LedgerWriter) (*kgo.Client, error) {
	dial := func(ctx context.Context, network, host string) (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, network, host)
		if err != nil {
			return nil, err
		}
		return &acksConn{conn, acks}, nil
	}
	return kgo.NewClient(
		kgo.SeedBrokers(addr), kgo.Dialer(dial), kgo.ProducerBatchCompression(codec),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(5*time.Millisecond), kgo.ProducerBatchMaxBytes(400<<10), kgo.MaxBufferedRecords(1000),
		kgo.RecordRetries(math.MaxInt64), kgo.RequestRetries(math.MaxInt32), kgo.UnknownTopicRetries(-1),
		kgo.RetryTimeout(time.Hour), kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
		kgo.MetadataMinAge(50*time.Millisecond),
		kgo.ProducerOnDataLossDetected(func(topic string, partition int32) {
			book.Trouble(fmt.Sprintf("the client found that data was lost in %s-%d", topic, partition))
		}),
	)
}

// acksConn writes the acks of its topic into Produce requests: clients refuse to be idempotent with acks=1, brokers do
// not. A client writes one request at a time.
type acksConn struct {
	net.Conn
	acks int16
}

// Read calls the end of a stream a reset: a broker that was killed before its first answer looks to the client like one
// that wants SASL, and it would give its records up.
func (c *acksConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, io.EOF) {
		err = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	return n, err
}

func (c *acksConn) Write(frame []byte) (int, error) {
	if len(frame) > 14 && binary.BigEndian.Uint16(frame[4:]) == 0 {
		rewriteAcks(frame, c.acks)
	}
	return c.Conn.Write(frame)
}

// rewriteAcks finds acks behind size, key, version, correlation id and client id, and two bytes more: a null
// transactional id, or from version 9 on no tags and a null transactional id.
func rewriteAcks(frame []byte, acks int16) {
	at := 12 + 2 + max(int(int16(binary.BigEndian.Uint16(frame[12:]))), 0) + 2
	if got := int16(binary.BigEndian.Uint16(frame[at:])); got != -1 {
		panic(fmt.Sprintf("acks of Produce version %d is not where it should be: %d", frame[7], got))
	}
	binary.BigEndian.PutUint16(frame[at:], uint16(acks))
}

// stream is one writer in one topic.
type stream struct {
	client *kgo.Client
	book   *LedgerWriter
	topic  string
	writer uint8
	rand   *rand.Rand
	seq    [partitions]uint32
}

func (s *stream) run(ctx context.Context) {
	const tick = 10 * time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for ctx.Err() == nil {
		<-ticker.C
		for range recordsInSecond * int(tick) / int(time.Second) {
			s.produce()
		}
	}
	if err := s.client.Flush(context.Background()); err != nil {
		s.book.Trouble("flush: " + err.Error())
	}
	s.client.Close()
	for p, seq := range s.seq {
		s.book.Last(Place{s.topic, int32(p)}, Identity{s.writer, seq})
	}
}

// produce sends one record; it blocks while too many wait for a broker that is away.
func (s *stream) produce() {
	p := int32(s.rand.IntN(partitions))
	s.seq[p]++
	at, id := Place{s.topic, p}, Identity{s.writer, s.seq[p]}
	r := &kgo.Record{Topic: s.topic, Partition: p, Key: id.Key(), Value: AppendValue(nil, at, id)}
	s.client.Produce(context.Background(), r, func(r *kgo.Record, err error) {
		if err != nil {
			s.book.Trouble(fmt.Sprintf("%s of %s was refused: %v", id, at, err))
			return
		}
		s.book.Acknowledged(Entry{at, r.Offset, id})
	})
}
