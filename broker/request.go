package broker

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/netio"
	"tailrace/wire"
	"tailrace/wire/shape"
)

// request is the broker's state of one netio.Request. It hangs on it and is
// reused with it, so that a hot request allocates nothing.
type request struct {
	*netio.Request
	conn *connection
	hdr  wire.RequestHeader // ClientID aliases the frame
	body []byte

	produce produceState
	fetch   fetchState
}

// connection is what the broker knows of a connection.
type connection struct {
	listener        *listener
	softwareName    string
	softwareVersion string
}

// The life of a request that may park.
const (
	building int32 = iota // its handler is at work
	woken                 // what it would wait for came while its handler was at work
	parked                // it waits; whoever moves it to done completes it
	done
)

type lifeState struct{ v atomic.Int32 }

func (l *lifeState) begin() { l.v.Store(building) }

// park is the handler's last act on a request that has to wait: afterwards the
// request may be completed, and used again, at any moment. false means that it
// was woken meanwhile and is still the handler's.
func (l *lifeState) park() bool { return l.v.CompareAndSwap(building, parked) }

// wake claims the right to complete a parked request. One that is still being
// built is only marked.
func (l *lifeState) wake() bool {
	for {
		switch l.v.Load() {
		case building:
			if l.v.CompareAndSwap(building, woken) {
				return false
			}
		case parked:
			if l.v.CompareAndSwap(parked, done) {
				return true
			}
		default:
			return false
		}
	}
}

// decode checks the shape of a request that kmsg decodes and decodes it. On
// failure the connection is closed and nil is returned: a client that does not
// speak the protocol cannot be answered.
func decode[T kmsg.Request](q *request, into T) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			q.Fail(&protocolError{fmt.Sprintf("BUG: decoding %s version %d panicked: %v",
				kmsg.NameForKey(q.hdr.Key), q.hdr.Version, r)})
			ok = false
		}
	}()
	err := shape.Check(q.hdr.Key, q.hdr.Version, q.body)
	if err == nil {
		into.SetVersion(q.hdr.Version)
		err = into.ReadFrom(q.body)
	}
	if err != nil {
		q.Fail(&protocolError{fmt.Sprintf("malformed %s request of version %d: %v",
			kmsg.NameForKey(q.hdr.Key), q.hdr.Version, err)})
		return false
	}
	return true
}

// reply completes a request with a kmsg response of the request's version.
func (q *request) reply(r kmsg.Response) {
	q.encode(r)
	q.Done()
}

// encode puts a kmsg response of the request's version into Out.
func (q *request) encode(r kmsg.Response) {
	r.SetVersion(q.hdr.Version)
	q.Out.Buf = wire.AppendResponseHeader(q.Out.Buf, q.hdr.Key, q.hdr.Version, q.hdr.CorrelationID)
	q.Out.Buf = r.AppendTo(q.Out.Buf)
}

// ownBody replaces the body by a copy, for a request whose bytes are kept longer than the frame: kmsg copies strings
// and aliases everything else.
func (q *request) ownBody() { q.body = bytes.Clone(q.body) }
