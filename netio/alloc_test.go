//go:build !race

package netio

import (
	"path/filepath"
	"runtime"
	"testing"

	"tailrace/vfs"
)

// No way from request to reply allocates, once warm. AllocsPerRun counts every goroutine of the process, those of the
// server and this client together.
func TestNoAllocations(t *testing.T) {
	file := newSpanFile(t, vfs.OS, filepath.Join(t.TempDir(), "f"), 4<<20, true)
	parked := make(chan *Request, 100)
	go func() {
		for r := range parked {
			r.Out.Buf = append(r.Out.Buf, r.Body...)
			r.Done()
		}
	}()
	batched := make(chan *Request, 100)
	go func() {
		var batch Batch
		var held []*Request
		for r := range batched {
			if held = append(held, r); len(held) < 4 {
				continue
			}
			for _, r := range held {
				batch.Done(r)
			}
			batch.Flush()
			held = held[:0]
		}
	}()
	files := make(chan *Request, 100)
	go func() {
		for r := range files {
			r.Out.AddSpan(file.span(4096, 64<<10, false))
			r.Done()
		}
	}()
	t.Cleanup(func() { close(parked); close(batched); close(files) })
	for name, handle := range map[string]func(r *Request){
		"inline":            echo,
		"elsewhere":         func(r *Request) { parked <- r },
		"in a batch":        func(r *Request) { r.ReleaseBody(); batched <- r },
		"writev":            func(r *Request) { r.Out.AddSpan(file.span(1, 8<<10, true)); r.Done() },
		"sendfile":          func(r *Request) { r.Out.AddSpan(file.span(4096, 100<<10, false)); r.Done() },
		"sendfile by other": func(r *Request) { files <- r },
		"copy":              func(r *Request) { r.Out.AddSpan(file.span(9, 9000, false)); r.Done() },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, Config{Budget: NewBudget(16 << 20)}, handle)
			c := dial(t, s.addr)
			var burst []byte
			for range 16 {
				burst = AppendFrame(burst, make([]byte, 64))
			}
			c.buf = make([]byte, 1<<20)
			run := func() {
				send(t, c, burst)
				for range 16 {
					if _, err := c.Receive(); err != nil {
						t.Fatal(err)
					}
				}
			}
			for range 200 {
				run()
			}
			runtime.GC()
			run()
			if n := testing.AllocsPerRun(300, run); n != 0 {
				t.Errorf("16 requests allocate %v times", n)
			}
			if st := s.settled(); st.Requests < 300*16 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// Large frames reuse their buffers as well.
func TestNoAllocationsLargeFrames(t *testing.T) {
	s := serve(t, Config{}, func(r *Request) { r.Out.Buf = append(r.Out.Buf, "ack"...); r.Done() })
	c := dial(t, s.addr)
	for _, n := range []int{64 << 10, 1 << 20} {
		msg := AppendFrame(nil, make([]byte, n))
		run := func() {
			send(t, c, msg)
			if _, err := c.Receive(); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 {
			run()
		}
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("a frame of %d bytes allocates %v times", len(msg), n)
		}
	}
}

// An idle connection holds no buffer: what it costs is its goroutine, its Conn and package net's objects.
func TestIdleConnectionIsSmall(t *testing.T) {
	s := serve(t, Config{}, echo)
	const total = 1000
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	clients := make([]*rawSocket, total)
	for i := range clients {
		clients[i] = &rawSocket{}
	}
	before := inUse()
	for _, c := range clients {
		c.dial(t, s.addr)
		c.ping(t)
	}
	t.Cleanup(func() {
		for _, c := range clients {
			c.close()
		}
	})
	each := (inUse() - before) / total
	t.Logf("an idle connection holds %d bytes of heap and stacks", each)
	if each > 10<<10 {
		t.Errorf("an idle connection holds %d bytes, more than 10 KiB", each)
	}
	runtime.KeepAlive(clients)
}
