package netio

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"
)

// Shutdown answers what is open, closes idle connections, and leaves the peer a clean end of the stream.
func TestShutdown(t *testing.T) {
	parked := make(chan *Request, 10)
	s := serve(t, Config{}, func(r *Request) {
		if string(r.Body) == "park" {
			parked <- r
			return
		}
		echo(r)
	})
	idle, busy := dial(t, s.addr), dial(t, s.addr)
	send(t, idle, AppendFrame(nil, []byte("x")))
	expect(t, idle, []byte("x"))
	send(t, busy, AppendFrame(AppendFrame(nil, []byte("park")), []byte("behind")))
	r := <-parked
	result := make(chan error, 1)
	go func() { result <- s.Shutdown(context.Background()) }()
	if _, err := idle.Receive(); err != io.EOF {
		t.Errorf("the idle connection ended with %v", err)
	}
	_ = idle.Close()
	send(t, busy, AppendFrame(nil, []byte("too late"))) // unread bytes at the close would reset the reply
	if _, err := Dial(t.Context(), s.addr); err == nil {
		t.Error("a client could still connect")
	}
	select {
	case err := <-result:
		t.Fatalf("Shutdown returned %v although a request is open", err)
	case <-time.After(20 * time.Millisecond):
	}
	r.Out.Buf = append(r.Out.Buf, make([]byte, 3<<20)...)
	r.Done()
	expect(t, busy, make([]byte, 3<<20))
	if got, err := busy.Receive(); err == nil && string(got) != "behind" || err != nil && err != io.EOF {
		t.Errorf("after the open reply: %q, %v", got, err)
	}
	_ = busy.Close()
	if err := <-result; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for range 2 {
		if err := s.waitClosed(t); !errors.Is(err, ErrServerClosed) {
			t.Errorf("closed because of %v", err)
		}
	}
}

// When patience ends, connections are cut: one with an open request, one whose reader waits for room, one that does not
// read. A request may be completed after that.
func TestShutdownImpatient(t *testing.T) {
	parked := make(chan *Request, 10)
	s := serve(t, Config{MaxOpenRequests: 2}, func(r *Request) {
		if len(r.Body) > 0 {
			r.Out.Buf = append(r.Out.Buf, make([]byte, 20<<20)...)
			r.Done()
			return
		}
		parked <- r
	})
	send(t, dial(t, s.addr), AppendFrame(nil, nil))
	send(t, dial(t, s.addr), make([]byte, 10*prefixLen))
	send(t, dial(t, s.addr), AppendFrame(nil, []byte("a lot")))
	open := []*Request{<-parked, <-parked, <-parked}
	eventually(t, "a writer waits", func() bool { return s.Stats().WouldBlock > 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	for range 3 {
		if err := s.waitClosed(t); !errors.Is(err, ErrServerClosed) {
			t.Errorf("closed because of %v", err)
		}
	}
	for _, r := range open {
		r.Out.Buf = append(r.Out.Buf, "late"...)
		r.Done()
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("a second Shutdown: %v", err)
	}
}

// Shutdown at any moment under load loses no goroutine and hangs nowhere.
func TestShutdownUnderLoad(t *testing.T) {
	for round := range 10 {
		var wg sync.WaitGroup
		s := serve(t, Config{Budget: NewBudget(1 << 20)}, func(r *Request) {
			if len(r.Body)%2 == 0 {
				echo(r)
				return
			}
			wg.Go(func() { echo(r) })
		})
		var clients sync.WaitGroup
		for id := range 6 {
			c := dial(t, s.addr)
			clients.Go(func() {
				for i := 0; ; i++ {
					if c.Send(AppendFrame(nil, noise(i*37%5000, uint64(id)))) != nil {
						break
					}
					if _, err := c.Receive(); err != nil {
						break
					}
				}
				_ = c.Close()
			})
		}
		time.Sleep(time.Duration(round) * time.Millisecond)
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		clients.Wait()
		wg.Wait()
	}
}
