package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// reading is one run of consume. Its fields belong to the goroutine that runs it, positions aside.
type reading struct {
	cl    *kgo.Client
	topic string
	out   *bufio.Writer
	write func(*kgo.Record) error
	warn  func(string)
	left  int64           // records still wanted; 0: no bound
	ends  map[int32]int64 // where each partition ended at the start; nil: that does not matter
	share *share          // membership of a group; nil: none

	mu sync.Mutex
	// positions are the next offsets of the partitions that are read. Members of a group get and lose partitions, in a
	// goroutine of the client's.
	positions map[int32]int64
}

// start begins to read without a group.
func (r *reading) start(begin map[int32]int64) {
	r.positions = begin
	offsets := map[int32]kgo.Offset{}
	for p, at := range begin {
		if r.ends == nil || at < r.ends[p] {
			offsets[p] = kgo.NewOffset().At(at)
		}
	}
	r.cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{r.topic: offsets})
}

// atEnd is true when each partition that is read has come to where it ended at the start. It counts the position, not
// the last record: the last offsets of a partition need not hold one.
func (r *reading) atEnd() bool {
	if r.ends == nil || r.share != nil && !r.share.joined.Load() {
		return false
	}
	return len(r.behind()) == 0
}

// behind are the partitions that have not come to their end, with their positions.
func (r *reading) behind() map[int32]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := map[int32]int64{}
	for p, at := range r.positions {
		if at < r.ends[p] {
			left[p] = at
		}
	}
	return left
}

// advance moves a position forward; that of a partition which was taken away meanwhile is gone.
func (r *reading) advance(p int32, to int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ours := r.positions[p]; ours && to > at {
		r.positions[p] = to
	}
}

// idle is how long a run that has an end waits for records before it looks whether there are any.
const idle = 250 * time.Millisecond

// run prints until there is a reason to end. What was printed is flushed whenever there is nothing more at hand.
func (r *reading) run(ctx context.Context) error {
	for !r.atEnd() {
		if r.cl.BufferedFetchRecords() == 0 {
			if err := r.flush(); err != nil {
				return err
			}
		}
		fetches, quiet := r.poll(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		done, err := r.print(fetches)
		if done || err != nil {
			return err
		}
		if quiet {
			if err := r.passGaps(ctx); err != nil {
				return err
			}
		}
		if r.share != nil {
			if r.share.joined.Load() {
				r.share.since = time.Time{}
			}
			if err := r.flush(); err != nil { // what is not marked when partitions go, the next member prints again
				return err
			}
			r.cl.AllowRebalance()
		}
	}
	return nil
}

// poll waits for records; a run that has an end does not wait for long, and is told when there were none.
func (r *reading) poll(ctx context.Context) (fetches kgo.Fetches, quiet bool) {
	const most = 10_000
	if r.ends == nil {
		return r.cl.PollRecords(ctx, most), false
	}
	short, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	fetches = r.cl.PollRecords(short, most)
	return fetches, fetches.NumRecords() == 0
}

func (r *reading) flush() error {
	if err := r.out.Flush(); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	if r.share != nil {
		r.share.printed(r.cl)
	}
	return nil
}

func (r *reading) print(fetches kgo.Fetches) (done bool, err error) {
	for it := fetches.RecordIter(); !it.Done(); {
		rec := it.Next()
		if r.ends != nil && rec.Offset >= r.ends[rec.Partition] {
			r.advance(rec.Partition, rec.Offset) // came after the end that counts
			continue
		}
		if !rec.Attrs.IsControl() {
			if err := r.write(rec); err != nil {
				return true, fmt.Errorf("standard output: %w", err)
			}
		}
		r.advance(rec.Partition, rec.Offset+1)
		if r.share != nil {
			r.share.add(rec)
		}
		if !rec.Attrs.IsControl() && r.left > 0 {
			if r.left--; r.left == 0 {
				return true, nil
			}
		}
	}
	fetches.EachError(func(topic string, p int32, failure error) {
		switch {
		case err != nil, errors.Is(failure, context.DeadlineExceeded): // the latter: poll's own short wait
		case r.share != nil && topic == "":
			err = r.share.trouble(failure, r.warn)
		default:
			err = fetchError(topic, p, failure)
		}
	})
	return false, err
}
