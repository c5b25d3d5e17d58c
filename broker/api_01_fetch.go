package broker

import (
	"sync/atomic"
	"time"

	"tailrace/broker/partition"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// Fetch, key 1, versions 4 to 18.
//
// Behaviour: whole batches from the one that holds the fetch offset, bounded
// by the high watermark or, for read_committed, the last stable offset. The
// first partition with records may exceed the size limits (KIP-74). With less
// than min.bytes the request parks until enough was appended or max.wait.ms is
// over. Sessions (KIP-227) in fetch_session.go. Record bytes never enter the
// process: the reply names spans of files.
//
// Versions: 5 log start offset, 7 sessions, 9 leader epoch, 11 rack, 12
// flexible and diverging epoch, 13 topic ids, 15 replica state as a tag, 16
// node endpoints, 17 directory id, 18 high watermark in the request.
//
// Departures: batches are never cut at the size limit; Kafka's trailing
// partial batch, which clients throw away, is not sent.

// fetchItem is one partition of a fetch.
type fetchItem struct {
	name   string // of the topic; empty when only the id is known
	id     wire.TopicID
	index  int32
	part   *partition.Partition
	read   partition.ReadRequest
	result partition.ReadResult
	waiter partition.FetchWaiter
	code   errcode.Code // decided before reading
	cached *sessionPartition
	send   bool // stands in the answer
}

// fetchState is a fetch from its first read to its answer.
type fetchState struct {
	b *Broker
	q *request

	req     wire.FetchRequest
	w       wire.FetchWriter
	items   []fetchItem
	session sessionUse

	life     lifeState
	arrived  atomic.Int64 // bytes that became readable since the fetch read
	minBytes int64
	total    int
	asked    wire.FetchPartition // the one that is being walked over

	timer    timerEntry
	deadline atomic.Int64
}

func (b *Broker) fetch(q *request) {
	f := &q.fetch
	if err := f.req.Parse(q.hdr.Version, q.body); err != nil {
		q.Fail(&protocolError{"malformed Fetch request: " + err.Error()})
		return
	}
	f.life.begin()
	f.items = f.items[:0]
	if code := b.sessions.open(f); code != errcode.None {
		f.refuse(code)
		return
	}
	f.minBytes = min(int64(f.req.MinBytes), int64(f.req.MaxBytes), int64(b.config.FetchMaxBytes))
	for range parkTries {
		if enough := f.readAll(); enough || f.req.MaxWaitMs <= 0 || b.stopping.Load() {
			f.answer()
			return
		}
		if f.park() {
			return
		}
	}
	f.readAll()
	f.answer()
}

// parkTries bounds how often a fetch reads again because something arrived
// between reading and parking. A fetch of very many busy partitions is then
// answered with less than min.bytes, which the protocol allows.
const parkTries = 8

// refuse answers with a code for the whole request.
func (f *fetchState) refuse(code errcode.Code) {
	q := f.q
	buf := wire.AppendResponseHeader(q.Out.Buf, keyFetch, q.hdr.Version, q.hdr.CorrelationID)
	buf = f.w.Begin(buf, q.hdr.Version, 0, code, 0, 0)
	q.Out.Buf = f.w.End(buf, nil)
	q.Done()
}

// add takes one partition into the fetch. t may be nil.
func (f *fetchState) add(t *topic, name string, id wire.TopicID, p *wire.FetchPartition) *fetchItem {
	if n := len(f.items); n < cap(f.items) {
		f.items = f.items[:n+1]
	} else {
		f.items = append(f.items, fetchItem{})
	}
	it := &f.items[len(f.items)-1]
	it.name, it.id, it.index = name, id, p.Index
	it.part, it.code = t.partition(p.Index)
	if t == nil && f.q.hdr.Version >= 13 {
		it.code = errcode.UnknownTopicID
	}
	it.cached = nil
	it.read = partition.ReadRequest{
		Offset: p.FetchOffset, MaxBytes: int(p.MaxBytes), ReadCommitted: f.req.Isolation == 1,
		CurrentLeaderEpoch: p.CurrentLeaderEpoch, LastFetchedEpoch: p.LastFetchedEpoch,
	}
	return it
}

// readAll reads every partition within the request's bounds and reports
// whether the answer may go: enough bytes, an error, or nothing to wait for. A
// topic that we do not know does not hurry the others (as in Kafka): a client
// that has not heard of a deletion would ask without pause.
func (f *fetchState) readAll() (enough bool) {
	unknown := 0
	left := min(int(f.req.MaxBytes), f.b.config.FetchMaxBytes)
	f.total = 0
	f.arrived.Store(0)
	for i := range f.items {
		it := &f.items[i]
		if it.code != errcode.None {
			it.result = partition.ReadResult{Code: it.code, HighWatermark: -1, LastStable: -1, LogStart: -1}
			if it.code == errcode.UnknownTopicOrPartition || it.code == errcode.UnknownTopicID {
				unknown++
			} else {
				enough = true
			}
			continue
		}
		read := it.read
		read.MinOne = f.total == 0
		read.MaxBytes = max(min(read.MaxBytes, left), 0)
		it.result = it.part.Read(read)
		f.total += it.result.Span.N
		left -= it.result.Span.N
		enough = enough || it.result.Code != errcode.None || it.result.Diverging
	}
	return enough || unknown == len(f.items) || int64(f.total) >= f.minBytes
}

// release gives back the spans of a read whose answer is not sent.
func (f *fetchState) release() {
	for i := range f.items {
		f.items[i].result.Span.Release()
		f.items[i].result.Span.N = 0
		f.items[i].result.Span.Ref = nil
	}
}

// park waits at every partition. What arrives while the waiters are being
// linked counts, because linking compares with what was read: false means that
// something did, and that the fetch must read again.
func (f *fetchState) park() bool {
	have := int64(f.total)
	f.release()
	f.arrived.Store(have)
	for i := range f.items {
		it := &f.items[i]
		if it.part == nil {
			continue // unknown
		}
		if !it.part.ParkFetch(&it.waiter, f, it.result.Visible) {
			f.unpark()
			f.life.begin() // whoever was linked may have been told
			return false
		}
	}
	f.q.ReleaseBody()
	wait := time.Duration(f.req.MaxWaitMs) * time.Millisecond
	f.deadline.Store(int64(time.Since(f.b.wheel.start) + wait))
	f.b.wheel.arm(&f.timer, wait)
	if f.arrived.Load() >= f.minBytes || f.b.stopping.Load() || !f.life.park() {
		f.answerNow()
	}
	return true
}

// Wake implements partition.FetchOwner.
func (f *fetchState) Wake(bytes int) bool {
	return f.arrived.Add(int64(bytes)) >= f.minBytes && f.life.wake()
}

// Ready implements partition.FetchOwner.
func (f *fetchState) Ready() { f.answerNow() }

// timedOut runs on the wheel's goroutine.
func (f *fetchState) timedOut() {
	if int64(time.Since(f.b.wheel.start)) < f.deadline.Load() && !f.b.stopping.Load() {
		return // a late shot at an earlier request of this state
	}
	if f.life.wake() {
		f.answerNow()
	}
}

// answerNow leaves all partitions, reads again and answers.
func (f *fetchState) answerNow() {
	f.b.wheel.disarm(&f.timer)
	f.unpark()
	f.readAll()
	f.answer()
}

func (f *fetchState) unpark() {
	for i := range f.items {
		f.items[i].waiter.Unpark()
	}
}

// answer encodes what was read and completes the request.
func (f *fetchState) answer() {
	q, version := f.q, f.q.hdr.Version
	topics := f.choose()
	buf := wire.AppendResponseHeader(q.Out.Buf, keyFetch, version, q.hdr.CorrelationID)
	q.Out.Buf = f.w.Begin(buf, version, 0, errcode.None, f.session.id, topics)
	for i := 0; i < len(f.items); {
		n, sent := f.topicRun(i)
		if sent > 0 {
			q.Out.Buf = f.w.TopicNamed(q.Out.Buf, f.items[i].name, f.items[i].id, sent)
			for j := i; j < i+n; j++ {
				if f.items[j].send {
					f.encode(&f.items[j])
				}
			}
			q.Out.Buf = f.w.EndTopic(q.Out.Buf)
		}
		i += n
	}
	q.Out.Buf = f.w.End(q.Out.Buf, nil)
	q.Done()
}

// choose marks what the answer holds, everything or, in an incremental
// session, what has news, and counts its topics.
func (f *fetchState) choose() (topics int) {
	for i := range f.items {
		it := &f.items[i]
		it.send = !f.session.incremental || it.news()
	}
	for i := 0; i < len(f.items); {
		n, sent := f.topicRun(i)
		if sent > 0 {
			topics++
		}
		i += n
	}
	return topics
}

// topicRun counts the items from i on that belong to one topic, and those of
// them that are sent.
func (f *fetchState) topicRun(i int) (n, sent int) {
	first := &f.items[i]
	for ; i+n < len(f.items); n++ {
		it := &f.items[i+n]
		if it.id != first.id || it.name != first.name {
			break
		}
		if it.send {
			sent++
		}
	}
	return n, sent
}

// encode writes one partition: its header into the buffer, its records as a
// span behind it.
func (f *fetchState) encode(it *fetchItem) {
	q, r := f.q, &it.result
	out := wire.FetchResult{
		Index: it.index, Code: r.Code, HighWatermark: r.HighWatermark, LastStableOffset: r.LastStable,
		LogStartOffset: r.LogStart, PreferredReplica: -1, RecordsLen: r.Span.N,
	}
	if it.read.ReadCommitted && r.Code == errcode.None {
		out.Aborted = noAborted
	}
	if r.Diverging {
		out.Diverging = &wire.EpochEnd{Epoch: r.DivergingEpoch, EndOffset: r.DivergingEnd}
	}
	if r.Code == errcode.NotLeaderOrFollower || r.Code == errcode.FencedLeaderEpoch {
		out.Leader = f.b.leaderHint(&topic{id: it.id}, it.index, r.Code)
	}
	if it.cached != nil {
		it.cached.sent(r)
	}
	q.Out.Buf = f.w.Partition(q.Out.Buf, &out)
	if r.Span.N > 0 {
		q.Out.AddSpan(r.Span)
		r.Span.Ref, r.Span.N = nil, 0
	}
	q.Out.Buf = f.w.AfterRecords(q.Out.Buf, &out)
}

// noAborted says "none were aborted": no transaction is served yet.
var noAborted = []wire.AbortedTxn{}
