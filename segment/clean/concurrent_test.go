package clean

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"tailrace/batch"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/wire"
)

// TestEverythingAtOnce: a log is written, read, rested and purged while it is cleaned again and again. No reader sees
// anything but whole batches, in order; spans that were handed out stay what they are.
func TestEverythingAtOnce(t *testing.T) {
	l, _, err := segment.Open(segment.Options{FS: vfs.OS, Dir: t.TempDir(), Config: logConfig(),
		Background: func(job func()) { go job() },
		Warn:       func(msg string, args ...any) { t.Errorf("warned: %s %v", msg, args) }})
	must(t, err)
	var all []found
	var over atomic.Bool
	var wg sync.WaitGroup
	try := func(what string, do func() error) {
		wg.Go(func() {
			for !over.Load() {
				if err := do(); err != nil {
					t.Errorf("%s: %v", what, err)
					over.Store(true)
				}
			}
		})
	}
	var cleanings atomic.Int64
	cleaned := wire.Offset(0)
	try("cleaning", func() error {
		o := options(startMs)
		d, err := Measure(l, &o.Config, cleaned, l.End(), startMs)
		if err != nil || !d.Due {
			return err
		}
		res, err := Clean(l, d, o)
		cleaned = res.To
		cleanings.Add(1)
		return err
	})
	for range 2 {
		try("reading", func() error { return readSlowly(l) })
	}
	try("upkeep", func() error {
		_, err := l.Purge(startMs)
		_, syncErr := l.Sync()
		return errors.Join(err, syncErr, l.Rest())
	})
	for i := 0; !over.Load() && (i < 1500 || cleanings.Load() == 0); i++ {
		key, value := fmt.Sprint("k", rand.IntN(30)), fmt.Sprint("v", i)
		v := build(t, batch.Options{BaseOffset: l.End(), Codec: codecs[i%5]}, startMs, rec{key, value})
		must(t, store(l, v))
		all = append(all, found{offset: v.BaseOffset(), key: key, value: value})
	}
	over.Store(true)
	wg.Wait()
	if got, want := show(newest(records(t, l))), show(newest(all)); got != want {
		t.Errorf("after %d cleanings the log adds up to\n%s, want\n%s", cleanings.Load(), got, want)
	}
	if n := len(records(t, l)); n >= len(all) {
		t.Errorf("%d of %d records are left after %d cleanings", n, len(all), cleanings.Load())
	}
	must(t, l.Close())
}

// readSlowly walks through the log by spans, and looks into each only after the next one was found.
func readSlowly(l *segment.Log) error {
	var held vfs.Span
	defer func() { held.Release() }()
	next := l.Start()
	for from := l.Start(); from < l.End(); {
		r, err := l.Read(from, 3000, l.End(), true)
		if err != nil {
			return err
		}
		next, err = checkSpan(held, next)
		held.Release()
		held = r.Span
		if err != nil {
			return err
		}
		if r.Next <= from {
			return fmt.Errorf("read at %d goes on at %d", from, r.Next)
		}
		from = r.Next
	}
	return nil
}

// checkSpan reads a span. Its batches follow each other; the first may begin below next, where a reader came in
// between.
func checkSpan(s vfs.Span, next wire.Offset) (wire.Offset, error) {
	if s.N == 0 {
		return next, nil
	}
	b := make([]byte, s.N)
	if n, err := s.ReadAt(b, 0); n < len(b) {
		return next, err
	}
	for first := true; len(b) > 0; first = false {
		v, rest, code := batch.Next(b)
		if code != 0 || v.CRC() != v.ComputeCRC() || v.LastOffset() < next || !first && v.BaseOffset() < next {
			return next, fmt.Errorf("batch %d to %d where %d should follow, code %d", v.BaseOffset(), v.LastOffset(), next, code)
		}
		b, next = rest, v.LastOffset()+1
	}
	return next, nil
}
