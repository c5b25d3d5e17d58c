package broker

import (
	"errors"
	"fmt"

	"tailrace/netio"
	"tailrace/wire"
)

// Opened implements netio.Handler.
func (b *Broker) Opened(c *netio.Conn) {
	c.Value = &connection{listener: b.listenerNamed(c.Listener)}
}

// Closed implements netio.Handler. A client that goes is no event; one that
// spoke nonsense is worth a line.
func (b *Broker) Closed(c *netio.Conn, err error) {
	var bad *protocolError
	if errors.As(err, &bad) {
		b.refusals.report(b.logger, c.RemoteAddr(), err)
	}
}

// protocolError closes a connection and is logged.
type protocolError struct{ text string }

func (e *protocolError) Error() string { return e.text }

var errMalformedHeader = &protocolError{"the request header is malformed: is this a Kafka client?"}

// Handle implements netio.Handler: it runs on the goroutine that reads the
// connection.
func (b *Broker) Handle(r *netio.Request) {
	q, _ := r.State.(*request)
	if q == nil || q.fetch.b != b { // netio's pool serves every broker of the process
		q = newRequest(b)
		r.State = q
	}
	q.Request = r
	q.conn, _ = r.Conn.Value.(*connection)
	hdr, body, err := wire.ParseRequestHeader(r.Body)
	switch {
	case errors.Is(err, wire.ErrKey):
		r.Fail(unsupported(hdr, nil))
		return
	case err != nil:
		r.Fail(errMalformedHeader)
		return
	}
	q.hdr, q.body = hdr, body
	a := findAPI(hdr.Key)
	switch {
	case a != nil && hdr.Version >= a.min && hdr.Version <= a.max:
		a.handle(b, q)
	case hdr.Key == keyAPIVersions:
		b.apiVersionsUnsupported(q)
	default:
		r.Fail(unsupported(hdr, a))
	}
}

func newRequest(b *Broker) *request {
	q := &request{}
	q.produce.b, q.fetch.b, q.fetch.q = b, b, q
	q.produce.timer.fire = q.produceTimedOut
	q.fetch.timer.fire = q.fetch.timedOut
	return q
}

// unsupported: Kafka closes the connection on a request it did not advertise.
func unsupported(hdr wire.RequestHeader, a *api) error {
	if a == nil {
		return &protocolError{fmt.Sprintf("API key %d is not served: it was not advertised", hdr.Key)}
	}
	return &protocolError{fmt.Sprintf("%s version %d is not served: %d to %d are", a.name, hdr.Version, a.min, a.max)}
}
