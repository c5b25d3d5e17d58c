package broker

import (
	"net"
	"strconv"

	"tailrace/broker/config"
	"tailrace/broker/metadata"
	"tailrace/netio"
)

// node is a broker as a client is told of it.
type node struct {
	id     int32
	host   string
	port   int32
	rack   *string
	fenced bool
}

// listener is one bound listener.
type listener struct {
	name   string
	addr   net.Addr
	socket *netio.Listener
}

func (b *Broker) listenerNamed(name string) *listener {
	for i := range b.listeners {
		if b.listeners[i].name == name {
			return &b.listeners[i]
		}
	}
	return &listener{name: name}
}

// nodes lists the brokers that a client of this connection can reach, fenced
// ones left out.
func (b *Broker) nodes(q *request, img *metadata.Image) []node {
	all := b.allNodes(q, img)
	kept := all[:0]
	for _, n := range all {
		if !n.fenced {
			kept = append(kept, n)
		}
	}
	return kept
}

func (b *Broker) allNodes(q *request, img *metadata.Image) []node {
	brokers := img.Brokers()
	list := make([]node, 0, len(brokers))
	for _, r := range brokers {
		n := node{id: r.ID, rack: r.Rack, fenced: r.Fenced}
		if r.ID == int32(b.config.NodeID) {
			n.host, n.port = b.addressFor(q)
		} else if !endpointOf(r, q, &n) {
			continue
		}
		list = append(list, n)
	}
	return list
}

func endpointOf(r *metadata.Broker, q *request, n *node) bool {
	for _, e := range r.Endpoints {
		if q.conn.listener == nil || e.Name == q.conn.listener.name {
			n.host, n.port = e.Host, int32(e.Port)
			return true
		}
	}
	return false
}

// addressFor is where this connection's client should come again: what is
// advertised for its listener, or else the address at which it came in, which
// is by proof one it can reach.
func (b *Broker) addressFor(q *request) (string, int32) {
	host, port := splitAddr(q.Conn.LocalAddr())
	if q.conn.listener == nil {
		return host, port
	}
	if a, ok := b.advertisedFor(q.conn.listener.name); ok {
		if a.Host != "" {
			host = a.Host
		}
		if a.Port != 0 {
			port = int32(a.Port)
		}
	}
	return host, port
}

func (b *Broker) advertisedFor(name string) (config.Listener, bool) {
	for _, a := range b.config.Advertised {
		if a.Name == name {
			return a, true
		}
	}
	return config.Listener{}, false
}

func splitAddr(a net.Addr) (string, int32) {
	host, text, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String(), 0
	}
	port, _ := strconv.Atoi(text)
	return host, int32(port)
}
