package netio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Handler serves requests.
type Handler interface {
	// Opened is called before the first request, on the connection's reading goroutine.
	Opened(c *Conn)
	// Handle is called for each frame, in order, on the connection's reading goroutine. It must not block. Exactly one
	// of r.Done, r.DoneSilent, r.DoneThenClose and r.Fail is called then or later, from any goroutine. After c.Close it
	// may be left out, if no span was added.
	Handle(r *Request)
	// Closed is called once, last, on the reading goroutine, after the socket is closed. Open requests may still be
	// completed, to no effect. err is never nil.
	Closed(c *Conn, err error)
}

// Config holds a server's limits. Zero values mean the defaults in brackets.
type Config struct {
	MaxFrameBytes   int           // [100 MiB]
	MaxOpenRequests int           // per connection [64]
	MaxOpenBytes    int64         // of request bodies held by open requests of one connection [256 MiB]
	Budget          *Budget       // of all connections' receive buffers [no limit]
	IdleTimeout     time.Duration // without any request open [10 min]
	FrameTimeout    time.Duration // from the first byte of a frame to its last [30 s]
	WriteTimeout    time.Duration // without the peer taking a byte of what waits for it [30 s]
	MaxConns        int           // [no limit]
	MaxConnsPerIP   int           // [no limit]
	SendfileMin     int           // hot spans of at most so many bytes leave by writev [32 KiB]
	CopyMax         int           // other spans of at most so many bytes are copied [16 KiB]; negative: none
	ColdReaders     int           // threads that may wait for a disk [8]
	SendBuf         int           // SO_SNDBUF in bytes; 0 or negative: the kernel tunes it
	RecvBuf         int           // SO_RCVBUF likewise
	// OnRefused is told of what was not served. For TooManyConns and TooManyFromAddress Opened has not been called.
	OnRefused func(c *Conn, reason *FrameError)
}

func (c *Config) setDefaults() {
	set(&c.MaxFrameBytes, 100<<20)
	set(&c.MaxOpenRequests, 64)
	set(&c.MaxOpenBytes, 256<<20)
	set(&c.IdleTimeout, 10*time.Minute)
	set(&c.FrameTimeout, 30*time.Second)
	set(&c.WriteTimeout, 30*time.Second)
	set(&c.SendfileMin, 32<<10)
	set(&c.CopyMax, 16<<10)
	set(&c.ColdReaders, 8)
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Server accepts connections on any number of listeners and serves them with one Handler.
type Server struct {
	cfg     Config
	handler Handler
	cold    coldPool
	ended   chan struct{}
	tasks   sync.WaitGroup // every goroutine of the server

	mu        sync.Mutex
	closing   bool
	listeners map[*Listener]struct{}
	conns     *Conn // linked by after
	open      int
	lastID    int64
	perIP     map[netip.Addr]int
	total     Stats // of ended connections, and what no connection counts
}

// New returns a server that listens nowhere yet. It owns one goroutine until Shutdown.
func New(cfg Config, h Handler) *Server {
	cfg.setDefaults()
	s := &Server{cfg: cfg, handler: h, ended: make(chan struct{}), listeners: map[*Listener]struct{}{},
		perIP: map[netip.Addr]int{}}
	s.cold = coldPool{server: s, limit: cfg.ColdReaders}
	s.tasks.Add(1)
	go s.sweep()
	return s
}

// Listener is a bound address.
type Listener struct {
	name   string
	server *Server
	tcp    *net.TCPListener
}

// Listen binds address; clients can connect from now on, and are served once Serve runs. name is what Conn.Listener
// will say.
func (s *Server) Listen(ctx context.Context, name, address string) (*Listener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // an MPTCP socket knows no TCP_INQ
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listener %s: %w", name, err)
	}
	listener := &Listener{name: name, server: s, tcp: l.(*net.TCPListener)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		_ = l.Close()
		return nil, ErrServerClosed
	}
	s.listeners[listener] = struct{}{}
	return listener, nil
}

// Addr is the bound address, with the port the kernel chose for port 0.
func (l *Listener) Addr() *net.TCPAddr { return l.tcp.Addr().(*net.TCPAddr) }

