package broker

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/coordinator"
	"tailrace/broker/group"
	"tailrace/netio"
	"tailrace/wire/errcode"
)

// groupAsk is a client's request on its way through the coordinators of groups: one part for each shard that it is
// about. Whoever gets the last part's answer joins and sends them.
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
	shard int32 // -1 is one that does not exist
	asked []int // which items of the client's request it is about, where there are several
	req   kmsg.Request
	resp  kmsg.Response
}

// askGroup passes a request about one group to its coordinator. mend, if there is one, completes the answer. The body
// of q is given back: req may not alias it.
func (b *Broker) askGroup(q *request, id string, req kmsg.Request, mend func(kmsg.Response)) {
	split := func(n int32) []groupPart { return []groupPart{{shard: shardOf(id, n), req: req}} }
	b.askGroups(q, split, func(parts []groupPart) kmsg.Response {
		if mend != nil {
			mend(parts[0].resp)
		}
		return parts[0].resp
	})
}

// askGroups asks several shards. split makes the parts for so many shards, when it is known how many there are; join
// makes the answer of theirs.
func (b *Broker) askGroups(q *request, split func(n int32) []groupPart, join func([]groupPart) kmsg.Response) {
	ask := b.newAsk(q, join)
	b.withGroups(func() { ask.start(split(b.groupPartitions())) })
}

// newAsk gives the body of q back.
func (b *Broker) newAsk(q *request, join func([]groupPart) kmsg.Response) *groupAsk {
	ask := &groupAsk{b: b, q: q, clientID: string(q.hdr.ClientID), host: clientHost(q), join: join}
	q.ReleaseBody()
	return ask
}

// start asks the shards. Afterwards the request is not ours any more.
func (a *groupAsk) start(parts []groupPart) {
	if len(parts) == 0 {
		a.q.reply(a.join(nil))
		return
	}
	a.parts = parts
	a.left.Store(int32(len(parts)))
	for i := range parts {
		p := &parts[i]
		p.ask = a
		a.b.groups.Submit(p.shard, group.Call{To: p, ClientID: a.clientID, ClientHost: a.host, Request: p.req}, p)
	}
}

// shardOf is the place of a group among n shards.
func shardOf(id string, n int32) int32 {
	if n == 0 {
		return -1
	}
	return coordinator.Partition(id, n)
}

// byShard makes one part for each shard that the groups lie in, without its request yet.
func byShard(ids []string, n int32) []groupPart {
	var parts []groupPart
	at := map[int32]int{}
	for i, id := range ids {
		shard := shardOf(id, n)
		k, ok := at[shard]
		if !ok {
			k, at[shard] = len(parts), len(parts)
			parts = append(parts, groupPart{shard: shard})
		}
		parts[k].asked = append(parts[k].asked, i)
	}
	return parts
}

// pick gives the items that a part is about.
func pick[T any](items []T, of *groupPart) []T {
	list := make([]T, len(of.asked))
	for i, at := range of.asked {
		list[i] = items[at]
	}
	return list
}

// spread puts the answers of a part where its items stand in the request: a shard answers in the order in which
// it was asked.
func spread[T any](into, answers []T, of *groupPart) {
	for i, at := range of.asked {
		if i < len(answers) {
			into[at] = answers[i]
		}
	}
}

// clientHost is a client's address as Kafka shows it (InetAddress.toString).
func clientHost(q *request) string {
	a, ok := q.Conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return "/" + q.Conn.RemoteAddr().String()
	}
	return "/" + javaAddress(a.AddrPort().Addr().Unmap())
}

// javaAddress writes an address as Java does: all groups of an IPv6 address, those of zeros, too.
func javaAddress(a netip.Addr) string {
	if !a.Is6() {
		return a.String()
	}
	var groups []string
	for b := a.AsSlice(); len(b) > 0; b = b[2:] {
		groups = append(groups, strconv.FormatUint(uint64(binary.BigEndian.Uint16(b)), 16))
	}
	text := strings.Join(groups, ":")
	if a.Zone() != "" {
		text += "%" + a.Zone()
	}
	return text
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
