package netio

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(childEnv); kind != "" {
		os.Exit(runChild(kind))
	}
	goleak.VerifyTestMain(m)
}

// patience bounds every wait of a test; nothing is measured by it.
const patience = 20 * time.Second

// testHandler is a Handler made of functions.
type testHandler struct {
	handle func(r *Request)

	mu     sync.Mutex
	conns  []*Conn
	closed chan error
}

func (h *testHandler) Opened(c *Conn) {
	h.mu.Lock()
	h.conns = append(h.conns, c)
	h.mu.Unlock()
}
func (h *testHandler) Handle(r *Request)         { h.handle(r) }
func (h *testHandler) Closed(_ *Conn, err error) { h.closed <- err }

// waitClosed returns why the next connection ended.
func (h *testHandler) waitClosed(t testing.TB) error {
	t.Helper()
	select {
	case err := <-h.closed:
		return err
	case <-time.After(patience):
		t.Fatal("no connection has ended")
		return nil
	}
}

// readerAtRest waits until the reader of the only connection has served what it received.
func (h *testHandler) readerAtRest() {
	h.mu.Lock()
	c := h.conns[0]
	h.mu.Unlock()
	for busy := true; busy; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		busy = c.corked
		c.mu.Unlock()
	}
}

// testServer is a server on loopback, shut down at the end of the test.
type testServer struct {
	*Server
	*testHandler
	addr string
}

func serve(t testing.TB, cfg Config, handle func(r *Request)) *testServer {
	t.Helper()
	h := &testHandler{handle: handle, closed: make(chan error, 10_000)}
	s := New(cfg, h)
	l, err := s.Listen(t.Context(), "TEST", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepting := make(chan error, 1)
	go func() { accepting <- l.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Shutdown(ctx)
		if err := <-accepting; !errors.Is(err, ErrServerClosed) {
			t.Errorf("Serve returned %v", err)
		}
		if used := cfg.Budget.Used(); used != 0 {
			t.Errorf("%d bytes are still charged to the budget", used)
		}
	})
	return &testServer{s, h, l.Addr().String()}
}

func dial(t testing.TB, addr string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// eventually waits for a state that another goroutine brings about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}

// settled returns the counters once they stand still: a call is counted after its bytes may have been received.
func (s *testServer) settled() Stats {
	for last := s.Stats(); ; {
		time.Sleep(5 * time.Millisecond)
		now := s.Stats()
		if now == last {
			return now
		}
		last = now
	}
}

func echo(r *Request) {
	r.Out.Buf = append(r.Out.Buf, r.Body...)
	r.Done()
}

// noise returns n bytes that a seed determines.
func noise(n int, seed uint64) []byte {
	b := make([]byte, n)
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func asError[T error](err error, target *T) bool { return errors.As(err, target) }
