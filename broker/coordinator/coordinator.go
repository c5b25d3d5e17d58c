package coordinator

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf16"

	"tailrace/batch/codec"
	"tailrace/broker/partition"
	"tailrace/netio"
	"tailrace/wire/errcode"
)

// Options is what a Coordinator needs; all fields but Codec must be given.
type Options[E any] struct {
	New    func() Machine[E]
	Tick   E // the event that says that a machine's WakeMs has come
	NowMs  func() int64
	Timer  func(fire func()) Timer
	Codec  codec.ID // of the batches it writes
	Logger *slog.Logger
}

// Coordinator is the shards of one internal topic that this broker leads.
type Coordinator[E any] struct {
	o     Options[E]
	loads chan struct{} // held by those that read their partition

	mu      sync.Mutex // guards changes of shards
	shards  atomic.Pointer[[]*shard[E]]
	stopped bool
}

// loadsAtOnce bounds how many partitions are read beside each other.
const loadsAtOnce = 2

// New makes a Coordinator without shards.
func New[E any](o Options[E]) *Coordinator[E] {
	c := &Coordinator[E]{o: o, loads: make(chan struct{}, loadsAtOnce)}
	c.shards.Store(new([]*shard[E]))
	return c
}

// Partition is the partition of n that a key lies in: Utils.abs(key.hashCode()) % n, as every Kafka has it.
func Partition(key string, n int32) int32 {
	h := int32(0)
	for _, unit := range utf16.Encode([]rune(key)) {
		h = 31*h + int32(unit)
	}
	switch {
	case h == -1<<31:
		h = 0 // it has no positive counterpart
	case h < 0:
		h = -h
	}
	return h % n
}

// Lead makes a shard of a partition that this broker leads and loads it, at once if there is nothing to read.
func (c *Coordinator[E]) Lead(p *partition.Partition) {
	s := &shard[E]{c: c, p: p, open: map[Waiter]struct{}{}, armedMs: never, state: loading}
	s.timer = c.o.Timer(s.wake)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	had := *c.shards.Load()
	list := make([]*shard[E], max(len(had), int(p.Index)+1))
	copy(list, had)
	old := list[p.Index]
	list[p.Index] = s
	c.shards.Store(&list)
	if old != nil {
		old.close()
	}
	s.begin()
}

// Resign ends the shard of a partition, if it has one: its calls get NOT_COORDINATOR. When it returns, nothing of the
// shard is appended any more.
func (c *Coordinator[E]) Resign(p *partition.Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.at(p.Index)
	if s == nil || s.p != p {
		return
	}
	had := *c.shards.Load()
	list := append([]*shard[E](nil), had...)
	list[p.Index] = nil
	c.shards.Store(&list)
	s.close()
}

func (c *Coordinator[E]) at(index int32) *shard[E] {
	list := *c.shards.Load()
	if index < 0 || int(index) >= len(list) {
		return nil
	}
	return list[index]
}

// Submit gives a call to the shard of a partition. w is what the machine's answer to it names. A call that cannot be
// taken is refused before Submit returns.
func (c *Coordinator[E]) Submit(index int32, ev E, w Waiter) {
	code := errcode.NotCoordinator
	if s := c.at(index); s != nil {
		code = s.submit(ev, w)
	}
	if code != errcode.None {
		var out netio.Batch
		w.Refuse(code, &out)
		out.Flush()
	}
}

// Announce gives an event that nobody waits for to every shard. A shard that loads gets it afterwards. It may happen
// twice: one whose records could not be written happens again when the shard is loaded anew.
func (c *Coordinator[E]) Announce(ev E) {
	for _, s := range *c.shards.Load() {
		if s != nil {
			_ = s.submit(ev, nil)
		}
	}
}

// Led lists the partitions that have a shard.
func (c *Coordinator[E]) Led() []int32 {
	var list []int32
	for i, s := range *c.shards.Load() {
		if s != nil {
			list = append(list, int32(i))
		}
	}
	return list
}

// Stop ends all shards. Calls that wait for an event are refused with NOT_COORDINATOR; those whose records are on their
// way to the disk are answered when they have arrived. Nothing is appended any more when it returns.
func (c *Coordinator[E]) Stop() {
	c.mu.Lock()
	c.stopped = true
	list := *c.shards.Load()
	c.mu.Unlock()
	for _, s := range list {
		if s != nil {
			s.shut() // all of them first: one may wait for another's load
		}
	}
	for _, s := range list {
		if s != nil {
			s.close()
		}
	}
}

// The waits before a shard that has failed is loaded again.
const (
	retryFirst = 100 * time.Millisecond
	retryMost  = 5 * time.Second
)
