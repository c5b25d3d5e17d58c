package proof

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/loadgen/plan"
)

// Trial is one kill. Two producers write: one ends at the kill, so that some of its records stay without an answer; one
// lives on and sends again what it got no answer to, as clients do.
type Trial struct {
	Level      Level
	Address    string
	Topic      string
	Partitions int
	Size       int           // bytes of a value
	Before     time.Duration // of load, until the kill
	After      time.Duration // of load, once the broker is back
	Kill       func() error  // SIGKILL; returns when the process is gone
	Restart    func() error  // on the same data, at the same address

	ledger Ledger
}

// The producers.
const (
	leaver uint32 = 1 // ends at the kill
	stayer uint32 = 2
)

// window is how many records of a producer wait for their answer.
const window = 500

// within bounds whatever waits for the broker.
const within = 60 * time.Second

// Run does the trial. A finding with breaches is no error.
func (t *Trial) Run(ctx context.Context) (*Finding, error) {
	if err := t.create(ctx); err != nil {
		return nil, err
	}
	leave, stopLeaver := context.WithCancel(ctx)
	stay, stopStayer := context.WithCancel(ctx)
	defer stopStayer()
	defer stopLeaver()
	var wg sync.WaitGroup
	errs := make([]error, 2)
	wg.Go(func() { errs[0] = t.produce(leave, leaver, false) })
	wg.Go(func() { errs[1] = t.produce(stay, stayer, true) })
	err := pause(ctx, t.Before)
	if err == nil {
		err = t.Kill()
	}
	stopLeaver()
	if err == nil {
		err = t.Restart()
	}
	if err == nil {
		err = pause(ctx, t.After)
	}
	stopStayer()
	wg.Wait()
	if err = errors.Join(err, errs[0], errs[1]); err != nil {
		return nil, err
	}
	read, damaged, err := t.read(ctx)
	if err != nil {
		return nil, err
	}
	return t.ledger.Check(read, damaged), nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (t *Trial) create(ctx context.Context) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(t.Address))
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	_, err = kadm.NewClient(cl).CreateTopic(ctx, int32(t.Partitions), 1, nil, t.Topic)
	if err != nil {
		return fmt.Errorf("topic %s was not created: %w", t.Topic, err)
	}
	return nil
}

func (t *Trial) options() []kgo.Opt {
	acks := map[plan.Acks]kgo.Acks{plan.AcksNone: kgo.NoAck(), plan.AcksLeader: kgo.LeaderAck(),
		plan.AcksAll: kgo.AllISRAcks()}[t.Level.Acks]
	opts := []kgo.Opt{
		kgo.SeedBrokers(t.Address), kgo.RequiredAcks(acks), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(time.Millisecond), kgo.ProducerBatchMaxBytes(64 << 10), kgo.Dialer(dial),
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
	}
	if !t.Level.Idempotent {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(5))
	}
	return opts
}

// dial refuses a connection to itself, which the kernel may make while nobody listens on a port of its own choosing.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil && c.LocalAddr().String() == c.RemoteAddr().String() {
		c.Close()
		return nil, errors.New("nobody listens")
	}
	return c, err
}

// produce writes until ctx is done, as fast as the answers come. With flush it then waits for all answers.
func (t *Trial) produce(ctx context.Context, producer uint32, flush bool) error {
	cl, err := kgo.NewClient(t.options()...)
	if err != nil {
		return err
	}
	defer cl.Close()
	room := make(chan struct{}, window)
	for i := 0; ; i++ {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			if !flush {
				return nil
			}
			// A record that gets no answer even now stays without one in the ledger.
			last, cancel := context.WithTimeout(context.Background(), within)
			defer cancel()
			_ = cl.Flush(last)
			return nil
		}
		partition := int32(i % t.Partitions)
		number := t.ledger.Send(producer, partition)
		r := &kgo.Record{Topic: t.Topic, Partition: partition, Value: newValue(producer, number, t.Size)}
		cl.Produce(context.Background(), r, func(r *kgo.Record, err error) {
			if err == nil {
				offset := r.Offset
				if t.Level.Acks == plan.AcksNone {
					offset = -1
				}
				t.ledger.Ack(producer, number, offset)
			}
			<-room
		})
	}
}

// read reads every partition to its end.
func (t *Trial) read(ctx context.Context) (read []Record, damaged int64, err error) {
	from := map[int32]kgo.Offset{}
	for i := range int32(t.Partitions) {
		from[i] = kgo.NewOffset().AtStart()
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(t.Address), kgo.Dialer(dial),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t.Topic: from}))
	if err != nil {
		return nil, 0, err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, t.Topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, 0, fmt.Errorf("where the log ends: %w", err)
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if errs := fetches.Errors(); len(errs) > 0 {
			return nil, 0, fmt.Errorf("partition %d could not be read: %w", errs[0].Partition, errs[0].Err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if producer, number, ok := parseValue(r.Value); ok {
				read = append(read, Record{Partition: r.Partition, Offset: r.Offset, Producer: producer, Number: number})
			} else {
				damaged++
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return read, damaged, nil
}
