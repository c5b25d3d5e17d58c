package netio

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// refusals collects what OnRefused is told.
func refusals() (chan *FrameError, func(*Conn, *FrameError)) {
	ch := make(chan *FrameError, 100)
	return ch, func(c *Conn, e *FrameError) {
		if c.RemoteAddr() == nil {
			panic("BUG: a refused connection has no address")
		}
		ch <- e
	}
}

// What is not a frame is refused with a text that helps.
func TestGarbageIsRefused(t *testing.T) {
	refused, tell := refusals()
	s := serve(t, Config{OnRefused: tell, MaxFrameBytes: 1 << 20, Budget: NewBudget(1 << 20)}, echo)
	for _, test := range []struct {
		bytes string
		kind  Refusal
		text  string
	}{
		{"\x16\x03\x01\x02\x00\x01\x00", TLSClient, "a TLS client"},
		{"GET / HTTP/1.1\r\n\r\n", HTTPClient, "HTTP"},
		{"POST /topics HTTP/1.1\r\n", HTTPClient, "HTTP"},
		{"\xff\xff\xff\xff", NegativeLength, "-1 bytes"},
		{"\x80\x00\x00\x00rest", NegativeLength, "does not speak"},
		{"\x7f\xff\xff\xff", TooLarge, "socket.request.max.bytes"},
		{"\x00\x10\x00\x01", TooLarge, "1048577 bytes"},
		{"\x00\x00\x00\x01x\x16\x03\x01\x02", TooLarge, "369295618 bytes"}, // after a good frame it is no TLS client
	} {
		c := dial(t, s.addr)
		send(t, c, []byte(test.bytes))
		e := <-refused
		if e.Kind != test.kind || !strings.Contains(e.Text, test.text) {
			t.Errorf("%q: %d, %s", test.bytes, e.Kind, e.Text)
		}
		if err := s.waitClosed(t); err != error(e) {
			t.Errorf("%q: closed because of %v", test.bytes, err)
		}
	}
}

func TestLimitFrames(t *testing.T) {
	s := serve(t, Config{}, func(r *Request) {
		r.Conn.LimitFrames(10)
		echo(r)
	})
	c := dial(t, s.addr)
	send(t, c, AppendFrame(nil, make([]byte, 11)))
	expect(t, c, make([]byte, 11))
	send(t, c, AppendFrame(nil, make([]byte, 11)))
	var e *FrameError
	if err := s.waitClosed(t); !asError(err, &e) || e.Kind != TooLarge {
		t.Errorf("closed because of %v", err)
	}
}

func TestConnectionLimits(t *testing.T) {
	refused, tell := refusals()
	s := serve(t, Config{OnRefused: tell, MaxConns: 3, MaxConnsPerIP: 2}, echo)
	ping := func(c *Client) {
		t.Helper()
		send(t, c, AppendFrame(nil, nil))
		expect(t, c, nil)
	}
	a, b := dial(t, s.addr), dial(t, s.addr)
	ping(a)
	ping(b)
	dial(t, s.addr)
	if e := <-refused; e.Kind != TooManyFromAddress || !strings.Contains(e.Text, "127.0.0.1") {
		t.Errorf("%+v", e)
	}
	_ = a.Close()
	_ = s.waitClosed(t)
	ping(dial(t, s.addr))
	s.Server.mu.Lock() // as if the third came from elsewhere
	s.open++
	s.perIP[netip.MustParseAddr("127.0.0.1")]--
	s.Server.mu.Unlock()
	dial(t, s.addr)
	if e := <-refused; e.Kind != TooManyConns {
		t.Errorf("%+v", e)
	}
	s.Server.mu.Lock()
	s.open--
	s.perIP[netip.MustParseAddr("127.0.0.1")]++
	s.Server.mu.Unlock()
	if st := s.Stats(); st.Refused != 2 || st.Open != 2 || st.Accepted != 3 {
		t.Errorf("%+v", st)
	}
}

