package broker

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"tailrace/batch"
	"tailrace/batch/codec"
	"tailrace/broker/partition"
	"tailrace/netio"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// Produce, key 0, versions 3 to 13 (0 to 2 are advertised and refused, as in
// Kafka; see apis).
//
// Behaviour: each partition must carry exactly one record batch v2. acks=1
// answers after the append; acks=all parks until the partition's acknowledged
// end has passed the batch, or timeout.ms is over (REQUEST_TIMED_OUT: the
// records stay in the log). acks=0 gets no answer, and an error closes the
// connection, because that is the only sign such a client can get.
//
// Versions: 5 log start offset, 7 zstd, 8 record errors, 9 flexible, 10 leader
// hints, 12 transactions v2 (refused), 13 topic ids.
//
// Departures: none.

// adminClient is the client id that may write to internal topics, as in Kafka (KafkaApis.handleProduceRequest).
const adminClient = "__admin_client"

// appenders lend the scratch of an append. A request needs one only while its
// handler runs.
var appenders = sync.Pool{New: func() any { return new(partition.Appender) }}

// produceState is a produce request from its first append to its answer. The
// answer is encoded as the appends go, with the codes of success; a parked
// request remembers where each pending partition's code stands, and a failure
// patches it.
type produceState struct {
	b   *Broker
	req wire.ProduceRequest
	w   wire.ProduceWriter

	timer    timerEntry
	deadline atomic.Int64 // ns since start of the wheel; guards against a timer that fires late

	mu      sync.Mutex
	turn    uint32 // counts the requests that this state has served
	open    bool   // not yet answered
	waiting []produceWait
	pending int
}

type produceWait struct {
	codeAt int // in the encoded answer
	done   bool
	code   errcode.Code // patched in when the answer is complete
}

func (b *Broker) produce(q *request) {
	s := &q.produce
	if err := s.req.Parse(q.hdr.Version, q.body); err != nil {
		q.Fail(&protocolError{"malformed Produce request: " + err.Error()})
		return
	}
	s.begin()
	a := appenders.Get().(*partition.Appender)
	nowMs := time.Now().UnixMilli()
	buf := wire.AppendResponseHeader(q.Out.Buf, keyProduce, q.hdr.Version, q.hdr.CorrelationID)
	buf = s.w.Begin(buf, q.hdr.Version, s.req.Topics)
	failed := errcode.None
	var t wire.ProduceTopic
	for s.req.NextTopic(&t) {
		entry := b.topics.find(q.hdr.Version >= 13, t.Name, t.ID)
		buf = s.w.Topic(buf, t.Name, t.ID, t.Partitions)
		var p wire.ProducePartition
		for s.req.NextPartition(&p) {
			var code errcode.Code
			if buf, code = b.produceOne(q, a, entry, &p, buf, nowMs); code != errcode.None {
				failed = code
			}
		}
		buf = s.w.EndTopic(buf)
	}
	q.Out.Buf = s.w.End(buf, 0, nil)
	appenders.Put(a)
	switch {
	case s.req.Acks != 0:
		s.answer(q)
	case failed != errcode.None:
		q.Fail(&protocolError{"a produce request with acks=0 failed: " + failed.Error()})
	default:
		q.Out.Reset()
		q.DoneSilent()
	}
}

// produceOne appends one partition's records and encodes its result.
func (b *Broker) produceOne(
	q *request, a *partition.Appender, entry *topic, in *wire.ProducePartition, buf []byte, nowMs int64,
) ([]byte, errcode.Code) {
	s := &q.produce
	out := wire.ProduceResult{Index: in.Index}
	p, code := entry.partition(in.Index)
	if entry == nil && q.hdr.Version >= 13 {
		code = errcode.UnknownTopicID
	}
	var r partition.Result
	switch {
	case s.req.Acks < -1 || s.req.Acks > 1:
		r = failedAppend(errcode.InvalidRequiredAcks, "")
	case s.req.TransactionalID != nil || transactional(in.Records):
		r = failedAppend(errcode.UnsupportedVersion, transactionsUnavailable)
	case code != errcode.None:
		r = failedAppend(code, "")
	case entry.internal && string(q.hdr.ClientID) != adminClient:
		r = failedAppend(errcode.InvalidTopicException, "Cannot append to internal topic "+entry.name)
	case q.hdr.Version < 7 && usesZstd(in.Records):
		r = failedAppend(errcode.UnsupportedCompressionType, "zstd needs Produce version 7 or later")
	default:
		r = p.Append(a, in.Records, s.req.Acks, nowMs)
	}
	out.Code, out.Message = r.Code, r.Message
	out.BaseOffset, out.LogAppendTimeMs, out.LogStartOffset = r.BaseOffset, r.LogAppendTimeMs, r.LogStart
	if r.Code != errcode.None {
		out.RecordErrors = r.RecordErrors
		out.Leader = b.leaderHint(entry, in.Index, r.Code)
	}
	buf, codeAt := s.w.Partition(buf, &out)
	if r.Wait && s.req.Acks != 0 {
		s.await(p, r.Target, q, codeAt)
	}
	return buf, r.Code
}

