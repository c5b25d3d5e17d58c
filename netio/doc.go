// Package netio is the network engine: it accepts connections, cuts the stream into length-prefixed frames, hands each
// frame to a Handler, and sends the replies in the order of the requests. Replies are made of bytes and of file spans
// (vfs.Span); record bytes go from the page cache to the socket and never through the Go heap. It knows no Kafka.
//
// What the room promises:
//   - Replies leave in the order of their requests, whoever completes them and when.
//   - A connection that waits for its peer holds no buffer: one goroutine, one Conn.
//   - Memory is borrowed for bytes that have arrived, never for bytes that were announced.
//   - No allocation per request in steady state, by any of the ways below.
//   - At most Config.MaxOpenRequests requests are open per connection; beyond that it is not read.
//   - A span's reference is released after its last byte was handed to the kernel, and its bytes are never touched.
//
// # Reading
//
// One goroutine per connection lives inside a single syscall.RawConn.Read whose callback (Conn.onReadable) is run once
// per wake-up. It must be a single call: each new RawConn.Read forgets a readiness edge that came before it, and would
// therefore need one read that fails with EAGAIN each time. The callback borrows a buffer, reads, serves every complete
// frame, flushes, gives the buffer back, and returns false to wait for the next edge. TCP_INQ makes recvmsg(2) tell how
// much is left (and whether the peer has closed), so that no read is made only to learn that there is nothing.
//
// States of the reading goroutine:
//
//	waiting ──edge──▶ burst ──socket empty──▶ flush ──▶ waiting
//	                  │  ▲
//	                  │  └─ room again ◀── full     (MaxOpenRequests, MaxOpenBytes, or the Budget is used up)
//	                  ├─ DoneThenClose, Shutdown ─▶ draining ─ nothing open ─▶ lingering ─▶ ended
//	                  └─ end of stream, error, refused frame, Close ──────────────────────▶ ended
//
// # Who writes
//
// Requests that a handler completed before it returned are the reader's own (Conn.run) until the burst ends; no lock is
// taken for them. All others stand in Conn.queue in arrival order. Below it is Conn.out: replies that are being
// written.
// The right to write is Conn.writing, taken and given back under Conn.mu; whoever holds it, the owner, moves the ready
// head of the queue to out, and alone touches out. It passes between four parties:
//
//	reader     end of a burst, or a handler parked: writes all that is ready; may wait for the socket; sends files
//	completer  Request.Done elsewhere, the head is ready, nobody owns, the reader does not cork: one attempt that never
//	           waits and never sends a file; what is left goes to a writer
//	writer     a goroutine of its own for as long as it takes: waits for the socket, sends files
//	cold pool  the next span is not in the page cache: Config.ColdReaders goroutines read it in, then a writer goes on
//
// The interleavings that matter, and why each is safe:
//   - Done while Handle still runs: Request.state goes handling → done; the reader sees that when Handle returns. Done
//     after the request was queued fails that step and takes the lock: there are no other cases.
//   - Done between the reader's look at the state and its queueing: the reader queues under the lock and tries
//     handling → parked there; when that fails, the request is ready already.
//   - Done while somebody owns: it only marks. The owner looks again, under the lock, before it gives up owning.
//   - Done while the reader corks: it only marks. The reader flushes before it waits for anything (socket, room,
//     budget), so a mark can wait for the rest of a burst that has already arrived, never for the peer.
//   - EAGAIN: sending never loses its place, since the place is kept in the request (cursor) and the vectors are built
//     anew from there by whoever owns next.
//   - Close from any goroutine marks the connection dead and moves its deadlines into the past. It does not close the
//     descriptor: net.TCPConn.Close would wait for the reader, and the reader may be the caller. The reader wakes,
//     waits until nobody owns, detaches what is still open, closes the descriptor, and calls Handler.Closed. An
//     owner whose write fails does the same to what it holds.
//   - Done after Closed: the request is detached (orphan); its references are released and it is recycled.
//   - The queue is full: the reader has flushed and waits on Conn.cond; each owner that finishes replies signals.
//   - Shutdown: the reader stops at the next frame boundary, waits until nothing is open, closes its side, and discards
//     what the peer still sends for a moment, because closing with unread bytes would reset replies in flight.
//
// # Ways of a span
//
//	hot, mapped, ≤ SendfileMin          a vector of the one sendmsg that carries the headers ("writev" in Stats)
//	not mapped or not hot, ≤ CopyMax    pread into a pooled buffer, joined to the same sendmsg
//	everything else                     the bytes before it with MSG_MORE, then sendfile with an explicit offset, but
//	                                    for the last 512 bytes: those are copied and joined to what follows
//	no descriptor (vfs/faultfs)         as the second, in steps of 64 KiB
//
// A span that is not hot is probed (vfs.File.Resident) before its bytes are asked for, a window at a time. If it
// begins where the connection's span before it in that file ended, the cold pool also keeps what follows read in
// (ahead.go), with at most half of its threads; docs/decisions/0008-cold-reads.md has the measurements.
//
// # Measured
//
// Against a bare loop of a page (BenchmarkServer), what paid: SO_RCVLOWAT while most of a large frame is missing (1 MiB
// frames: 30 % less CPU); one write for all acks of a burst (64 KiB frames, five in flight: 20 %). What did not, and is
// left out: TCP_CORK around a sendfile with bytes after it (two calls more, nothing won), one large read for several
// large frames (the same as one hot buffer filled again and again).
//
// # Concurrency
//
// Server, Budget, Conn.Close and the Done methods may be used from any goroutine. A Request belongs to the handler from
// Handle to Done. Locks nest in one order: Server.mu, then Conn.mu; Budget.mu is taken alone.
//
// Linux only.
package netio
