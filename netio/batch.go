package netio

// Batch joins the replies that one goroutine completes in a row, such as all that waited for one sync: Done marks them,
// Flush makes one attempt to send per connection. Between the two a reply may also be sent by somebody else. Not for
// concurrent use; reuse it.
type Batch struct {
	conns []*Conn
}

// Done is Request.Done without the sending.
func (b *Batch) Done(r *Request) {
	if c := r.finish(false); c != nil {
		// Waiters of one connection tend to stand together; a connection named twice costs one more look.
		if n := len(b.conns); n == 0 || b.conns[n-1] != c {
			b.conns = append(b.conns, c)
		}
	}
}

// Flush sends what Done has marked.
func (b *Batch) Flush() {
	for i, c := range b.conns {
		c.writeReady()
		b.conns[i] = nil
	}
	b.conns = b.conns[:0]
}
