package netio

import (
	"sync"
	"sync/atomic"

	"tailrace/vfs"
)

// States of a Request.
const (
	handling uint32 = iota // Handle has not returned
	done                   // completed while Handle ran: the reader picks it up, no lock was taken
	parked                 // stands in Conn.queue; ready says whether it is complete
)

// States of a Request's hold on the receive buffer.
const (
	bodyHeld     uint32 = iota
	bodyCounted         // held, and counted in Conn.openBytes
	bodyReleased        // by its holder, or taken away when the connection ended
)

// keptReply bounds the reply buffer that a pooled request keeps.
const keptReply = 64 << 10

// Request is one frame and the reply to it. It is reused: after Done, DoneSilent or DoneThenClose nothing of it may be
// touched, State's own contents included unless the handler guards them.
type Request struct {
	Conn *Conn
	// Body is the frame without its length prefix. It aliases the receive buffer until ReleaseBody or Done.
	Body []byte
	// ArrivedNs is when the last byte of the frame was read, on the clock of Monotonic.
	ArrivedNs int64
	// Out is the reply: append to Out.Buf, add spans.
	Out Reply
	// State is the handler's own. It is kept across reuse, so that pooled per-request state can hang on it; nil in a
	// new Request.
	State any

	next  *Request
	buf   *recvBuffer
	size  int // bytes of the frame
	state atomic.Uint32
	body  atomic.Uint32

	silent     bool // no bytes: acks=0
	closeAfter bool
	sent       cursor // the owner's

	// Guarded by Conn.mu once queued.
	ready  bool
	orphan bool // the connection has ended without it
}

var requestPool = sync.Pool{New: func() any { return &Request{Out: Reply{Buf: make([]byte, 0, 256)}} }}

// ReleaseBody gives the receive buffer back before the reply is complete; Body is gone. For a request that will wait.
func (r *Request) ReleaseBody() {
	was := r.body.Swap(bodyReleased)
	if was == bodyReleased {
		return
	}
	r.Body = nil
	r.dropBody(was)
}

// dropBody gives up the request's reference to the receive buffer, for whoever moved body from was to bodyReleased.
func (r *Request) dropBody(was uint32) {
	b := r.buf
	r.buf = nil
	b.release()
	if was == bodyCounted {
		r.Conn.uncount(int64(r.size))
	}
}

// Done says that the reply in Out is complete and passes it to the connection. From any goroutine, once. If the reply
// is next in line and nobody is writing, the caller makes one attempt to send that does not wait.
func (r *Request) Done() {
	if c := r.finish(true); c != nil {
		c.drive(tryOnce, noFD)
	}
}

// DoneSilent completes the request without sending anything, keeping the order of the others (acks=0).
func (r *Request) DoneSilent() {
	r.silent = true
	r.Done()
}

// DoneThenClose is Done, and closes the connection after the reply is out. Later requests get no reply.
func (r *Request) DoneThenClose() {
	r.closeAfter = true
	r.Done()
}

// Fail closes the connection with err instead of answering, and completes the request.
func (r *Request) Fail(err error) {
	r.Conn.Close(err)
	r.DoneSilent()
}

// finish marks the request complete. It returns the connection if its replies can now be sent by the caller, who then
// has the right to write if own asked for it.
func (r *Request) finish(own bool) *Conn {
	r.ReleaseBody()
	c := r.Conn
	if r.state.CompareAndSwap(handling, done) {
		return nil
	}
	if r.state.Load() == done {
		panic("BUG: netio: a request was completed twice")
	}
	if c.markReady(r, own) {
		return c
	}
	return nil
}

// recycle empties the request and makes it available again.
func (r *Request) recycle(w *work) {
	r.Out.Reset()
	if cap(r.Out.Buf) > keptReply {
		r.Out.Buf = nil
	}
	r.Conn, r.next = nil, nil
	r.silent, r.closeAfter, r.ready, r.orphan = false, false, false, false
	r.sent = cursor{}
	if w != nil && len(w.spare) < cap(w.spare) {
		w.spare = append(w.spare, r)
		return
	}
	requestPool.Put(r)
}

// Reply is built by the handler: bytes, and spans of files between them. The length prefix is not part of it.
type Reply struct {
	// Buf holds the reply's own bytes: append to it. Its memory is reused.
	Buf []byte

	spans     []placedSpan
	spanBytes int
}

// placedSpan is a span and the length that Buf had when it was added.
type placedSpan struct {
	at int
	vfs.Span
	warm     int  // bytes below this are known to be resident
	copyOnly bool // sendfile cannot
	steady   bool // it belongs to a stream
}

// AddSpan places file bytes after what Buf holds now. The reference passes to the reply, which releases it.
func (o *Reply) AddSpan(s vfs.Span) {
	if s.N == 0 {
		s.Release()
		return
	}
	o.spans = append(o.spans, placedSpan{at: len(o.Buf), Span: s})
	o.spanBytes += s.N
}

// Len is the length of the reply so far in bytes, spans included.
func (o *Reply) Len() int { return len(o.Buf) + o.spanBytes }

// Reset empties the reply and releases its spans.
func (o *Reply) Reset() {
	for i := range o.spans {
		o.spans[i].Release()
		o.spans[i] = placedSpan{}
	}
	o.Buf, o.spans, o.spanBytes = o.Buf[:0], o.spans[:0], 0
}

// requestList is a queue of requests linked by next.
type requestList struct {
	head, tail *Request
	n          int
}

func (l *requestList) push(r *Request) {
	if l.tail == nil {
		l.head = r
	} else {
		l.tail.next = r
	}
	l.tail = r
	l.n++
}

// pop removes the head, which must exist.
func (l *requestList) pop() *Request {
	r := l.head
	l.head, r.next = r.next, nil
	if l.head == nil {
		l.tail = nil
	}
	l.n--
	return r
}

// take appends all of m and empties it.
func (l *requestList) take(m *requestList) {
	if m.head == nil {
		return
	}
	if l.tail == nil {
		l.head = m.head
	} else {
		l.tail.next = m.head
	}
	l.tail = m.tail
	l.n += m.n
	*m = requestList{}
}