// Serve accepts connections until Shutdown; it then returns ErrServerClosed. Errors such as running out of descriptors
// are waited out: the connection stays in the backlog.
func (l *Listener) Serve() error {
	s := l.server
	for wait := time.Duration(0); ; {
		tcp, err := l.tcp.AcceptTCP()
		switch {
		case err == nil:
			wait = 0
			s.admit(l, tcp)
		case errors.Is(err, net.ErrClosed):
			return ErrServerClosed
		case errors.Is(err, syscall.ECONNABORTED):
		default:
			s.mu.Lock()
			s.total.AcceptErrors++
			s.mu.Unlock()
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			select {
			case <-s.ended:
				return ErrServerClosed
			case <-time.After(wait):
			}
		}
	}
}

// admit starts serving an accepted socket, if the limits allow it.
func (s *Server) admit(l *Listener, tcp *net.TCPConn) {
	c, err := newConn(s, tcp, l.name)
	if err != nil {
		_ = tcp.Close()
		return
	}
	c.tune()
	s.mu.Lock()
	reason := s.overLimit(c)
	refused := reason != nil || s.closing
	if !refused {
		s.join(c)
	}
	s.mu.Unlock()
	if !refused {
		go c.run()
		return
	}
	_ = tcp.Close()
	if reason != nil {
		s.refused(c, reason)
	}
}

// tune sets the socket's options. TCP_NODELAY is on already: package net sees to it.
func (c *Conn) tune() {
	if n := c.server.cfg.SendBuf; n > 0 {
		_ = c.tcp.SetWriteBuffer(n)
	}
	if n := c.server.cfg.RecvBuf; n > 0 {
		_ = c.tcp.SetReadBuffer(n)
	}
	_ = c.raw.Control(func(fd uintptr) { c.hints = askForHints(fd) })
}

// overLimit tells, under mu, which limit one more connection would exceed.
func (s *Server) overLimit(c *Conn) *FrameError {
	if n := s.cfg.MaxConns; n > 0 && s.open >= n {
		return &FrameError{TooManyConns, fmt.Sprintf("%d connections are open, the limit is max.connections=%d", s.open, n)}
	}
	if n := s.cfg.MaxConnsPerIP; n > 0 && s.perIP[c.peer] >= n {
		return &FrameError{TooManyFromAddress, fmt.Sprintf("%d connections from %s are open, the limit is"+
			" max.connections.per.ip=%d", s.perIP[c.peer], c.peer, n)}
	}
	return nil
}

// join adds a connection, under mu.
func (s *Server) join(c *Conn) {
	s.tasks.Add(1)
	s.total.Accepted++
	s.lastID++
	c.ID = s.lastID
	if c.after = s.conns; c.after != nil {
		c.after.before = c
	}
	s.conns = c
	s.open++
	s.perIP[c.peer]++
}

// leave removes an ended connection and keeps its counters.
func (s *Server) leave(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.after != nil {
		c.after.before = c.before
	}
	if c.before != nil {
		c.before.after = c.after
	} else {
		s.conns = c.after
	}
	s.open--
	if s.perIP[c.peer]--; s.perIP[c.peer] == 0 {
		delete(s.perIP, c.peer)
	}
	c.tally.addTo(&s.total)
}

func (s *Server) refused(c *Conn, reason *FrameError) {
	s.mu.Lock()
	s.total.Refused++
	s.mu.Unlock()
	if s.cfg.OnRefused != nil {
		s.cfg.OnRefused(c, reason)
	}
}

// startWriter passes the right to write to a goroutine. Go keeps the stacks of those that have ended, so this allocates
// nothing once warm: the runtime is the pool.
func (s *Server) startWriter(c *Conn) {
	c.tally.writers.Add(1)
	s.tasks.Add(1)
	go c.writer()
}

// Shutdown stops accepting and reading, lets open requests finish and their replies leave, and closes all connections.
// When ctx ends first it closes them as they are and returns the cause. All goroutines of the server have ended when it
// returns, provided that no handler call is stuck. It may be called again, with less patience.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.closing {
		s.closing = true
		close(s.ended)
		for l := range s.listeners {
			_ = l.tcp.Close()
		}
		clear(s.listeners)
	}
	for c := s.conns; c != nil; c = c.after {
		c.finishUp()
	}
	s.mu.Unlock()
	finished := make(chan struct{})
	go func() {
		s.tasks.Wait()
		close(finished)
	}()
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := s.conns; c != nil; c = c.after {
		c.Close(ErrServerClosed)
	}
	s.mu.Unlock()
	<-finished
	return context.Cause(ctx)
}
