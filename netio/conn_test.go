package netio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func send(t testing.TB, c *Client, b []byte) {
	t.Helper()
	if err := c.Send(b); err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, c *Client, want []byte) {
	t.Helper()
	got, err := c.Receive()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("got a reply of %d bytes (%.40x), want %d (%.40x)", len(got), got, len(want), want)
	}
}

func TestFrameByteByByte(t *testing.T) {
	s := serve(t, Config{Budget: NewBudget(1 << 20)}, echo)
	c := dial(t, s.addr)
	msg := AppendFrame(AppendFrame(nil, []byte("one")), nil)
	for _, b := range msg {
		send(t, c, []byte{b})
		time.Sleep(time.Millisecond) // each byte a segment of its own
	}
	expect(t, c, []byte("one"))
	expect(t, c, nil)
}

// Frames of every size class, whole, joined and cut anywhere, come through unharmed and in order.
func TestFrameSizes(t *testing.T) {
	s := serve(t, Config{Budget: NewBudget(64 << 20)}, echo)
	c := dial(t, s.addr)
	rng := rand.New(rand.NewPCG(1, 2))
	var stream []byte
	var frames [][]byte
	for i := range 300 {
		n := rng.IntN(200)
		switch i % 10 {
		case 3, 4, 5:
			n = 64<<10 + rng.IntN(3000)
		case 7:
			n = smallBuffer - prefixLen + rng.IntN(3) - 1
		case 9:
			n = rng.IntN(3 << 20)
		}
		frames = append(frames, noise(n, uint64(i)))
		stream = AppendFrame(stream, frames[i])
	}
	go func() {
		for len(stream) > 0 {
			n := min(len(stream), 1+rng.IntN(200_000))
			if c.Send(stream[:n]) != nil {
				return
			}
			stream = stream[n:]
		}
	}()
	for _, f := range frames {
		expect(t, c, f)
	}
}

// A burst is answered by few writes, and a lone request by two system calls.
func TestBurstIsJoined(t *testing.T) {
	s := serve(t, Config{}, echo)
	c := dial(t, s.addr)
	var burst []byte
	for range 50 {
		burst = AppendFrame(burst, []byte("ping"))
	}
	for range 10 {
		send(t, c, burst)
		for range 50 {
			expect(t, c, []byte("ping"))
		}
	}
	before := s.settled()
	if before.WritevCalls > 30 {
		t.Errorf("500 requests took %d writes, want one per burst", before.WritevCalls)
	}
	one := AppendFrame(nil, []byte("ping"))
	for range 200 {
		send(t, c, one)
		expect(t, c, []byte("ping"))
	}
	after := s.settled()
	if w, r := after.WritevCalls-before.WritevCalls, after.Reads-before.Reads; w != 200 || r > 300 {
		t.Errorf("200 lone requests took %d writes and %d reads, want 200 and hardly more", w, r)
	}
}

