package netio

import (
	"sync/atomic"
	"time"
)

// Stats is a snapshot of a server's counters since its start; Open and InflightBytes are of now. They show which ways
// replies took. Each counter is read by itself, so a snapshot under load is not of one instant.
type Stats struct {
	Accepted, Open, Refused              int64
	AcceptErrors                         int64 // such as no descriptor left
	ClosedIdle, ClosedFrame, ClosedWrite int64 // closed by the time-outs
	Requests, Reads                      int64 // Reads: recvmsg calls, those that found nothing included
	WritevCalls, WritevBytes             int64 // sendmsg: reply bytes, mapped spans, copied spans
	SendfileCalls, SendfileBytes         int64
	CopyBytes                            int64 // span bytes that went through a buffer
	ColdHandoffs                         int64 // windows read in by the cold pool while their connection waits
	ReadAheadBytes                       int64 // read in by the cold pool before they are asked for
	WouldBlock                           int64 // a writer had to wait for its peer
	PooledWriters                        int64 // writers started
	InflightBytes                        int64 // charged to the Budget
}

// tally is one connection's share, kept apart so that connections on different cores do not fight over a cache line.
type tally struct {
	requests, reads, writevCalls, writevBytes, sendfileCalls, sendfileBytes atomic.Int64
	copyBytes, coldHandoffs, readAheadBytes, wouldBlock, writers            atomic.Int64
}

func (t *tally) addTo(s *Stats) {
	s.Requests += t.requests.Load()
	s.Reads += t.reads.Load()
	s.WritevCalls += t.writevCalls.Load()
	s.WritevBytes += t.writevBytes.Load()
	s.SendfileCalls += t.sendfileCalls.Load()
	s.SendfileBytes += t.sendfileBytes.Load()
	s.CopyBytes += t.copyBytes.Load()
	s.ColdHandoffs += t.coldHandoffs.Load()
	s.ReadAheadBytes += t.readAheadBytes.Load()
	s.WouldBlock += t.wouldBlock.Load()
	s.PooledWriters += t.writers.Load()
}

// Stats returns the server's counters. It walks all connections.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := s.total
	for c := s.conns; c != nil; c = c.after {
		c.tally.addTo(&sum)
	}
	sum.Open = int64(s.open)
	sum.InflightBytes = s.cfg.Budget.Used()
	return sum
}

var start = time.Now()

// Monotonic is nanoseconds on the clock of Request.ArrivedNs, which never jumps and is never 0.
func Monotonic() int64 { return int64(time.Since(start)) + 1 }
