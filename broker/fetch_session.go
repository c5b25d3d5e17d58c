package broker

import (
	"math/rand/v2"
	"sync"
	"time"

	"tailrace/broker/partition"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// Fetch sessions (KIP-227): the broker remembers which partitions a client
// reads and from where, so that a request names only what changed and an
// answer holds only what has news.
//
//	session id, epoch   meaning
//	0, -1               no session: everything is in the request
//	0,  0               make one; the answer carries its id
//	n,  0               drop session n and make a new one
//	n, -1               drop session n, answer in full
//	n,  e               the next request of session n; e must follow

// finalEpoch and initialEpoch are KIP-227's special session epochs.
const (
	finalEpoch   = -1
	initialEpoch = 0
)

// sessionEvictionMs is how long a session must have been unused before one of
// another client may take its slot (Kafka's eviction time).
const sessionEvictionMs = 120_000

type sessionKey struct {
	id    wire.TopicID
	name  string
	index int32
}

// key names a partition as the session's version of the protocol does: a topic
// that was made anew under its old name is the same for a client that speaks
// names and another one for a client that speaks ids.
func (s *fetchSession) key(name string, id wire.TopicID, index int32) sessionKey {
	if s.usesIDs {
		name = ""
	} else {
		id = wire.TopicID{}
	}
	return sessionKey{id, name, index}
}

// sessionPartition is what a session remembers of a partition.
type sessionPartition struct {
	key           sessionKey
	fetch         wire.FetchPartition
	highWatermark wire.Offset // as last sent; -1: never
	logStart      wire.Offset
	gone          bool
}

// sent notes what the client now knows.
func (s *sessionPartition) sent(r *partition.ReadResult) {
	s.highWatermark, s.logStart = r.HighWatermark, r.LogStart
	if r.Code != errcode.None {
		// The next answer must name the partition again, even unchanged.
		s.highWatermark = -1
	}
}

// news reports whether an incremental answer must hold the partition.
func (it *fetchItem) news() bool {
	r := &it.result
	return it.cached == nil || r.Span.N > 0 || r.Code != errcode.None || r.Diverging ||
		r.HighWatermark != it.cached.highWatermark || r.LogStart != it.cached.logStart
}

// fetchSession is one session. Its mutex is held while a request builds its
// items; the answers of one client come in order, so no more is needed.
type fetchSession struct {
	id int32

	mu      sync.Mutex
	epoch   int32 // expected next
	usesIDs bool
	byKey   map[sessionKey]*sessionPartition
	order   []*sessionPartition
	turn    int // where the next answer begins, for fairness

	usedMs int64 // guarded by fetchSessions.mu
}

// sessionUse is a request's part in a session.
type sessionUse struct {
	id          int32
	incremental bool
}

// fetchSessions holds all sessions of the broker.
type fetchSessions struct {
	limit int

	mu   sync.Mutex
	byID map[int32]*fetchSession
}

// open reads the request against its session and fills the items.
func (all *fetchSessions) open(f *fetchState) errcode.Code {
	id, epoch := f.req.SessionID, f.req.SessionEpoch
	f.session = sessionUse{}
	if f.q.hdr.Version < 7 {
		epoch = finalEpoch
	}
	if epoch == finalEpoch || epoch == initialEpoch {
		if id != 0 {
			all.drop(id)
		}
		if epoch == initialEpoch {
			all.create(f)
		} else {
			f.eachRequested(func(t *topic, name string, tid wire.TopicID, p *wire.FetchPartition) {
				f.add(t, name, tid, p)
			})
		}
		return errcode.None
	}
	s := all.use(id)
	if s == nil {
		return errcode.FetchSessionIDNotFound
	}
	return s.next(f)
}

// eachRequested walks the partitions that the request names. The name handed
// out is a lasting string.
func (f *fetchState) eachRequested(fn func(t *topic, name string, id wire.TopicID, p *wire.FetchPartition)) {
	byID := f.q.hdr.Version >= 13
	var t wire.FetchTopic
	for f.req.NextTopic(&t) {
		entry := f.b.topics.find(byID, t.Name, t.ID)
		name, id := lasting(entry, t.Name, t.ID)
		for f.req.NextPartition(&f.asked) {
			fn(entry, name, id, &f.asked)
		}
	}
}

// lasting gives a topic's name and id without copying when the topic is known.
func lasting(entry *topic, name []byte, id wire.TopicID) (string, wire.TopicID) {
	if entry != nil {
		return entry.name, entry.id
	}
	return string(name), id
}

func (all *fetchSessions) drop(id int32) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.byID, id)
}