// Replies come in request order although requests are completed inline, in random order by many goroutines, joined by
// a Batch, or silently.
func TestOrder(t *testing.T) {
	work := make(chan *Request, 1000)
	t.Cleanup(func() { close(work) }) // after the server is gone
	for range 4 {
		go func() {
			var held []*Request
			var batch Batch
			finish := func() {
				rand.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
				for i, r := range held {
					r.Out.Buf = append(r.Out.Buf, r.State.([]byte)...)
					if i%2 == 0 {
						batch.Done(r)
					} else {
						r.Done()
					}
				}
				batch.Flush()
				held = held[:0]
			}
			for {
				select {
				case r, ok := <-work:
					if !ok {
						return
					}
					if held = append(held, r); len(held) > 10 {
						finish()
					}
				case <-time.After(100 * time.Microsecond):
					finish()
				}
			}
		}()
	}
	var n atomic.Int64
	s := serve(t, Config{Budget: NewBudget(1 << 20)}, func(r *Request) {
		switch k := n.Add(1); {
		case r.Body[0] == 's':
			r.DoneSilent()
		case k%3 == 0:
			echo(r)
		default:
			r.State = append([]byte(nil), r.Body...)
			if k%3 == 1 {
				r.ReleaseBody()
			}
			work <- r
		}
	})
	var wg sync.WaitGroup
	for id := range 8 {
		c := dial(t, s.addr)
		rng := rand.New(rand.NewPCG(uint64(id), 1))
		const total = 3000
		wg.Go(func() {
			var b []byte
			for i := 0; i < total; {
				b = b[:0]
				for range 1 + rng.IntN(100) {
					if i++; rng.IntN(10) == 0 {
						b = AppendFrame(b, []byte("silent"))
					}
					b = AppendFrame(b, binary.BigEndian.AppendUint32(nil, uint32(i)))
					if i == total {
						break
					}
				}
				if err := c.Send(b); err != nil {
					t.Error(err)
					return
				}
			}
		})
		wg.Go(func() {
			for i := 1; i <= total; i++ {
				got, err := c.Receive()
				if err != nil || binary.BigEndian.Uint32(got) != uint32(i) {
					t.Errorf("connection %d: reply %d is %x, %v", id, i, got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// A parked head holds back what is behind it and nothing else; the queue's limit stops reading, and room resumes it.
func TestQueueLimit(t *testing.T) {
	var handled atomic.Int64
	var first atomic.Pointer[Request]
	s := serve(t, Config{MaxOpenRequests: 5}, func(r *Request) {
		if handled.Add(1) == 1 {
			first.Store(r)
			r.ReleaseBody()
			r.Out.Buf = append(r.Out.Buf, "first"...)
			return
		}
		echo(r)
	})
	c := dial(t, s.addr)
	var b []byte
	for range 20 {
		b = AppendFrame(b, []byte("x"))
	}
	send(t, c, b)
	eventually(t, "five requests open", func() bool { return handled.Load() == 5 })
	time.Sleep(20 * time.Millisecond)
	if n := handled.Load(); n != 5 {
		t.Fatalf("%d requests were handled although 5 were open", n)
	}
	first.Load().Done()
	expect(t, c, []byte("first"))
	for range 19 {
		expect(t, c, []byte("x"))
	}
}

// Bodies held by open requests stop reading as well.
func TestOpenBytesLimit(t *testing.T) {
	var handled atomic.Int64
	parked := make(chan *Request, 100)
	s := serve(t, Config{MaxOpenBytes: 10_000}, func(r *Request) {
		handled.Add(1)
		parked <- r
	})
	c := dial(t, s.addr)
	var b []byte
	for i := range 10 {
		b = AppendFrame(b, noise(4000, uint64(i)))
	}
	send(t, c, b)
	eventually(t, "three bodies held", func() bool { return handled.Load() == 3 })
	time.Sleep(20 * time.Millisecond)
	if n := handled.Load(); n != 3 {
		t.Fatalf("%d bodies are held, more than the limit allows", n)
	}
	for range 10 {
		(<-parked).Done()
		expect(t, c, nil)
	}
}

// A client that does not read stops neither its own server goroutines for good nor anybody else.
func TestSlowReader(t *testing.T) {
	s := serve(t, Config{WriteTimeout: 200 * time.Millisecond}, func(r *Request) {
		r.Out.Buf = append(r.Out.Buf, make([]byte, 1<<20)...)
		r.Done()
	})
	slow, fast := dial(t, s.addr), dial(t, s.addr)
	_ = slow.Conn().SetReadBuffer(4 << 10)
	var b []byte
	for range 60 {
		b = AppendFrame(b, []byte("big"))
	}
	send(t, slow, b)
	send(t, fast, AppendFrame(nil, nil))
	if _, err := fast.Receive(); err != nil {
		t.Fatal(err)
	}
	if err := s.waitClosed(t); !errors.Is(err, ErrWriteTimeout) {
		t.Errorf("closed because of %v", err)
	}
	if st := s.Stats(); st.WouldBlock == 0 || st.ClosedWrite != 1 {
		t.Errorf("%+v", st)
	}
}

// A completer whose peer is slow does not wait: a writer takes over, and every byte arrives in order.
func TestCompleterHandsOver(t *testing.T) {
	parked := make(chan *Request, 100)
	s := serve(t, Config{SendBuf: 64 << 10}, func(r *Request) { parked <- r })
	c := dial(t, s.addr)
	const total = 30
	var b []byte
	for range total {
		b = AppendFrame(b, nil)
	}
	send(t, c, b)
	// All of them first: the reader may wait for the peer when it has replies to write, and then it reads nothing.
	var requests []*Request
	for range total {
		requests = append(requests, <-parked)
	}
	s.readerAtRest() // or it would do the writing
	for i, r := range requests {
		r.Out.Buf = append(r.Out.Buf, noise(300<<10, uint64(i))...)
		r.Done()
	}
	for i := range total {
		expect(t, c, noise(300<<10, uint64(i)))
	}
	if st := s.Stats(); st.PooledWriters == 0 {
		t.Errorf("no writer was needed: %+v", st)
	}
}

func TestDoneThenClose(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		s := serve(t, Config{}, func(r *Request) {
			last := string(r.Body) == "last"
			finish := func() {
				r.Out.Buf = append(r.Out.Buf, "ok"...)
				if last {
					r.DoneThenClose()
				} else {
					r.Done()
				}
			}
			if elsewhere {
				go finish()
			} else {
				finish()
			}
		})
		c := dial(t, s.addr)
		var b []byte
		for _, m := range []string{"a", "b", "last", "c", "d"} {
			b = AppendFrame(b, []byte(m))
		}
		send(t, c, b)
		for range 3 {
			expect(t, c, []byte("ok"))
		}
		if _, err := c.Receive(); err != io.EOF {
			t.Errorf("after the last reply: %v, want the end of the stream", err)
		}
		_ = c.Close()
		if err := s.waitClosed(t); !errors.Is(err, ErrDone) {
			t.Errorf("closed because of %v", err)
		}
	}
}

// Connections are closed by everybody at any moment; open requests are completed before, meanwhile and after.
func TestCloseInFlight(t *testing.T) {
	var wg sync.WaitGroup
	boom := errors.New("boom")
	s := serve(t, Config{Budget: NewBudget(1 << 20)}, func(r *Request) {
		switch rand.IntN(4) {
		case 0:
			echo(r)
		case 1:
			c := r.Conn
			wg.Go(func() { c.Close(boom) })
			fallthrough
		default:
			wg.Go(func() {
				time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
				r.Out.Buf = append(r.Out.Buf, r.Body...)
				r.Done()
			})
		}
	})
	const total = 200
	for range total {
		c := dial(t, s.addr)
		var b []byte
		for range 1 + rand.IntN(30) {
			b = AppendFrame(b, noise(rand.IntN(3000), 7))
		}
		_ = c.Send(b)
		if rand.IntN(2) == 0 {
			_, _ = c.Receive()
		}
		_ = c.Close()
	}
	for range total {
		_ = s.waitClosed(t)
	}
	wg.Wait()
	if used := s.cfg.Budget.Used(); used != 0 {
		t.Errorf("%d bytes are still charged", used)
	}
}

// A request that Close answered, and nobody completes, leaves nothing charged; Fail is the tidy way.
func TestCloseInsteadOfReply(t *testing.T) {
	boom := errors.New("boom")
	for name, answer := range map[string]func(r *Request){
		"close": func(r *Request) { r.Conn.Close(boom) },
		"fail":  func(r *Request) { r.Fail(boom) },
	} {
		s := serve(t, Config{Budget: NewBudget(1 << 20)}, answer)
		c := dial(t, s.addr)
		send(t, c, AppendFrame(nil, []byte(name)))
		if _, err := c.Receive(); err == nil {
			t.Errorf("%s: a reply came", name)
		}
		if err := s.waitClosed(t); err != boom {
			t.Errorf("%s: closed because of %v", name, err)
		}
		if used := s.cfg.Budget.Used(); used != 0 {
			t.Errorf("%s: %d bytes are still charged", name, used)
		}
	}
}

// The end of the stream is noticed even when it came together with the last frame.
func TestPeerCloses(t *testing.T) {
	s := serve(t, Config{}, echo)
	for range 50 {
		c := dial(t, s.addr)
		send(t, c, AppendFrame(nil, []byte("bye")))
		_ = c.Conn().CloseWrite()
		expect(t, c, []byte("bye"))
		if err := s.waitClosed(t); !errors.Is(err, ErrPeerClosed) {
			t.Fatalf("closed because of %v", err)
		}
	}
}

// A small frame right behind a large one is served at once, and so is the end of the stream inside a large one,
// although the reader has asked to be woken for many bytes only.
func TestLargeFrameThenSmall(t *testing.T) {
	s := serve(t, Config{}, func(r *Request) {
		r.Out.Buf = binary.BigEndian.AppendUint32(r.Out.Buf, uint32(len(r.Body)))
		r.Done()
	})
	c := dial(t, s.addr)
	large := AppendFrame(nil, make([]byte, 3<<20))
	for i := range 30 {
		send(t, c, large[:1000*i])
		time.Sleep(time.Millisecond)
		send(t, c, large[1000*i:])
		if i%2 == 0 {
			expect(t, c, []byte{0, 0x30, 0, 0})
		}
		send(t, c, AppendFrame(nil, []byte("s")))
		if i%2 == 1 {
			expect(t, c, []byte{0, 0x30, 0, 0})
		}
		expect(t, c, []byte{0, 0, 0, 1})
	}
	send(t, c, large[:2<<20])
	_ = c.Close()
	if err := s.waitClosed(t); !errors.Is(err, ErrPeerClosed) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("closed because of %v", err)
	}
}

func TestConnKnowsItself(t *testing.T) {
	s := serve(t, Config{}, func(r *Request) {
		c := r.Conn
		r.Out.Buf = append(r.Out.Buf, c.Listener+" "+c.LocalAddr().String()+" "+c.RemoteAddr().String()...)
		if c.ID != 1 || time.Since(c.Opened) > patience || r.ArrivedNs > Monotonic() || r.ArrivedNs == 0 {
			t.Errorf("id %d, opened %v, arrived %d", c.ID, c.Opened, r.ArrivedNs)
		}
		r.Done()
	})
	c := dial(t, s.addr)
	send(t, c, AppendFrame(nil, nil))
	expect(t, c, []byte("TEST "+s.addr+" "+c.Conn().LocalAddr().(*net.TCPAddr).String()))
}

func TestDoneTwicePanics(t *testing.T) {
	got := make(chan any, 1)
	s := serve(t, Config{}, func(r *Request) {
		defer func() { got <- recover() }()
		r.Done()
		r.Done()
	})
	send(t, dial(t, s.addr), AppendFrame(nil, nil))
	if <-got == nil {
		t.Error("a request was completed twice and nothing was said")
	}
}