func TestTimeouts(t *testing.T) {
	var parked atomic.Pointer[Request]
	cfg := Config{IdleTimeout: 60 * time.Millisecond, FrameTimeout: 60 * time.Millisecond}
	s := serve(t, cfg, func(r *Request) { parked.Store(r) })
	waiting := dial(t, s.addr)
	send(t, waiting, AppendFrame(nil, []byte("a long poll")))
	dial(t, s.addr)
	if err := s.waitClosed(t); !errors.Is(err, ErrIdle) {
		t.Errorf("an idle connection closed because of %v", err)
	}
	slow := dial(t, s.addr)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // a byte now and then does not help
		for _, b := range AppendFrame(nil, make([]byte, 10_000)) {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			_ = slow.Send([]byte{b})
		}
	})
	if err := s.waitClosed(t); !errors.Is(err, ErrFrameTimeout) {
		t.Errorf("a slow frame closed because of %v", err)
	}
	close(stop)
	wg.Wait()
	parked.Load().Done()
	expect(t, waiting, nil) // open requests are not idleness
	if st := s.Stats(); st.ClosedIdle != 1 || st.ClosedFrame != 1 {
		t.Errorf("%+v", st)
	}
}

// Announced bytes borrow nothing; what arrives is charged, and a budget that is used up makes others wait, not fail.
func TestBudget(t *testing.T) {
	budget := NewBudget(256 << 10)
	parked := make(chan *Request, 100)
	s := serve(t, Config{Budget: budget}, func(r *Request) { parked <- r })
	announced := binary.BigEndian.AppendUint32(nil, 90<<20)
	var liars []*Client
	for range 5 {
		c := dial(t, s.addr)
		send(t, c, append(announced, 1))
		liars = append(liars, c)
	}
	eventually(t, "five small buffers are charged", func() bool { return budget.Used() == 5*smallBuffer })
	for _, c := range liars {
		_ = c.Close()
	}
	eventually(t, "nothing is charged", func() bool { return budget.Used() == 0 })

	var clients []*Client
	for i := range 8 {
		c := dial(t, s.addr)
		clients = append(clients, c)
		go func() { _ = c.Send(AppendFrame(nil, noise(100<<10, uint64(i)))) }()
	}
	eventually(t, "the budget is used up", func() bool { return budget.waiting.Load() > 0 })
	// One frame may grow from 36 to 72 and to 144 KiB beyond the limit, and holds two buffers while it moves.
	if used, bound := budget.Used(), int64((256+72+144)<<10); used > bound {
		t.Errorf("%d bytes are charged, more than the limit and one frame (%d)", used, bound)
	}
	for range clients {
		(<-parked).Done()
	}
	for _, c := range clients {
		expect(t, c, nil)
	}
	eventually(t, "nothing is charged", func() bool { return budget.Used() == 0 })
}

// Half-received frames that together exceed the budget do not wait for one another for ever.
func TestBudgetOverdraft(t *testing.T) {
	budget := NewBudget(100 << 10)
	s := serve(t, Config{Budget: budget}, echo)
	const frame = 600 << 10
	var wg sync.WaitGroup
	for i := range 6 {
		c := dial(t, s.addr)
		msg := AppendFrame(nil, noise(frame, uint64(i)))
		send(t, c, msg[:20_000])
		wg.Go(func() {
			if err := c.Send(msg[20_000:]); err != nil {
				t.Error(err)
				return
			}
			if got, err := c.Receive(); err != nil || len(got) != frame {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
	eventually(t, "nothing is charged", func() bool { return budget.Used() == 0 })
}

// Running out of descriptors makes clients wait in the backlog and costs nobody else anything.
func TestOutOfDescriptors(t *testing.T) {
	s := serve(t, Config{}, echo)
	before := dial(t, s.addr)
	send(t, before, AppendFrame(nil, nil))
	expect(t, before, nil)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	// The client's own descriptor is the last one that this limit allows.
	late := dial(t, s.addr)
	probe := late.descriptor(t)
	_ = late.Close()
	_ = s.waitClosed(t)
	few := syscall.Rlimit{Cur: uint64(probe) + 1, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	late = dial(t, s.addr)
	eventually(t, "accept has failed", func() bool { return s.Stats().AcceptErrors > 1 })
	send(t, before, AppendFrame(nil, []byte("still here")))
	expect(t, before, []byte("still here"))
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	send(t, late, AppendFrame(nil, []byte("at last")))
	expect(t, late, []byte("at last"))
}

func (c *Client) descriptor(t *testing.T) (fd int) {
	raw, err := c.conn.SyscallConn()
	if err == nil {
		err = raw.Control(func(n uintptr) { fd = int(n) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return fd
}
