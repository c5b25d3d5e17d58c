package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// How long a broker may stay away before a command gives up: one that has answered before may be restarting, one that
// never has is at a wrong address.
var (
	patienceKnown   = 30 * time.Second
	patienceUnknown = 4 * time.Second
)

// link watches the connections of a client, which by itself would try again for ever. The bootstrap address has
// answered when it begins, so a broker that cannot be reached is usually one whose advertised address is wrong.
type link struct {
	seed string
	fail context.CancelCauseFunc
	warn func(string) // tells of an outage once; may be nil

	mu    sync.Mutex
	nodes map[string]*node // by address: the client knows one broker under several ids
}

// node is one address as this client has met it.
type node struct {
	known bool        // it has answered
	last  time.Time   // last failure
	timer *time.Timer // runs during an outage
}

var _ kgo.HookBrokerConnect = (*link)(nil)

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (l *link) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.nodes == nil {
		l.nodes = map[string]*node{}
	}
	at := net.JoinHostPort(meta.Host, strconv.Itoa(int(meta.Port)))
	n := l.nodes[at]
	if n == nil {
		n = &node{known: at == l.seed}
		l.nodes[at] = n
	}
	if err == nil {
		n.known = true
		if n.timer != nil {
			n.timer.Stop()
			n.timer = nil
		}
		return
	}
	n.last = time.Now()
	if n.timer == nil {
		l.outage(n, at, dialCause(err))
	}
}

// outage begins to count the time of a broker's absence.
func (l *link) outage(n *node, at, why string) {
	patience, verdict := patienceKnown, fmt.Errorf("the broker at %s is gone: %s", at, why)
	if !n.known {
		patience = patienceUnknown
		verdict = fmt.Errorf("the broker at %s gives %s as the address to use, which cannot be reached: %s; "+
			"see its setting advertised.listeners", l.seed, at, why)
	} else if l.warn != nil {
		l.warn(fmt.Sprintf("connection to %s lost (%s), trying again for %s", at, why, patience))
	}
	n.timer = time.AfterFunc(patience, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		// A client that has not tried for a while has found what it needs elsewhere.
		if n.timer != nil && time.Since(n.last) < 10*time.Second {
			l.fail(verdict)
		}
		n.timer = nil
	})
}
