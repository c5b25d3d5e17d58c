package broker

import (
	"net"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/coordinator"
	"tailrace/broker/group"
	"tailrace/netio"
	"tailrace/wire/errcode"
)

// groupAsk is a client's request on its way through the coordinators of groups: one part for each group or shard that
// it is about. Whoever gets the last part's answer joins and sends them.
type groupAsk struct {
	b        *Broker
	q        *request
	clientID string
	host     string
	parts    []groupPart
	left     atomic.Int32
	join     func(parts []groupPart) kmsg.Response
}

// groupPart is what one shard is asked. It implements coordinator.Waiter.
type groupPart struct {
	ask   *groupAsk
	group string // whose shard is asked; not with shard
	req   kmsg.Request
	resp  kmsg.Response
}

// askGroup passes a request about one group to its coordinator. mend, if there is one, completes the answer. The body
// of q is given back: req may not alias it.
func (b *Broker) askGroup(q *request, id string, req kmsg.Request, mend func(kmsg.Response)) {
	b.askGroups(q, []groupPart{{group: id, req: req}}, func(parts []groupPart) kmsg.Response {
		if mend != nil {
			mend(parts[0].resp)
		}
		return parts[0].resp
	})
}

// askGroups asks the coordinator of each part's group. join makes the answer of theirs.
func (b *Broker) askGroups(q *request, parts []groupPart, join func([]groupPart) kmsg.Response) {
	ask := b.newAsk(q, parts, join)
	if ask == nil {
		return
	}
	b.withGroups(func() {
		n := b.groupPartitions()
		for i := range ask.parts {
			index := int32(-1)
			if n > 0 {
				index = coordinator.Partition(ask.parts[i].group, n)
			}
			ask.submit(i, index)
		}
	})
}

// newAsk gives the body of q back. Without parts it answers at once and returns nil.
func (b *Broker) newAsk(q *request, parts []groupPart, join func([]groupPart) kmsg.Response) *groupAsk {
	ask := &groupAsk{b: b, q: q, clientID: string(q.hdr.ClientID), host: clientHost(q), parts: parts, join: join}
	q.ReleaseBody()
	if len(parts) == 0 {
		q.reply(join(nil))
		return nil
	}
	ask.left.Store(int32(len(parts)))
	return ask
}

// submit asks one shard. After the last of them the request is not ours any more.
func (a *groupAsk) submit(i int, partition int32) {
	p := &a.parts[i]
	p.ask = a
	a.b.groups.Submit(partition, group.Call{To: p, ClientID: a.clientID, ClientHost: a.host, Request: p.req}, p)
}

// clientHost is a client's address as Kafka shows it.
func clientHost(q *request) string {
	if a, ok := q.Conn.RemoteAddr().(*net.TCPAddr); ok {
		return "/" + a.IP.String()
	}
	return "/" + q.Conn.RemoteAddr().String()
}

// Answer implements coordinator.Waiter.
func (p *groupPart) Answer(body kmsg.Response, out *netio.Batch) {
	p.resp = body
	a := p.ask
	if a.left.Add(-1) > 0 {
		return
	}
	a.q.encode(a.join(a.parts))
	out.Done(a.q.Request)
}

// Refuse implements coordinator.Waiter. Two answers differ from the code, as in Kafka's GroupCoordinatorService: a
// member's heartbeat meets a coordinator that loads with success, and consumers before 3.9 do not retry an OffsetFetch
// on COORDINATOR_NOT_AVAILABLE.
func (p *groupPart) Refuse(code errcode.Code, out *netio.Batch) {
	switch p.req.(type) {
	case *kmsg.HeartbeatRequest:
		if code == errcode.CoordinatorLoadInProgress {
			code = errcode.None
		}
	case *kmsg.OffsetFetchRequest:
		if code == errcode.CoordinatorNotAvailable {
			code = errcode.NotCoordinator
		}
	}
	p.Answer(group.Refuse(p.req, code), out)
}
