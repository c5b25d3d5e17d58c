package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"tailrace/batch"
	"tailrace/vfs"
	"tailrace/wire"
)

// TestEverythingAtOnce: one appends; readers follow, jump about, and check every batch; others sync, roll, rest,
// retain, purge and look up; helpers run on goroutines of their own.
func TestEverythingAtOnce(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		c := testConfig()
		c.SegmentBytes, c.RetentionBytes, c.IndexIntervalBytes = 64<<10, 256<<10, 1000
		var helpers sync.WaitGroup
		var budget Files
		l := open(t, Options{FS: fsys, Dir: dir, Config: c, Budget: &budget,
			Background: func(job func()) { helpers.Go(job) },
			Warn:       func(msg string, args ...any) { t.Errorf("warned: %s %v", msg, args) }})
		var group sync.WaitGroup
		var done atomic.Bool
		run := func(f func(dice *rand.Rand) error) {
			seed := rand.Uint64()
			group.Go(func() {
				for dice := rand.New(rand.NewPCG(seed, 1)); !done.Load(); {
					if err := f(dice); err != nil && !errors.Is(err, ErrOutOfRange) {
						t.Error(err)
						return
					}
				}
			})
		}
		for range 2 {
			at := wire.Offset(0)
			run(func(dice *rand.Rand) error { return follow(l, &at, dice) })
		}
		run(func(dice *rand.Rand) error { return jump(l, dice) })
		run(func(*rand.Rand) error { _, err := l.Sync(); return err })
		run(func(dice *rand.Rand) error { return upkeep(l, dice) })
		for i := range 6000 {
			m := makeBatch(l.End(), 1+i%3, startMs+int64(i), i*37%900)
			must(t, l.Append(m.bytes, m.appended(i%7 == 0)))
		}
		end := l.End()
		done.Store(true)
		group.Wait()
		helpers.Wait()
		must(t, l.Close())
		if d := l.DurableEnd(); d != end {
			t.Errorf("durable to %d of %d", d, end)
		}
		l = open(t, Options{FS: fsys, Dir: dir, Config: c, Clean: true, RecoveryPoint: end, LogStart: l.Start()})
		at := l.Start()
		for at < end {
			must(t, follow(l, &at, rand.New(rand.NewPCG(1, 1))))
		}
		must(t, l.Close())
	})
}

// follow reads on from at and checks what it gets.
func follow(l *Log, at *wire.Offset, dice *rand.Rand) error {
	*at = max(*at, l.Start())
	end := l.End()
	r, err := l.Read(*at, 1+dice.IntN(20_000), end, true)
	if err != nil {
		return err
	}
	if err := checkSpan(r, *at, end); err != nil {
		return err
	}
	*at = r.Next
	return nil
}

func checkSpan(r Result, from, end wire.Offset) error {
	defer r.Span.Release()
	raw := make([]byte, r.Span.N)
	if n, err := r.Span.ReadAt(raw, 0); n < len(raw) {
		return err
	}
	for next := from; len(raw) > 0; {
		v, rest, code := batch.Next(raw)
		if code != 0 || v.ComputeCRC() != v.CRC() || v.LastOffset() < next || v.BaseOffset() > next || v.BaseOffset() >= end {
			return fmt.Errorf("bad batch in a read at %d: code %d, offset %d", from, code,
				int64(binary.BigEndian.Uint64(raw)))
		}
		raw, next = rest, v.LastOffset()+1
		if len(raw) == 0 && next != r.Next {
			return fmt.Errorf("a read at %d that ends with %d goes on at %d", from, next, r.Next)
		}
	}
	return nil
}

func jump(l *Log, dice *rand.Rand) error {
	start, end := l.Start(), l.End()
	if start >= end {
		return nil
	}
	at := start + wire.Offset(dice.Int64N(int64(end-start)))
	r, err := l.Read(at, dice.IntN(5000), end, true)
	if err != nil {
		return err
	}
	if err := checkSpan(r, at, end); err != nil {
		return err
	}
	if dice.IntN(10) > 0 {
		return nil
	}
	if _, found, err := l.OffsetForTimestamp(1<<60, end); found || err != nil {
		return fmt.Errorf("a record of the far future: %v, %w", found, err)
	}
	return l.Batches(at, func(b Batch, _ vfs.Pos) error {
		if b.BaseOffset() > at+50 {
			return ErrOutOfRange // enough
		}
		return nil
	})
}

func upkeep(l *Log, dice *rand.Rand) error {
	var err error
	switch dice.IntN(4) {
	case 0:
		err = l.Roll()
	case 1:
		err = l.Rest()
	case 2:
		_, err = l.Retain(startMs, l.DurableEnd())
	case 3:
		_, err = l.Purge(startMs)
	}
	l.Size()
	l.Segments()
	return err
}