func (all *fetchSessions) use(id int32) *fetchSession {
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.byID[id]
	if s != nil {
		s.usedMs = time.Now().UnixMilli()
	}
	return s
}

// create starts a session with the request's partitions, if there is a slot;
// without one the client goes on without a session.
func (all *fetchSessions) create(f *fetchState) {
	s := &fetchSession{epoch: 1, usesIDs: f.q.hdr.Version >= 13, byKey: map[sessionKey]*sessionPartition{}}
	f.eachRequested(func(t *topic, name string, id wire.TopicID, p *wire.FetchPartition) {
		it := f.add(t, name, id, p)
		it.cached = s.put(s.key(name, id, p.Index), p)
	})
	if len(s.order) == 0 || !all.admit(s) {
		for i := range f.items {
			f.items[i].cached = nil
		}
		return
	}
	f.session.id = s.id
}

func (s *fetchSession) put(k sessionKey, p *wire.FetchPartition) *sessionPartition {
	sp := s.byKey[k]
	if sp == nil {
		sp = &sessionPartition{key: k, highWatermark: -1, logStart: -1}
		s.byKey[k] = sp
		s.order = append(s.order, sp)
	}
	sp.fetch = *p
	return sp
}

func (all *fetchSessions) admit(s *fetchSession) bool {
	now := time.Now().UnixMilli()
	all.mu.Lock()
	defer all.mu.Unlock()
	if len(all.byID) >= all.limit && !all.evict(now) {
		return false
	}
	for s.id == 0 || all.byID[s.id] != nil {
		s.id = rand.Int32N(1<<31-2) + 1
	}
	s.usedMs = now
	all.byID[s.id] = s
	return true
}

func (all *fetchSessions) evict(nowMs int64) bool {
	var oldest *fetchSession
	for _, s := range all.byID {
		if oldest == nil || s.usedMs < oldest.usedMs {
			oldest = s
		}
	}
	if oldest == nil || nowMs-oldest.usedMs < sessionEvictionMs {
		return false
	}
	delete(all.byID, oldest.id)
	return true
}

// next applies an incremental request and fills the items from the session.
func (s *fetchSession) next(f *fetchState) errcode.Code {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.usesIDs != (f.q.hdr.Version >= 13) {
		return errcode.FetchSessionTopicIDError
	}
	if f.req.SessionEpoch != s.epoch {
		return errcode.InvalidFetchSessionEpoch
	}
	if s.epoch++; s.epoch < 0 {
		s.epoch = 1
	}
	s.update(f)
	f.session = sessionUse{id: s.id, incremental: true}
	for i := range s.order {
		sp := s.order[(s.turn+i)%len(s.order)]
		entry := f.b.topics.find(s.usesIDs, nil, sp.key.id)
		if !s.usesIDs {
			entry = f.b.topics.load().byName[sp.key.name]
		}
		name, id := sp.key.name, sp.key.id
		if entry != nil {
			name, id = entry.name, entry.id
		}
		f.add(entry, name, id, &sp.fetch).cached = sp
	}
	return errcode.None
}

// update takes in what the request changes. The partition that is first is
// moved on with every request, so that a busy one cannot starve the rest; a
// topic's partitions stay together because the answer groups them.
func (s *fetchSession) update(f *fetchState) {
	f.eachRequested(func(_ *topic, name string, id wire.TopicID, p *wire.FetchPartition) {
		s.put(s.key(name, id, p.Index), p)
	})
	forgot := false
	var t wire.ForgottenTopic
	for f.req.NextForgotten(&t) {
		entry := f.b.topics.find(s.usesIDs, t.Name, t.ID)
		name, id := lasting(entry, t.Name, t.ID)
		for i := range t.Partitions.Len() {
			k := s.key(name, id, t.Partitions.At(i))
			if sp := s.byKey[k]; sp != nil {
				sp.gone, forgot = true, true
				delete(s.byKey, k)
			}
		}
	}
	if forgot {
		kept := s.order[:0]
		for _, sp := range s.order {
			if !sp.gone {
				kept = append(kept, sp)
			}
		}
		clear(s.order[len(kept):])
		s.order = kept
	}
	if len(s.order) > 0 {
		s.turn = (s.turn + 1) % len(s.order)
	}
}