// usesZstd looks at the codec bits of the first batch; anything that is no
// batch is for the validator to refuse.
func usesZstd(records []byte) bool {
	v, _, code := batch.Next(records)
	return code == errcode.None && v.Codec() == codec.Zstd
}

// transactional looks at the first batch's attributes: its records would be
// visible at once, and no marker could take them back.
func transactional(records []byte) bool {
	v, _, code := batch.Next(records)
	return code == errcode.None && v.IsTransactional()
}

func failedAppend(code errcode.Code, message string) partition.Result {
	return partition.Result{Code: code, Message: message, BaseOffset: -1, LogAppendTimeMs: -1, LogStart: -1}
}

// begin readies the state. pending starts at one, the handler's own share, so
// that a completion during the handler does not answer too early.
func (s *produceState) begin() {
	s.mu.Lock()
	s.deadline.Store(math.MaxInt64) // a timer that an earlier request could not stop any more finds nothing due
	s.turn++
	s.open = true
	s.pending = 1
	s.waiting = s.waiting[:0]
	s.mu.Unlock()
}

func (s *produceState) await(p *partition.Partition, target wire.Offset, q *request, codeAt int) {
	s.mu.Lock()
	slot, turn := int32(len(s.waiting)), s.turn
	s.waiting = append(s.waiting, produceWait{codeAt: codeAt})
	s.pending++
	s.mu.Unlock()
	if !p.AwaitAck(target, q, slot, turn) {
		s.mu.Lock()
		s.waiting[slot].done = true
		s.pending-- // not the last one: the handler has its own share
		s.mu.Unlock()
	}
}

// answer gives up the handler's share: the request is complete, or parks with
// its receive buffer given back and its timer armed.
func (s *produceState) answer(q *request) {
	wait := time.Duration(max(s.req.TimeoutMs, 0)) * time.Millisecond
	if len(s.waiting) > 0 {
		q.ReleaseBody()
	}
	s.mu.Lock()
	s.pending--
	complete := s.pending == 0
	if complete {
		s.close(q)
	} else {
		s.deadline.Store(int64(time.Since(s.b.wheel.start) + wait))
		s.b.wheel.arm(&s.timer, wait)
	}
	s.mu.Unlock()
	if complete {
		q.Done()
	}
}

// Acked implements partition.AckOwner.
func (q *request) Acked(slot int32, turn uint32, code errcode.Code, out *netio.Batch) {
	s := &q.produce
	s.mu.Lock()
	if !s.open || s.turn != turn || s.waiting[slot].done {
		s.mu.Unlock()
		return // it has timed out
	}
	s.waiting[slot].done, s.waiting[slot].code = true, code
	s.pending--
	complete := s.pending == 0
	if complete {
		s.close(q)
		s.b.wheel.disarm(&s.timer)
	}
	s.mu.Unlock()
	if complete {
		out.Done(q.Request)
	}
}

// produceTimedOut answers a parked request whose time is over: what is still
// pending gets REQUEST_TIMED_OUT. It runs on the wheel's goroutine.
func (q *request) produceTimedOut() {
	s := &q.produce
	s.mu.Lock()
	if !s.open || s.pending == 0 || int64(time.Since(s.b.wheel.start)) < s.deadline.Load() {
		s.mu.Unlock()
		return // it was answered, or this is a late shot at an earlier request of this state
	}
	for i := range s.waiting {
		if !s.waiting[i].done {
			s.waiting[i].code = errcode.RequestTimedOut
		}
	}
	s.close(q)
	s.mu.Unlock()
	q.Done()
}

// close ends the wait and writes the failures into the answer. Called with mu
// held, by the one who then calls Done.
func (s *produceState) close(q *request) {
	s.open = false
	for _, w := range s.waiting {
		if w.code != errcode.None {
			wire.PatchCode(q.Out.Buf, w.codeAt, w.code)
		}
	}
}
