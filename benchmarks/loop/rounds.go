package loop

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// rounds is group commit over many files: all files that have waiters when a round starts are synced together, and
// while it runs the next one gathers.
type rounds struct {
	mu      sync.Mutex
	wake    sync.Cond
	number  int // of the round that gathers
	files   []*file
	waiters []waiter

	above  int // more files than this are synced by one syncfs; 0 = never
	work   chan *file
	synced sync.WaitGroup
}

type waiter struct {
	conn        *conn
	correlation uint32
	partition   int32
}

func startRounds(o Options) *rounds {
	r := &rounds{number: 1, above: o.SyncfsAbove, work: make(chan *file, o.Syncers)}
	r.wake.L = &r.mu
	for range o.Syncers {
		go func() {
			for f := range r.work {
				if err := unix.Fdatasync(f.fd); err != nil {
					fatal(f, err)
				}
				r.synced.Done()
			}
		}()
	}
	go r.run()
	return r
}

// fatal ends the loop: after a failed sync nothing may be acknowledged.
func fatal(f *file, err error) {
	fmt.Fprintf(os.Stderr, "limits: sync %s: %v\n", f.path, err)
	os.Exit(1)
}

// wait asks for an answer to the request once the file is synced.
func (r *rounds) wait(f *file, c *conn, req *request) {
	r.mu.Lock()
	if f.round != r.number {
		f.round = r.number
		r.files = append(r.files, f)
	}
	r.waiters = append(r.waiters, waiter{c, binary.BigEndian.Uint32(req.correlation), req.partition})
	r.mu.Unlock()
	r.wake.Signal()
}

func (r *rounds) run() {
	var files []*file
	var waiters []waiter
	var correlation [4]byte
	for {
		r.mu.Lock()
		for len(r.files) == 0 {
			r.wake.Wait()
		}
		files, r.files = r.files, files[:0]
		waiters, r.waiters = r.waiters, waiters[:0]
		r.number++
		r.mu.Unlock()

		r.sync(files)
		for _, w := range waiters {
			binary.BigEndian.PutUint32(correlation[:], w.correlation)
			_, _ = w.conn.Write(w.conn.ack.patch(correlation[:], w.partition)) // a peer that left is none of the round's
		}
	}
}

func (r *rounds) sync(files []*file) {
	switch {
	case len(files) == 1:
		if err := unix.Fdatasync(files[0].fd); err != nil {
			fatal(files[0], err)
		}
	case r.above > 0 && len(files) > r.above:
		if err := unix.Syncfs(files[0].fd); err != nil {
			fatal(files[0], err)
		}
	default:
		r.synced.Add(len(files))
		for _, f := range files {
			r.work <- f
		}
		r.synced.Wait()
	}
}
